"""DICOM files that are refused, each in its own words; hostile bytes."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.encaps import encapsulate
from pydicom.uid import (
    MPEG4HP41,
    UID,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    EncapsulatedPDFStorage,
    ImplicitVRLittleEndian,
    RLELossless,
    SecondaryCaptureImageStorage,
)

from cxr_core.errors import ImageError
from cxr_core.imaging.dicom.decode import decode_dicom
from cxr_core.imaging.dicom.tags import read_elements
from tests.helpers.dicom_files import (
    SIDE,
    decode,
    film_dataset,
    has_warning,
    in_palette,
    lut_sequence,
    ramp,
    to_bytes,
)
from tests.helpers.errors import image_error


@pytest.mark.parametrize(
    ("modality", "words"), [("CT", "a CT image"), ("MG", "a mammogram"), ("US", "an ultrasound")]
)
def test_other_modalities_are_refused_by_name(modality: str, words: str) -> None:
    error = image_error(
        decode_dicom,
        to_bytes(film_dataset(ramp(np.uint16), Modality=modality, SOPClassUID=CTImageStorage)),
    )
    assert words in error.problem
    assert error.problem.endswith("not a chest radiograph")
    assert error.value == f"modality {modality}"
    assert error.remedy == "Upload the frontal chest radiograph (modality CR or DX)."


def test_a_secondary_capture_and_even_a_ct_sop_class_are_read_when_the_modality_fits() -> None:
    for sop_class in (SecondaryCaptureImageStorage, CTImageStorage):
        assert decode(ramp(np.uint8), SOPClassUID=sop_class).file_format == "DICOM"


def test_without_pixels() -> None:
    ds = film_dataset(ramp(np.uint8))
    del ds.PixelData
    error = image_error(decode_dicom, to_bytes(ds))
    assert error.problem == "This DICOM file contains no image"
    assert error.value == "no Pixel Data (7FE0,0010)"
    assert error.remedy == "Upload the file of the film."


def test_several_frames() -> None:
    values = np.zeros((3 * SIDE, SIDE), np.uint8)
    error = image_error(decode_dicom, to_bytes(film_dataset(values, Rows=SIDE, NumberOfFrames=3)))
    assert error.problem == "This DICOM file has several frames; a radiograph has one"
    assert error.value == "3 frames"
    assert error.remedy == "Export the frame you need as a separate file."


def test_colour() -> None:
    values = np.zeros((SIDE, SIDE, 3), np.uint8)
    values[..., 0] = 200
    rgb = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    error = image_error(decode_dicom, to_bytes(film_dataset(values, **rgb)))
    assert error.problem == "This DICOM file is in colour; a radiograph is grayscale"
    assert error.value == "photometric interpretation RGB"
    rainbow = [(e, 255 - e, 0) for e in range(256)]
    palette = in_palette(ramp(np.uint8, span=250), rainbow)
    assert (
        image_error(decode_dicom, to_bytes(palette)).value
        == "photometric interpretation PALETTE COLOR"
    )


def test_an_encapsulated_document() -> None:
    ds = film_dataset(ramp(np.uint8), SOPClassUID=EncapsulatedPDFStorage, Modality="OT")
    del ds.PixelData
    ds.EncapsulatedDocument = b"%PDF-1.4"
    error = image_error(decode_dicom, to_bytes(ds))
    assert error.problem == "This DICOM file contains a document, not an image"
    assert error.value == "an encapsulated document"


@pytest.mark.parametrize(
    ("rows", "columns", "problem", "value"),
    [
        (30_000, 30_000, "too large to be a radiograph", "30,000 x 30,000 pixels"),
        (1, 1, "too small to be a radiograph", "1 x 1 pixels"),
        (0, 64, "does not state its image size", "0 rows, 64 columns"),
    ],
)
def test_sizes_are_checked_before_decoding(
    rows: int, columns: int, problem: str, value: str
) -> None:
    error = image_error(
        decode_dicom, to_bytes(film_dataset(ramp(np.uint8), Rows=rows, Columns=columns))
    )
    assert problem in error.problem
    assert error.value == value


def test_a_file_cut_short_and_an_unknown_compression() -> None:
    data = to_bytes(film_dataset(ramp(np.uint16)))
    for damaged in (data[:-2000], data.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.9.9.9\0")):
        error = image_error(decode_dicom, damaged)
        assert error.problem == "The image in this DICOM file cannot be decoded"
        assert "transfer syntax" in str(error.value)
        assert "damaged or incomplete" in error.remedy


def test_a_compressed_picture_cut_short() -> None:
    ds = film_dataset(ramp(np.uint16))
    ds.compress(RLELossless)
    data = to_bytes(ds)[:-2000]
    # pydicom warns of the missing end; with or without that made an error, the film is refused.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        error = image_error(decode_dicom, data)
    assert error.problem == "This DICOM file is incomplete"
    assert error.value == f"{len(data):,} bytes"
    assert error.remedy.startswith("Copy or download the file again")


def test_a_file_that_is_deflated_as_a_whole() -> None:
    values = ramp(np.uint8)
    ds = film_dataset(values)
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data = to_bytes(ds)
    np.testing.assert_array_equal(decode_dicom(data).pixels, values)
    assert read_elements(data, "PatientName").PatientName == ds.PatientName
    error = image_error(decode_dicom, data[:-40])
    assert error.problem == "This DICOM file is damaged and cannot be read"


@pytest.mark.parametrize(
    ("syntax", "problem"),
    [
        (MPEG4HP41, "This DICOM file holds a video; a radiograph is a single image"),
        (
            UID("1.2.840.10008.1.2.4.110"),
            "The image in this DICOM file is compressed as JPEG XL, which cannot be read",
        ),
    ],
)
def test_what_nothing_here_reads_is_called_by_its_name(syntax: UID, problem: str) -> None:
    ds = film_dataset(ramp(np.uint8))
    ds.PixelData = encapsulate([bytes(100)])
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = MPEG4HP41
    # pydicom writes no syntax that it does not know.
    data = to_bytes(ds).replace(MPEG4HP41.encode(), syntax.encode(), 1)
    assert image_error(decode_dicom, data).problem == problem


@pytest.mark.parametrize(
    ("stated", "inverted", "told"),
    [
        ("MONOCHROME 1", True, False),
        ("monochrome1", True, False),
        ("MONOCHROME_2", False, False),
        (None, False, True),
        ("GRAYSCALE", False, True),
    ],
)
def test_the_bright_end_in_odd_spellings(stated: str | None, inverted: bool, told: bool) -> None:
    values = ramp(np.uint8)
    film = decode(values, PhotometricInterpretation=stated)
    np.testing.assert_array_equal(film.pixels, 255 - values if inverted else values)
    assert film.inverted == inverted
    assert has_warning(film, "does not say which end of its values is bright") == told


def wholes() -> list[bytes]:
    compressed = film_dataset(ramp(np.uint8))
    compressed.compress(RLELossless)
    windowed = film_dataset(
        ramp(np.uint16),
        WindowCenter=2048,
        WindowWidth=4096,
        ModalityLUTSequence=lut_sequence(list(range(0, 4096, 4)), 0, 16),
        PatientOrientation=["L", "F"],
    )
    implicit = film_dataset(ramp(np.int16), RescaleSlope=2, RescaleIntercept=-1)
    implicit.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    return [to_bytes(ds) for ds in (compressed, windowed, implicit)]


@pytest.mark.filterwarnings("ignore")  # pydicom grumbles about some of these before it gives up
@settings(max_examples=100)
@given(st.sampled_from(wholes()), st.data())
def test_damaged_bytes_raise_nothing_but_an_image_error(whole: bytes, data: st.DataObject) -> None:
    damaged = bytearray(whole[: data.draw(st.integers(140, len(whole)))])
    # Most of a film is pixels; its tags stand in the first thousand bytes.
    places = st.integers(132, min(len(damaged) - 1, 1000))
    for place, byte in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=6)):
        damaged[place] = byte
    try:
        film = decode_dicom(bytes(damaged))
    except ImageError:
        return
    assert film.pixels.dtype == np.uint8
    assert film.pixels.shape == film.stored.shape
