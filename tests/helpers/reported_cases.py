"""Files of kinds that users of comparable software reported, drawn with this project's phantom.

``DRAWN`` holds one of each kind, ``reported_members`` further ones; docs/cases.md lists both and
what is right for each. Where a picture is to be the control's, it is drawn so that it is exactly.
"""

import io
import itertools
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from PIL import Image
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    CTImageStorage,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    SecondaryCaptureImageStorage,
)

from cxr_core.phantom.draw import draw_phantom
from tests.helpers.dicom_files import (
    film_dataset,
    in_own_letters,
    to_bytes,
)
from tests.helpers.films import chunk, encode

FILM = draw_phantom(12, size=384).pixels
FILM.flags.writeable = False
SPOT = (3, 5)  # of a hot pixel
MARKER = np.s_[12:27, 12:42]  # 0.3 % of the film
WHOLE_WINDOW = {"WindowCenter": 2048, "WindowWidth": 4096}
TWELVE_BITS = {"BitsStored": 12, "HighBit": 11}
LATERAL, OTHER_PART = "this is a lateral film", "not the chest"
DEFECT, MISFIT = "was given its neighbours' value", "does not fit the film"


@dataclass(frozen=True)
class Expected:
    """What is right for a file.

    Attributes:
        tells: words of a warning, of a reason to stop or of the refusal; "" for none.
        refused, stopped: it is not read at all, or only at the reader's request.
        but: the part of the picture that is not the control's; None where all of it is.
        within: gray levels by which the rest may differ from it.
    """

    tells: str = ""
    refused: bool = False
    stopped: bool = False
    but: Any = None
    within: int = 0


def widened(bits: int = 12) -> np.ndarray:
    """The film on the full range of so many bits, uint16."""
    return np.rint(FILM * ((2**bits - 1) / 255)).astype(np.uint16)


def with_hot_pixel(values: np.ndarray, value: int) -> np.ndarray:
    spoilt = values.copy()
    spoilt[SPOT] = value
    return spoilt


def with_bar(values: np.ndarray) -> np.ndarray:
    spoilt = values.copy()
    spoilt[MARKER] = 65535
    return spoilt


def with_yellow_marker() -> np.ndarray:
    """(H, W, 3)."""
    colour = np.repeat(FILM[..., None], 3, axis=2)
    colour[MARKER] = (255, 255, 0)
    return colour


def film(values: np.ndarray | None = None, **tags: object) -> bytes:
    """A film of 12 bits, or of the values given, with a window that fits."""
    given = widened() if values is None else values
    return to_bytes(film_dataset(given, **{**TWELVE_BITS, **WHOLE_WINDOW, **tags}))


def bare(values: np.ndarray, **tags: object) -> bytes:
    """A film without a window."""
    return to_bytes(film_dataset(values, **tags))


def eight_bits(**tags: object) -> bytes:
    return bare(np.array(FILM), **tags)


def in_script(keyword: str, text: str, encoding: str = "utf-8") -> bytes:
    """An 8-bit film with a code string in letters that DICOM does not allow there."""
    size = len(text.encode(encoding))
    placeholder = "Q" * (size + size % 2)
    charset = {"utf-8": "ISO_IR 192", "iso8859_5": "ISO_IR 144", "gb18030": "GB18030"}[encoding]
    data = eight_bits(SpecificCharacterSet=charset, **{keyword: placeholder})
    return in_own_letters(data, placeholder, text, encoding)


def body_part(part: str) -> bytes:
    return (
        eight_bits(BodyPartExamined=part) if part.isascii() else in_script("BodyPartExamined", part)
    )


def view_code(value: str, meaning: str, scheme: str = "SCT") -> list[Dataset]:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return [item]


def in_frame(
    frame: bytes, syntax: UID, values: np.ndarray, tags: Mapping[str, object] = MappingProxyType({})
) -> bytes:
    """A compressed frame in a data set that says so."""
    ds = film_dataset(values, **tags)
    ds.file_meta.TransferSyntaxUID = syntax
    ds.PixelData = encapsulate([frame])
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    return to_bytes(ds)


