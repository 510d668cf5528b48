"""Expected values: by hand, torchvision's own functions, and the same film at two resolutions."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms.v2 import functional as reference

from cxr_core.config import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from cxr_core.imaging.preprocessing import normalise, normalise_tensor, preprocess, to_square

PLAIN = Preprocessing(size=32, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))


def films(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_a_square_of_the_right_size_is_left_as_it_is() -> None:
    film = films(224, 224)
    np.testing.assert_array_equal(to_square(film, 224), film)


def test_the_whole_film_is_squashed_and_nothing_cropped() -> None:
    film = np.zeros((400, 200), np.uint8)
    film[:200, :100] = 200  # the upper left quarter
    square = to_square(film, 100)
    assert square.shape == (100, 100)
    assert square.dtype == np.uint8
    assert (square[:48, :48] == 200).all()
    assert (square[52:] == 0).all()
    assert (square[:, 52:] == 0).all()


def test_thin_stripes_average_instead_of_aliasing() -> None:
    film = np.zeros((256, 256), np.uint8)
    film[::2] = 200
    inner = to_square(film, 64)[1:-1]
    np.testing.assert_allclose(inner, 100, atol=1)


def test_a_view_in_another_memory_order_gives_the_same_square() -> None:
    film = films(300, 200)
    np.testing.assert_array_equal(to_square(film.T, 64), to_square(film.T.copy(), 64))


def test_the_square_is_new_and_writable() -> None:
    film = films(64, 64)
    square = to_square(film, 64)
    square[:] = 0
    assert film.any()


def test_the_same_film_at_two_resolutions_gives_nearly_the_same_square(shared: Path) -> None:
    differences = []
    for original in sorted((shared / "nih" / "originals").glob("*.png")):
        with Image.open(original) as large, Image.open(shared / "nih/images" / original.name) as s:
            pair = [to_square(np.asarray(image.convert("L")), 224) for image in (large, s)]
        differences.append(np.abs(pair[0].astype(int) - pair[1]).mean())
    assert len(differences) == 24
    assert np.mean(differences) < 0.5  # gray levels of 255


def test_hand_computed_values_of_the_three_channels() -> None:
    film = np.full((32, 32), 51, np.uint8)  # 51 / 255 = 0.2
    settings = Preprocessing(size=32, mean=(0.1, 0.2, 0.5), std=(0.5, 0.1, 0.1))
    images = normalise(film, settings)
    assert images.shape == (1, 3, 32, 32)
    assert images.dtype == np.float32
    np.testing.assert_allclose(images[0, :, 5, 7], [0.2, 0.0, -3.0], atol=1e-6)


def test_black_and_white_without_mean_and_std_are_zero_and_one() -> None:
    film = np.zeros((1, 32, 32), np.uint8)
    film[0, 3, 4] = 255
    images = normalise(film, PLAIN)
    assert images[0, :, 3, 4].tolist() == [1.0, 1.0, 1.0]
    assert images.sum() == 3.0


def test_it_equals_torchvisions_normalisation() -> None:
    batch = torch.from_numpy(films(5, 40, 40))  # (5, 40, 40)
    rgb = batch.unsqueeze(1).expand(5, 3, 40, 40)
    expected = reference.normalize(
        reference.to_dtype(rgb, torch.float32, scale=True), list(IMAGENET_MEAN), list(IMAGENET_STD)
    )
    torch.testing.assert_close(
        normalise_tensor(batch, Preprocessing()), expected, rtol=0, atol=1e-6
    )


def test_tensors_are_normalised_to_the_same_bits() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)  # every one there is
    for settings in (Preprocessing(), Preprocessing(32, (0.5148,) * 3, (0.2492,) * 3)):
        tensors = normalise_tensor(torch.from_numpy(levels), settings)
        np.testing.assert_array_equal(normalise(levels, settings), tensors.numpy())


def test_a_film_in_a_batch_equals_the_film_alone_and_is_left_unchanged() -> None:
    batch = films(3, 64, 64)
    before = batch.copy()
    together = normalise(batch, Preprocessing())
    for row, film in enumerate(batch):
        np.testing.assert_array_equal(together[row : row + 1], normalise(film, Preprocessing()))
    np.testing.assert_array_equal(batch, before)


def test_prepare_is_the_square_normalised() -> None:
    film = films(300, 250)
    prepared = preprocess(film, Preprocessing())
    assert prepared.shape == (1, 3, 224, 224)
    np.testing.assert_array_equal(prepared, normalise(to_square(film, 224), Preprocessing()))


def test_other_types_and_shapes_are_refused() -> None:
    with pytest.raises(TypeError, match=r"uint8, not torch\.float32"):
        normalise_tensor(torch.zeros(32, 32), PLAIN)
    with pytest.raises(TypeError, match="uint8, not float64"):
        normalise(np.zeros((32, 32)), PLAIN)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"not \(1, 3, 32, 32\)"):
        normalise(np.zeros((1, 3, 32, 32), np.uint8), PLAIN)
