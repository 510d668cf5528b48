"""Pictures of other sources for the input gate: a table ``image, view`` and the files beside it."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxr_core.data.csv_files import (
    find_columns,
    first_few,
    normalise_image_names,
    read_columns,
    read_header,
)
from cxr_core.data.decode import decode_film
from cxr_core.data.images import find_images
from cxr_core.errors import DataError
from cxr_core.imaging.gate import GATE_SIDE, LATERAL, NO_FILM, UPRIGHT

_VIEWS = {
    **dict.fromkeys(("frontal", "pa", "ap"), UPRIGHT),
    **dict.fromkeys(("lateral", "ll", "rl", "lat"), LATERAL),
}
_ALIASES = {
    "image": ("image", "Image Index", "file"),
    "view": ("view", "View Position"),
    "source": ("source",),
    "licence": ("licence", "license"),
    "patient": ("patient", "Patient ID"),
}
logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class GateFilms:
    """M pictures of other sources that the gate may learn from.

    Attributes:
        squares: uint8 (M, 224, 224), whole pictures.
        kinds: (M,) ``upright``, ``lateral`` or ``no film``.
        sources: (M,) the hospital or collection; a group with its own cap on stopped films.
        patients: (M,) whose picture each is, unique over all sources.
    """

    squares: NDArray[np.uint8]
    kinds: NDArray[np.str_]
    sources: NDArray[np.str_]
    patients: NDArray[np.str_]

    def of_kind(self, *kinds: str) -> "GateFilms":
        """Those of some kinds, in order."""
        chosen = np.isin(self.kinds, kinds)
        return GateFilms(
            self.squares[chosen], self.kinds[chosen], self.sources[chosen], self.patients[chosen]
        )


def view_kind(view: str) -> str:
    """The gate's kind of a view's name in a table."""
    return _VIEWS.get(view.strip().casefold(), NO_FILM)


def read_gate_films(path: Path) -> GateFilms:
    """Read a table of further pictures, and the files that lie beside it at any depth.

    Frontal views (frontal, PA, AP) are films that must pass, lateral ones (lateral, LL, RL) a kind
    of their own, and all others are no films. What its licence keeps from commercial use ("NC") is
    left out: a gate that learnt from it could not be given on freely.

    Args:
        path: CSV with the columns ``image`` and ``view`` and, if there, ``source``, ``licence``
            and ``patient``; without a patient each picture is its own.

    Raises:
        DataError: the table cannot be read, names no picture that may be used, or names pictures
            that are not there or cannot be decoded.
    """
    header = read_header(path)
    table = read_columns(path, find_columns(path, header, _ALIASES, required=("image", "view")))
    for column in ("source", "licence", "patient"):
        if column not in table:
            table[column] = ""
    table["image"] = normalise_image_names(table["image"])
    table = _free_to_use(table).drop_duplicates("image").reset_index(drop=True)
    if table.empty:
        raise DataError(
            "The table of gate films names no picture that may be used",
            value=path,
            remedy="Give pictures whose licence allows it, or leave --gate-films out.",
        )
    files = find_images(path.parent).paths
    absent = [name for name in table["image"] if name not in files]
    if absent:
        raise DataError(
            "Gate films are missing",
            value=f"{first_few(absent)}, below {path.parent}",
            remedy="Put the pictures into folders beside the table, or take them out of it.",
        )
    return GateFilms(
        squares=np.stack([_decode(Path(files[name])) for name in table["image"]]),
        kinds=np.array([view_kind(view) for view in table["view"]]),
        sources=table["source"].to_numpy(dtype=str),
        patients=(
            table["source"] + "/" + table["patient"].where(table["patient"] != "", table["image"])
        ).to_numpy(dtype=str),
    )


def _free_to_use(table: pd.DataFrame) -> pd.DataFrame:
    non_commercial = table["licence"].str.contains(r"\bNC\b", regex=True)
    if non_commercial.any():
        logger.info(
            "%d of %d gate films are left out of the fit: their licence is non-commercial (NC).",
            *(int(non_commercial.sum()), len(table)),
        )
    return table[~non_commercial]


def _decode(path: Path) -> NDArray[np.uint8]:
    """The square (224, 224) of one file."""
    square = decode_film(path, GATE_SIDE)
    if isinstance(square, str):
        raise DataError(
            "A gate film cannot be decoded",
            value=f"{path.name}: {square.rstrip('.')}",
            remedy="Replace it, or take it out of the table.",
        )
    return square
