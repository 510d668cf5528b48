"""Which bits of a stored number are the pixel, also where the file contradicts itself."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from cxr_core.imaging.dicom.decode import decode_dicom, is_dicom, is_dicom_without_preamble
from cxr_core.phantom.draw import draw_phantom
from tests.helpers.dicom_files import decode, film_dataset, has_warning, to_bytes

PHANTOM = draw_phantom(6, size=128).pixels
TWELVE = np.rint(PHANTOM * (4095 / 255)).astype(np.uint16)
WINDOW = {"WindowCenter": 2048, "WindowWidth": 4096}


def test_left_aligned_values_are_shifted() -> None:
    film = decode(TWELVE << 4, BitsStored=12, HighBit=15, **WINDOW)
    np.testing.assert_array_equal(film.stored, TWELVE)
    np.testing.assert_array_equal(film.pixels, PHANTOM)
    assert film.warnings == ()


def test_values_in_the_middle_of_their_bits_with_an_overlay_below() -> None:
    film = decode((TWELVE << 2) | 1, BitsStored=12, HighBit=13, **WINDOW)
    np.testing.assert_array_equal(film.stored, TWELVE)


SIGNED = TWELVE.astype(np.int16) - np.int16(2048)
NOISE = np.random.default_rng(5).integers(0, 4096, TWELVE.shape).astype(np.uint16)


@pytest.mark.parametrize("depth", [{"BitsStored": 12, "HighBit": 11}, {}])
def test_pixels_that_are_not_signed_as_stated_are_told_by_their_jumps(
    depth: dict[str, int],
) -> None:
    whole = TWELVE if depth else TWELVE * np.uint16(16)
    film = decode(whole, PixelRepresentation=1, **depth)
    np.testing.assert_array_equal(film.stored, whole)
    assert has_warning(film, "says that its pixels are signed, and they are not")
    film = decode(SIGNED, PixelRepresentation=0, **depth)
    np.testing.assert_array_equal(film.stored, SIGNED)
    assert has_warning(film, "says that its pixels are unsigned, and they are signed")


BORDERED = np.pad(TWELVE[8:-8, 8:-8] // np.uint16(3), 8, constant_values=4095)


@pytest.mark.parametrize("values", [TWELVE, SIGNED, NOISE, NOISE.astype(np.int16) - 2048, BORDERED])
def test_a_sign_as_stated_is_believed(values: np.ndarray) -> None:
    film = decode(values, BitsStored=12, HighBit=11)
    np.testing.assert_array_equal(film.stored, values)
    assert not has_warning(film, "signed")


def test_left_aligned_signed_values() -> None:
    signed = TWELVE.astype(np.int16) - np.int16(2048)
    film = decode(signed << 4, BitsStored=12, HighBit=15, WindowCenter=0, WindowWidth=4096)
    np.testing.assert_array_equal(film.stored, signed)
    np.testing.assert_array_equal(film.pixels, PHANTOM)


def test_left_aligned_by_the_header_alone() -> None:
    film = decode(TWELVE, BitsStored=12, HighBit=15, **WINDOW)
    np.testing.assert_array_equal(film.pixels, PHANTOM)
    assert has_warning(film, "contradicts itself on its bits")


def test_more_bits_in_use_than_stored() -> None:
    film = decode(TWELVE, BitsStored=10, HighBit=9, **WINDOW)
    np.testing.assert_array_equal(film.pixels, PHANTOM)
    assert film.warnings == ("The file says that its pixels use 10 bits; they use 12.",)


def test_an_overlay_above_the_stored_bits_is_left_out() -> None:
    overlaid = TWELVE.copy()
    overlaid[20:40, 30:50] |= np.uint16(1) << 14
    film = decode(overlaid, BitsStored=12, HighBit=11, **WINDOW)
    np.testing.assert_array_equal(film.pixels, PHANTOM)
    assert has_warning(film, "Bits above the 12 that the file says")


def test_a_sign_that_fills_all_bits_above_is_no_contradiction() -> None:
    signed = TWELVE.astype(np.int16) - np.int16(2048)
    film = decode(signed, BitsStored=12, HighBit=11, WindowCenter=0, WindowWidth=4096)
    np.testing.assert_array_equal(film.stored, signed)
    assert film.warnings == ()
    cut = decode(
        (signed & 0xFFF).astype(np.int16), BitsStored=12, HighBit=11, WindowCenter=0,
        WindowWidth=4096,
    )  # fmt: skip
    np.testing.assert_array_equal(cut.stored, signed)


@pytest.mark.parametrize(
    "left_out", [("BitsStored",), ("BitsStored", "HighBit"), ("BitsAllocated",)]
)
def test_bits_that_are_not_stated(left_out: tuple[str, ...]) -> None:
    tags: dict[str, Any] = {"BitsStored": 12, "HighBit": 11, **dict.fromkeys(left_out)}
    film = decode(TWELVE, **tags, **WINDOW)
    np.testing.assert_array_equal(film.stored, TWELVE)
    np.testing.assert_array_equal(film.pixels, PHANTOM)
    stated = "BitsStored" not in left_out
    assert has_warning(film, "does not say how many bits") != stated


def test_a_high_bit_below_the_stored_bits() -> None:
    film = decode(TWELVE, BitsStored=12, HighBit=7, **WINDOW)
    np.testing.assert_array_equal(film.stored, TWELVE)
    assert has_warning(film, "contradicts itself on its bits (bits stored 12, high bit 7)")


def eight_in_sixteen(syntax: UID | None) -> Dataset:
    """8 bits stored in 16 allocated, as a compressed frame of the codec's own kind."""
    if syntax == RLELossless:  # two segments, the first of them empty
        ds = film_dataset(PHANTOM.astype(np.uint16))
        ds.compress(syntax)
        ds.BitsStored, ds.HighBit = 8, 7
        return ds
    ds = film_dataset(PHANTOM.astype(np.uint16), BitsStored=8, HighBit=7)
    if syntax is None:
        return ds
    if syntax == JPEGLSLossless:
        ds.compress(syntax, encoding_plugin="pyjpegls")
        return ds
    stream = io.BytesIO()
    image = Image.fromarray(PHANTOM)
    if syntax == JPEG2000Lossless:
        image.save(stream, "JPEG2000", no_jp2=True, irreversible=False)
    else:
        image.save(stream, "JPEG", quality=100)
    ds.file_meta.TransferSyntaxUID = syntax
    ds.PixelData = encapsulate([stream.getvalue()])
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    return ds


@pytest.mark.parametrize(
    "syntax", [None, RLELossless, JPEGLSLossless, JPEG2000Lossless, JPEGBaseline8Bit]
)
def test_8_bits_stored_in_16_allocated(syntax: UID | None) -> None:
    film = decode_dicom(to_bytes(eight_in_sixteen(syntax)))
    worst = np.abs(film.pixels.astype(int) - PHANTOM).max()
    assert worst <= (2 if syntax == JPEGBaseline8Bit else 0)  # JPEG at quality 100
    assert film.processing_log[-1] == "8-bit gray values kept as they are."


@pytest.mark.parametrize("values", [PHANTOM, TWELVE])
def test_big_endian_without_preamble_and_meta(values: np.ndarray) -> None:
    ds = film_dataset(values, **WINDOW if values is TWELVE else {})
    ds.PixelData = values.astype(values.dtype.newbyteorder(">")).tobytes()
    ds.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    del ds.file_meta
    stream = io.BytesIO()
    ds.save_as(stream, implicit_vr=False, little_endian=False)
    bare = stream.getvalue()
    assert is_dicom_without_preamble(bare)
    assert not is_dicom(bare)
    np.testing.assert_array_equal(decode_dicom(bare).pixels, PHANTOM)
