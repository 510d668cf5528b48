"""The raw pixel values of a DICOM file, decoded so that no file can take the app down.

First pydicom with its plugins: uncompressed and RLE by itself, JPEG baseline by simplejpeg, JPEG
2000 by OpenJPEG (``jpeg_2000``), JPEG-LS by pyjpegls. What they cannot read (JPEG lossless and
12-bit JPEG among them) goes to GDCM, whose C++ ends the whole process on some damaged files: it
works in a process of its own (``gdcm_child``). Then both try the frame again as ``mend_codestream``
leaves it.

Nothing is guessed: pixel data of another length than the header's size is refused, and so is a
frame of which a decoder says that it is damaged.
"""

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from copy import copy
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate, generate_fragments, get_frame, parse_basic_offsets
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    JPEG2000,
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSLossless,
    RLELossless,
)

from cxr_core.errors import ImageError
from cxr_core.imaging.damage import (
    BLOCK,
    SUBSAMPLED_BLOCK,
    are_sides_swapped,
    damage_warnings,
)
from cxr_core.imaging.dicom import jpeg_2000
from cxr_core.imaging.dicom.bits import bit_layout, extract_bits, with_bytes_in_order
from cxr_core.imaging.dicom.codestream import (
    Codestream,
    bare_codestream,
    check_codestream,
    check_jpeg_2000,
    check_rle,
    is_of_family,
    mend_codestream,
    parse_codestream,
    same_codec,
)
from cxr_core.imaging.dicom.tags import get_code, get_int
from cxr_core.imaging.dicom.voi import padding_mask
from cxr_core.imaging.jpeg import COARSE_JPEG_WARNING, JpegDamageError, is_coarse
from cxr_core.imaging.jpeg_code import decode_checked
from cxr_core.imaging.limits import GDCM_WALL_SECONDS, SIGXCPU, film_cpu_seconds
from cxr_core.imaging.scrambled import better_width

_GDCM_CHILD = Path(__file__).with_name("gdcm_child.py")
# What GDCM says of whole films, too: on the way to the decoder for a depth, and of a header field
# that does not touch the picture.
_GDCM_SMALL_TALK = ("Unsupported JPEG data precision", "Invalid SOS parameters for sequential JPEG")
_ITEM_TAG = b"\xfe\xff\x00\xe0"  # begins a sequence of fragments, always little endian
# A frame's numbers, and what is to be said of it ("" for most).
_Told = tuple[NDArray[Any], str]
_NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)


class DicomPixels(NamedTuple):
    """One frame's values before the modality LUT."""

    values: NDArray[Any]  # (H, W), or (H, W, 3) for colour
    padding: NDArray[np.bool_] | None  # (H, W), where they are no film
    warnings: tuple[str, ...]


class DecoderWarningError(ValueError):
    """A decoder read a frame, but complained of it; its text is the complaint."""


class UndecodableError(ValueError):
    """No decoder could read a frame; its text says what is wrong with it, a clause."""


def decode_pixel_data(ds: Dataset) -> DicomPixels:
    """Decode the one frame of a data set.

    Raises:
        UndecodableError: with what is wrong with a compressed frame.
        Exception: of any kind, as the decoders raise it.
    """
    frame, further = _frame(ds)
    if frame is None:
        numbers, *notes = _decode_native(ds)
        bits = numbers.dtype.itemsize * 8
    else:
        numbers, bits, *notes = _decode_frame(frame, ds)
    warnings = [note for note in (further, *notes) if note]
    if not np.issubdtype(numbers.dtype, np.integer):  # FloatPixelData has no bits
        _require_sides(numbers, ds, frame)
        warnings.extend(_traces_of_damage(numbers, frame))
        return DicomPixels(numbers, padding_mask(numbers, ds), tuple(warnings))
    layout = bit_layout(ds, bits)
    unsigned, swapped = with_bytes_in_order(numbers.view(np.dtype(f"u{numbers.dtype.itemsize}")))
    numbers = unsigned.view(numbers.dtype)
    padding = padding_mask(numbers, ds) if numbers.ndim == 2 else None
    values, said = extract_bits(unsigned, layout, None if padding is None else ~padding)
    warnings.extend(one for one in dict.fromkeys((swapped, layout.note, said)) if one)
    _require_sides(values, ds, frame)
    warnings.extend(_traces_of_damage(values, frame))
    if layout.stored == 8 and values.dtype == np.uint16 and values.max() <= 255:
        values = values.astype(np.uint8)  # 8 bits are 8 bits, however much room they were given
    if padding is None and values.ndim == 2:
        padding = padding_mask(values, ds)
    return DicomPixels(values, padding, tuple(warnings))


