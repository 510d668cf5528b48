"""The batch loader: shapes, order, what a seed and an epoch decide, and the served tensor."""

import numpy as np
import pytest
import torch

from cxr_core.config import Preprocessing
from cxr_core.data.augmentation import Augmentation
from cxr_core.data.loader import BatchLoader
from cxr_core.errors import ConfigError
from cxr_core.imaging.preprocessing import normalise_tensor

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
    assert [tuple(batch.images.shape) for batch in batches] == [
        (4, 3, 224, 224),
        (4, 3, 224, 224),
        (2, 3, 224, 224),
    ]
    assert len(loader) == 3
    assert all(batch.images.dtype == torch.float32 for batch in batches)
    torch.testing.assert_close(
        torch.cat([batch.labels for batch in batches]), torch.from_numpy(labels)
    )
    expected = normalise_tensor(torch.from_numpy(films), PREPROCESSING)
    assert torch.equal(torch.cat([batch.images for batch in batches]), expected)


def test_rows_choose_films_and_labels_go_with_them(films: np.ndarray, labels: np.ndarray) -> None:
    rows = np.array([7, 2])
    (batch,) = BatchLoader(films, labels[rows], rows=rows, preprocessing=PREPROCESSING)
    assert torch.equal(batch.images, normalise_tensor(torch.from_numpy(films[rows]), PREPROCESSING))
    np.testing.assert_array_equal(batch.labels.numpy(), labels[rows])


def test_shuffle_follows_seed_and_epoch_and_keeps_pairs(
    films: np.ndarray, labels: np.ndarray
) -> None:
    number = np.repeat(np.arange(10, dtype=np.float32)[:, None], 4, axis=1)  # label = film number

    def order(seed: int, epoch: int) -> list[int]:
        loader = BatchLoader(films, number, preprocessing=PREPROCESSING, shuffle=True, seed=seed)
        loader.set_epoch(epoch)
        (batch,) = loader
        rows = batch.labels[:, 0].long()
        assert torch.equal(
            batch.images, normalise_tensor(torch.from_numpy(films), PREPROCESSING)[rows]
        )
        return rows.tolist()

    assert order(0, 0) == order(0, 0)
    assert order(0, 0) != order(0, 1)
    assert order(0, 0) != order(1, 0)
    assert sorted(order(0, 3)) == list(range(10))


def test_weights_of_zero_are_never_drawn(films: np.ndarray) -> None:
    number = np.repeat(np.arange(10, dtype=np.float32)[:, None], 4, axis=1)
    weights = np.array([0, 0, 0, 1, 1, 0, 0, 0, 0, 0], dtype=np.float64)
    loader = BatchLoader(films, number, preprocessing=PREPROCESSING, weights=weights)
    (batch,) = loader
    assert set(batch.labels[:, 0].tolist()) == {3.0, 4.0}
    assert len(batch.labels) == 10


def test_augmentation_changes_films_by_epoch_but_repeats_with_the_seed(
    films: np.ndarray, labels: np.ndarray
) -> None:
    loader = BatchLoader(
        films, labels, preprocessing=PREPROCESSING, augmentation=Augmentation(rotation=9), seed=3
    )
    (first,) = loader
    (again,) = loader
    loader.set_epoch(1)
    (later,) = loader
    assert torch.equal(first.images, again.images)
    assert not torch.equal(first.images, later.images)


def test_a_smaller_side_is_antialiased(labels: np.ndarray) -> None:
    checker = np.indices((224, 224)).sum(axis=0) % 2 * np.uint8(255)  # alternating pixels
    films = np.repeat(checker[None].astype(np.uint8), 10, axis=0)
    small = Preprocessing(96, (0.5,) * 3, (0.5,) * 3)
    images = next(iter(BatchLoader(films, labels, preprocessing=small))).images
    assert images.shape == (10, 3, 96, 96)
    assert images.abs().max() < 0.4  # near the mean gray; without antialiasing it reaches 1


def test_labels_that_do_not_fit_are_refused(films: np.ndarray, labels: np.ndarray) -> None:
    with pytest.raises(ConfigError, match="10 films, 9 rows of labels"):
        BatchLoader(films, labels[:9], preprocessing=PREPROCESSING)
    with pytest.raises(ConfigError, match="at least one film"):
        BatchLoader(films[:0], labels[:0], preprocessing=PREPROCESSING)


AUGMENTED = Augmentation(flip=0.5, rotation=9, scale=(0.8, 1.0), brightness=0.1)


def _training_loader(films: np.ndarray, part: tuple[int, int] = (0, 1)) -> BatchLoader:
    number = np.repeat(np.arange(10, dtype=np.float32)[:, None], 4, axis=1)
    return BatchLoader(
        films,
        number,
        preprocessing=Preprocessing(64),
        batch_size=4,
        shuffle=True,
        augmentation=AUGMENTED,
        seed=5,
        shard=part,
    )


def test_an_epoch_taken_up_at_a_batch_goes_on_as_if_it_had_not_stopped(films: np.ndarray) -> None:
    loader = _training_loader(films)
    loader.set_epoch(2)
    whole = list(loader)
    loader.set_epoch(2, start_batch=1)
    rest = list(loader)
    assert len(rest) == 2
    for one, other in zip(whole[1:], rest, strict=True):
        assert torch.equal(one.images, other.images)
        assert torch.equal(one.labels, other.labels)


def test_batches_of_an_epoch_are_changed_differently(films: np.ndarray) -> None:
    same = np.repeat(films[:1], 10, axis=0)
    first, second, _ = _training_loader(same)
    assert not torch.equal(first.images, second.images)


def test_the_parts_of_all_processes_are_the_batch_of_one(films: np.ndarray) -> None:
    whole = list(_training_loader(films))
    parts = [list(_training_loader(films, (rank, 3))) for rank in range(3)]
    for number, batch in enumerate(whole):
        mine = [part[number] for part in parts]
        assert sum(part.batch_fraction for part in mine) == pytest.approx(1)
        for rank, part in enumerate(mine):
            counted = slice(rank, None, 3)
            if part.batch_fraction:
                assert torch.equal(part.images, batch.images[counted])
                assert torch.equal(part.labels, batch.labels[counted])
                assert part.indices.tolist() == batch.indices[counted].tolist()


def test_a_process_without_a_film_in_the_last_batch_has_one_at_no_weight(films: np.ndarray) -> None:
    last = list(_training_loader(films, (2, 3)))[-1]  # two films for three processes
    assert last.batch_fraction == 0
    assert last.images.shape == (1, 3, 64, 64)


def test_places_name_the_films_of_a_whole_batch(films: np.ndarray) -> None:
    loader = _training_loader(films, (1, 2))
    loader.set_epoch(1)
    whole = _training_loader(films)
    whole.set_epoch(1)
    assert [loader.batch_indices(n).tolist() for n in range(3)] == [
        b.indices.tolist() for b in whole
    ]
