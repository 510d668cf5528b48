"""What the stored model says of a part of the films: logits and evidence, as when served."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from cxr_core.config import Preprocessing
from cxr_core.data.loader import BatchLoader
from cxr_core.model.densenet import ChestDenseNet
from cxr_core.model.evidence import signed_evidence
from cxr_core.training.films import Films, rows_and_labels
from cxr_core.training.team import Team
from cxr_core.training.trainer import ALONE


@dataclass(frozen=True)
class Readings:
    """Logits and evidence of some films.

    Attributes:
        table: the films' rows of ``Films.table``.
        labels: float32 (N, 4).
        logits: float32 (N, 4), raw.
        evidence: float32 (N, 4, h, w), signed Grad-CAM, logit units.
    """

    table: pd.DataFrame
    labels: NDArray[np.float32]
    logits: NDArray[np.float32]
    evidence: NDArray[np.float32]


def read_part(
    model: ChestDenseNet,
    films: Films,
    part: str,
    *,
    preprocessing: Preprocessing,
    team: Team = ALONE,
    progress: bool = False,
) -> Readings:
    """Read the films of one part in float32, without augmentation, as ``analyze`` would.

    Each process of the team reads every so many-th batch; all get the whole.
    """
    return read_table(
        model,
        films,
        films.part(part),
        preprocessing=preprocessing,
        team=team,
        progress=progress,
        name=part,
    )


def read_table(
    model: ChestDenseNet,
    films: Films,
    table: pd.DataFrame,
    *,
    preprocessing: Preprocessing,
    team: Team = ALONE,
    progress: bool = False,
    name: str = "films",
) -> Readings:
    """``read_part`` for any rows of ``films.table``; ``name`` stands beside the progress bar."""
    rows, labels = rows_and_labels(table)
    loader = BatchLoader(films.cache.images, labels, rows=rows, preprocessing=preprocessing)
    mine = range(team.rank, len(loader), team.size)
    read: dict[int, tuple[NDArray[np.float32], NDArray[np.float32]]] = {}
    bar = tqdm(mine, desc=f"reading {name}", disable=not progress, leave=False)
    with torch.inference_mode():
        for number, batch in zip(bar, loader.batches(mine), strict=True):
            features = model.forward_features(batch.images)  # (B, 1024, h, w)
            logits = model.forward_head(features).numpy()  # (B, 4)
            maps = [signed_evidence(film[None], model.classifier) for film in features]
            read[number] = (logits, np.stack(maps))  # (B, 4), (B, 4, h, w)
    everybody = {number: pair for part_ in team.gather(read) for number, pair in part_.items()}
    pairs = [everybody[number] for number in range(len(loader))]
    return Readings(
        table,
        labels,
        np.concatenate([logits for logits, _ in pairs]),
        np.concatenate([maps for _, maps in pairs]),
    )
