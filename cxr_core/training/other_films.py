"""Films of other hospitals, read by a finished model: nothing is learnt from their labels."""

import logging
from pathlib import Path

import pandas as pd
import torch
from tqdm import tqdm

from cxr_core.data.csv_files import find_columns, first_few, read_columns, read_header
from cxr_core.data.images import find_images
from cxr_core.errors import DataError, ImageError
from cxr_core.findings import KEYS
from cxr_core.imaging.preprocessing import preprocess
from cxr_core.imaging.radiograph import read_radiograph
from cxr_core.model.checkpoint import load_checkpoint

FRONTAL = "frontal"
logger = logging.getLogger(__name__)


def read_other_hospitals(path: Path, folder: Path, *, progress: bool = False) -> pd.DataFrame:
    """Read the frontal films that a table names with the model in ``folder``.

    Args:
        path: CSV with ``image`` (a file below the table's own folder), ``source`` and ``label``;
            with ``view``, only rows that say ``frontal`` are read.
        folder: of the model.

    Returns:
        DataFrame ``image, source, label, logit_…``, one row a film; films that cannot be decoded
        are left out with a warning.

    Raises:
        DataError: the table cannot be used, or no film of it is there.
    """
    required = ("image", "source", "label")
    aliases = {name: (name,) for name in (*required, "view")}
    table = read_columns(path, find_columns(path, read_header(path), aliases, required=required))
    if "view" in table:
        table = table[table["view"].str.casefold() == FRONTAL]
    table = table[table["label"] != ""].reset_index(drop=True)
    files = find_images(path.parent).paths
    found = table["image"].map(lambda name: files.get(Path(str(name)).name))
    if table.empty or not found.notna().any():
        raise DataError(
            "None of the other hospitals' films is below the table's folder",
            value=f"{path}, which names {first_few(table['image'].head(3)) or 'no frontal film'}",
            remedy="Put the table beside the folders of its films.",
        )
    checkpoint = load_checkpoint(folder)
    rows = []
    kept = table[found.notna()].assign(path=found[found.notna()])
    for film in tqdm(
        kept.itertuples(), desc="reading other films", total=len(kept), disable=not progress
    ):
        try:
            pixels = read_radiograph(Path(str(film.path)).read_bytes()).pixels  # (H, W)
        except ImageError as error:
            logger.warning("%s was left out: %s", film.image, error)
            continue
        with torch.inference_mode():
            images = preprocess(pixels, checkpoint.metadata.preprocessing)  # (1, 3, S, S)
            scores = checkpoint.model(torch.from_numpy(images))[0].tolist()  # 4
        logits = {f"logit_{key}": score for key, score in zip(KEYS, scores, strict=True)}
        rows.append({"image": film.image, "source": film.source, "label": film.label, **logits})
    return pd.DataFrame(rows)