def _require_sides(values: NDArray[Any], ds: Dataset, frame: bytes | None) -> None:
    """Refuse uncompressed pixels that lie as in a film of another width; a codestream has its own.

    Raises:
        UndecodableError: they do.
    """
    if frame is not None or values.ndim != 2:
        return
    width = better_width(values)
    if width is None and not are_sides_swapped(values):
        return
    swapped = width in (None, ds.Rows)
    raise UndecodableError(
        f"the header says {ds.Rows} rows and {ds.Columns} columns, and the pixels lie as in a film "
        + ("with the two swapped" if swapped else f"of {width} columns")
    )


def _traces_of_damage(values: NDArray[Any], frame: bytes | None) -> tuple[str, ...]:
    """What in the decoded values looks like damage; steps between blocks in a JPEG's alone."""
    gray = values if values.ndim == 2 else values[..., values.shape[-1] // 2]
    found = None if frame is None else parse_codestream(frame)
    if found is None or found.syntax not in (JPEGBaseline8Bit, JPEGExtended12Bit):
        return damage_warnings(gray, blocks=())
    blocks = (BLOCK,) if found.components == 1 else (BLOCK, SUBSAMPLED_BLOCK)
    coarse = frame is not None and found.syntax == JPEGBaseline8Bit and is_coarse(frame)
    return (*([COARSE_JPEG_WARNING] if coarse else []), *damage_warnings(gray, blocks))


def _frame(ds: Dataset) -> tuple[bytes | None, str]:
    """The compressed frame; None where the pixels are uncompressed, whatever the header says.
    And what is to be said of it."""
    data = ds.get("PixelData")
    if not data:
        return None, ""
    data = bytes(data)
    length = _native_length(ds)
    if ds.file_meta.TransferSyntaxUID in _NATIVE and len(data) in (length, length + length % 2):
        return None, ""
    if data.startswith(_ITEM_TAG):
        return _first_image(data)
    if parse_codestream(data) is not None:  # without the fragments around it
        return data, ""
    return None, ""


def _first_image(data: bytes) -> tuple[bytes, str]:
    """The one frame of a sequence of fragments, and what is to be said of it ("" for most).

    It is all fragments, whatever the offset table says, which some machines write for each one; of
    several whole images it is the first.

    Raises:
        ValueError: the sequence is damaged.
    """
    stream = io.BytesIO(data)
    parse_basic_offsets(stream)
    fragments = list(generate_fragments(stream))
    starts = [n for n, one in enumerate(fragments) if parse_codestream(one) is not None]
    if len(starts) < 2:
        return b"".join(fragments), ""
    note = f"The file holds {len(starts)} images and says that it has one; the first was read."
    return b"".join(fragments[: starts[1]]), note


def _native_length(ds: Dataset) -> int:
    samples, bits = get_int(ds, "SamplesPerPixel") or 1, get_int(ds, "BitsAllocated") or 0
    if get_code(ds, "PhotometricInterpretation") == "YBR_FULL_422":
        samples = 2  # two pixels share their colour (PS3.3, C.7.6.3.1.2)
    rows, columns = get_int(ds, "Rows") or 0, get_int(ds, "Columns") or 0
    return (rows * columns * samples * bits + 7) // 8


def _decode_native(ds: Dataset) -> tuple[NDArray[Any], str]:
    """Uncompressed numbers with all their allocated bits, in this machine's byte order."""
    plain = _copy(ds)
    note = ""
    syntax = ds.file_meta.TransferSyntaxUID
    if syntax not in _NATIVE and syntax.is_compressed:
        plain.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        note = _contradiction(syntax, "is not compressed")
    if "PixelData" in plain:
        allocated = get_int(plain, "BitsAllocated")
        if allocated and allocated % 8 and allocated != 1:
            raise UndecodableError(f"its pixels take {allocated} bits each, packed")
        if not allocated:
            samples = ds.Rows * ds.Columns * (get_int(ds, "SamplesPerPixel") or 1)
            allocated = 8 * max(1, len(plain.PixelData) // samples)
        plain.BitsAllocated = plain.BitsStored = allocated
        plain.HighBit, plain.PixelRepresentation = allocated - 1, 0
        padded = _check_length(bytes(plain.PixelData), plain)
        if padded:
            plain.PixelData = bytes(plain.PixelData)[: _native_length(plain)]
            plain.PixelData += b"\0" * (len(plain.PixelData) % 2)
            note = note or padded
    for keyword, bits in (("FloatPixelData", 32), ("DoubleFloatPixelData", 64)):
        if keyword in plain and get_int(plain, "BitsAllocated") == bits:
            note = note or _check_length(bytes(plain[keyword].value), plain)
    numbers = pixel_array(plain)
    return np.ascontiguousarray(numbers.astype(numbers.dtype.newbyteorder("="))), note


def _check_length(data: bytes, ds: Dataset) -> str:
    """What is to be said of pixel data with padding behind them; "" for most.

    Raises:
        UndecodableError: fewer bytes than the size needs, or further ones that hold something: the
            size is wrong, or the file is damaged.
    """
    length = _native_length(ds)
    rest = data[length:]
    if len(data) < length or (len(rest) > length % 2 and rest.count(rest[:1]) < len(rest)):
        samples, bits = get_int(ds, "SamplesPerPixel") or 1, get_int(ds, "BitsAllocated")
        raise UndecodableError(
            f"it holds {len(data):,} bytes of pixels, where {ds.Rows} rows x {ds.Columns} columns "
            f"x {samples} samples of {bits} bits need {length:,}"
        )
    if len(rest) <= max(2, length % 2):
        return ""
    return (
        f"The file holds {len(rest):,} bytes more than its {ds.Rows} rows and {ds.Columns} columns "
        "need, all of one value; they were not read."
    )


def _copy(ds: Dataset) -> Dataset:
    """The same elements in a data set that may be changed."""
    plain = Dataset()
    plain.update({element.tag: copy(element) for element in ds})
    plain.file_meta = FileMetaDataset()
    plain.file_meta.TransferSyntaxUID = ds.file_meta.TransferSyntaxUID
    plain.set_original_encoding(*ds.original_encoding)
    return plain


def _contradiction(stated: UID, found: str) -> str:
    return f"The file contradicts itself: it says {stated.name}, and its image {found}."


def _decode_frame(frame: bytes, ds: Dataset) -> tuple[NDArray[Any], int, str, str]:
    """A compressed frame's numbers, the bits that each has, and notes on the header and on the
    frame, "" for most."""
    stated: UID = ds.file_meta.TransferSyntaxUID
    found = parse_codestream(frame)
    if found is None:
        if stated != RLELossless:
            raise UndecodableError(f"the image does not begin as {stated.name} does")
        try:
            check_rle(frame, get_int(ds, "Rows") or 0, get_int(ds, "Columns") or 0)
        except ValueError as error:
            raise UndecodableError(str(error)) from error
        numbers = pixel_array(_frame_dataset(frame, ds, RLELossless, None))
        return numbers, numbers.dtype.itemsize * 8, "", ""
    if (found.rows, found.columns) != (ds.Rows, ds.Columns):
        raise UndecodableError(
            f"the compressed image has {found.rows} rows and {found.columns} columns, the header "
            f"says {ds.Rows} and {ds.Columns}"
        )
    try:
        check_codestream(found, frame)
    except ValueError as error:
        raise UndecodableError(str(error)) from error
    syntax = stated if same_codec(stated, found.syntax) else found.syntax
    fits = syntax == stated or is_of_family(stated, found.syntax)
    note = "" if fits else _contradiction(stated, f"is {found.syntax.name}")
    numbers, told = _first_success(frame, ds, found, syntax)
    return numbers, found.precision, note, told


def _first_success(frame: bytes, ds: Dataset, found: Codestream, syntax: UID) -> _Told:
    reason = "neither of two decoders can read it"
    frame = bare_codestream(frame)
    try:
        check_jpeg_2000(frame)
        mended = mend_codestream(frame)
    except ValueError as error:
        raise UndecodableError(str(error)) from error
    for stream in dict.fromkeys((frame, mended)):
        one = _frame_dataset(stream, ds, syntax, found)
        for decode in _decoders(found):
            try:
                return decode(one)
            except (JpegDamageError, DecoderWarningError) as error:
                raise UndecodableError(f"the compressed image is damaged: {error}") from error
            except (ImageError, UndecodableError, MemoryError):
                raise  # no other decoder is to be tried
            except Exception:
                continue
    raise UndecodableError(reason)


def _decoders(found: Codestream) -> Iterator[Callable[[Dataset], _Told]]:
    if found.syntax == JPEGBaseline8Bit:
        yield _decode_jpeg
    if found.syntax == JPEG2000:
        yield jpeg_2000.decode_frame
    if found.syntax == JPEGLSLossless:
        yield lambda one: (pixel_array(one, decoding_plugin="pyjpegls"), "")
    yield lambda one: (_decode_with_gdcm(one), "")


def _decode_jpeg(ds: Dataset) -> _Told:
    """An 8-bit JPEG, decoded strictly; in colour only checked so, for pydicom knows its colours."""
    frame = get_frame(ds.PixelData, 0, number_of_frames=1)
    if ds.SamplesPerPixel == 1:
        return decode_checked(frame)
    _, broken = decode_checked(frame, "RGB")
    return pixel_array(ds, decoding_plugin="pillow"), broken


def _frame_dataset(frame: bytes, ds: Dataset, syntax: UID, found: Codestream | None) -> Dataset:
    """A data set of this frame alone, with the depth and the channels that the frame has."""
    one = Dataset()
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = syntax
    one.Rows, one.Columns = ds.Rows, ds.Columns
    one.PixelRepresentation = get_int(ds, "PixelRepresentation") or 0
    one.SamplesPerPixel = get_int(ds, "SamplesPerPixel") or 1
    one.PhotometricInterpretation = get_code(ds, "PhotometricInterpretation") or "MONOCHROME2"
    one.PlanarConfiguration = get_int(ds, "PlanarConfiguration") or 0
    if found is None:
        # One segment for each byte of a sample and each sample of a pixel (PS3.5, G.2).
        segments = int.from_bytes(frame[:4], "little")
        one.BitsAllocated = 8 * max(1, min(4, segments // one.SamplesPerPixel))
        one.BitsStored, one.PixelRepresentation = one.BitsAllocated, 0
    else:
        one.BitsAllocated, one.BitsStored = (8 if found.precision <= 8 else 16), found.precision
        if found.components != one.SamplesPerPixel:
            one.SamplesPerPixel = found.components
            colour = "RGB" if found.syntax == JPEGLSLossless else "YBR_FULL"
            colour = "YBR_RCT" if found.syntax == JPEG2000 else colour
            one.PhotometricInterpretation = "MONOCHROME2" if found.components == 1 else colour
    one.HighBit = one.BitsStored - 1
    if one.SamplesPerPixel == 1:
        del one.PlanarConfiguration
    one.PixelData = encapsulate([frame])
    one["PixelData"].VR = "OB"
    one["PixelData"].is_undefined_length = True
    return one


def _decode_with_gdcm(ds: Dataset) -> NDArray[Any]:
    if ds.SamplesPerPixel == 1:
        bits = (ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation)
        header = {
            "rows": ds.Rows,
            "columns": ds.Columns,
            "photometric": ds.PhotometricInterpretation,
            "syntax": str(ds.file_meta.TransferSyntaxUID),
            "bits": bits,
        }
        raw = _run_gdcm(header, bytes(get_frame(ds.PixelData, 0, number_of_frames=1)))
        kind = f"<{'i' if ds.PixelRepresentation else 'u'}{ds.BitsAllocated // 8}"
        gray: NDArray[Any] = np.frombuffer(raw, kind).reshape(ds.Rows, ds.Columns).copy()
        return gray
    buffer = io.BytesIO()
    ds.save_as(buffer)
    colour: NDArray[Any] = np.load(io.BytesIO(_run_gdcm({}, buffer.getvalue())), allow_pickle=False)
    return colour


def _run_gdcm(header: dict[str, Any], data: bytes) -> bytes:
    """What GDCM's process answers."""
    words, seconds = json.dumps(header), film_cpu_seconds(len(data))
    # By path and with -P: what is imported must not depend on where the app was started.
    try:
        child = subprocess.run(
            [sys.executable, "-P", str(_GDCM_CHILD.resolve()), str(seconds), words],
            input=data,
            capture_output=True,
            timeout=GDCM_WALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UndecodableError(f"GDCM took more than {GDCM_WALL_SECONDS} s") from error
    if child.returncode == -SIGXCPU:
        raise UndecodableError(f"GDCM needs more than {seconds} s of computing time")
    if child.returncode != 0:
        raise RuntimeError(f"GDCM's process ended with status {child.returncode}")
    said = child.stderr.decode("utf-8", "replace").splitlines()
    complaints = [
        line.strip()
        for line in said
        if line.strip() and not any(words in line for words in _GDCM_SMALL_TALK)
    ]
    if complaints:
        raise DecoderWarningError(complaints[0][:100])
    return child.stdout
