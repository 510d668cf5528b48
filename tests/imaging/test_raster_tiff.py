"""TIFF: gray values told exactly, 0 as white inverted, and hostile bytes an ``ImageError``."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, TiffImagePlugin

from cxr_core.errors import ImageError
from cxr_core.imaging.tiff import decode_tiff, is_tiff
from tests.helpers.errors import image_error
from tests.helpers.films import SIDE, encode, noise


def tiff(values: np.ndarray, *, photometric: int = 1, sample_format: int = 1) -> bytes:
    """A little-endian uncompressed TIFF of (H, W), by its specification (TIFF 6.0, section 8)."""
    height, width = values.shape
    body = values.astype(values.dtype.newbyteorder("<")).tobytes()
    tags = [
        (256, width), (257, height), (258, 8 * values.dtype.itemsize), (259, 1),
        (262, photometric), (273, 8), (277, 1), (278, height), (279, len(body)),
        (339, sample_format),
    ]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    return b"II*\0" + struct.pack("<I", 8 + len(body)) + body + directory


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_deflate", "packbits"])
def test_8_bit_gray_is_kept_exactly(compression: str) -> None:
    values = noise(SIDE, 100)
    film = decode_tiff(encode(Image.fromarray(values), "TIFF", compression=compression))
    np.testing.assert_array_equal(film.pixels, values)
    assert (film.file_format, film.processing_log) == (
        "TIFF",
        ("8-bit gray values kept as they are.",),
    )
    assert film.warnings == ()


def test_16_bit_gray_is_scaled_from_its_own_range() -> None:
    values = np.linspace(9000, 14100, SIDE * SIDE).astype(np.uint16).reshape(SIDE, SIDE)
    for data in (tiff(values), encode(Image.fromarray(values), "TIFF", compression="tiff_lzw")):
        film = decode_tiff(data)
        assert np.abs(film.pixels - (values - 9000.0) / 20).max() <= 1  # 20 a gray level
        np.testing.assert_array_equal(film.stored, values)
        assert film.stored.dtype == np.uint16


def test_big_endian_16_bit_gives_the_same_values() -> None:
    values = noise(SIDE, SIDE, below=4096, kind=np.uint16)
    image = Image.frombytes("I;16B", (SIDE, SIDE), values.astype(">u2").tobytes())
    data = encode(image, "TIFF")
    assert data.startswith(b"MM")
    np.testing.assert_array_equal(decode_tiff(data).stored, values)


@pytest.mark.parametrize(("kind", "most"), [(np.uint8, 255), (np.uint16, 65535)])
def test_where_0_is_white_the_film_is_inverted(kind: type, most: int) -> None:
    values = noise(SIDE, SIDE, below=most, kind=kind)
    film = decode_tiff(tiff(values, photometric=0))
    assert film.inverted == (kind is np.uint16)  # 8 bits come inverted from Pillow
    np.testing.assert_array_equal(film.stored, values if film.inverted else most - values)
    assert film.pixels.ravel()[values.argmax()] == film.pixels.min()
    assert "MINISWHITE: inverted, so that dense is bright." in film.processing_log


def test_signed_and_floating_values_are_scaled() -> None:
    signed = np.zeros((SIDE, SIDE), np.int16)
    signed[0, :3] = [-510, 0, 510]
    film = decode_tiff(tiff(signed, sample_format=2))
    assert film.pixels[0, :3].tolist() == [0, 128, 255]
    assert film.processing_log == (
        "16-bit values scaled to 0 to 255: the full range of 10 bits, -512 to 511.",
    )
    floats = np.zeros((SIDE, SIDE), np.float32)
    floats[0, :2] = [0.5, 1.0]
    film = decode_tiff(tiff(floats, sample_format=3))
    assert film.pixels[0, :3].tolist() == [128, 255, 0]
    assert film.processing_log == (
        "Floating values scaled to 0 to 255: the usual range of such values, 0 to 1.",
    )
    inverted = decode_tiff(tiff(floats, sample_format=3, photometric=0))
    assert inverted.pixels[0, :3].tolist() == [127, 0, 255]


def test_values_that_are_no_numbers_are_refused() -> None:
    floats = np.zeros((SIDE, SIDE), np.float32)
    floats[3, 3] = np.nan
    assert image_error(decode_tiff, tiff(floats, sample_format=3)).problem == (
        "The TIFF file has invalid pixel values"
    )


def test_the_picture_is_turned_upright() -> None:
    values = noise(SIDE, 100)
    exif = Image.Exif()
    exif[0x0112] = 6  # the first row is the right side: turn right by a quarter
    film = decode_tiff(encode(Image.fromarray(values), "TIFF", exif=exif))
    np.testing.assert_array_equal(film.pixels, np.rot90(values, -1))
    assert film.processing_log[0] == "Rotated upright according to its EXIF orientation (6)."


def test_colour_is_read_as_luminance_with_a_warning() -> None:
    red = np.zeros((SIDE, SIDE, 3), np.uint8)
    red[..., 0] = 200
    film = decode_tiff(encode(Image.fromarray(red), "TIFF"))
    assert film.pixels[0, 0] == 60  # ITU-R 601: 0.299 x 200
    assert film.warnings[0].startswith("This image is in colour")


def pages(subfile_types: list[int]) -> bytes:
    """Pages that are ever smaller, each with what it is to the first (TIFF 6.0, section 8)."""
    drawn, kinds = [], []
    for number, kind in enumerate(subfile_types):
        drawn.append(Image.fromarray(noise(SIDE, SIDE)).reduce(1 + number // 2))
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        tags[254] = kind
        kinds.append(tags)
    buffer = io.BytesIO()
    with TiffImagePlugin.AppendingTiffWriter(buffer, True) as writer:
        for image, tags in zip(drawn, kinds, strict=True):
            image.save(writer, "TIFF", tiffinfo=tags)
            writer.newFrame()
    return buffer.getvalue()


def test_a_smaller_copy_behind_the_film_is_not_looked_at() -> None:
    film = decode_tiff(pages([0, 1, 1, 4]))
    np.testing.assert_array_equal(film.pixels, noise(SIDE, SIDE))
    error = image_error(decode_tiff, pages([0, 1, 0]))
    assert error.problem.startswith("This TIFF file has several pages")


def test_several_pages_are_refused() -> None:
    pages = [Image.fromarray(noise(SIDE, SIDE))] * 3
    error = image_error(
        decode_tiff, encode(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    )
    assert error.problem == "This TIFF file has several pages; a radiograph has one"
    assert error.remedy == "Save the page you need as a separate PNG or TIFF."


def test_too_large_and_too_small_are_refused_by_the_header() -> None:
    small = tiff(np.zeros((63, 63), np.uint8))
    assert image_error(decode_tiff, small).value == "63 x 63 pixels"
    huge = small.replace(struct.pack("<HHII", 256, 4, 1, 63), struct.pack("<HHII", 256, 4, 1, 9**9))
    huge = huge.replace(struct.pack("<HHII", 257, 4, 1, 63), struct.pack("<HHII", 257, 4, 1, 99))
    assert image_error(decode_tiff, huge).problem == "The image is too large to be a radiograph"


def test_a_truncated_file_is_one_sentence() -> None:
    data = tiff(noise(SIDE, SIDE))
    assert str(image_error(decode_tiff, data[:200])) == (
        "The file is damaged or incomplete and cannot be read: TIFF, 200 bytes. Copy the file "
        "again, or export the film again as PNG, TIFF or DICOM."
    )


def test_signatures() -> None:
    assert all(is_tiff(start + b"rest") for start in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"))
    assert not is_tiff(b"II")
    assert not is_tiff(b"")


def wholes() -> list[bytes]:
    image = Image.fromarray(noise(70, 70))
    packed = [encode(image, "TIFF", compression=name) for name in ("raw", "tiff_lzw", "jpeg")]
    return [*packed, tiff(noise(70, 70, below=4000, kind=np.uint16), photometric=0)]


@settings(max_examples=75)
@given(st.sampled_from(wholes()), st.data())
def test_damaged_bytes_raise_nothing_but_an_image_error(whole: bytes, data: st.DataObject) -> None:
    damaged = bytearray(whole[: data.draw(st.integers(8, len(whole)))])
    places = st.integers(3, len(damaged) - 1)
    for place, byte in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=6)):
        damaged[place] = byte
    try:
        film = decode_tiff(bytes(damaged))
    except ImageError:
        return
    assert film.pixels.dtype == np.uint8
    assert film.pixels.ndim == 2
