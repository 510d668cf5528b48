"""TIFF of kinds that Pillow does not know, and PNG with long texts."""

import struct
import zlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import numpy as np
import pytest
from PIL import Image

from cxr_core.imaging.raster import decode_raster
from cxr_core.imaging.tiff import decode_tiff
from cxr_core.phantom.draw import draw_phantom
from tests.helpers.errors import image_error
from tests.helpers.films import chunk, encode

PHANTOM = draw_phantom(9, size=96).pixels


def plain(
    values: np.ndarray,
    order: Literal["<", ">"] = "<",
    *,
    deflate: bool = False,
    changed: Mapping[int, int] = MappingProxyType({}),
) -> bytes:
    """One strip of (H, W) or (H, W, samples), by the specification (TIFF 6.0, section 2)."""
    shaped = values if values.ndim == 3 else values[:, :, None]
    height, width, samples = shaped.shape
    body = shaped.astype(shaped.dtype.newbyteorder(order)).tobytes()
    body = zlib.compress(body) if deflate else body
    formats = {"u": 1, "i": 2, "f": 3}[values.dtype.kind]
    tags = {
        256: width, 257: height, 258: 8 * values.dtype.itemsize, 259: 8 if deflate else 1, 262: 1,
        273: 8, 277: samples, 278: height, 279: len(body), 284: 1, 339: formats,
    }  # fmt: skip
    tags |= changed
    mark, words = (b"II*\0", "<") if order == "<" else (b"MM\0*", ">")
    entries = b"".join(struct.pack(f"{words}HHII", tag, 4, 1, tags[tag]) for tag in sorted(tags))
    directory = struct.pack(f"{words}H", len(tags)) + entries + bytes(4)
    return mark + struct.pack(f"{words}I", 8 + len(body)) + body + directory


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("deflate", [False, True])
def test_64_bit_floats_are_read(order: Literal["<", ">"], deflate: bool) -> None:
    film = decode_tiff(plain(PHANTOM * 16.0, order, deflate=deflate))
    np.testing.assert_array_equal(film.pixels, np.rint(PHANTOM * (16 * 255 / 4095)))
    assert film.processing_log[0].startswith("64-bit floating values scaled to 0 to 255")
    assert film.file_format == "TIFF"


def test_16_bit_gray_with_alpha_is_read() -> None:
    values = np.stack([PHANTOM * np.uint16(257), np.full(PHANTOM.shape, 65535, np.uint16)], axis=2)
    film = decode_tiff(plain(values))
    np.testing.assert_array_equal(film.pixels, PHANTOM)
    assert film.warnings == ()
    values[:10, :, 1] = 0
    film = decode_tiff(plain(values))
    assert not film.pixels[:10].any()
    assert film.warnings == ("Transparent parts of this image were filled with black.",)


TWELVE = np.rint(PHANTOM * (4095 / 255)).astype(np.uint16)


@pytest.mark.parametrize("planes_apart", [False, True])
@pytest.mark.parametrize("deflate", [False, True])
def test_16_bit_rgb_keeps_its_depth(planes_apart: bool, deflate: bool) -> None:
    values = np.repeat(TWELVE[..., None], 3, axis=2)  # 16 levels in the upper bytes
    if planes_apart:
        # As it lies in the file: one plane after the other, in strips of whole planes.
        apart = np.moveaxis(values, 2, 0).reshape(values.shape)
        data = plain(apart, deflate=deflate, changed={284: 2, 262: 2})
    else:
        data = plain(values, deflate=deflate, changed={262: 2})
    film = decode_tiff(data)
    np.testing.assert_array_equal(film.pixels, PHANTOM)
    np.testing.assert_array_equal(film.stored, TWELVE)
    assert (film.colour_fraction, film.warnings) == (0.0, ())


def test_16_bit_rgb_in_colour_is_stopped_as_a_picture_in_colour_is() -> None:
    values = np.stack([TWELVE, TWELVE[::-1], TWELVE[:, ::-1]], axis=2)
    film = decode_tiff(plain(values, changed={262: 2}))
    assert film.colour_fraction > 0.5
    assert film.warnings[0] == "This image is in colour; only its brightness was read."


def test_differences_to_the_left_neighbour_are_added_up() -> None:
    values = np.stack([TWELVE, np.full_like(TWELVE, 65535)], axis=2)
    differences = np.diff(values, axis=1, prepend=values[:, :1] * 0)
    film = decode_tiff(plain(differences, deflate=True, changed={317: 2}))
    np.testing.assert_array_equal(film.stored, TWELVE)


def test_signed_and_unsigned_values_of_8_and_32_bits() -> None:
    signed = (PHANTOM.astype(np.int16) - 128).astype(np.int8)
    np.testing.assert_array_equal(decode_tiff(plain(signed)).pixels, PHANTOM)
    np.testing.assert_array_equal(
        decode_tiff(plain(np.invert(signed), changed={262: 0})).pixels, PHANTOM
    )
    whole = PHANTOM.astype(np.uint32) * (2**24 + 2**16 + 2**8 + 1)
    pixels = decode_tiff(plain(whole)).pixels.astype(int)
    low, high = np.percentile(PHANTOM, (0.1, 99.9))
    expected = np.rint((PHANTOM - low) * (255 / (high - low))).clip(0, 255)
    assert np.abs(pixels - expected).max() <= 1


@pytest.mark.parametrize(
    "values", [4095 - TWELVE, (4095 - TWELVE).astype(np.uint32), 1.0 - TWELVE / 4095]
)
def test_where_0_is_white_the_bits_in_use_are_inverted(values: np.ndarray) -> None:
    film = decode_tiff(plain(values, changed={262: 0}))
    assert np.abs(film.pixels.astype(int) - PHANTOM).max() <= 1


def test_a_colour_space_that_is_not_read_is_called_so() -> None:
    lab = Image.fromarray(np.repeat(PHANTOM[..., None], 3, axis=2)).convert("LAB")
    error = image_error(decode_tiff, encode(lab, "TIFF"))
    assert (error.problem, error.value) == (
        "This kind of TIFF cannot be read",
        "colour as CIE L*a*b*",
    )


@pytest.mark.parametrize("changed", [{259: 34712}, {339: 5}, {258: 24}, {277: 9}])
def test_other_kinds_are_called_so(changed: dict[int, int]) -> None:
    values = np.stack([PHANTOM * np.uint16(257)] * 2, axis=2)
    error = image_error(decode_tiff, plain(values, changed=changed))
    assert error.problem == "This kind of TIFF cannot be read"
    assert error.remedy.startswith("Save the film as a 16-bit grayscale PNG")


def test_a_64_bit_tiff_that_is_cut_short_is_damaged() -> None:
    data = plain(PHANTOM * 16.0)
    strip = struct.pack("<HHII", 279, 4, 1, PHANTOM.size * 8)
    error = image_error(decode_tiff, data.replace(strip, struct.pack("<HHII", 279, 4, 1, 100)))
    assert error.problem == "The file is damaged or incomplete and cannot be read"


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt"])
def test_a_png_with_a_long_text_is_read(kind: bytes) -> None:
    text = b"report " * 400_000
    body = {
        b"tEXt": b"Comment\0" + text,
        b"zTXt": b"Comment\0\0" + zlib.compress(text),
        b"iTXt": b"Comment\0\1\0\0\0" + zlib.compress(text),
    }[kind]
    data = encode(Image.fromarray(PHANTOM))
    film = decode_raster(data[:33] + chunk(kind, body) * 3 + data[33:])
    np.testing.assert_array_equal(film.pixels, PHANTOM)
