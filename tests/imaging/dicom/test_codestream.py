"""Compressed frames as machines write them: padded, commented, without an end, misnamed."""

import io
import subprocess
from pathlib import Path

import gdcm
import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSLossless,
    RLELossless,
)

from cxr_core.imaging.dicom.codestream import mend_codestream
from cxr_core.imaging.dicom.decode import decode_dicom
from cxr_core.phantom.draw import draw_phantom
from tests.helpers.dicom_files import (
    compressed_by_gdcm,
    film_dataset,
    has_warning,
    read_dicom,
    to_bytes,
)
from tests.helpers.errors import image_error

PHANTOM = draw_phantom(7, size=128).pixels
TWELVE = np.rint(PHANTOM * (4095 / 255)).astype(np.uint16)


def jpeg_2000() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(TWELVE).save(stream, "JPEG2000", no_jp2=True, irreversible=False)
    return stream.getvalue()


def jpeg() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(PHANTOM).save(stream, "JPEG", quality=95)
    return stream.getvalue()


def jpeg_ls() -> bytes:
    ds = film_dataset(TWELVE)
    ds.compress(JPEGLSLossless, encoding_plugin="pyjpegls")
    return get_frame(ds.PixelData, 0, number_of_frames=1).rstrip(b"\0")


def frame_of(data: bytes) -> bytes:
    return get_frame(read_dicom(data).PixelData, 0, number_of_frames=1)


def in_dicom(frame: bytes, syntax: UID, values: np.ndarray = TWELVE, **tags: object) -> bytes:
    depth = {"BitsStored": 12, "HighBit": 11} if values.dtype == np.uint16 else {}
    window = {"WindowCenter": 2048, "WindowWidth": 4096} if values.dtype == np.uint16 else {}
    ds: Dataset = film_dataset(values, **depth, **window, **tags)
    ds.file_meta.TransferSyntaxUID = syntax
    ds.PixelData = encapsulate([frame])
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    if not syntax.is_compressed:  # pydicom would not write what no reader should see
        ds.file_meta.TransferSyntaxUID = JPEG2000Lossless
        data = to_bytes(ds)
        old, new = (str(one).encode() for one in (JPEG2000Lossless, syntax))
        return data.replace(old, new.ljust(len(old), b"\0"), 1)
    return to_bytes(ds)


def psot_zero(stream: bytes) -> bytes:
    at = stream.index(b"\xff\x90")
    return stream[: at + 6] + bytes(4) + stream[at + 10 :]


COMMENT = b"\xff\x64\x00\x0b\x00\x01PADDING"
JPEG_2000_KINDS = {
    "as it is": lambda s: s,
    "comment before the end": lambda s: s[:-2] + COMMENT + s[-2:],
    "comment, padded": lambda s: s[:-2] + COMMENT + s[-2:] + b"\0",
    "pad byte before the end": lambda s: s[:-2] + b"\0" + s[-2:],
    "no end": lambda s: s[:-2],
    "no end, padded": lambda s: s[:-2] + b"\0\0",
    "length of the tile-part not stated": psot_zero,
    "length not stated, padded": lambda s: psot_zero(s) + b"\0",
    "padded": lambda s: s + bytes(7),
}


@pytest.mark.parametrize("kind", list(JPEG_2000_KINDS))
def test_jpeg_2000_of_real_machines(kind: str) -> None:
    film = decode_dicom(in_dicom(JPEG_2000_KINDS[kind](jpeg_2000()), JPEG2000Lossless))
    np.testing.assert_array_equal(film.stored, TWELVE)
    assert film.warnings == ()


