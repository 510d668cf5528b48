"""The batch loader: shapes, order, what a seed and an epoch decide, and the served tensor."""

import numpy as np
import pytest
import torch

from cxr_core.config import Preprocessing
from cxr_core.data.augmentation import Augmentation
from cxr_core.data.loader import BatchLoader
from cxr_core.errors import ConfigError
from cxr_core.imaging.preprocessing import normalise

PREPROCESSING = Preprocessing(224)


@pytest.fixture(scope="module")
def films() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (10, 224, 224), dtype=np.uint8)


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    return np.array([[i % 2, i // 5, 1, 0] for i in range(10)], dtype=np.float32)  # (10, 4)


def test_shapes_types_and_every_film_once(films: np.ndarray, labels: np.ndarray) -> None:
    loader = BatchLoader(films, labels, preprocessing=PREPROCESSING, batch_size=4)
    batches = list(loader)
    assert [tuple(images.shape) for images, _ in batches] == [
        (4, 3, 224, 224),
        (4, 3, 224, 224),
        (2, 3, 224, 224),
    ]
    assert len(loader) == 3
    assert all(images.dtype == torch.float32 for images, _ in batches)
    torch.testing.assert_close(torch.cat([y for _, y in batches]), torch.from_numpy(labels))
    expected = normalise(torch.from_numpy(films), PREPROCESSING)
    assert torch.equal(torch.cat([images for images, _ in batches]), expected)


def test_rows_choose_films_and_labels_go_with_them(films: np.ndarray, labels: np.ndarray) -> None:
    rows = np.array([7, 2])
    ((images, got),) = BatchLoader(films, labels[rows], rows=rows, preprocessing=PREPROCESSING)
    assert torch.equal(images, normalise(torch.from_numpy(films[rows]), PREPROCESSING))
    np.testing.assert_array_equal(got.numpy(), labels[rows])


def test_shuffle_follows_seed_and_epoch_and_keeps_pairs(
    films: np.ndarray, labels: np.ndarray
) -> None:
    number = np.repeat(np.arange(10, dtype=np.float32)[:, None], 4, axis=1)  # label = film number

    def order(seed: int, epoch: int) -> list[int]:
        loader = BatchLoader(films, number, preprocessing=PREPROCESSING, shuffle=True, seed=seed)
        loader.set_epoch(epoch)
        ((images, got),) = loader
        rows = got[:, 0].long()
        assert torch.equal(images, normalise(torch.from_numpy(films), PREPROCESSING)[rows])
        return rows.tolist()

    assert order(0, 0) == order(0, 0)
    assert order(0, 0) != order(0, 1)
    assert order(0, 0) != order(1, 0)
    assert sorted(order(0, 3)) == list(range(10))


def test_weights_of_zero_are_never_drawn(films: np.ndarray) -> None:
    number = np.repeat(np.arange(10, dtype=np.float32)[:, None], 4, axis=1)
    weights = np.array([0, 0, 0, 1, 1, 0, 0, 0, 0, 0], dtype=np.float64)
    loader = BatchLoader(films, number, preprocessing=PREPROCESSING, weights=weights)
    ((_, got),) = loader
    assert set(got[:, 0].tolist()) == {3.0, 4.0}
    assert len(got) == 10


def test_augmentation_changes_films_by_epoch_but_repeats_with_the_seed(
    films: np.ndarray, labels: np.ndarray
) -> None:
    loader = BatchLoader(
        films, labels, preprocessing=PREPROCESSING, augmentation=Augmentation(turn=9), seed=3
    )
    ((first, _),) = loader
    ((again, _),) = loader
    loader.set_epoch(1)
    ((later, _),) = loader
    assert torch.equal(first, again)
    assert not torch.equal(first, later)


def test_a_smaller_side_is_antialiased(labels: np.ndarray) -> None:
    checker = np.indices((224, 224)).sum(axis=0) % 2 * np.uint8(255)  # alternating pixels
    films = np.repeat(checker[None].astype(np.uint8), 10, axis=0)
    small = Preprocessing(96, (0.5,) * 3, (0.5,) * 3)
    images, _ = next(iter(BatchLoader(films, labels, preprocessing=small)))
    assert images.shape == (10, 3, 96, 96)
    assert images.abs().max() < 0.4  # near the mean gray; without antialiasing it reaches 1


def test_labels_that_do_not_fit_are_refused(films: np.ndarray, labels: np.ndarray) -> None:
    with pytest.raises(ConfigError, match="10 films, 9 rows of labels"):
        BatchLoader(films, labels[:9], preprocessing=PREPROCESSING)
    with pytest.raises(ConfigError, match="at least one film"):
        BatchLoader(films[:0], labels[:0], preprocessing=PREPROCESSING)
