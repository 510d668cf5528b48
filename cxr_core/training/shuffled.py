"""A copy of a network that has learnt nothing: the check on whether its maps show what it learnt.

Adebayo et al. (Sanity Checks for Saliency Maps, NeurIPS 2018): a map that stays as good when the
weights are made random shows the film, or the architecture, and not the model.
"""

import copy

import torch
from torch import nn

from cxr_core.config import Preprocessing
from cxr_core.data.loader import BatchLoader
from cxr_core.model.densenet import ChestDenseNet
from cxr_core.training.films import Films, rows_and_labels

STATISTICS_FILMS = 32  # of training; a norm counts every place of every map, 1,568 at the least


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