def in_fragments(*fragments: bytes, table: tuple[int, ...] = ()) -> bytes:
    """A JPEG 2000 file of these fragments with this offset table (PS3.5, A.4)."""
    items = [b"".join(offset.to_bytes(4, "little") for offset in table), *fragments]
    stream = b"".join(b"\xfe\xff\x00\xe0" + len(i).to_bytes(4, "little") + i for i in items)
    ds = read_dicom(in_dicom(jpeg_2000(), JPEG2000Lossless))
    ds.PixelData = stream
    ds["PixelData"].is_undefined_length = True
    return to_bytes(ds)


@pytest.mark.parametrize("table", [(), (0,), (1234,), (0, 508), (0, 0, 0)])
def test_a_frame_in_fragments_whatever_its_offset_table_says(
    table: tuple[int, ...],
) -> None:
    frame = jpeg_2000() + b"\0" * (len(jpeg_2000()) % 2)
    for fragments in ((frame,), (frame[:500], frame[500:]), (b"", frame[:8], frame[8:], b"")):
        film = decode_dicom(in_fragments(*fragments, table=table))
        np.testing.assert_array_equal(film.stored, TWELVE)
        assert film.warnings == ()


def test_of_several_images_that_are_not_stated_the_first_is_read_and_told() -> None:
    frame = jpeg_2000() + b"\0" * (len(jpeg_2000()) % 2)
    film = decode_dicom(in_fragments(frame[:500], frame[500:], frame))
    np.testing.assert_array_equal(film.stored, TWELVE)
    assert film.warnings == (
        "The file holds 2 images and says that it has one; the first was read.",
    )


@pytest.mark.parametrize(
    ("stated", "frame", "values"),
    [
        ("1.2.840.10008.1.2.4.201", jpeg_2000, TWELVE),  # JPEG 2000 of high throughput
        ("1.2.840.10008.1.2.4.55", jpeg, PHANTOM),  # JPEG of full progression, retired
    ],
)
def test_other_names_of_a_codec_are_no_contradiction(stated, frame, values) -> None:
    film = decode_dicom(in_dicom(frame(), UID(stated), values))
    assert np.abs(film.stored.astype(int) - values).max() <= (0 if values is TWELVE else 12)
    assert film.warnings == ()


def test_jpeg_2000_that_ends_within_its_tile_is_refused() -> None:
    error = image_error(decode_dicom, in_dicom(jpeg_2000()[:-2000], JPEG2000Lossless))
    assert str(error.value).endswith("the JPEG 2000 codestream is cut short")
    assert error.problem == "The image in this DICOM file cannot be decoded"


def in_two_parts(stream: bytes, between: bytes = b"") -> tuple[bytes, bytes]:
    """The one tile of a stream in two tile-parts: all up to the second, and that one."""
    part = stream.index(b"\xff\x90")
    data = part + 14  # behind the marker SOD
    middle = (data + len(stream)) // 2

    def header(index: int, length: int) -> bytes:
        return b"\xff\x90\0\x0a\0\0" + (14 + length).to_bytes(4) + bytes([index, 2]) + b"\xff\x93"

    first = stream[:part] + header(0, middle - data) + stream[data:middle] + between
    return first, header(1, len(stream) - 2 - middle) + stream[middle:]


@pytest.mark.parametrize("between", [b"", COMMENT], ids=["", "comment between"])
def test_a_tile_without_its_last_part_is_refused(between: bytes) -> None:
    first, second = in_two_parts(jpeg_2000(), between)
    film = decode_dicom(in_dicom(first + second, JPEG2000Lossless))
    np.testing.assert_array_equal(film.stored, TWELVE)
    assert film.warnings == ()
    error = image_error(decode_dicom, in_dicom(first + second[-2:], JPEG2000Lossless))
    assert str(error.value).endswith("the JPEG 2000 codestream has 1 of the 2 parts of a tile")


def test_a_whole_codestream_is_mended_to_itself() -> None:
    for stream in (jpeg_2000(), jpeg(), jpeg_ls()):
        assert mend_codestream(stream) == stream


