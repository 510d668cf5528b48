"""Files are told apart by their content; what is no film is named for what it is."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cxr_core.errors import ImageError
from cxr_core.imaging.radiograph import read_radiograph
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
        ("Befund: kein Erguss, größere Lunge.\n".encode() * 40, "text, whatever its name says"),
        ("Größe: übermäßig\n".encode("latin-1") + b"no effusion" * 9, "text"),
        (b"Image Index,Finding Labels\r\n00000001_000.png,Effusion\r\n", "text"),
        (b"%PDF-1.7 ...", "a PDF document"),
        (b"PK\x03\x04 zip", "a ZIP archive"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"\0\0\0\x18ftypheic", "a HEIC or AVIF picture"),
        (b"\x01\x02\x03\xffdata", "an unknown type that begins with the bytes 01 02 03 ff 64 61"),
        (b"\0", "an unknown type that begins with the bytes 00"),
    ],
)
def test_what_is_no_film_is_named(data: bytes, words: str) -> None:
    error = image_error(read_radiograph, data)
    assert error.problem == "This file is not an image that can be read here"
    assert str(error.value).startswith(f"it looks like {words}")
    assert error.remedy == "Save the film as PNG, JPEG, TIFF or DICOM and upload that."


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("GIF", "a GIF picture or animation"),
        ("BMP", "a BMP picture"),
        ("WEBP", "a WebP picture"),
        ("JPEG2000", "a bare JPEG 2000 picture"),
    ],
)
def test_other_pictures_are_named(kind: str, words: str) -> None:
    assert image_error(read_radiograph, encode(FILM, kind)).value == f"it looks like {words}"


def test_an_animated_gif() -> None:
    more = [Image.new("L", (80, 96), level) for level in (0, 200)]
    error = image_error(read_radiograph, encode(FILM, "GIF", save_all=True, append_images=more))
    assert error.value == "it looks like a GIF picture or animation"
    assert "PNG, JPEG, TIFF or DICOM" in error.remedy


def test_the_sentence_is_one_a_person_can_act_on() -> None:
    assert str(image_error(read_radiograph, b"hello")) == (
        "This file is not an image that can be read here: it looks like text, whatever its name "
        "says. Save the film as PNG, JPEG, TIFF or DICOM and upload that."
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
