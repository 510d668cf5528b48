"""Files are told apart by their content; what is no film is named for what it is."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cxr_core.errors import ImageError
from cxr_core.imaging.radiograph import read_radiograph
from tests.helpers.dicom_files import film_dataset, to_bytes
from tests.helpers.errors import image_error
from tests.helpers.films import encode

VALUES = np.random.default_rng(2).integers(0, 256, (96, 80), dtype=np.uint8)


FILM = Image.fromarray(VALUES)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_the_kind_is_found_in_the_bytes(kind: str) -> None:
    film = read_radiograph(encode(FILM, kind))
    assert film.file_format == kind
    assert film.pixels.shape == (96, 80)


def test_the_hash_is_of_the_uploaded_bytes() -> None:
    data = encode(FILM, "PNG")
    assert read_radiograph(data).sha256 == hashlib.sha256(data).hexdigest()


def test_bytes_in_any_form_are_read() -> None:
    data = encode(FILM, "PNG")
    assert read_radiograph(bytearray(data)).sha256 == read_radiograph(memoryview(data)).sha256


def test_an_empty_file() -> None:
    error = image_error(read_radiograph, b"")
    assert error.problem == "The file is empty"
    assert error.value == "0 bytes"
    assert error.remedy == "Copy or export the film again, then upload it."


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("Befund: kein Erguss, größere Lunge.\n".encode() * 40, "a text file, not an image"),
        ("Größe: übermäßig\n".encode("latin-1") + b"no effusion" * 9, "a text file"),
        (b"Image Index,Finding Labels\r\n00000001_000.png,Effusion\r\n", "a text file"),
        (b"%PDF-1.7 ...", "a PDF document"),
        (b"PK\x03\x04 zip", "a ZIP archive"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"\0\0\0\x18ftypheic", "a HEIC or AVIF image"),
        (b"\x01\x02\x03\xffdata", "a file of unknown type (first bytes 01 02 03 ff 64 61"),
        (b"\0" * 300, "nothing but zeros"),
        (b"P5 384 384 255\n", "a portable any-map"),
        (b"\x5c\1" + bytes(342) + b"n+1\0", "a NIfTI volume"),
        (b"\x93NUMPY\1\0v\0", "a NumPy array"),
        (b"8BPS\0\1", "a Photoshop image"),
        (b"\x89PNG\n\x1a\n\0\0", "a PNG that was changed on its way"),
        ("Kein Erguss, keine Infiltrate.".encode("utf-16"), "a text file, not an image"),
        (b"\0\5\x16\7\0\2\0\0Mac OS X", "a Mac's companion file without the film"),
    ],
)
def test_what_is_no_film_is_named(data: bytes, words: str) -> None:
    error = image_error(read_radiograph, data)
    assert error.problem == "This file cannot be read"
    assert str(error.value).startswith(f"it looks like {words}")
    assert error.remedy == "Save the film as PNG, JPEG, TIFF or DICOM and upload that."


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("GIF", "a GIF image or animation"),
        ("BMP", "a BMP image"),
        ("WEBP", "a WebP image"),
        ("JPEG2000", "a bare JPEG 2000 image"),
    ],
)
def test_other_pictures_are_named(kind: str, words: str) -> None:
    assert image_error(read_radiograph, encode(FILM, kind)).value == f"it looks like {words}"


def test_an_empty_preamble_without_its_prefix() -> None:
    values = np.asarray(FILM)
    data = to_bytes(film_dataset(values))
    meta_end = 144 + int.from_bytes(data[140:144], "little")
    read = read_radiograph(bytes(128) + data[meta_end:])
    np.testing.assert_array_equal(read.pixels, values)


def test_an_animated_gif() -> None:
    more = [Image.new("L", (80, 96), level) for level in (0, 200)]
    error = image_error(read_radiograph, encode(FILM, "GIF", save_all=True, append_images=more))
    assert error.value == "it looks like a GIF image or animation"
    assert "PNG, JPEG, TIFF or DICOM" in error.remedy


def test_the_sentence_is_one_a_person_can_act_on() -> None:
    assert str(image_error(read_radiograph, b"hello")) == (
        "This file cannot be read: it looks like a text file, not an image. "
        "Save the film as PNG, JPEG, TIFF or DICOM and upload that."
    )


@pytest.mark.filterwarnings("ignore")  # pydicom grumbles about some of these before it gives up
@given(
    st.sampled_from(
        [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"\x08\0\x05\0", b"\0" * 128 + b"DICM"]
    ),
    st.binary(max_size=200),
)
def test_arbitrary_bytes_raise_nothing_but_an_image_error(start: bytes, rest: bytes) -> None:
    with pytest.raises(ImageError):
        read_radiograph(start + rest)
