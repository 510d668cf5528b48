"""DICOM gray values: modality LUT, VOI LUT or window, MONOCHROME1, padding."""

import numpy as np
import pytest

from cxr_core.imaging.dicom.decode import decode_dicom
from tests.helpers.dicom_files import (
    SIDE,
    decode,
    film_dataset,
    has_warning,
    lut_sequence,
    ramp,
    to_bytes,
)

# A film that is smooth from row to row and noisy from column to column, 12 bits.
SMOOTH = (
    np.linspace(200, 3800, SIDE)[:, None] + np.random.default_rng(2).integers(0, 300, (SIDE, SIDE))
).astype(np.uint16)
SMOOTH[30, ::7] = 1503
TWELVE = {"BitsStored": 12, "HighBit": 11, "WindowCenter": 2048, "WindowWidth": 4096}


def test_8_bit_without_a_window_is_kept_exactly() -> None:
    values = ramp(np.uint8, span=200)
    film = decode(values)
    np.testing.assert_array_equal(film.pixels, values)
    np.testing.assert_array_equal(film.stored, values)
    assert (film.file_format, film.view, film.window, film.inverted) == ("DICOM", "PA", None, False)
    assert film.warnings == ()


def test_monochrome1_is_the_negative_of_monochrome2() -> None:
    values = ramp(np.uint16, span=1024)
    plain = decode(values, WindowCenter=512, WindowWidth=1024)
    negative = decode(
        values, WindowCenter=512, WindowWidth=1024, PhotometricInterpretation="MONOCHROME1"
    )
    np.testing.assert_array_equal(negative.pixels, 255 - plain.pixels)
    np.testing.assert_array_equal(negative.stored, plain.stored)
    assert negative.inverted
    assert not plain.inverted


def test_a_linear_window_by_the_standards_formula() -> None:
    # PS3.3 C.11.2.1.2.1 with c = 2048, w = 4096: x <= 0 is black, x > 4095 white, between
    # y = ((x - 2047.5) / 4095 + 0.5) * 255, that is x * 255 / 4095.
    values = ramp(np.uint16, 0, 1, 803, 2048, 3212, 4095, 5000)
    film = decode(values, WindowCenter=2048, WindowWidth=4096, BitsStored=13, HighBit=12)
    assert film.pixels[0, :7].tolist() == [0, 0, 50, 128, 200, 255, 255]
    assert film.window == (2048.0, 4096.0)


def test_linear_exact_and_sigmoid_windows() -> None:
    # C.11.2.1.3.2: y = ((x - c) / w + 0.5) * 255; C.11.2.1.3.1: 255 / (1 + exp(-4 (x - c) / w))
    values = ramp(np.uint16, 1000, 2000, 3000, 4000)
    exact = decode(values, WindowCenter=2000, WindowWidth=4000, VOILUTFunction="LINEAR_EXACT")
    assert exact.pixels[0, :4].tolist() == [64, 128, 191, 255]
    curved = decode(values, WindowCenter=2000, WindowWidth=4000, VOILUTFunction="SIGMOID")
    assert curved.pixels[0, :4].tolist() == [69, 128, 186, 225]


def test_the_first_of_several_windows_counts() -> None:
    film = decode(ramp(np.uint16), WindowCenter=[2048, 100], WindowWidth=[4096, 10])
    assert film.window == (2048.0, 4096.0)


def test_rescale_comes_before_the_window() -> None:
    values = ramp(np.uint16, 0, 512, 1000, span=1000)
    film = decode(
        values, RescaleSlope=2, RescaleIntercept=-1024, WindowCenter=0.5, WindowWidth=2041
    )
    # stored = 2 x - 1024; the window runs from -1020 to 1020.
    assert film.stored[0, :3].tolist() == [-1024, 0, 976]
    assert film.stored.dtype == np.int16
    assert film.pixels[0, :3].tolist() == [0, 128, 250]
    assert "Rescaled by 2 and -1024: values -1024 to 976." in film.processing_log


def test_a_fractional_rescale_is_kept_as_float32() -> None:
    film = decode(ramp(np.uint16, 1, 2, 3), RescaleSlope=0.5, RescaleIntercept=0)
    assert film.stored.dtype == np.float32
    assert film.stored[0, :3].tolist() == [0.5, 1.0, 1.5]


def test_signed_values() -> None:
    values = ramp(np.int16) - np.int16(2048)
    film = decode(values, WindowCenter=0.5, WindowWidth=4081)  # from -2040 to 2040
    np.testing.assert_array_equal(film.stored, values)
    assert film.pixels[32, 0] == 128  # value 0: 127.5, rounded to even
    assert (film.pixels[0, 0], film.pixels[-1, -1]) == (0, 255)


def test_modality_table_then_window() -> None:
    # The table turns 10..13 into 0, 120, 400, 1000; what lies outside takes its ends.
    values = (10 + np.arange(SIDE * SIDE).reshape(SIDE, SIDE) % 4).astype(np.uint16)
    values[0, :2] = [3, 900]
    film = decode(
        values,
        ModalityLUTSequence=lut_sequence([0, 120, 400, 1000], 10, 16),
        RescaleSlope=7,
        RescaleIntercept=7,
        WindowCenter=500.5,
        WindowWidth=1001,
    )
    assert film.stored[0, :6].tolist() == [0, 1000, 400, 1000, 0, 120]
    assert film.pixels[0, :6].tolist() == [0, 255, 102, 255, 0, 31]  # 30.6