@pytest.mark.parametrize("padding", [b"\0", bytes(9), b"\xff\xff\xff"])
def test_jpeg_ls_with_a_padded_end(padding: bytes) -> None:
    film = decode_dicom(in_dicom(jpeg_ls() + padding, JPEGLSLossless))
    np.testing.assert_array_equal(film.stored, TWELVE)


def test_12_bit_jpeg_is_read(tmp_path: Path, dcmcjpeg: str) -> None:
    plain, packed = tmp_path / "plain.dcm", tmp_path / "packed.dcm"
    window = {"WindowCenter": 2048, "WindowWidth": 4096}
    plain.write_bytes(to_bytes(film_dataset(TWELVE, BitsStored=12, HighBit=11, **window)))
    subprocess.run([dcmcjpeg, "+ee", "+q", "100", plain, packed], check=True, timeout=60)
    assert read_dicom(packed.read_bytes()).file_meta.TransferSyntaxUID == JPEGExtended12Bit
    film = decode_dicom(packed.read_bytes())
    assert np.abs(film.stored.astype(int) - TWELVE).max() <= 1
    assert np.abs(film.pixels.astype(int) - PHANTOM).max() <= 1


@pytest.mark.parametrize("stated", [ExplicitVRLittleEndian, JPEGBaseline8Bit, JPEGLSLossless])
def test_a_transfer_syntax_that_contradicts_the_image(stated: UID) -> None:
    film = decode_dicom(in_dicom(jpeg_2000(), stated))
    np.testing.assert_array_equal(film.stored, TWELVE)
    assert film.warnings == (
        f"The file contradicts itself: it says {stated.name}, and its image is JPEG 2000 Image "
        "Compression.",
    )


def test_lossless_jpeg_called_jpeg_2000(tmp_path: Path) -> None:
    plain_file = to_bytes(
        film_dataset(TWELVE, BitsStored=12, HighBit=11, WindowCenter=2048, WindowWidth=4096)
    )
    lossless = gdcm.TransferSyntax.JPEGLosslessProcess14_1
    data = compressed_by_gdcm(plain_file, lossless, tmp_path)
    plain = decode_dicom(data)
    np.testing.assert_array_equal(plain.stored, TWELVE)
    assert plain.warnings == ()
    film = decode_dicom(in_dicom(frame_of(data), JPEG2000Lossless))
    np.testing.assert_array_equal(film.stored, TWELVE)
    assert has_warning(film, "its image is JPEG Lossless")


@pytest.mark.parametrize("stated", [JPEG2000Lossless, JPEGBaseline8Bit, RLELossless])
def test_an_uncompressed_image_called_compressed(stated: UID) -> None:
    ds = film_dataset(TWELVE, BitsStored=12, HighBit=11, WindowCenter=2048, WindowWidth=4096)
    data = to_bytes(ds)
    old = str(ExplicitVRLittleEndian).encode() + b"\0"
    at = data.index(b"\x02\0\x10\0UI")
    length = int.from_bytes(data[at + 6 : at + 8], "little")
    assert data[at + 8 : at + 8 + length].rstrip(b"\0") == old.rstrip(b"\0")
    new = str(stated).encode()
    new += b"\0" * (len(new) % 2)
    value = b"\x02\0\x10\0UI" + len(new).to_bytes(2, "little") + new
    film = decode_dicom(data[:at] + value + data[at + 8 + length :])
    np.testing.assert_array_equal(film.stored, TWELVE)
    assert has_warning(film, f"it says {stated.name}, and its image is not compressed")


def test_a_frame_that_is_no_image_is_refused_with_what_is_wrong() -> None:
    error = image_error(decode_dicom, in_dicom(b"no image at all.", JPEG2000Lossless))
    assert "the image does not begin as JPEG 2000" in str(error.value)
    error = image_error(decode_dicom, in_dicom(jpeg_2000(), JPEG2000Lossless, Rows=100))
    assert "128 rows and 128 columns, the header says 100 and 128" in str(error.value)
