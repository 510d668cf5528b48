"""DICOM transfer syntaxes: every value comes back, and a crash of a decoder stays outside."""

import io
from pathlib import Path

import gdcm
import numpy as np
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
    SecondaryCaptureImageStorage,
)

from cxr_core.errors import ImageError
from cxr_core.imaging.dicom.decode import decode_dicom, is_dicom, is_dicom_without_preamble
from tests.helpers.dicom_files import compressed_by_gdcm, decode, film_dataset, ramp, to_bytes
from tests.helpers.errors import image_error


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian]
)
def test_uncompressed(syntax: UID) -> None:
    values = ramp(np.uint16)
    ds = film_dataset(values)
    ds.file_meta.TransferSyntaxUID = syntax
    if syntax == ExplicitVRBigEndian:
        ds.PixelData = values.astype(">u2").tobytes()
    film = decode_dicom(to_bytes(ds))
    np.testing.assert_array_equal(film.stored, values)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_rle_and_jpeg_2000_give_back_every_value(kind: type) -> None:
    values = ramp(kind, span=250)
    rle = film_dataset(values)
    rle.compress(RLELossless)
    np.testing.assert_array_equal(decode_dicom(to_bytes(rle)).stored, values)

    codestream = io.BytesIO()
    Image.fromarray(values).save(codestream, "JPEG2000", no_jp2=True, irreversible=False)
    j2k = film_dataset(values)
    j2k.file_meta.TransferSyntaxUID = JPEG2000Lossless
    j2k.PixelData = encapsulate([codestream.getvalue()])
    j2k["PixelData"].is_undefined_length = True
    film = decode_dicom(to_bytes(j2k))
    np.testing.assert_array_equal(film.stored, values)
    assert film.processing_log[0].startswith("Decoded from JPEG 2000")


def test_jpeg_baseline_equals_pillow() -> None:
    jpeg = io.BytesIO()
    Image.fromarray(ramp(np.uint8, span=250)).save(jpeg, "JPEG")
    ds = film_dataset(ramp(np.uint8))
    ds.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    ds.PixelData = encapsulate([jpeg.getvalue()])
    ds["PixelData"].is_undefined_length = True
    with Image.open(jpeg) as reopened:
        np.testing.assert_array_equal(decode_dicom(to_bytes(ds)).pixels, np.asarray(reopened))


@pytest.mark.parametrize(
    "syntax", [gdcm.TransferSyntax.JPEGLosslessProcess14_1, gdcm.TransferSyntax.JPEGLSLossless]
)
def test_jpeg_lossless_and_jpeg_ls_give_back_every_value(syntax: int, tmp_path: Path) -> None:
    values = ramp(np.uint16)
    film = decode_dicom(compressed_by_gdcm(to_bytes(film_dataset(values)), syntax, tmp_path))
    np.testing.assert_array_equal(film.stored, values)


@pytest.mark.parametrize(("offset", "value"), [(4, 255), (13, 0)])  # SIGSEGV, SIGABRT
def test_what_ends_gdcms_process_does_not_end_ours(offset: int, value: int, tmp_path: Path) -> None:
    syntax = gdcm.TransferSyntax.JPEGLosslessProcess14_1
    data = bytearray(
        compressed_by_gdcm(to_bytes(film_dataset(ramp(np.uint8, span=250))), syntax, tmp_path)
    )
    data[data.index(b"\xff\xc3") + offset] = value  # in the frame header, SOF3
    error = image_error(decode_dicom, bytes(data))
    assert error.problem == "The image in this DICOM file cannot be decoded"
    assert "JPEG Lossless" in str(error.value)
    assert "export the film again, uncompressed" in error.remedy


def test_without_preamble_and_meta() -> None:
    values = ramp(np.uint16)
    whole = to_bytes(film_dataset(values))
    for implicit in (False, True):
        buffer = io.BytesIO()
        ds = film_dataset(values)
        del ds.file_meta
        ds.save_as(buffer, implicit_vr=implicit, little_endian=True)
        bare = buffer.getvalue()
        assert is_dicom_without_preamble(bare)
        assert not is_dicom(bare)
        np.testing.assert_array_equal(decode_dicom(bare).stored, values)
    assert is_dicom(whole)
    assert not is_dicom_without_preamble(whole)
    assert not is_dicom_without_preamble(b"\x08\0\x05\0 and then a letter to a friend, not a film")
    assert not is_dicom_without_preamble(b"")


def test_a_gray_film_saved_as_rgb_is_read() -> None:
    values = ramp(np.uint8, span=250)
    film = decode(
        np.repeat(values[..., None], 3, axis=2),
        SamplesPerPixel=3,
        PhotometricInterpretation="RGB",
        PlanarConfiguration=0,
        SOPClassUID=SecondaryCaptureImageStorage,
    )
    np.testing.assert_array_equal(film.pixels, values)


def test_a_small_coloured_marker_on_a_gray_film_is_read_with_a_warning() -> None:
    values = np.repeat(ramp(np.uint8, span=250)[..., None], 3, axis=2)
    values[4:10, 4:12] = (255, 255, 0)
    tags = {
        "SamplesPerPixel": 3,
        "PhotometricInterpretation": "RGB",
        "PlanarConfiguration": 0,
        "SOPClassUID": SecondaryCaptureImageStorage,
    }
    film = decode(values, **tags)
    np.testing.assert_array_equal(film.pixels[10:], values[10:, :, 0])
    assert film.pixels[5, 5] == 226  # ITU-R 601: (0.299 + 0.587) x 255
    assert film.warnings == ("This image is in colour; only its brightness was read.",)
    values[:32] = (255, 255, 0)
    with pytest.raises(ImageError, match="is in colour"):
        decode(values, **tags)