def test_voi_table_comes_before_a_window() -> None:
    values = (np.arange(SIDE * SIDE).reshape(SIDE, SIDE) % 4).astype(np.uint16)
    film = decode(
        values,
        VOILUTSequence=lut_sequence([0, 1365, 2730, 4095], 0, 12),
        WindowCenter=2,
        WindowWidth=4,
    )
    assert film.pixels[0, :4].tolist() == [0, 85, 170, 255]
    assert "File's table 1 applied: the file's VOI table." in film.processing_log
    assert film.window == (2.0, 4.0)


def test_a_voi_table_that_promises_more_bits_than_it_uses_is_not_dark() -> None:
    values = (np.arange(SIDE * SIDE).reshape(SIDE, SIDE) % 4).astype(np.uint16)
    film = decode(values, VOILUTSequence=lut_sequence([0, 1365, 2730, 4095], 0, 16))
    assert film.pixels[0, :4].tolist() == [0, 85, 170, 255]


def test_an_8_bit_voi_table_of_1024_entries() -> None:
    values = ramp(np.uint16, 0, 3, 400, 1023, 2000, 2000, span=1024)  # a lone 2000 is mended
    film = decode(values, VOILUTSequence=lut_sequence([entry // 4 for entry in range(1024)], 0, 8))
    assert film.pixels[0, :5].tolist() == [0, 0, 100, 255, 255]


def test_without_a_window_the_bits_that_the_film_fills_are_used_and_said() -> None:
    film = decode(ramp(np.uint16, 0, 1020, 4080, 4095, span=4080))
    assert film.pixels[0, :4].tolist() == [0, 64, 254, 255]  # 63.5, 254.07
    assert film.warnings == ("The file gives no window; the full range of 12 bits was used.",)


def test_without_a_window_a_film_that_fills_no_bits_has_its_own_range() -> None:
    film = decode(1000 + ramp(np.uint16, span=1530))  # six values a gray level
    expected = ramp(np.uint16, span=1530) / 6
    assert np.abs(film.pixels - expected).max() <= 1
    assert film.warnings == ("The file gives no window; the film's own range of values was used.",)


def test_padding_sets_no_range_and_is_black() -> None:
    values = ramp(np.uint16, span=1024)
    values[:, :20] = 65535
    for photometric in ("MONOCHROME1", "MONOCHROME2"):
        film = decode(values, PixelPaddingValue=65535, PhotometricInterpretation=photometric)
        assert not film.pixels[:, :20].any()
        assert film.pixels[:, 20:].min() <= 1
        assert film.pixels[:, 20:].max() >= 254
        assert film.stored.max() < 1024
    assert "Padding around the film set to black." in film.processing_log


def test_a_padding_range_and_unsigned_padding_of_signed_pixels() -> None:
    values = ramp(np.int16, -2000, -1990, span=1000)
    padded = film_dataset(values)
    padded.add_new("PixelPaddingValue", "US", 2**16 - 2000)
    padded.add_new("PixelPaddingRangeLimit", "SS", -1990)
    film = decode_dicom(to_bytes(padded))
    assert film.pixels[0, :2].tolist() == [0, 0]
    assert film.stored.min() >= 0


def test_padding_everywhere_is_no_padding() -> None:
    film = decode(np.full((SIDE, SIDE), 7, np.uint8), PixelPaddingValue=7)
    assert (film.pixels == 7).all()


@pytest.mark.parametrize(("value", "limit"), [(1503, None), (1000, 2000)])
def test_a_padding_value_that_is_film_is_not_taken_out(value: int, limit: int | None) -> None:
    plain = decode(SMOOTH, **TWELVE)
    film = decode(SMOOTH, PixelPaddingValue=value, PixelPaddingRangeLimit=limit or value, **TWELVE)
    assert ((value <= SMOOTH) & ((limit or value) >= SMOOTH)).any()
    np.testing.assert_array_equal(film.pixels, plain.pixels)


def test_padding_between_the_values_of_a_film_that_lies_together_is_black() -> None:
    turned = SMOOTH.copy()
    turned[:12] = turned[-12:] = 1503
    film = decode(turned, PixelPaddingValue=1503, **TWELVE)
    assert not film.pixels[:12].any()
    assert np.median(film.pixels[12:-12]) > 0


def test_a_modality_table_that_loses_the_film_is_not_applied() -> None:
    plain = decode(SMOOTH, **TWELVE)
    film = decode(SMOOTH, ModalityLUTSequence=lut_sequence([5, 6], 0, 16), **TWELVE)
    np.testing.assert_array_equal(film.pixels, plain.pixels)
    assert has_warning(film, "modality table leaves next to nothing of the film")


def test_unused_high_bits_are_ignored() -> None:
    values = ramp(np.uint16)
    overlaid = values | (np.uint16(1) << 15)  # an old overlay plane above the 12 bits stored
    film = decode(overlaid, BitsStored=12, HighBit=11)
    np.testing.assert_array_equal(film.stored, values)


@pytest.mark.parametrize(("value", "limit"), [(0, 1500), (3000, 4095)])
def test_a_padding_range_that_takes_in_much_of_the_film_is_film(value: int, limit: int) -> None:
    film = ramp(np.uint16)
    padded = decode(film, PixelPaddingValue=value, PixelPaddingRangeLimit=limit)
    assert np.array_equal(padded.pixels, decode(film).pixels)
