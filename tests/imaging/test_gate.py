"""Pictures that can or cannot be a radiograph, with and without the fitted part."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cxr_core.imaging.gate import GateResult, _gray_percentiles, check_radiograph
from cxr_core.imaging.radiograph import Radiograph, apply_correction, read_radiograph
from cxr_core.imaging.unusual import TWO_LEVELS
from tests.helpers.gate import SIDE, brightness_gate, template_gate, with_probe


def film(pixels: np.ndarray, **said: Any) -> Radiograph:
    pixels = pixels.astype(np.uint8)
    return Radiograph(
        stored=pixels, pixels=pixels, file_format="PNG", sha256="0" * 64, processing_log=(), **said
    )


def slope(height: int, width: int) -> np.ndarray:
    return np.linspace(0, 255, height * width).reshape(height, width)


@pytest.mark.parametrize(("height", "width"), [(1024, 1024), (430, 350), (350, 430), (200, 500)])
def test_a_film_with_contrast_and_a_films_shape_passes(height: int, width: int) -> None:
    assert check_radiograph(film(slope(height, width))) == GateResult(passed=True, reasons=())


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_blank_film_is_stopped(level: int) -> None:
    result = check_radiograph(film(np.full((200, 200), level)))
    assert not result.passed
    assert result.reasons == (
        f"The image is almost uniformly gray (levels {level} to {level} of 0 to 255); "
        "there is nothing to read.",
    )


def test_a_blank_film_with_a_label_and_noise_is_stopped() -> None:
    pixels = 20 + np.random.default_rng(0).integers(0, 5, (2000, 2000))
    pixels[:100, :100] = 255  # a quarter of a percent
    assert not check_radiograph(film(pixels)).passed


def test_gray_values_are_counted_to_the_same_percentiles() -> None:
    generator = np.random.default_rng(0)
    for levels in (1, 3, 30, 256):
        gray = generator.integers(0, levels, (7, 23), dtype=np.uint8)
        expected = np.percentile(gray, (1, 99))
        np.testing.assert_allclose(_gray_percentiles(gray, (1, 99)), expected, atol=1e-9)


@pytest.mark.parametrize(("height", "width"), [(200, 501), (501, 200), (200, 4000)])
def test_a_strip_is_stopped(height: int, width: int) -> None:
    result = check_radiograph(film(slope(height, width)))
    assert not result.passed
    assert f"({width} x {height} pixels)" in result.reasons[0]
    assert "times as long as the other" in result.reasons[0]


def test_both_reasons_are_told() -> None:
    assert len(check_radiograph(film(np.zeros((200, 801)))).reasons) == 2


def test_too_few_pixels_are_told() -> None:
    result = check_radiograph(film(slope(300, 199)))
    assert result.reasons[0].startswith("The image has only 199 x 300 pixels")
    assert check_radiograph(film(slope(300, 200))).passed


def test_colour_stops_a_photograph_but_not_a_caption() -> None:
    assert check_radiograph(film(slope(300, 300), colour_fraction=0.04)).passed
    result = check_radiograph(film(slope(300, 300), colour_fraction=0.31))
    assert "31 % of the image is in colour" in result.reasons[0]


def test_what_the_file_says_against_it_stops_it() -> None:
    said = "The file says that it shows LEG, not the chest."
    assert check_radiograph(film(slope(300, 300), rejection_reasons=(said,))).reasons == (said,)


def halves(upper: int, lower: int) -> np.ndarray:
    return np.repeat([upper, lower], 150)[:, None] * np.ones(300)


def test_the_fitted_part_passes_what_it_knows_and_offers_what_would_mend_the_rest() -> None:
    gate = brightness_gate()
    assert check_radiograph(film(halves(20, 220)), gate) == GateResult(
        True, (), notes=(TWO_LEVELS,)
    )
    # Inverting and turning over both mend it; the first is offered.
    stopped = check_radiograph(film(halves(220, 20)), gate)
    assert (stopped.passed, stopped.suggestion) == (False, "invert")
    assert "Inverting it would fix this" in stopped.reasons[0]
    side = check_radiograph(film(halves(20, 220).T), gate)
    assert side.suggestion == "rotate_cw"
    assert "Rotating it 90° clockwise" in side.reasons[0]
    assert check_radiograph(film(halves(220, 20))).passed  # without the fitted part


def test_the_probe_of_the_features_stops_what_the_thumbnail_lets_pass() -> None:
    upright, gate = film(halves(20, 220)), with_probe(0.0)
    near, far = np.array([1.0, 1.4], np.float32), np.array([1.0, 1.6], np.float32)  # 0.1, -0.1
    assert check_radiograph(upright, gate, near) == GateResult(True, (), notes=(TWO_LEVELS,))
    said = ("This does not look like an upright frontal chest film.",)
    assert check_radiograph(upright, gate, far) == GateResult(False, said)
    assert check_radiograph(upright, gate).passed  # without features it is not asked
    assert check_radiograph(upright, brightness_gate(), far).passed  # nor without a probe
    # What the thumbnail stops keeps its own words and its offer.
    assert check_radiograph(film(halves(220, 20)), gate, far).suggestion == "invert"


def test_a_correction_is_offered_only_where_it_surely_mends() -> None:
    chessboard = np.kron(np.indices((2, 2)).sum(axis=0) % 2, np.ones((150, 150))) * 255
    stopped = check_radiograph(film(chessboard), brightness_gate())
    assert stopped == GateResult(False, ("The film looks inverted: bones are dark.",), None)


def test_real_films_pass(shared: Path) -> None:
    for path in sorted((shared / "nih" / "originals").glob("*.png")):
        assert check_radiograph(read_radiograph(path.read_bytes())).passed


# Eight by eight fields of gray that are alike to none of their turns, mirrors or negatives.
TEMPLATE = np.random.default_rng(11).integers(0, 256, (SIDE, SIDE)).astype(np.uint8)
KNOWN = np.kron(TEMPLATE, np.ones((40, 40), np.uint8))


@pytest.mark.parametrize(
    ("pixels", "suggestion", "words"),
    [
        (255 - KNOWN, "invert", "Inverting it would fix this."),
        (np.rot90(KNOWN), "rotate_cw", "Rotating it 90° clockwise would fix this."),
        (
            np.rot90(255 - KNOWN),
            "invert+rotate_cw",
            "The film looks inverted: bones are dark. The film appears to lie on its side. "
            "Inverting it and rotating it 90° clockwise would fix this.",
        ),
        (np.rot90(255 - KNOWN, 2), "invert+rotate_180", "and rotating it by 180° would fix this."),
        (
            np.pad(KNOWN, ((0, 0), (90, 90))),
            "crop_90_0_90_0",
            "The film lies between uniform bars. Cropping its bars (90 px left and 90 px right) "
            "would fix this.",
        ),
        (
            np.pad(255 - KNOWN, ((90, 90), (0, 0)), constant_values=255),
            "crop_0_90_0_90+invert",
            "inverting it would fix this.",
        ),
        (
            np.rot90(np.pad(255 - KNOWN, ((0, 0), (90, 90)))),
            "crop_0_90_0_90+invert+rotate_cw",
            "and rotating it 90° clockwise would fix this.",
        ),
        # Too long for a film with its bars, and right without.
        (np.pad(KNOWN, ((0, 0), (260, 260))), "crop_260_0_260_0", "would fix this."),
    ],
)
def test_what_mends_a_film_in_the_fewest_steps_is_offered(
    pixels: np.ndarray, suggestion: str, words: str
) -> None:
    gate = template_gate(TEMPLATE)
    stopped = check_radiograph(film(pixels), gate)
    assert (stopped.passed, stopped.suggestion) == (False, suggestion)
    assert words in " ".join(stopped.reasons)
    mended = apply_correction(film(pixels), suggestion)
    np.testing.assert_array_equal(mended.pixels, KNOWN)
    assert check_radiograph(mended, gate).passed


def test_nothing_is_offered_for_what_no_step_makes_right() -> None:
    other = np.kron(np.random.default_rng(12).integers(0, 256, (8, 8)), np.ones((40, 40)))
    for pixels in (other, np.pad(other, ((0, 0), (90, 90)))):
        assert check_radiograph(film(pixels), template_gate(TEMPLATE)).suggestion is None


def test_a_film_that_passes_with_its_bars_is_offered_the_crop_and_told_of_them() -> None:
    passed = check_radiograph(film(np.pad(KNOWN, ((0, 0), (12, 12)))), template_gate(TEMPLATE))
    assert (passed.passed, passed.reasons, passed.suggestion) == (True, (), "crop_12_0_12_0")
    assert passed.notes == (
        "The film lies between uniform bars. The model reads them with it: 12 px left and 12 px "
        "right. They can be cropped.",
    )
    assert check_radiograph(film(KNOWN), template_gate(TEMPLATE)) == GateResult(True, ())
