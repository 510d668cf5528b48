"""Pictures whose pixels were put together wrongly are told of, and films are not."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from cxr_core.errors import ImageError
from cxr_core.imaging.dicom.bits import SWAPPED_NOTE
from cxr_core.imaging.dicom.decode import decode_dicom
from cxr_core.imaging.radiograph import read_radiograph
from cxr_core.imaging.scrambled import (
    LINES_WARNING,
    NOISE_WARNING,
    WRAPPED_WARNING,
    better_width,
    scrambled_warnings,
)
from cxr_core.phantom.draw import draw_phantom
from tests.helpers.dicom_files import film_dataset, has_warning, to_bytes
from tests.helpers.films import encode, png16

FILM = draw_phantom(4, size=384).pixels
UPRIGHT = np.asarray(Image.fromarray(FILM).resize((360, 480)))  # 480 rows, 360 columns
DEEP = np.rint(FILM * (4095 / 255)).astype(np.uint16)
SIGNED = (DEEP.astype(np.int16) - 2048).view(np.uint16)


def wrapped(factor: float) -> np.ndarray:
    return (FILM * factor).astype(np.int64).astype(np.uint8)


def every_second_row_lost() -> np.ndarray:
    rows = np.array(FILM)
    rows[::2] = 0
    return rows


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (UPRIGHT.reshape(360, 480), LINES_WARNING),
        (UPRIGHT.reshape(450, 384), LINES_WARNING),
        (UPRIGHT.reshape(600, 288), LINES_WARNING),
        (every_second_row_lost(), LINES_WARNING),
        (every_second_row_lost().T, LINES_WARNING),
        (np.cumsum(FILM, axis=1, dtype=np.uint8), NOISE_WARNING),
        (DEEP.byteswap(), NOISE_WARNING),
        (wrapped(1.5), WRAPPED_WARNING),
        (wrapped(1.5).astype(np.uint16) * 257, WRAPPED_WARNING),
        (SIGNED, WRAPPED_WARNING),
    ],
    ids=[
        "sides swapped", "wider", "narrower", "rows lost", "columns lost", "false predictor",
        "bytes swapped", "wrapped", "wrapped, 16 bits", "signed as unsigned",
    ],
)  # fmt: skip
def test_a_picture_put_together_wrongly_is_told(values: np.ndarray, told: str) -> None:
    assert scrambled_warnings(values) == (told,)


@pytest.mark.parametrize("seed", range(4))
def test_a_film_is_not_told_however_it_is_stored(seed: int) -> None:
    film = draw_phantom(seed, size=384).pixels
    deep = film.astype(np.uint16) * 16
    framed = np.pad(deep, 20, constant_values=65535)
    for values in (film, 255 - film, film.T, deep, deep.astype(np.float32) / 4095, framed):
        assert scrambled_warnings(values) == ()
        assert better_width(values) is None


@pytest.mark.parametrize("shape", [(450, 384), (600, 288), (400, 432)])
def test_uncompressed_pixels_of_another_width_are_refused_with_it(shape: tuple[int, int]) -> None:
    deep = np.rint(UPRIGHT * (4095 / 255)).astype(np.uint16).reshape(shape)
    assert better_width(deep) == 360
    with pytest.raises(ImageError, match="film of 360 columns"):
        decode_dicom(to_bytes(film_dataset(deep)))


def test_a_torn_png_is_told() -> None:
    assert (
        LINES_WARNING
        in read_radiograph(encode(Image.fromarray(UPRIGHT.reshape(450, 384)))).warnings
    )


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_swapped_bytes_are_swapped_back_and_told(bits: int) -> None:
    noise = np.random.default_rng(0).integers(0, 2 ** (bits - 8), FILM.shape)
    values = (FILM.astype(np.int64) * 2 ** (bits - 8) + noise).astype(np.uint16)
    right = decode_dicom(to_bytes(film_dataset(values, BitsStored=bits, HighBit=bits - 1)))
    swapped = film_dataset(values.byteswap(), BitsStored=bits, HighBit=bits - 1)
    read = decode_dicom(to_bytes(swapped))
    assert np.array_equal(read.pixels, right.pixels)
    assert has_warning(read, SWAPPED_NOTE)
    assert not has_warning(right, SWAPPED_NOTE)
    png = read_radiograph(png16(values.byteswap()[..., None], 0))
    assert np.array_equal(png.pixels, right.pixels)
    assert png.warnings == (SWAPPED_NOTE,)


def test_signed_numbers_in_a_png_are_read_as_signed_and_told() -> None:
    read = read_radiograph(png16(SIGNED[..., None], 0))
    assert np.array_equal(read.pixels, read_radiograph(png16(DEEP[..., None], 0)).pixels)
    assert read.warnings == ("The file says that its pixels are unsigned, and they are signed.",)


def test_a_progressive_jpeg_without_its_last_scans_is_refused() -> None:
    whole = encode(Image.fromarray(FILM), "JPEG", quality=90, progressive=True)
    assert read_radiograph(whole).warnings == ()
    second = whole.index(b"\xff\xda", whole.index(b"\xff\xda") + 2)
    tables = whole.rindex(b"\xff\xc4", 0, second)
    with pytest.raises(ImageError, match="its last scans are missing"):
        read_radiograph(whole[:tables] + b"\xff\xd9")


@pytest.mark.parametrize(("quality", "told"), [(5, True), (10, True), (30, False)])
def test_a_strongly_compressed_jpeg_is_told(quality: int, told: bool) -> None:
    data = encode(Image.fromarray(FILM), "JPEG", quality=quality)
    assert any("fine structures are lost" in one for one in read_radiograph(data).warnings) == told


def test_a_deflated_tiff_with_a_false_predictor_is_told() -> None:
    false = with_predictor(zlib.compress(FILM.tobytes()))
    assert NOISE_WARNING in read_radiograph(false).warnings
    right = with_predictor(zlib.compress(np.diff(FILM, axis=1, prepend=np.uint8(0)).tobytes()))
    assert read_radiograph(right).warnings == ()


def with_predictor(strip: bytes) -> bytes:
    """A TIFF of one deflated strip whose header names differences."""
    height, width = FILM.shape
    tags = [
        (256, width), (257, height), (258, 8), (259, 8), (262, 1), (273, 8), (277, 1),
        (278, height), (279, len(strip)), (317, 2),
    ]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    return b"II*\0" + struct.pack("<I", 8 + len(strip)) + strip + directory
