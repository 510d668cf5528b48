"""Window and level against pydicom's own formulas and values worked out by hand."""

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.pixels.processing import apply_voi_lut

from cxr_core.imaging.windowing import (
    VoiFunction,
    Window,
    apply_window,
    contrast_window,
    full_range_window,
    window_from_range,
)

VALUES = np.arange(-200, 4200, 7, dtype=np.int16).reshape(1, -1)


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize(("center", "width"), [(2048, 4096), (40, 400), (100.5, 30)])
def test_every_function_is_pydicoms(function: VoiFunction, center: float, width: float) -> None:
    ds = Dataset()
    ds.PhotometricInterpretation, ds.BitsStored, ds.PixelRepresentation = "MONOCHROME2", 8, 0
    ds.WindowCenter, ds.WindowWidth, ds.VOILUTFunction = center, width, function
    expected = apply_voi_lut(VALUES, ds)
    shown = apply_window(VALUES, Window("", center, width, function)).astype(float)
    assert np.abs(shown - expected).max() <= 0.5001


def test_a_window_of_width_one_is_a_step() -> None:
    shown = apply_window(np.array([[99, 100, 101]]), Window("", 100.5, 1))
    assert shown.tolist() == [[0, 0, 255]]


def test_the_standards_own_example() -> None:
    # PS3.3 C.11.2.1.2.1: center 2048, width 4096 maps 0 to 0 and 4095 to the brightest.
    shown = apply_window(np.array([[0, 4095, 5000]]), Window("", 2048, 4096))
    assert shown.tolist() == [[0, 255, 255]]


def test_the_full_range_of_8_bits_is_the_film_itself() -> None:
    film = np.arange(256, dtype=np.uint8).reshape(16, 16)
    window = full_range_window(film)
    assert (window.center, window.width) == (128, 256)
    np.testing.assert_array_equal(apply_window(film, window), film)
    np.testing.assert_array_equal(apply_window(film, window, inverted=True), 255 - film)


def test_fractions_are_windowed_exactly() -> None:
    film = np.array([[0.0, 0.25, 0.5]], np.float32)
    window = full_range_window(film)
    assert (window.center, window.width, window.function) == (0.25, 0.5, "LINEAR_EXACT")
    assert apply_window(film, window).tolist() == [[0, 128, 255]]


def test_an_even_film_has_a_window_all_the_same() -> None:
    even = np.full((4, 4), 7, np.uint16)
    assert apply_window(even, full_range_window(even)).tolist() == np.zeros((4, 4)).tolist()


def test_more_contrast_leaves_out_the_ends() -> None:
    film = np.arange(1001, dtype=np.uint16).reshape(1, -1)
    shown = apply_window(film, contrast_window(film))[0]
    # Percentiles 5 and 98 of 0 to 1000 are 50 and 980.
    assert (shown[50], shown[980]) == (0, 255)
    assert (shown[51] > 0) or (shown[52] > 0)
    assert shown[975] < 255
    assert window_from_range("", 50, 980).center == 515.5


def test_a_table_decides_and_holds_its_ends() -> None:
    window = Window("", 0, 1, lut=np.array([10, 20, 30], np.uint8), lut_start=5)
    film = np.array([[0, 5, 6, 7, 90]], np.uint16)
    assert apply_window(film, window).tolist() == [[10, 10, 20, 30, 30]]
    assert apply_window(film, window, inverted=True).tolist() == [[245, 245, 235, 225, 225]]
    assert window.lut is not None
    assert window.lut.tolist() == [10, 20, 30]  # not written to
