"""A PNG or TIFF whose header and data do not fit is refused, though its decoder is content."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from bench.damaged_films import png_header, tiff_header
from cxr_core.imaging.raster import decode_raster
from cxr_core.imaging.tiff import decode_tiff
from cxr_core.imaging.tiff_parts import FULL_STRIP_WARNING, SURPLUS_WARNING
from cxr_core.imaging.unpacked import lzw_size, packbits_size
from cxr_core.phantom.draw import draw_phantom
from tests.helpers.errors import image_error
from tests.helpers.films import encode, png, png16

PHANTOM = np.ascontiguousarray(draw_phantom(3, size=200).pixels)
DEEP = PHANTOM.astype(np.uint16) * 257
LOSSLESS = ["raw", "tiff_adobe_deflate", "tiff_lzw", "packbits"]
KINDS = [*((name, deep) for name in LOSSLESS for deep in (False, True)), ("jpeg", False)]
LENGTH, ROWS_PER_STRIP, STRIP_BYTES = 257, 278, 279


def tiff(compression: str, pixels: np.ndarray = PHANTOM, rows_per_strip: int = 1000) -> bytes:
    """A TIFF in strips of so many rows, as libtiff or Pillow writes it."""
    options = {} if compression == "raw" else {"compression": compression}
    row = pixels.shape[1] * pixels.itemsize
    return encode(Image.fromarray(pixels), "TIFF", strip_size=row * rows_per_strip, **options)


@pytest.mark.parametrize("share", [0.99, 0.8])
@pytest.mark.parametrize("kind", ["8 bits", "16 bits", "1 bit", "RGB", "16-bit RGB"])
def test_a_png_with_rows_beyond_its_header_is_refused(kind: str, share: float) -> None:
    data = {
        "8 bits": lambda: encode(Image.fromarray(PHANTOM)),
        "16 bits": lambda: encode(Image.fromarray(DEEP)),
        "1 bit": lambda: encode(Image.fromarray(PHANTOM).convert("1")),
        "RGB": lambda: encode(Image.fromarray(np.dstack([PHANTOM] * 3))),
        "16-bit RGB": lambda: png16(np.dstack([DEEP] * 3), 2),
    }[kind]()
    assert decode_raster(data).pixels.shape == PHANTOM.shape
    error = image_error(decode_raster, png_header(data, "rows", share))
    assert f"its data hold more than the {int(200 * share)} rows of its header" in str(error)


def interlaced(pixels: np.ndarray) -> bytes:
    """An 8-bit PNG in seven passes (PNG 3rd edition, 8.2)."""
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2)]
    rows = b"".join(
        b"\0" + row.tobytes()
        for x, y, step_x, step_y in [*passes, (0, 1, 1, 2)]
        for row in pixels[y::step_y, x::step_x]
    )
    data = bytearray(png(pixels.shape[1], pixels.shape[0], 8, 0, rows))
    data[28] = 1  # png_header mends the checksum
    return png_header(bytes(data), "rows", 1.0)


@pytest.mark.parametrize("side", [97, 98, 99, 100, 101])
def test_an_interlaced_png_is_measured_pass_by_pass(side: int) -> None:
    film = PHANTOM[:side, : side + 3]
    np.testing.assert_array_equal(decode_raster(interlaced(film)).pixels, film)
    error = image_error(decode_raster, png_header(interlaced(film), "rows", 0.9))
    assert "damaged" in str(error)


def test_a_few_bytes_behind_the_last_row_are_left_alone() -> None:
    rows = b"".join(b"\0" + row.tobytes() for row in PHANTOM)
    film = decode_raster(png(200, 200, 8, 0, rows + b"\0" * 200))
    np.testing.assert_array_equal(film.pixels, PHANTOM)
    assert film.warnings == ()


@pytest.mark.parametrize("side", ["rows", "columns"])
@pytest.mark.parametrize("share", [0.8, 0.99, 1.01, 1.2])
@pytest.mark.parametrize("rows_per_strip", [64, 1000])
@pytest.mark.parametrize(("compression", "deep"), KINDS)
def test_a_tiff_that_does_not_fit_its_header_is_refused(
    compression: str, deep: bool, rows_per_strip: int, share: float, side: str
) -> None:
    data = tiff(compression, DEEP if deep else PHANTOM, rows_per_strip)
    whole = decode_tiff(data)
    assert (whole.pixels.shape, whole.warnings) == (PHANTOM.shape, ())
    assert "damaged" in str(image_error(decode_tiff, tiff_header(data, side, share)))


def test_a_last_strip_as_long_as_the_others_is_told() -> None:
    data = tiff("tiff_lzw", PHANTOM[:192], 64)
    film = decode_tiff(tiff_header(data, "rows", 180 / 192))
    np.testing.assert_array_equal(film.pixels, PHANTOM[:180])
    assert film.warnings == (FULL_STRIP_WARNING,)


def test_an_old_tiff_that_does_not_say_how_long_its_strips_are_is_read() -> None:
    image = TiffImagePlugin.TiffImageFile(io.BytesIO(tiff("raw")))
    at = tiff("raw").index(struct.pack("<HHII", STRIP_BYTES, 4, 1, PHANTOM.size))
    data = bytearray(tiff("raw"))
    data[at + 8 : at + 12] = bytes(4)
    assert image.tag_v2[STRIP_BYTES] == (PHANTOM.size,)
    np.testing.assert_array_equal(decode_tiff(bytes(data)).pixels, PHANTOM)
    cut = image_error(decode_tiff, bytes(data[:-1000]))
    assert "damaged" in str(cut)


@pytest.mark.parametrize("pixels", [PHANTOM, DEEP, np.zeros_like(PHANTOM)], ids=["8", "16", "even"])
@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits"])
def test_packed_parts_are_measured_to_the_byte(compression: str, pixels: np.ndarray) -> None:
    data = tiff(compression, pixels)
    image = TiffImagePlugin.TiffImageFile(io.BytesIO(data))
    (start,), (size,) = image.tag_v2[273], image.tag_v2[STRIP_BYTES]
    part = data[start : start + size]
    if compression == "packbits":
        assert packbits_size(part) == pixels.nbytes
        return
    assert lzw_size(part, 10 * pixels.nbytes) == pixels.nbytes
    assert lzw_size(part, 1000) == 1001  # a bomb is not unpacked to its end
    assert lzw_size(b"\0\1" + part, 1000) is None  # of before TIFF 6.0


def test_changed_bits_in_lzw_are_told_where_libtiff_is_content() -> None:
    data = tiff("tiff_lzw", PHANTOM, 64)
    image = TiffImagePlugin.TiffImageFile(io.BytesIO(data))
    start, size = image.tag_v2[273][1], image.tag_v2[STRIP_BYTES][1]  # not the last strip
    n_told = 0
    for seed in range(12):
        rng, damaged = np.random.default_rng(seed), bytearray(data)
        damaged[start + int(rng.integers(size // 4, size - 2))] ^= 1 << int(rng.integers(8))
        film = decode_tiff(bytes(damaged))
        n_changed = np.count_nonzero(film.pixels != PHANTOM)
        assert film.warnings == (SURPLUS_WARNING,) or n_changed < 100, seed
        n_told += len(film.warnings)
    assert n_told >= 3
