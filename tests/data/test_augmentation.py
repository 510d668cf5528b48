"""Augmentation: neutral values change nothing, each change does what its name says."""

import pytest
import torch

from cxr_core.data.augmentation import Augmentation


@pytest.fixture
def films() -> torch.Tensor:
    return torch.rand(3, 1, 64, 64, generator=torch.Generator().manual_seed(5))  # (B, 1, S, S)


def changed(augmentation: Augmentation, films: torch.Tensor, seed: int = 0) -> torch.Tensor:
    changes = augmentation.sample(len(films), torch.Generator().manual_seed(seed))
    return changes.adjust_intensity(changes.warp(films))


def test_neutral_augmentation_is_the_identity(films: torch.Tensor) -> None:
    torch.testing.assert_close(changed(Augmentation(), films), films, atol=1e-5, rtol=0)


def test_flip_is_a_mirror_image(films: torch.Tensor) -> None:
    mirrored = changed(Augmentation(flip=1.0), films)
    torch.testing.assert_close(mirrored, films.flip(-1), atol=1e-5, rtol=0)


def test_half_the_side_shows_the_middle() -> None:
    film = torch.zeros(1, 1, 64, 64)
    film[:, :, 16:48, 16:48] = 1  # the middle half of the side is white
    shown = changed(Augmentation(scale=(0.5, 0.5)), film)
    assert shown[:, :, 1:-1, 1:-1].min() == pytest.approx(1.0)


def test_a_larger_side_leaves_a_black_border() -> None:
    shown = changed(Augmentation(scale=(2.0, 2.0)), torch.ones(1, 1, 64, 64))
    assert shown[:, :, :15].max() == 0
    assert shown[:, :, 17:47, 17:47].min() == pytest.approx(1.0)


def test_shift_moves_by_at_most_its_fraction() -> None:
    film = torch.zeros(64, 1, 64, 64)
    film[:, :, 32, 32] = 1
    shown = changed(Augmentation(translation=0.25), film)
    rows = (shown.sum(-1).squeeze(1) * torch.arange(64)).sum(-1) / shown.sum((1, 2, 3))  # (B,)
    assert (rows - 32).abs().max() <= 16.5
    assert (rows - 32).abs().max() > 8


def test_brightness_and_contrast_keep_to_their_bounds(films: torch.Tensor) -> None:
    gray = 0.4 + 0.2 * films
    brighter = changed(Augmentation(brightness=0.1), gray) - gray
    assert brighter.abs().max() <= 0.1 + 1e-5
    assert brighter.flatten(1).std(dim=1).max() < 1e-4  # one amount a film
    stretched = changed(Augmentation(contrast=0.2), gray)
    ratio = stretched.flatten(1).std(dim=1) / gray.flatten(1).std(dim=1)
    assert ((ratio > 0.79) & (ratio < 1.21)).all()
    torch.testing.assert_close(stretched.mean((1, 2, 3)), gray.mean((1, 2, 3)))


def test_a_seed_gives_the_same_films_and_another_seed_others(films: torch.Tensor) -> None:
    strong = Augmentation(flip=0.5, rotation=10, scale=(0.7, 1.1), translation=0.1, brightness=0.1)
    assert torch.equal(changed(strong, films, 1), changed(strong, films, 1))
    assert not torch.equal(changed(strong, films, 1), changed(strong, films, 2))
    assert changed(strong, films).min() >= 0
    assert changed(strong, films).max() <= 1


def test_films_of_a_batch_differ_from_each_other() -> None:
    film = torch.rand(1, 1, 64, 64).expand(2, 1, 64, 64)
    shown = changed(Augmentation(rotation=10), film)
    assert not torch.allclose(shown[0], shown[1])


def test_a_crop_lies_inside_the_film_and_shows_its_share_of_the_area() -> None:
    changes = Augmentation(crop_area=(0.25, 0.25)).sample(200, torch.Generator().manual_seed(0))
    width, height = changes.matrices[:, 0, 0], changes.matrices[:, 1, 1]  # (B,)
    torch.testing.assert_close(width * height, torch.full((200,), 0.25))
    ratio = width / height
    assert ratio.min() >= 3 / 4 - 1e-4
    assert ratio.max() <= 4 / 3 + 1e-4
    centre = changes.matrices[:, :, 2].abs()  # (B, 2)
    assert (centre[:, 0] + width <= 1 + 1e-5).all()
    assert (centre[:, 1] + height <= 1 + 1e-5).all()
    # A quarter that is white all over stays white: nothing black comes in from outside.
    shown = changes.warp(torch.ones(200, 1, 8, 8))
    assert shown[:, :, 1:-1, 1:-1].min() == pytest.approx(1.0)


def test_a_whole_film_is_the_crop_that_always_fits() -> None:
    changes = Augmentation(crop_area=(0.99, 0.999)).sample(50, torch.Generator().manual_seed(0))
    assert changes.matrices[:, 0, 0].max() <= 1
    assert changes.matrices[:, 1, 1].max() <= 1


def test_what_lies_on_a_film_moves_with_it(films: torch.Tensor) -> None:
    strong = Augmentation(
        flip=0.5, rotation=10, scale=(0.7, 1.1), translation=0.1, crop_area=(0.3, 1.0)
    )
    changes = strong.sample(3, torch.Generator().manual_seed(2))
    whole = changes.warp(films)
    part = changes.select(torch.tensor([2, 0, 2])).warp(films[[2, 0, 2]])
    torch.testing.assert_close(part, whole[[2, 0, 2]])


def test_half_of_the_films_may_lose_resolution_and_no_more() -> None:
    stripes = torch.zeros(200, 1, 32, 32)
    stripes[..., ::2] = 1.0  # the finest pattern there is
    changes = Augmentation(min_resolution=0.25).sample(200, torch.Generator().manual_seed(0))
    assert changes.blurred is not None
    assert 0.25 <= changes.resolution <= 1.0
    shown = changes.blur(stripes)
    contrast = shown.std(dim=(1, 2, 3))  # 0.5 where the stripes are left
    assert torch.equal(shown[~changes.blurred], stripes[~changes.blurred])
    assert bool((contrast[changes.blurred] < 0.3).all())
    assert 70 < int(changes.blurred.sum()) < 130
    few = changes.select(torch.tensor([5, 5, 7]))
    assert few.blurred is not None
    assert torch.equal(few.blurred, changes.blurred[[5, 5, 7]])


def test_without_it_the_same_films_are_drawn_as_ever() -> None:
    plain = Augmentation(rotation=5.0, brightness=0.1)
    blurring = Augmentation(rotation=5.0, brightness=0.1, min_resolution=0.5)
    one, other = (a.sample(8, torch.Generator().manual_seed(3)) for a in (plain, blurring))
    assert torch.equal(one.matrices, other.matrices)
    assert torch.equal(one.offset, other.offset)
    assert one.blurred is None
