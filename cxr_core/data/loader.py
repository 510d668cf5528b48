"""Cached films -> batches for training and evaluation."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from cxr_core.config import Preprocessing
from cxr_core.data.augmentation import Augmentation, AugmentationParams
from cxr_core.data.boxes import BoxMasks, FilmBoxes
from cxr_core.errors import ConfigError
from cxr_core.imaging.preprocessing import normalise_tensor


class Batch(NamedTuple):
    """What one process gets of one batch.

    Attributes:
        images: float32 (B, 3, S, S), normalised.
        labels: float32 (B, K) of 0 and 1.
        box_masks: the boxes on these films; None when the loader knows none.
        indices: int64 (B,), places in the loader's list, to name the films by.
        batch_fraction: this process's films as a fraction of the whole batch, so that the shares
            of all processes add up to 1.
    """

    images: Tensor
    labels: Tensor
    box_masks: BoxMasks | None
    indices: NDArray[np.intp]
    batch_fraction: float


class Redraw(NamedTuple):
    """Films of a list that are many, and of which each epoch serves another draw.

    Attributes:
        optional: bool (M,), the films that are drawn from.
        n_drawn: how many of them an epoch serves.
    """

    optional: NDArray[np.bool_]
    n_drawn: int


class BatchLoader:
    """Batches of normalised films with their labels.

    The films come decoded from a memory-mapped cache, so there is nothing for worker processes
    to do: a batch is one gather and one resampling, a few milliseconds beside a training step.
    The order of an epoch depends only on the seed and the epoch's number, and what happens to a
    batch only on these and the batch's number. So a resumed run continues as if it had never
    stopped, at any batch, and several processes read what one would have read.

    Example:
        >>> loader = BatchLoader(cache.images, labels, preprocessing=Preprocessing())
        >>> for batch in loader: model(batch.images)
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
        redraw: Sequence[Redraw] = (),
        augmentation: Augmentation | None = None,
        boxes: FilmBoxes | None = None,
        seed: int = 0,
        device: torch.device | str = "cpu",
        shard: tuple[int, int] = (0, 1),
    ) -> None:
        """Prepare to serve films.

        Args:
            films: uint8 (N, P, P), usually the cache's memory map.
            labels: (M, K) of 0 and 1, for the films at ``rows``.
            preprocessing: S is its size; films of another side are resampled with antialiasing.
            rows: (M,) which films to serve, default all.
            batch_size: films a batch, over all processes.
            shuffle: another order each epoch.
            weights: (M,) chances to be drawn, with replacement; excludes ``shuffle``'s order.
            redraw: groups of films of which only some are served in an epoch, others each time;
                no film is in two of them.
            augmentation: applied to gray values before normalisation; None for evaluation.
            boxes: of the M films; they move with the films.
            shard: this process's number and how many there are; each gets every so many-th film
                of a batch.

        Raises:
            ConfigError: sizes that do not agree, or an empty selection.
        """
        self.films = films
        self.labels = torch.as_tensor(np.asarray(labels, dtype=np.float32))  # (M, K)
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
        self.redraw = tuple(redraw)
        self.augmentation = augmentation
        self.boxes = boxes
        self.seed = seed
        self.device = torch.device(device)
        self.shard = shard
        self.epoch, self.start_batch = 0, 0

    def __len__(self) -> int:
        """Batches in an epoch; the last one may be smaller."""
        return math.ceil(self.n_films / self.batch_size)

    @property
    def n_films(self) -> int:
        """Films in an epoch."""
        left_out = sum(int(one.optional.sum()) - int(one.n_drawn) for one in self.redraw)
        return len(self.rows) - left_out

    def set_epoch(self, epoch: int, *, start_batch: int = 0) -> None:
        """Choose the epoch of the next iteration, and its first batch, which counts from 0."""
        self.epoch, self.start_batch = epoch, start_batch

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches of the chosen epoch, from the chosen one on, on ``device``."""
        return self.batches(range(self.start_batch, len(self)))

    def batches(self, numbers: Iterable[int]) -> Iterator[Batch]:
        """Yield some of the batches of the chosen epoch by their numbers, which count from 0."""
        order = self._order()  # (M,)
        for number in numbers:
            yield self._batch(self._slice(order, number), number)

    def batch_indices(self, number: int) -> NDArray[np.intp]:
        """Places in the list of the films of a whole batch of the chosen epoch, all processes'."""
        places: NDArray[np.intp] = self._slice(self._order(), number).numpy()
        return places

    def _slice(self, order: Tensor, number: int) -> Tensor:
        return order[number * self.batch_size : (number + 1) * self.batch_size]  # (B,)

    def _order(self) -> Tensor:
        generator = _generator(self.seed, self.epoch)
        if self.weights is not None:
            return torch.multinomial(
                self.weights, len(self.rows), replacement=True, generator=generator
            )
        served = torch.arange(len(self.rows))
        always = torch.ones(len(served), dtype=torch.bool)
        chosen = []
        for one in self.redraw:
            optional = torch.from_numpy(one.optional)
            drawn = torch.randperm(int(optional.sum()), generator=generator)[: one.n_drawn]
            chosen.append(served[optional][drawn])
            always &= ~optional
        served = torch.cat([served[always], *chosen])
        if self.shuffle:
            return served[torch.randperm(len(served), generator=generator)]
        return served

    def _batch(self, whole: Tensor, number: int) -> Batch:
        """This process's part of the ``whole`` batch, (B,) places in the list."""
        rank, processes = self.shard
        own = torch.arange(rank, len(whole), processes)
        share = len(own) / len(whole)
        if len(own) == 0:
            # The last batch can have fewer films than there are processes. One without a film
            # reads its neighbour's, at no weight, so that all take the step together.
            own, share = torch.tensor([0]), 0.0
        places = whole[own].numpy()  # (B,)
        changes: AugmentationParams | None = None
        if self.augmentation is not None:
            generator = _generator(self.seed, self.epoch, number)
            changes = self.augmentation.sample(len(whole), generator).select(own)
        films = torch.from_numpy(self.films[self.rows[places]])  # (B, P, P) uint8
        images = self._images(films.to(self.device), changes)  # (B, 3, S, S)
        labels = self.labels[places].to(self.device)  # (B, K)
        return Batch(images, labels, self._box_masks(places, changes), places, share)

    def _images(self, films: Tensor, changes: AugmentationParams | None) -> Tensor:
        size = self.preprocessing.size
        if changes is None and films.shape[-1] == size:
            return normalise_tensor(films, self.preprocessing)  # (B, 3, S, S)
        gray = films.unsqueeze(1).float() / 255  # (B, 1, P, P)
        if gray.shape[-1] != size:
            gray = functional.interpolate(
                gray, (size, size), mode="bilinear", antialias=True, align_corners=False
            )  # (B, 1, S, S)
        if changes is not None:
            gray = changes.adjust_intensity(changes.blur(changes.warp(gray)))  # (B, 1, S, S)
        # uint8 again, so that a film meets the network as it will when it is served.
        return normalise_tensor((gray * 255).round().to(torch.uint8).squeeze(1), self.preprocessing)

    def _box_masks(
        self, places: NDArray[np.intp], changes: AugmentationParams | None
    ) -> BoxMasks | None:
        if self.boxes is None:
            return None
        regions = self.boxes.masks_of(places)
        maps = regions.masks.to(self.device)  # (P, M, M)
        if changes is not None and len(maps):
            maps = changes.select(regions.film_index).warp(maps.unsqueeze(1)).squeeze(1)
        return BoxMasks(
            regions.film_index.to(self.device), regions.label_index.to(self.device), maps
        )


def _generator(*numbers: int) -> torch.Generator:
    """A generator that these numbers, and how many they are, decide."""
    state = np.random.SeedSequence((len(numbers), *numbers)).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state) >> 1)  # manual_seed takes 63 bits
