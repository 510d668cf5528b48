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
from cxr_core.model.gradcam import signed_evidence_of_films
from cxr_core.model.head import require_finite
from cxr_core.model.network import ChestNetwork
from cxr_core.training.dataset import FilmDataset, rows_and_labels
from cxr_core.training.distributed import Distributed
from cxr_core.training.trainer import SINGLE_PROCESS

BATCH_NORM_FILMS = 32  # of training; a norm counts every place of every map, 1,568 at the least


# A copy of a network that has learnt nothing: the check on whether its maps show what it learnt.
#
# Adebayo et al. (Sanity Checks for Saliency Maps, NeurIPS 2018): a map that stays as good when the
# weights are made random shows the film, or the architecture, and not the model.


def randomized_copy(
    model: ChestNetwork, films: FilmDataset, *, preprocessing: Preprocessing, seed: int
) -> ChestNetwork:
    """The network with every learnt tensor's numbers in another order.

    Each tensor (convolutions, the norms' scales and shifts, the classifier) keeps its values, so
    that sizes stay as they were and only what was learnt is lost. The norms' running statistics
    would not fit any more; they are measured anew on the first 32 training films.

    Args:
        model: left as it is.

    Returns:
        A network in evaluation mode, frozen; the same for the same weights, films and seed.
    """
    randomized = copy.deepcopy(model).requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for tensor in randomized.parameters():
        order = torch.randperm(tensor.numel(), generator=generator)
        tensor.copy_(tensor.flatten()[order].view_as(tensor))
    _recompute_batch_norm(randomized, films, preprocessing)
    return randomized.eval()


def _recompute_batch_norm(
    model: ChestNetwork, films: FilmDataset, preprocessing: Preprocessing
) -> None:
    """Set the running statistics to those of one batch of training films."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # a plain mean, here of the one batch
    rows, labels = rows_and_labels(films.subset("train").head(BATCH_NORM_FILMS))
    loader = BatchLoader(
        films.cache.images,
        labels,
        rows=rows,
        preprocessing=preprocessing,
        batch_size=BATCH_NORM_FILMS,
    )
    model.train()
    with torch.inference_mode():
        for batch in loader:
            model.forward_features(batch.images)


@dataclass(frozen=True)
class InferenceOutput:
    """Logits and evidence of some films.

    Attributes:
        table: the films' rows of ``FilmDataset.table``.
        labels: float32 (N, 4).
        logits: float32 (N, 4), raw.
        evidence: float32 (N, 4, h, w), signed Grad-CAM, logit units.
    """

    table: pd.DataFrame
    labels: NDArray[np.float32]
    logits: NDArray[np.float32]
    evidence: NDArray[np.float32]


def infer_split(
    model: ChestNetwork,
    films: FilmDataset,
    split: str,
    *,
    preprocessing: Preprocessing,
    distributed: Distributed = SINGLE_PROCESS,
    progress: bool = False,
) -> InferenceOutput:
    """Read the films of one part in float32, without augmentation, as ``analyze`` would.

    Each process of the team reads every so many-th batch; all get the whole.
    """
    return infer_films(
        model,
        films,
        films.subset(split),
        preprocessing=preprocessing,
        distributed=distributed,
        progress=progress,
        description=split,
    )


def infer_films(
    model: ChestNetwork,
    films: FilmDataset,
    table: pd.DataFrame,
    *,
    preprocessing: Preprocessing,
    distributed: Distributed = SINGLE_PROCESS,
    progress: bool = False,
    description: str = "films",
) -> InferenceOutput:
    """``infer_split`` for any rows of ``films.table``, with the progress bar's description."""
    rows, labels = rows_and_labels(table)
    loader = BatchLoader(films.cache.images, labels, rows=rows, preprocessing=preprocessing)
    own_batches = range(distributed.rank, len(loader), distributed.world_size)
    read: dict[int, tuple[NDArray[np.float32], NDArray[np.float32]]] = {}
    bar = tqdm(own_batches, desc=f"reading {description}", disable=not progress, leave=False)
    with torch.inference_mode():
        for number, batch in zip(bar, loader.batches(own_batches), strict=True):
            features = model.forward_features(batch.images)  # (B, C, h, w)
            logits = require_finite(model.forward_head(features).numpy())  # (B, 4)
            maps = signed_evidence_of_films(features, model.classifier)
            read[number] = (logits, maps)  # (B, 4), (B, 4, h, w)
    all_logits, all_maps = zip(*distributed.all_gather_batches(read), strict=True)
    return InferenceOutput(table, labels, np.concatenate(all_logits), np.concatenate(all_maps))
