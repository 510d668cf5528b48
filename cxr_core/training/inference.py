"""What the stored model says of a part of the films: logits and evidence, as when served."""

import copy
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn
from tqdm import tqdm

from cxr_core.config import Preprocessing
from cxr_core.data.loader import BatchLoader
from cxr_core.model.densenet import ChestDenseNet
from cxr_core.model.gradcam import signed_evidence
from cxr_core.training.dataset import Films, rows_and_labels
from cxr_core.training.distributed import Team
from cxr_core.training.trainer import ALONE

STATISTICS_FILMS = 32  # of training; a norm counts every place of every map, 1,568 at the least


# A copy of a network that has learnt nothing: the check on whether its maps show what it learnt.
#
# Adebayo et al. (Sanity Checks for Saliency Maps, NeurIPS 2018): a map that stays as good when the
# weights are made random shows the film, or the architecture, and not the model.


def shuffled_copy(
    model: ChestDenseNet, films: Films, *, preprocessing: Preprocessing, seed: int
) -> ChestDenseNet:
    """The network with every learnt tensor's numbers in another order.

    Each tensor (convolutions, the norms' scales and shifts, the classifier) keeps its values, so
    that sizes stay as they were and only what was learnt is lost. The norms' running statistics
    would not fit any more; they are measured anew on the first 32 training films.

    Args:
        model: left as it is.

    Returns:
        A network in evaluation mode, frozen; the same for the same weights, films and seed.
    """
    shuffled = copy.deepcopy(model).requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for tensor in shuffled.parameters():
        order = torch.randperm(tensor.numel(), generator=generator)
        tensor.copy_(tensor.flatten()[order].view_as(tensor))
    _measure_norms(shuffled, films, preprocessing)
    return shuffled.eval()


def _measure_norms(model: ChestDenseNet, films: Films, preprocessing: Preprocessing) -> None:
    """Set the running statistics to those of one batch of training films."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # a plain mean, here of the one batch
    rows, labels = rows_and_labels(films.part("train").head(STATISTICS_FILMS))
    loader = BatchLoader(
        films.cache.images,
        labels,
        rows=rows,
        preprocessing=preprocessing,
        batch_size=STATISTICS_FILMS,
    )
    model.train()
    with torch.inference_mode():
        for batch in loader:
            model.forward_features(batch.images)


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