def jpeg_2000(change: Callable[[bytes], bytes]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(widened()).save(stream, "JPEG2000", no_jp2=True, irreversible=False)
    frame = change(stream.getvalue())
    return in_frame(frame, JPEG2000Lossless, widened(), {**TWELVE_BITS, **WHOLE_WINDOW})


def film_in(syntax: UID) -> bytes:
    """A film of 12 bits that is written, whole, as the transfer syntax says."""
    ds = film_dataset(widened(), **TWELVE_BITS, **WHOLE_WINDOW)
    ds.file_meta.TransferSyntaxUID = syntax
    return to_bytes(ds)


def in_fragments(count: int, table: tuple[int, ...] = (), syntax: UID = JPEG2000Lossless) -> bytes:
    """A JPEG 2000 frame in so many fragments, with this offset table (PS3.5, A.4)."""
    stream = io.BytesIO()
    Image.fromarray(widened()).save(stream, "JPEG2000", no_jp2=True, irreversible=False)
    frame = stream.getvalue() + b"\0" * (len(stream.getvalue()) % 2)
    offsets = b"".join(offset.to_bytes(4, "little") for offset in table)
    ends = [500 * n for n in range(count)] + [len(frame)]
    items = [offsets, *(frame[begin:end] for begin, end in itertools.pairwise(ends))]
    ds = film_dataset(widened(), **TWELVE_BITS, **WHOLE_WINDOW)
    ds.file_meta.TransferSyntaxUID = syntax
    ds.PixelData = b"".join(b"\xfe\xff\x00\xe0" + len(i).to_bytes(4, "little") + i for i in items)
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    return to_bytes(ds)


def misnamed_jpeg(stated: UID) -> bytes:
    """An 8-bit JPEG without fragments under an uncompressed syntax, or under another's name."""
    frame = encode(Image.fromarray(FILM), "JPEG", quality=95)
    if stated.is_compressed:
        return in_frame(frame, stated, np.array(FILM))
    ds = film_dataset(np.array(FILM))
    ds.PixelData = frame + b"\0" * (len(frame) % 2)
    return to_bytes(ds)


def compressed(syntax: UID, values: np.ndarray, **tags: object) -> bytes:
    """Losslessly compressed as 16 bits; the header then says what ``tags`` say."""
    ds = film_dataset(values, **WHOLE_WINDOW)
    ds.compress(syntax, encoding_plugin="pyjpegls" if syntax == JPEGLSLossless else "")
    for keyword, value in tags.items():
        setattr(ds, keyword, value)
    return to_bytes(ds)


def marker_dicom(values: np.ndarray, **tags: object) -> bytes:
    colour = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    kind = {"SOPClassUID": SecondaryCaptureImageStorage, "Modality": "OT"}
    return bare(values, **{**colour, **kind, **tags})


def with_chunks(*chunks: bytes) -> bytes:
    """The film as a PNG with further chunks behind its header."""
    data = encode(Image.fromarray(FILM))
    return data[:33] + b"".join(chunks) + data[33:]


def text_chunk(kind: bytes = b"tEXt", size: int = 3_000_000) -> bytes:
    text = b"report " * (size // 7)
    head = {b"tEXt": b"Comment\0", b"zTXt": b"Comment\0\0", b"iTXt": b"Comment\0\1\0\0\0"}[kind]
    return chunk(kind, head + (text if kind == b"tEXt" else zlib.compress(text)))


def float_tiff(values: np.ndarray) -> bytes:
    """A floating TIFF of (H, W) in one strip (TIFF 6.0, section 2), 32 or 64 bits."""
    height, width = values.shape
    body = values.astype(values.dtype.newbyteorder("<")).tobytes()
    tags = {256: width, 257: height, 258: 8 * values.dtype.itemsize, 259: 1, 262: 1, 273: 8,
            277: 1, 278: height, 279: len(body), 339: 3}  # fmt: skip
    entries = b"".join(
        tag.to_bytes(2, "little") + b"\4\0\1\0\0\0" + value.to_bytes(4, "little")
        for tag, value in sorted(tags.items())
    )
    end = (8 + len(body)).to_bytes(4, "little")
    return b"II*\0" + end + body + len(tags).to_bytes(2, "little") + entries + bytes(4)


def tiff(values: np.ndarray, compression: str = "raw") -> bytes:
    return encode(Image.fromarray(values), "TIFF", compression=compression)


COMMENT = b"\xff\x64\x00\x0b\x00\x01PADDING"
_AXIS = np.linspace(-1, 1, 384)
_X, _Y = np.meshgrid(_AXIS, _AXIS)


def head_slice(bone: float = 255, brain: float = 120, wide: float = 0.62) -> bytes:
    """An axial CT of a head: skull, brain, ventricles, on black."""
    radius = np.hypot(_X / wide, _Y / 0.8)
    picture = np.where(radius < 1, bone, 0.0)
    picture = np.where(radius < 0.9, brain, picture)
    for side in (-1, 1):
        inside = np.hypot((_X - side * 0.12) / 0.06, (_Y + 0.05) / 0.22) < 1
        picture = np.where(inside, 0.3 * brain, picture)
    noise = np.random.default_rng(3).normal(0, 4, picture.shape)
    return encode(Image.fromarray((picture + noise).clip(0, 255).astype(np.uint8)))


def ultrasound_sector(half_angle: float = 0.6, depth: float = 1.8) -> bytes:
    """A sector of speckle below its probe, with a dark vessel, on black."""
    rng = np.random.default_rng(4)
    radius, angle = np.hypot(_X, _Y + 1), np.arctan2(_X, _Y + 1)
    speckle = 130 * np.exp(-0.5 * radius) * rng.rayleigh(1, radius.shape)
    inside = (np.abs(angle) < half_angle) & (radius < depth) & (radius > 0.1)
    picture = np.where(inside, speckle, 0)
    picture = np.where(np.hypot(_X - 0.1, _Y) < 0.15, picture * 0.15, picture)
    return encode(Image.fromarray(picture.clip(0, 255).astype(np.uint8)))


OWN_RANGE = Expected("the film's own range of values was used", within=45)  # white is less bright
NO_FILM = Expected("does not look like an upright frontal chest film", stopped=True)
LATERAL_FILM = Expected(LATERAL, stopped=True)
MENDED = Expected(DEFECT, but=SPOT)
COLOURED = Expected("is in colour; only its brightness", but=MARKER)
CONTRADICTS = Expected("The file contradicts itself: it says", within=12)  # JPEG at quality 95

Case = tuple[Callable[[], bytes], Expected]
DRAWN: dict[str, Case] = {
    "ok_12bit.dcm": (film, Expected()),
    "window_4_times_too_wide.dcm": (
        lambda: film(WindowCenter=8192, WindowWidth=16384), Expected(MISFIT)
    ),
    "windows_first_useless_second_good.dcm": (
        lambda: film(WindowCenter=[60000, 2048], WindowWidth=[300, 4096]), Expected(MISFIT)
    ),
    "one_hot_pixel_14bit_no_window.dcm": (
        lambda: bare(with_hot_pixel(widened(), 16383), BitsStored=14, HighBit=13), MENDED
    ),
    "one_hot_pixel_16383_16bit.png": (
        lambda: encode(Image.fromarray(with_hot_pixel(widened(), 16383))), MENDED
    ),
    "high_bit_15_left_aligned.dcm": (lambda: film(widened() << 4, HighBit=15), Expected()),
    "no_bits_stored.dcm": (
        lambda: film(BitsStored=None), Expected("does not say how many bits its pixels use")
    ),
    "j2k_com_after_last_tile.dcm": (
        lambda: jpeg_2000(lambda s: s[:-2] + COMMENT + s[-2:]), Expected()
    ),
    "jpeg_but_says_explicit_little_endian.dcm": (
        lambda: misnamed_jpeg(ExplicitVRLittleEndian), CONTRADICTS
    ),
    "lateral_by_view_code.dcm": (
        lambda: eight_bits(ViewPosition="", ViewCodeSequence=view_code("399198007", "lateral")),
        LATERAL_FILM,
    ),
    "lateral_view_left_lateral.dcm": (
        lambda: eight_bits(ViewPosition="LEFT LATERAL"), LATERAL_FILM
    ),
    "body_part_pecho.dcm": (lambda: eight_bits(BodyPartExamined="PECHO"), Expected()),
    "body_part_unknown.dcm": (lambda: eight_bits(BodyPartExamined="UNKNOWN"), Expected()),
    "ct_sop_class_without_modality.dcm": (
        lambda: eight_bits(SOPClassUID=CTImageStorage, Modality=None),
        Expected("is a CT image, not a chest radiograph: SOP class", refused=True),
    ),
    "not_a_film_drawn_head_CT_slice.png": (head_slice, NO_FILM),
    "not_a_film_drawn_ultrasound_sector.png": (ultrasound_sector, NO_FILM),
    "sc_rgb_small_yellow_marker.dcm": (lambda: marker_dicom(with_yellow_marker()), COLOURED),
    "same_small_yellow_marker.png": (
        lambda: encode(Image.fromarray(with_yellow_marker())), COLOURED
    ),
    "png_long_text_chunk.png": (lambda: with_chunks(text_chunk()), Expected()),
    "tiff_float64.tif": (lambda: float_tiff(FILM / 255), Expected()),
}  # fmt: skip
