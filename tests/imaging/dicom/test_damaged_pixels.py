"""Pixel data of another size than the header's, and damaged frames: refused with both numbers."""

import io

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import UID, JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless, RLELossless

from cxr_core.errors import ImageError
from cxr_core.imaging.damage import are_sides_swapped, swap_ratio
from cxr_core.imaging.dicom.decode import decode_dicom
from cxr_core.phantom.draw import draw_phantom
from tests.helpers.dicom_files import film_dataset, has_warning, to_bytes
from tests.helpers.errors import image_error

PHANTOM = np.ascontiguousarray(draw_phantom(5, size=128).pixels)
END = b"\xff\xd9"


@pytest.mark.parametrize(("keyword", "share"), [("Rows", 0.8), ("Columns", 0.95), ("Rows", 1.1)])
def test_native_pixels_of_another_size_are_refused_with_both_numbers(
    keyword: str, share: float
) -> None:
    ds = film_dataset(PHANTOM.astype(np.uint16) * 16)
    setattr(ds, keyword, int(ds[keyword].value * share))
    said = str(image_error(decode_dicom, to_bytes(ds)).value)
    assert "32,768 bytes" in said
    assert f"need {ds.Rows * ds.Columns * 2:,}" in said


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int16])
@pytest.mark.parametrize(("height", "width"), [(128, 100), (101, 128), (128, 127), (90, 128)])
def test_swapped_rows_and_columns_are_refused(height: int, width: int, kind: type) -> None:
    film: np.ndarray = PHANTOM[:height, :width].astype(np.int64)
    ds = film_dataset((film - 100 if kind is np.int16 else film).astype(kind))
    assert not has_warning(decode_dicom(to_bytes(ds)), "swapped")  # as it is, it is read
    ds.Rows, ds.Columns = width, height
    said = str(image_error(decode_dicom, to_bytes(ds)))
    assert f"{width} rows and {height} columns" in said
    assert "the two swapped" in said


@pytest.mark.parametrize("shape", [(64, 96), (97, 64), (300, 200)])
def test_noise_and_an_even_picture_are_not_taken_for_swapped(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 4096, shape).astype(np.uint16)
    assert swap_ratio(noise) == pytest.approx(1, abs=0.1)
    assert not are_sides_swapped(noise)
    assert swap_ratio(np.zeros(shape, np.uint16)) == 0
    assert swap_ratio(np.full(shape, np.inf)) == 0


def test_one_byte_of_padding_is_no_fault() -> None:
    odd = PHANTOM[:127, :127]
    ds = film_dataset(odd)
    ds.PixelData = odd.tobytes() + b"\7"
    film = decode_dicom(to_bytes(ds))
    np.testing.assert_array_equal(film.stored, odd)
    assert film.warnings == ()


def test_padding_of_one_value_is_told() -> None:
    ds = film_dataset(PHANTOM)
    ds.PixelData += bytes(512)
    film = decode_dicom(to_bytes(ds))
    np.testing.assert_array_equal(film.stored, PHANTOM)
    assert "512 bytes more than its 128 rows and 128 columns" in film.warnings[0]


def test_a_second_frame_that_no_tag_tells_of_is_refused() -> None:
    ds = film_dataset(PHANTOM)
    ds.PixelData = PHANTOM.tobytes() * 2
    assert "holds 32,768 bytes" in str(image_error(decode_dicom, to_bytes(ds)).value)


def packed(kind: str) -> Dataset:
    """The phantom in a codec's frame."""
    ds = film_dataset(PHANTOM)
    if kind in ("JPEG-LS", "RLE"):
        by = {"JPEG-LS": (JPEGLSLossless, "pyjpegls"), "RLE": (RLELossless, "pydicom")}[kind]
        ds.compress(by[0], encoding_plugin=by[1])
        return ds
    stream = io.BytesIO()
    options = {"no_jp2": True, "irreversible": False} if kind == "JPEG2000" else {"quality": 92}
    Image.fromarray(PHANTOM).save(stream, kind, **options)
    syntax: UID = JPEG2000Lossless if kind == "JPEG2000" else JPEGBaseline8Bit
    ds.file_meta.TransferSyntaxUID = syntax
    return with_frame(ds, stream.getvalue())


def with_frame(ds: Dataset, frame: bytes) -> Dataset:
    ds.PixelData = encapsulate([frame])
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    return ds


CODECS = ["JPEG", "JPEG2000", "JPEG-LS", "RLE"]


@pytest.mark.parametrize("kind", CODECS)
def test_whole_frames_are_read_without_a_word(kind: str) -> None:
    film = decode_dicom(to_bytes(packed(kind)))
    assert film.warnings == ()
    assert np.abs(film.stored.astype(int) - PHANTOM).mean() < (2 if kind == "JPEG" else 1e-9)


@pytest.mark.parametrize("kind", CODECS)
@pytest.mark.parametrize(("keyword", "share"), [("Rows", 0.8), ("Columns", 0.95)])
def test_a_frame_of_another_size_is_refused(kind: str, keyword: str, share: float) -> None:
    ds = packed(kind)
    setattr(ds, keyword, int(ds[keyword].value * share))
    assert isinstance(image_error(decode_dicom, to_bytes(ds)), ImageError)


@pytest.mark.parametrize("kind", CODECS)
@pytest.mark.parametrize("ended", [True, False], ids=["ended", "open"])
def test_half_a_frame_is_refused(kind: str, ended: bool) -> None:
    ds = packed(kind)
    frame = get_frame(ds.PixelData, 0, number_of_frames=1)
    half = frame[: len(frame) // 2] + (END if ended else b"")
    assert isinstance(image_error(decode_dicom, to_bytes(with_frame(ds, half))), ImageError)


def test_a_lost_sector_in_a_jpeg_is_named() -> None:
    ds = packed("JPEG")
    frame = get_frame(ds.PixelData, 0, number_of_frames=1)
    damaged = frame[:3000] + bytes(200) + frame[3200:]
    said = str(image_error(decode_dicom, to_bytes(with_frame(ds, damaged))).value)
    assert "the compressed image is damaged: " in said


def test_an_rle_segment_of_another_length_is_refused_with_both_numbers() -> None:
    ds = packed("RLE")
    ds.Rows = 100
    said = str(image_error(decode_dicom, to_bytes(ds)).value)
    assert "holds 16,384 bytes" in said
    assert "need 12,800" in said
