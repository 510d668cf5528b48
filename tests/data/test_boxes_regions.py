"""Boxes as maps: drawn where the radiologist drew them, moved as the film is moved."""

import numpy as np
import pandas as pd
import pytest
from torch.nn import functional

from cxr_core.config import Preprocessing
from cxr_core.data.augmentation import Augmentation
from cxr_core.data.boxes import MASK_SIDE, FilmBoxes, boxes_of_films
from cxr_core.data.loader import BatchLoader

COLUMNS = ("effusion", "atelectasis", "Mass")
COLUMN_NAMES = ["image", "finding", "x", "y", "width", "height"]


@pytest.fixture
def boxed() -> FilmBoxes:
    rows = [
        ("b.png", "Mass", 0.5, 0.0, 0.5, 0.25),
        ("b.png", "Mass", 0.0, 0.0, 0.25, 0.25),
        ("a.png", "effusion", 0.0, 0.5, 0.25, 0.5),
        ("a.png", "Nodule", 0.0, 0.5, 0.25, 0.5),
        ("elsewhere.png", "effusion", 0.0, 0.5, 0.25, 0.5),
    ]
    boxes = pd.DataFrame(rows, columns=COLUMN_NAMES)
    return boxes_of_films(["a.png", "b.png", "c.png"], boxes, COLUMNS)


def test_boxes_are_found_by_film_and_column_and_drawn_to_scale(boxed: FilmBoxes) -> None:
    regions = boxed.masks_of(np.array([1, 2, 0]))
    assert regions.film_index.tolist() == [0, 2]
    assert regions.label_index.tolist() == [2, 0]
    assert boxed.n_pairs == 2
    mass, effusion = regions.masks
    assert mass.mean() == pytest.approx(0.125 + 0.0625)  # both boxes of the film
    assert mass[0, 0] == mass[0, -1] == 1
    assert mass[0, MASK_SIDE // 2 - 1] == 0
    assert effusion.mean() == pytest.approx(0.125)
    assert effusion[-1, 0] == 1
    assert effusion[0, 0] == 0


def test_films_without_boxes_give_no_region(boxed: FilmBoxes) -> None:
    regions = boxed.masks_of(np.array([2, 2]))
    assert [len(part) for part in regions] == [0, 0, 0]


def test_a_region_is_turned_over_with_its_film(boxed: FilmBoxes) -> None:
    films = np.zeros((3, 64, 64), dtype=np.uint8)
    films[0, 32:, :16] = 255  # the effusion's box, in white
    loader = BatchLoader(
        films,
        np.zeros((3, 3), dtype=np.float32),
        preprocessing=Preprocessing(64, (0.0,) * 3, (1.0,) * 3),
        augmentation=Augmentation(flip=1.0, translation=0.1),
        boxes=boxed,
    )
    (batch,) = loader
    assert batch.box_masks is not None
    (place,) = (batch.box_masks.film_index == 0).nonzero()[0]
    film = functional.adaptive_avg_pool2d(batch.images[0, :1], MASK_SIDE)[0]
    assert (film - batch.box_masks.masks[place]).abs().mean() < 0.02
    assert film[:, : MASK_SIDE // 2].max() == 0  # mirrored: now on the right
