"""The gray value chain against hand-computed values, every transfer syntax, refusals in words."""

import io
import logging
import warnings
from pathlib import Path

import gdcm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    DigitalXRayImageStorageForPresentation,
    EncapsulatedPDFStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
    SecondaryCaptureImageStorage,
    generate_uid,
)

from cxr_core.errors import ImageError
from cxr_core.imaging.decoded import DecodedFilm
from cxr_core.imaging.dicom import decode_dicom, is_bare_dicom, is_dicom

SIDE = 64
TESTS_SECRET = "Doe^Jane"


def film_dataset(values: np.ndarray, **tags: object) -> Dataset:
    """A valid DX image of (H, W) integers; ``tags`` replace elements, None leaves one out."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = DigitalXRayImageStorageForPresentation
    ds.SOPInstanceUID = generate_uid()
    ds.PatientName, ds.PatientID = TESTS_SECRET, "4711"
    ds.Modality, ds.BodyPartExamined, ds.ViewPosition = "DX", "CHEST", "PA"
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = values.shape[:2]
    bits = values.dtype.itemsize * 8
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = bits, bits, bits - 1
    ds.PixelRepresentation = int(np.issubdtype(values.dtype, np.signedinteger))
    for keyword, value in tags.items():
        if value is None:
            del ds[keyword]
        else:
            setattr(ds, keyword, value)
    ds.PixelData = values.tobytes()
    ds["PixelData"].VR = "OW" if bits > 8 else "OB"
    return ds


def to_bytes(ds: Dataset) -> bytes:
    ds.file_meta.MediaStorageSOPClassUID = ds.get("SOPClassUID", SecondaryCaptureImageStorage)
    ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)  # encoded as its transfer syntax says
    return buffer.getvalue()


def read(values: np.ndarray, **tags: object) -> DecodedFilm:
    return decode_dicom(to_bytes(film_dataset(values, **tags)))


def refusal(data: bytes) -> ImageError:
    with pytest.raises(ImageError) as caught:
        decode_dicom(data)
    return caught.value


def slope(kind: type, *first: int, span: int = 4096) -> np.ndarray:
    """(64, 64), 0 to nearly ``span`` in even steps, with chosen values at its beginning."""
    values = np.arange(SIDE * SIDE).reshape(SIDE, SIDE) * span // (SIDE * SIDE)
    values[0, : len(first)] = first
    return values.astype(kind)


def lut(entries: list[int], first: int, bits: int) -> list[Dataset]:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries), first, bits])
    item.add_new("LUTData", "US", entries)
    return [item]


def any_warning(film: DecodedFilm, words: str) -> bool:
    return any(words in warning for warning in film.warnings)


# --- the gray value chain


def test_8_bit_without_a_window_is_kept_exactly() -> None:
    values = slope(np.uint8, span=200)
    film = read(values)
    np.testing.assert_array_equal(film.pixels, values)
    np.testing.assert_array_equal(film.stored, values)
    assert (film.kind, film.view, film.window, film.inverted) == ("DICOM", "PA", None, False)
    assert film.warnings == ()


def test_monochrome1_is_the_negative_of_monochrome2() -> None:
    values = slope(np.uint16, span=1024)
    plain = read(values, WindowCenter=512, WindowWidth=1024)
    negative = read(
        values, WindowCenter=512, WindowWidth=1024, PhotometricInterpretation="MONOCHROME1"
    )
    np.testing.assert_array_equal(negative.pixels, 255 - plain.pixels)
    np.testing.assert_array_equal(negative.stored, plain.stored)
    assert negative.inverted
    assert not plain.inverted


def test_a_linear_window_by_the_standards_formula() -> None:
    # PS3.3 C.11.2.1.2.1 with c = 2048, w = 4096: x <= 0 is black, x > 4095 white, between
    # y = ((x - 2047.5) / 4095 + 0.5) * 255, that is x * 255 / 4095.
    values = slope(np.uint16, 0, 1, 803, 2048, 3212, 4095, 5000)
    film = read(values, WindowCenter=2048, WindowWidth=4096, BitsStored=13, HighBit=12)
    assert film.pixels[0, :7].tolist() == [0, 0, 50, 128, 200, 255, 255]
    assert film.window == (2048.0, 4096.0)


def test_linear_exact_and_sigmoid_windows() -> None:
    # C.11.2.1.3.2: y = ((x - c) / w + 0.5) * 255; C.11.2.1.3.1: 255 / (1 + exp(-4 (x - c) / w))
    values = slope(np.uint16, 1000, 2000, 3000, 4000)
    exact = read(values, WindowCenter=2000, WindowWidth=4000, VOILUTFunction="LINEAR_EXACT")
    assert exact.pixels[0, :4].tolist() == [64, 128, 191, 255]
    curved = read(values, WindowCenter=2000, WindowWidth=4000, VOILUTFunction="SIGMOID")
    assert curved.pixels[0, :4].tolist() == [69, 128, 186, 225]


def test_the_first_of_several_windows_counts() -> None:
    film = read(slope(np.uint16), WindowCenter=[2048, 100], WindowWidth=[4096, 10])
    assert film.window == (2048.0, 4096.0)


def test_rescale_comes_before_the_window() -> None:
    values = slope(np.uint16, 0, 512, 1000, span=1000)
    film = read(values, RescaleSlope=2, RescaleIntercept=-1024, WindowCenter=0.5, WindowWidth=2041)
    # stored = 2 x - 1024; the window runs from -1020 to 1020.
    assert film.stored[0, :3].tolist() == [-1024, 0, 976]
    assert film.stored.dtype == np.int16
    assert film.pixels[0, :3].tolist() == [0, 128, 250]
    assert "Rescaled by 2 and -1024: values -1024 to 976." in film.steps


def test_a_fractional_rescale_is_kept_as_float32() -> None:
    film = read(slope(np.uint16, 1, 2, 3), RescaleSlope=0.5, RescaleIntercept=0)
    assert film.stored.dtype == np.float32
    assert film.stored[0, :3].tolist() == [0.5, 1.0, 1.5]


def test_signed_values() -> None:
    values = slope(np.int16) - np.int16(2048)
    film = read(values, WindowCenter=0.5, WindowWidth=4081)  # from -2040 to 2040
    np.testing.assert_array_equal(film.stored, values)
    assert film.pixels[32, 0] == 128  # value 0: 127.5, rounded to even
    assert (film.pixels[0, 0], film.pixels[-1, -1]) == (0, 255)


def test_modality_table_then_window() -> None:
    # The table turns 10..13 into 0, 120, 400, 1000; what lies outside takes its ends.
    values = (10 + np.arange(SIDE * SIDE).reshape(SIDE, SIDE) % 4).astype(np.uint16)
    values[0, :2] = [3, 900]
    film = read(
        values,
        ModalityLUTSequence=lut([0, 120, 400, 1000], 10, 16),
        RescaleSlope=7,
        RescaleIntercept=7,
        WindowCenter=500.5,
        WindowWidth=1001,
    )
    assert film.stored[0, :6].tolist() == [0, 1000, 400, 1000, 0, 120]
    assert film.pixels[0, :6].tolist() == [0, 255, 102, 255, 0, 31]  # 30.6


def test_voi_table_comes_before_a_window() -> None:
    values = (np.arange(SIDE * SIDE).reshape(SIDE, SIDE) % 4).astype(np.uint16)
    film = read(
        values, VOILUTSequence=lut([0, 1365, 2730, 4095], 0, 12), WindowCenter=2, WindowWidth=4
    )
    assert film.pixels[0, :4].tolist() == [0, 85, 170, 255]
    assert "The file's VOI table applied." in film.steps
    assert film.window == (2.0, 4.0)


def test_a_voi_table_that_promises_more_bits_than_it_uses_is_not_dark() -> None:
    values = (np.arange(SIDE * SIDE).reshape(SIDE, SIDE) % 4).astype(np.uint16)
    film = read(values, VOILUTSequence=lut([0, 1365, 2730, 4095], 0, 16))
    assert film.pixels[0, :4].tolist() == [0, 85, 170, 255]


def test_an_8_bit_voi_table_of_1024_entries() -> None:
    values = slope(np.uint16, 0, 3, 400, 1023, 2000, span=1024)
    film = read(values, VOILUTSequence=lut([entry // 4 for entry in range(1024)], 0, 8))
    assert film.pixels[0, :5].tolist() == [0, 0, 100, 255, 255]


def test_without_a_window_the_whole_range_is_used_and_said() -> None:
    film = read(slope(np.uint16, 0, 1020, 4080, 4080, span=4080))
    assert film.pixels[0, :3].tolist() == [0, 64, 255]  # 63.75
    assert film.warnings == ("The file gives no window; its whole range of values was used.",)


def test_padding_sets_no_range_and_is_black() -> None:
    values = slope(np.uint16, span=1020)
    values[:, :20] = 65535
    for photometric in ("MONOCHROME1", "MONOCHROME2"):
        film = read(values, PixelPaddingValue=65535, PhotometricInterpretation=photometric)
        assert not film.pixels[:, :20].any()
        assert (film.pixels[:, 20:].min(), film.pixels[:, 20:].max()) == (0, 255)
        assert film.stored.max() < 1020
    assert "Padding around the film set to black." in film.steps


def test_a_padding_range_and_unsigned_padding_of_signed_pixels() -> None:
    values = slope(np.int16, -2000, -1990, span=1000)
    padded = film_dataset(values)
    padded.add_new("PixelPaddingValue", "US", 2**16 - 2000)
    padded.add_new("PixelPaddingRangeLimit", "SS", -1990)
    film = decode_dicom(to_bytes(padded))
    assert film.pixels[0, :2].tolist() == [0, 0]
    assert film.stored.min() >= 0


def test_padding_everywhere_is_no_padding() -> None:
    film = read(np.full((SIDE, SIDE), 7, np.uint8), PixelPaddingValue=7)
    assert (film.pixels == 7).all()


def test_unused_high_bits_are_ignored() -> None:
    values = slope(np.uint16)
    overlaid = values | (np.uint16(1) << 15)  # an old overlay plane above the 12 bits stored
    film = read(overlaid, BitsStored=12, HighBit=11)
    np.testing.assert_array_equal(film.stored, values)


# --- transfer syntaxes


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian]
)
def test_uncompressed(syntax: str) -> None:
    values = slope(np.uint16)
    ds = film_dataset(values)
    ds.file_meta.TransferSyntaxUID = syntax
    if syntax == ExplicitVRBigEndian:
        ds.PixelData = values.astype(">u2").tobytes()
    film = decode_dicom(to_bytes(ds))
    np.testing.assert_array_equal(film.stored, values)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_rle_and_jpeg_2000_give_back_every_value(kind: type) -> None:
    values = slope(kind, span=250)
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
    assert film.steps[0].startswith("Decoded from JPEG 2000")


def test_jpeg_baseline_equals_pillow() -> None:
    jpeg = io.BytesIO()
    Image.fromarray(slope(np.uint8, span=250)).save(jpeg, "JPEG")
    ds = film_dataset(slope(np.uint8))
    ds.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    ds.PixelData = encapsulate([jpeg.getvalue()])
    ds["PixelData"].is_undefined_length = True
    with Image.open(jpeg) as reopened:
        np.testing.assert_array_equal(decode_dicom(to_bytes(ds)).pixels, np.asarray(reopened))


def by_gdcm(values: np.ndarray, syntax: int, folder: Path) -> bytes:
    """The film as GDCM compresses it."""
    plain, packed = folder / "plain.dcm", folder / "packed.dcm"
    plain.write_bytes(to_bytes(film_dataset(values)))
    reader = gdcm.ImageReader()
    reader.SetFileName(str(plain))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(str(packed))
    assert writer.Write()
    return packed.read_bytes()


@pytest.mark.parametrize(
    "syntax", [gdcm.TransferSyntax.JPEGLosslessProcess14_1, gdcm.TransferSyntax.JPEGLSLossless]
)
def test_jpeg_lossless_and_jpeg_ls_give_back_every_value(syntax: int, tmp_path: Path) -> None:
    values = slope(np.uint16)
    film = decode_dicom(by_gdcm(values, syntax, tmp_path))
    np.testing.assert_array_equal(film.stored, values)


@pytest.mark.parametrize(("offset", "value"), [(4, 255), (13, 0)])  # SIGSEGV, SIGABRT
def test_what_ends_gdcms_process_does_not_end_ours(offset: int, value: int, tmp_path: Path) -> None:
    syntax = gdcm.TransferSyntax.JPEGLosslessProcess14_1
    data = bytearray(by_gdcm(slope(np.uint8, span=250), syntax, tmp_path))
    data[data.index(b"\xff\xc3") + offset] = value  # in the frame header, SOF3
    error = refusal(bytes(data))
    assert error.problem == "The picture in this DICOM file cannot be decoded"
    assert "JPEG Lossless" in error.value
    assert "export the film again, uncompressed" in error.remedy


def test_without_preamble_and_meta() -> None:
    values = slope(np.uint16)
    whole = to_bytes(film_dataset(values))
    for implicit in (False, True):
        buffer = io.BytesIO()
        ds = film_dataset(values)
        del ds.file_meta
        ds.save_as(buffer, implicit_vr=implicit, little_endian=True)
        bare = buffer.getvalue()
        assert is_bare_dicom(bare)
        assert not is_dicom(bare)
        np.testing.assert_array_equal(decode_dicom(bare).stored, values)
    assert is_dicom(whole)
    assert not is_bare_dicom(whole)
    assert not is_bare_dicom(b"\x08\0\x05\0 and then a letter to a friend, not a film")
    assert not is_bare_dicom(b"")


def test_a_gray_film_saved_as_rgb_is_read() -> None:
    values = slope(np.uint8, span=250)
    film = read(
        np.repeat(values[..., None], 3, axis=2),
        SamplesPerPixel=3,
        PhotometricInterpretation="RGB",
        PlanarConfiguration=0,
        SOPClassUID=SecondaryCaptureImageStorage,
    )
    np.testing.assert_array_equal(film.pixels, values)


# --- what the tags say, and lie


def test_view_orientation_and_nothing_of_the_patient(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    film = read(slope(np.uint8), PatientOrientation=["L", "F"], ViewPosition="AP")
    assert film.view == "AP"
    assert film.orientation == ("L", "F")
    assert TESTS_SECRET not in repr(film) + caplog.text
    assert film.warnings == ()


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"ViewPosition": "LL"}, "marked as a lateral"),
        ({"ViewPosition": None, "PatientOrientation": ["A", "F"]}, "marked as a lateral"),
        ({"ViewPosition": "LLD"}, "gives the view as LLD"),
        ({"PatientOrientation": ["R", "F"]}, "it is mirrored"),
        ({"PatientOrientation": ["L", "H"]}, "does not stand upright"),
        ({"BodyPartExamined": "KNEE"}, "shows KNEE, not the chest"),
        ({"Modality": "RF"}, "modality as RF"),
        ({"BurnedInAnnotation": "YES"}, "may name the patient"),
        ({"PresentationIntentType": "FOR PROCESSING"}, "raw values"),
        ({"PresentationLUTShape": "INVERSE"}, "contradicts itself"),
    ],
)
def test_a_caution_for_what_is_unusual(tags: dict[str, object], words: str) -> None:
    film = read(slope(np.uint8), **tags)
    assert any_warning(film, words)
    assert len(film.warnings) == 1


@pytest.mark.parametrize("part", [None, "CHEST", "THORAX", "CHEST_PORT"])
def test_no_caution_for_a_chest(part: str | None) -> None:
    assert read(slope(np.uint8), BodyPartExamined=part).warnings == ()


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"WindowCenter": 2048, "WindowWidth": 0}, "window cannot be used"),
        ({"WindowCenter": 2048}, "window cannot be used"),
        ({"WindowCenter": -9000, "WindowWidth": 100}, "window shows next to nothing"),
        ({"RescaleSlope": 0, "RescaleIntercept": 5}, "rescale slope is 0"),
        ({"ModalityLUTSequence": [Dataset()]}, "modality table cannot be used"),
        ({"VOILUTSequence": [Dataset()]}, "VOI table cannot be used"),
        ({"VOILUTSequence": lut([1, 2], 0, 9)}, "VOI table cannot be used"),
    ],
)
def test_an_unusable_tag_leaves_the_whole_range(tags: dict[str, object], words: str) -> None:
    film = read(slope(np.uint16), **tags)
    assert any_warning(film, words)
    assert film.pixels[0, 0] == 0
    assert film.pixels[-1, -1] == 255


@pytest.mark.parametrize(
    ("keyword", "vr", "value"),
    [
        ("WindowCenter", "DS", b"left lung "),
        ("WindowWidth", "DS", b"1e999 "),
        ("RescaleSlope", "DS", b"nan "),
        ("NumberOfFrames", "IS", b"one "),
        ("ViewPosition", "CS", b"pa, Doe^Jane, supine at night "),
        ("BodyPartExamined", "CS", b"\xff\xfe\x00\x01"),
        ("Modality", "CS", b"dx"),
        ("PatientOrientation", "CS", b"UP\\DOWN\\"),
        ("PatientOrientation", "CS", b"L "),
        ("PixelPaddingValue", "LO", b"none"),
        ("PhotometricInterpretation", "CS", b"MONOCHROME"),
        ("PhotometricInterpretation", "C\0", b"MONOCHROME2 "),
    ],
)
def test_malformed_tags_count_as_absent(keyword: str, vr: str, value: bytes) -> None:
    ds = film_dataset(slope(np.uint8), **{keyword: None} if keyword in ("Modality",) else {})
    if keyword in ds:
        del ds[keyword]
    data = to_bytes(ds)
    tag = Dataset()
    setattr(tag, keyword, None)
    element = next(iter(tag.keys()))
    raw = (
        element.group.to_bytes(2, "little")
        + element.element.to_bytes(2, "little")
        + vr.encode()
        + len(value).to_bytes(2, "little")
        + value
    )
    # Elements out of order are malformed too, and read all the same: put it before the pixels.
    place = data.rindex(b"\xe0\x7f\x10\x00")
    film = decode_dicom(data[:place] + raw + data[place:])
    np.testing.assert_array_equal(film.pixels, slope(np.uint8))
    assert "Doe" not in repr(film)
    assert film.window is None
    assert film.orientation is None


# --- refusals


@pytest.mark.parametrize(
    ("modality", "words"), [("CT", "a CT image"), ("MG", "a mammogram"), ("US", "an ultrasound")]
)
def test_other_modalities_are_refused_by_name(modality: str, words: str) -> None:
    error = refusal(
        to_bytes(film_dataset(slope(np.uint16), Modality=modality, SOPClassUID=CTImageStorage))
    )
    assert words in error.problem
    assert error.problem.endswith("not a chest radiograph")
    assert error.value == f"modality {modality}"
    assert error.remedy == "Upload the frontal chest radiograph (modality CR or DX)."


def test_a_secondary_capture_and_even_a_ct_sop_class_are_read_when_the_modality_fits() -> None:
    for sop_class in (SecondaryCaptureImageStorage, CTImageStorage):
        assert read(slope(np.uint8), SOPClassUID=sop_class).kind == "DICOM"


def test_without_pixels() -> None:
    ds = film_dataset(slope(np.uint8))
    del ds.PixelData
    error = refusal(to_bytes(ds))
    assert error.problem == "This DICOM file has no picture in it"
    assert error.value == "no Pixel Data (7FE0,0010)"
    assert error.remedy == "Upload the file of the film itself."


def test_several_frames() -> None:
    values = np.zeros((3 * SIDE, SIDE), np.uint8)
    error = refusal(to_bytes(film_dataset(values, Rows=SIDE, NumberOfFrames=3)))
    assert error.problem == "This DICOM file holds several frames, a radiograph is one"
    assert error.value == "3 frames"
    assert error.remedy == "Export the frame you mean as a file of its own."


def test_colour() -> None:
    values = np.zeros((SIDE, SIDE, 3), np.uint8)
    values[..., 0] = 200
    rgb = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    error = refusal(to_bytes(film_dataset(values, **rgb)))
    assert error.problem == "This DICOM file is a colour picture, a radiograph is gray"
    assert error.value == "photometric interpretation RGB"
    palette = film_dataset(slope(np.uint8), PhotometricInterpretation="PALETTE COLOR")
    assert refusal(to_bytes(palette)).value == "photometric interpretation PALETTE COLOR"


def test_an_encapsulated_document() -> None:
    ds = film_dataset(slope(np.uint8), SOPClassUID=EncapsulatedPDFStorage, Modality="OT")
    del ds.PixelData
    ds.EncapsulatedDocument = b"%PDF-1.4"
    error = refusal(to_bytes(ds))
    assert error.problem == "This DICOM file wraps a document, not a film"
    assert error.value == "an encapsulated document"


@pytest.mark.parametrize(
    ("rows", "columns", "problem", "value"),
    [
        (30_000, 30_000, "larger than any radiograph", "30,000 x 30,000 pixels"),
        (1, 1, "too small to be a radiograph", "1 x 1 pixels"),
        (0, 64, "does not say how large its picture is", "0 rows, 64 columns"),
    ],
)
def test_sizes_are_checked_before_decoding(
    rows: int, columns: int, problem: str, value: str
) -> None:
    error = refusal(to_bytes(film_dataset(slope(np.uint8), Rows=rows, Columns=columns)))
    assert problem in error.problem
    assert error.value == value


def test_a_file_cut_short_and_an_unknown_compression() -> None:
    data = to_bytes(film_dataset(slope(np.uint16)))
    for damaged in (data[:-2000], data.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.9.9.9\0")):
        error = refusal(damaged)
        assert error.problem == "The picture in this DICOM file cannot be decoded"
        assert "transfer syntax" in error.value
        assert "damaged or cut short" in error.remedy


def test_a_compressed_picture_cut_short() -> None:
    ds = film_dataset(slope(np.uint16))
    ds.compress(RLELossless)
    data = to_bytes(ds)[:-2000]
    # pydicom warns of the missing end; with or without that made an error, the film is refused.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        error = refusal(data)
    assert error.problem == "This DICOM file is cut short: the end of its picture is missing"
    assert error.value == f"{len(data):,} bytes"
    assert error.remedy.startswith("Copy or download the file again")


def test_a_file_packed_as_a_whole() -> None:
    ds = film_dataset(slope(np.uint8))
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    error = refusal(to_bytes(ds))
    assert error.problem == "This DICOM file is packed as a whole"
    assert "Deflated" in error.value
    assert "uncompressed" in error.remedy


# --- real films


def test_the_photometric_tag_alone_makes_the_negative(shared: Path) -> None:
    folder = shared / "dicom"
    film = decode_dicom((folder / "chest_pa_monochrome2_jpeg_baseline.dcm").read_bytes())
    tagged = decode_dicom((folder / "tag_only_monochrome1.dcm").read_bytes())
    np.testing.assert_array_equal(tagged.pixels, 255 - film.pixels)
    np.testing.assert_array_equal(tagged.stored, film.stored)


@pytest.mark.parametrize(
    ("name", "kind", "low", "high", "view"),
    [
        ("chest_frontal_dx_8bit", np.uint8, 0, 252, None),
        ("chest_pa_monochrome1_jpeg2000", np.uint16, 803, 26512, "PA"),
        ("chest_pa_monochrome2_jpeg_baseline", np.uint8, 0, 254, "PA"),
        ("not_chest_abdomen_scout", np.uint8, 0, 255, None),
        ("not_chest_leg_jpeg2000", np.uint16, 0, 1023, "AP"),
        ("not_chest_teeth_modality_lut_sequence", np.uint16, 0, 1023, None),
    ],
)
def test_stored_values_of_real_films(
    shared: Path, name: str, kind: type, low: int, high: int, view: str | None
) -> None:
    film = decode_dicom((shared / "dicom" / f"{name}.dcm").read_bytes())
    assert film.stored.dtype == kind
    assert (film.stored.min(), film.stored.max(), film.view) == (low, high, view)


def test_a_chest_film_is_bright_in_the_middle_and_dark_in_the_lungs(shared: Path) -> None:
    for name in ("chest_pa_monochrome1_jpeg2000", "chest_frontal_dx_8bit"):
        pixels = decode_dicom((shared / "dicom" / f"{name}.dcm").read_bytes()).pixels
        height, width = pixels.shape
        band = pixels[int(0.3 * height) : int(0.5 * height)]
        spine = band[:, int(0.47 * width) : int(0.55 * width)].mean()
        lung = band[:, int(0.6 * width) : int(0.75 * width)].mean()
        assert spine > lung + 30


# --- hostile bytes


def wholes() -> list[bytes]:
    compressed = film_dataset(slope(np.uint8))
    compressed.compress(RLELossless)
    windowed = film_dataset(
        slope(np.uint16),
        WindowCenter=2048,
        WindowWidth=4096,
        ModalityLUTSequence=lut(list(range(0, 4096, 4)), 0, 16),
        PatientOrientation=["L", "F"],
    )
    implicit = film_dataset(slope(np.int16), RescaleSlope=2, RescaleIntercept=-1)
    implicit.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    return [to_bytes(ds) for ds in (compressed, windowed, implicit)]


@pytest.mark.filterwarnings("ignore")  # pydicom grumbles about some of these before it gives up
@settings(max_examples=200)
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
