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
    progress: bool = False,
) -> Readings:
    """Read the films of one part in float32, without augmentation, as ``analyze`` would."""
    table = films.part(part)
    rows, labels = rows_and_labels(table)
    loader = BatchLoader(films.cache.images, labels, rows=rows, preprocessing=preprocessing)
    logits: list[NDArray[np.float32]] = []
    evidence: list[NDArray[np.float32]] = []
    with torch.inference_mode():
        for images, _ in tqdm(loader, desc=f"reading {part}", disable=not progress, leave=False):
            features = model.forward_features(images)  # (B, 1024, h, w)
            logits.append(model.forward_head(features).numpy())  # (B, 4)
            maps = [signed_evidence(film[None], model.classifier) for film in features]
            evidence.append(np.stack(maps))  # (B, 4, h, w)
    return Readings(table, labels, np.concatenate(logits), np.concatenate(evidence))
