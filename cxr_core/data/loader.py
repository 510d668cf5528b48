"""Cached films -> batches for training and evaluation."""

import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from cxr_core.config import Preprocessing
from cxr_core.data.augmentation import Augmentation
from cxr_core.errors import ConfigError
from cxr_core.imaging.preprocessing import normalise


class BatchLoader:
    """Batches of (B, 3, S, S) float32 normalised images and (B, 4) float32 labels.

    The films come decoded from a memory-mapped cache, so there is nothing for worker processes
    to do: a batch is one gather and one resampling, a few milliseconds beside a training step.
    The order and the augmentation of an epoch depend only on ``seed`` and the epoch's number,
    which is what lets a resumed run continue as if it had never stopped.

    Example:
        >>> loader = BatchLoader(cache.images, labels, preprocessing=Preprocessing())
        >>> for images, labels in loader: ...
    """

    def __init__(
        self,
        films: NDArray[np.uint8],
        labels: NDArray[np.float32],
        *,
        preprocessing: Preprocessing,
        rows: NDArray[np.intp] | None = None,
        batch_size: int = 32,
        shuffle: bool = False,
        weights: NDArray[np.float64] | None = None,
        augmentation: Augmentation | None = None,
        seed: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        """Prepare to serve films.

        Args:
            films: uint8 (N, P, P), usually the cache's memory map.
            labels: (M, 4) of 0 and 1, for the films at ``rows``.
            preprocessing: S is its size; films of another side are resampled with antialiasing.
            rows: (M,) which films to serve, default all.
            shuffle: another order each epoch.
            weights: (M,) chances to be drawn, with replacement; excludes ``shuffle``'s order.
            augmentation: applied to gray values before normalisation; None for evaluation.

        Raises:
            ConfigError: sizes that do not agree, or an empty selection.
        """
        self.films = films
        self.labels = torch.as_tensor(np.asarray(labels, dtype=np.float32))  # (M, 4)
        self.rows = np.arange(len(films)) if rows is None else np.asarray(rows)  # (M,)
        if len(self.rows) != len(self.labels) or len(self.rows) == 0:
            raise ConfigError(
                "The loader needs one row of labels for each film, and at least one film",
                value=f"{len(self.rows)} films, {len(self.labels)} rows of labels",
                remedy="Pass labels for the selected films only.",
            )
        self.preprocessing = preprocessing
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.weights = None if weights is None else torch.as_tensor(weights, dtype=torch.float64)
        self.augmentation = augmentation
        self.seed = seed
        self.device = torch.device(device)
        self.epoch = 0

    def __len__(self) -> int:
        """Batches in an epoch; the last one may be smaller."""
        return math.ceil(len(self.rows) / self.batch_size)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order and augmentation the next iteration has."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (B, 3, S, S) images and (B, 4) labels on ``device``."""
        generator = torch.Generator().manual_seed(1_000_003 * self.seed + self.epoch)
        order = self._order(generator)  # (M,)
        for start in range(0, len(order), self.batch_size):
            chosen = order[start : start + self.batch_size]  # (B,)
            films = torch.from_numpy(self.films[self.rows[chosen.numpy()]])  # (B, P, P) uint8
            labels = self.labels[chosen].to(self.device)  # (B, 4)
            yield self._images(films.to(self.device), generator), labels

    def _order(self, generator: torch.Generator) -> Tensor:
        if self.weights is not None:
            return torch.multinomial(
                self.weights, len(self.rows), replacement=True, generator=generator
            )
        if self.shuffle:
            return torch.randperm(len(self.rows), generator=generator)
        return torch.arange(len(self.rows))

    def _images(self, films: Tensor, generator: torch.Generator) -> Tensor:
        size = self.preprocessing.size
        if self.augmentation is None and films.shape[-1] == size:
            return normalise(films, self.preprocessing)  # (B, 3, S, S)
        gray = films.unsqueeze(1).float() / 255  # (B, 1, P, P)
        if gray.shape[-1] != size:
            gray = functional.interpolate(
                gray, (size, size), mode="bilinear", antialias=True, align_corners=False
            )  # (B, 1, S, S)
        if self.augmentation is not None:
            gray = self.augmentation(gray, generator)  # (B, 1, S, S)
        # uint8 again, so that a film meets the network as it will when it is served.
        return normalise((gray * 255).round().to(torch.uint8).squeeze(1), self.preprocessing)
