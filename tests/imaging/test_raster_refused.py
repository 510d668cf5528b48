"""PNG and JPEG files that are refused, each in its own words; hostile bytes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cxr_core.errors import ImageError
from cxr_core.imaging.raster import decode_raster, is_raster
from tests.helpers.errors import image_error
from tests.helpers.films import SIDE, encode, noise, png


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_truncated_picture_is_called_cut_short(kind: str) -> None:
    data = encode(Image.fromarray(noise(200, 200)), kind)
    error = image_error(decode_raster, data[: len(data) // 2])
    assert error.problem == "The file is incomplete"
    assert error.value == f"{kind}, {len(data) // 2:,} bytes"
    assert error.remedy.startswith("Copy or download the file again")


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_file_cut_inside_its_header_is_called_cut_short(kind: str) -> None:
    data = encode(Image.fromarray(noise(200, 200)), kind)
    assert image_error(decode_raster, data[:20]).problem == "The file is incomplete"


def test_a_damaged_picture_is_called_damaged() -> None:
    data = bytearray(encode(Image.fromarray(noise(200, 200))))
    data[5000:5100] = bytes(100)
    error = image_error(decode_raster, bytes(data))
    assert error.problem == "The file is damaged and cannot be read"
    assert error.value == f"PNG, {len(data):,} bytes"
    assert error.remedy == "Export the film again as PNG, JPEG, TIFF or DICOM."


@pytest.mark.parametrize("size", [(1, 1), (63, 500), (500, 63)])
def test_too_small(size: tuple[int, int]) -> None:
    error = image_error(decode_raster, encode(Image.new("L", size)))
    assert error.problem == "The image is too small to be a radiograph"
    assert error.value == f"{size[0]} x {size[1]} pixels"
    assert "at least 64 pixels" in error.remedy


def test_the_smallest_film_is_read() -> None:
    assert decode_raster(encode(Image.new("L", (64, 64)))).pixels.shape == (64, 64)


def test_a_huge_header_is_refused_before_anything_is_decoded() -> None:
    limit = Image.MAX_IMAGE_PIXELS
    error = image_error(
        decode_raster, png(30_000, 30_000, 8, 0, b"nothing like 900 million pixels")
    )
    assert error.problem == "The image is too large to be a radiograph"
    assert error.value == "30,000 x 30,000 pixels"
    assert "at most 64 million pixels" in error.remedy
    assert limit == Image.MAX_IMAGE_PIXELS


def test_an_animated_png_is_refused() -> None:
    frames = [
        Image.fromarray(noise(SIDE, SIDE)),
        Image.new("L", (SIDE, SIDE)),
        Image.new("L", (80, 80), 9),
    ]
    error = image_error(decode_raster, encode(frames[0], save_all=True, append_images=frames[1:]))
    assert error.problem == "The file is an animation; a radiograph is a single image"
    assert error.value == "3 frames"
    assert "a separate PNG" in error.remedy


def frame_header(marker: int, depth: int = 8) -> bytes:
    """A JPEG that ends with the header of its frame (ISO/IEC 10918-1, B.2.2)."""
    header = bytes([0xFF, marker, 0, 11, depth, 0, SIDE, 0, SIDE, 1, 1, 0x11, 0])
    return b"\xff\xd8\xff\xfe\0\4hi" + header + bytes(20) + b"\xff\xd9"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (frame_header(0xC1, depth=12), "12 bits a sample"),
        (frame_header(0xF7), "JPEG-LS"),
        (frame_header(0xC9), "arithmetic coding"),
    ],
)
def test_a_jpeg_of_a_kind_that_is_not_read_is_called_so(data: bytes, kind: str) -> None:
    error = image_error(decode_raster, data)
    assert (error.problem, error.value) == ("This kind of JPEG cannot be read", kind)


def test_a_damaged_jpeg_is_of_no_such_kind() -> None:
    assert "damaged" in image_error(decode_raster, frame_header(0xC0)).problem


def test_only_png_and_jpeg_are_raster() -> None:
    image = Image.fromarray(noise(SIDE, SIDE))
    assert is_raster(encode(image, "PNG"))
    assert is_raster(encode(image, "JPEG"))
    assert not any(is_raster(encode(image, kind)) for kind in ("GIF", "BMP", "TIFF", "WEBP"))
    assert not is_raster(b"")


def wholes() -> list[bytes]:
    values = noise(70, 70)
    exif = Image.Exif()
    exif[0x0112] = 6
    return [
        encode(Image.fromarray(values)),
        encode(Image.fromarray(values).convert("P")),
        encode(Image.fromarray(values.astype(np.uint16) * 200)),
        encode(Image.fromarray(values), "JPEG", exif=exif),
        encode(Image.fromarray(values).convert("CMYK"), "JPEG"),
    ]


@settings(max_examples=75)
@given(st.sampled_from(wholes()), st.data())
def test_damaged_bytes_raise_nothing_but_an_image_error(whole: bytes, data: st.DataObject) -> None:
    damaged = bytearray(whole[: data.draw(st.integers(8, len(whole)))])
    places = st.integers(3, len(damaged) - 1)
    for place, byte in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=6)):
        damaged[place] = byte
    if not is_raster(bytes(damaged)):
        return
    try:
        film = decode_raster(bytes(damaged))
    except ImageError:
        return
    assert film.pixels.dtype == np.uint8
    assert film.pixels.ndim == 2
