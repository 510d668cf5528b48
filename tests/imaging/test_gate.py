"""Pictures that can or cannot be a radiograph, without any fitted parameter."""

from pathlib import Path

import numpy as np
import pytest

from cxr_core.imaging.gate import GateResult, check_radiograph
from cxr_core.imaging.radiograph import Radiograph, read_radiograph


def film(pixels: np.ndarray) -> Radiograph:
    pixels = pixels.astype(np.uint8)
    return Radiograph(
        stored=pixels, pixels=pixels, kind="PNG", sha256="0" * 64, steps=(), warnings=()
    )


def slope(height: int, width: int) -> np.ndarray:
    return np.linspace(0, 255, height * width).reshape(height, width)


@pytest.mark.parametrize(("height", "width"), [(1024, 1024), (430, 350), (350, 430), (64, 160)])
def test_a_film_with_contrast_and_a_films_shape_passes(height: int, width: int) -> None:
    assert check_radiograph(film(slope(height, width))) == GateResult(passed=True, reasons=())


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_blank_film_is_stopped(level: int) -> None:
    result = check_radiograph(film(np.full((200, 200), level)))
    assert not result.passed
    assert result.reasons == (
        f"The picture is nearly one even gray (levels {level} to {level} of 0 to 255); "
        "there is no film to read.",
    )


def test_a_blank_film_with_a_label_and_noise_is_stopped() -> None:
    pixels = 20 + np.random.default_rng(0).integers(0, 5, (2000, 2000))
    pixels[:100, :100] = 255  # a quarter of a percent
    assert not check_radiograph(film(pixels)).passed


@pytest.mark.parametrize(("height", "width"), [(100, 251), (251, 100), (64, 4000)])
def test_a_strip_is_stopped(height: int, width: int) -> None:
    result = check_radiograph(film(slope(height, width)))
    assert not result.passed
    assert f"({width} x {height} pixels)" in result.reasons[0]
    assert "times as long as it is wide" in result.reasons[0]


def test_both_reasons_are_told() -> None:
    assert len(check_radiograph(film(np.zeros((64, 400)))).reasons) == 2


def test_real_films_pass(shared: Path) -> None:
    for path in sorted((shared / "nih" / "originals").glob("*.png")):
        assert check_radiograph(read_radiograph(path.read_bytes())).passed
