"""Files that are small and cost much: made here, for ``bench.hostile`` and for the tests."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image
from pydicom import Dataset
from pydicom.encaps import get_frame
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from bench.damaged_films import by_pillow, dicom, jpeg_2000, set_frame, to_bytes, wrapped
from cxr_core.phantom.draw import draw_phantom

SIDE = 8000  # px: 64 million of them


def small() -> np.ndarray:
    """A phantom (128, 128) of gray levels."""
    return np.ascontiguousarray(draw_phantom(1, size=128).pixels)


def png(side: int, depth: int, colour: int, channels: int) -> bytes:
    """A PNG all of zeros, however many."""
    pack = zlib.compressobj(9)
    row = bytes(1 + side * channels * depth // 8)
    body = b"".join(pack.compress(row) for _ in range(side)) + pack.flush()
    header = struct.pack(">IIBBBBB", side, side, depth, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def many_scans(n_scans: int = 3000) -> bytes:
    """A progressive JPEG in which a scan is repeated."""
    data = by_pillow(small(), "JPEG", progressive=True)
    start = data.rfind(b"\xff\xda")
    return data[:start] + data[start:-2] * n_scans + data[-2:]


def large_dataset(syntax: UID, frame: bytes, side: int = SIDE) -> bytes:
    """A DICOM file that says 64 million pixels, with another frame."""
    ds = dicom(small())
    ds.Rows = ds.Columns = side
    ds.file_meta.TransferSyntaxUID = syntax
    set_frame(ds, frame)
    return to_bytes(ds)


def flat_jpeg_ls(side: int = SIDE) -> bytes:
    """One gray level in JPEG-LS, which takes a few bytes for any number of pixels."""
    ds = dicom(np.zeros((side, side), np.uint8))
    ds.compress(JPEGLSLossless, encoding_plugin="pyjpegls")
    return to_bytes(ds)


def endless_jpeg_ls(side: int = 2000) -> bytes:
    """JPEG-LS of a few kilobytes that keeps CharLS in a loop without an end: the stream of an 8-bit
    film that says 3 bits, and contexts that are halved after 6 samples."""
    sound = dicom(np.ascontiguousarray(draw_phantom(1, size=64).pixels))
    sound.compress(JPEGLSLossless, encoding_plugin="pyjpegls")
    frame = get_frame(sound.PixelData, 0, number_of_frames=1)
    at = frame.index(b"\xff\xf7")
    preset = b"\xff\xf8" + struct.pack(">HB5H", 13, 1, 0, 0, 0, 0, 6)
    sized = frame[at : at + 4] + struct.pack(">BHH", 3, side, side) + frame[at + 9 :]
    ds = dicom(small())
    ds.Rows = ds.Columns = side
    ds.file_meta.TransferSyntaxUID = JPEGLSLossless
    set_frame(ds, frame[:at] + preset + sized)
    return to_bytes(ds)


def voi_tables(n_tables: int = 3000) -> bytes:
    """A film with so many VOI tables of 12 bits."""
    ds = dicom(small(), 12)
    table = np.arange(4096, dtype="<u2").tobytes()
    items = []
    for _ in range(n_tables):
        item = Dataset()
        item.add_new("LUTDescriptor", "US", [4096, 0, 16])
        item.add_new("LUTData", "OW", table)
        items.append(item)
    ds.VOILUTSequence = items
    return to_bytes(ds)


def rle(segment: bytes, side: int = 4000) -> bytes:
    """An RLE frame of one segment."""
    return large_dataset(RLELossless, struct.pack("<16I", 1, 64, *[0] * 14) + segment, side)


def deflated(megabytes: int = 2000, meta_bytes: int = 8000) -> bytes:
    """A deflated DICOM file of zeros, whose transfer syntax stands far behind."""
    ds = dicom(small())
    ds.file_meta.PrivateInformationCreatorUID = UID("1.2.3")
    ds.file_meta.SourceApplicationEntityTitle = "A" * 16
    plain = to_bytes(ds)
    meta_end = 144 + int.from_bytes(plain[140:144], "little")
    meta = plain[144:meta_end]
    syntax = DeflatedExplicitVRLittleEndian.encode() + b"\0"
    # An unknown element before the transfer syntax (0002,0010).
    filler = b"\x02\0\x0f\0OB\0\0" + struct.pack("<I", meta_bytes) + bytes(meta_bytes)
    at = meta.index(b"\x02\0\x10\0UI")
    old = 8 + int.from_bytes(meta[at + 6 : at + 8], "little")
    stated = b"\x02\0\x10\0UI" + struct.pack("<H", len(syntax)) + syntax
    meta = meta[:at] + filler + stated + meta[at + old :]
    pack = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = pack.compress(plain[meta_end:])
    body += b"".join(pack.compress(bytes(2**20)) for _ in range(megabytes)) + pack.flush()
    return plain[:140] + struct.pack("<I", len(meta)) + meta + body


def deflated_tiff(megabytes: int = 1000) -> bytes:
    """A TIFF of one strip that holds a thousand times its picture."""
    stream = io.BytesIO()
    Image.fromarray(small()).save(stream, "TIFF", compression="tiff_adobe_deflate")
    data = bytearray(stream.getvalue())
    body = zlib.compress(bytes(megabytes * 2**20), 9)
    at = int.from_bytes(data[4:8], "little")
    for entry in range(at + 2, at + 2 + 12 * int.from_bytes(data[at : at + 2], "little"), 12):
        tag = int.from_bytes(data[entry : entry + 2], "little")
        if tag in (273, 279):  # where the strip begins, and its bytes
            value = len(data) if tag == 273 else len(body)
            data[entry + 2 : entry + 12] = struct.pack("<HII", 4, 1, value)
    return bytes(data) + body


def j2k_components(count: int = 16384) -> bytes:
    """JPEG 2000 that says so many channels."""
    frame = jpeg_2000(small(), lossy=False)
    at = 40  # Csiz: after SOC, SIZ, Lsiz, Rsiz and eight sizes
    return wrapped(
        small(), frame[:at] + struct.pack(">H", count) + frame[at + 2 :], JPEG2000Lossless
    )


def j2k_size(side: int = SIDE) -> bytes:
    """JPEG 2000 of 64 million pixels that is a few bytes long."""
    frame = bytearray(jpeg_2000(small(), lossy=False))
    frame[8:16] = struct.pack(">II", side, side)
    frame[24:32] = struct.pack(">II", side, side)
    return large_dataset(JPEG2000Lossless, bytes(frame), side)


def jpeg_size(side: int = SIDE) -> bytes:
    """A JPEG frame of 64 million pixels that is a few bytes long."""
    frame = bytearray(by_pillow(small(), "JPEG"))
    at = frame.index(b"\xff\xc0") + 5
    frame[at : at + 4] = struct.pack(">HH", side, side)
    return large_dataset(JPEGBaseline8Bit, bytes(frame), side)


def overlapping_zip(n_files: int = 1999, film: bytes | None = None) -> bytes:
    """A zip whose many entries are all the same few bytes."""
    film = png(SIDE, 8, 0, 1) if film is None else film
    size = len(film)
    name = b"film.png"
    numbers = (zlib.crc32(film), size, size, len(name), 0)
    local = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 0, 0, 0, *numbers) + name + film
    entry = (
        struct.pack("<4sHHHHHHIII", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, zlib.crc32(film), size, size)
        + struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, 0)
        + name
    )
    table = entry * n_files
    end = struct.pack(
        "<4sHHHHIIH", b"PK\x05\x06", 0, 0, n_files, n_files, len(table), len(local), 0
    )
    return local + table + end


BOMBS: dict[str, Callable[[], bytes]] = {
    "progressive JPEG, 3,000 scans": many_scans,
    "JPEG-LS, 64 Mpx of one gray": flat_jpeg_ls,
    "JPEG-LS without an end": endless_jpeg_ls,
    "JPEG 2000, 16,384 channels": j2k_components,
    "JPEG 2000, 64 Mpx in 10 KB": j2k_size,
    "JPEG in DICOM, 64 Mpx in 5 KB": jpeg_size,
    "3,000 VOI tables": voi_tables,
    "RLE, 30 MB of nothing": lambda: rle(b"\x80" * 30_000_000),
    "RLE, 4 GB in 30 MB": lambda: rle(b"\x81\0" * 15_000_000),
    "deflated DICOM, 2 GB": deflated,
    "deflated TIFF, 1 GB": deflated_tiff,
    "RGBA PNG of 64 Mpx": lambda: png(SIDE, 8, 6, 4),
    "16-bit RGBA PNG of 64 Mpx": lambda: png(SIDE, 16, 6, 8),
    "gray PNG of 64 Mpx, all black": lambda: png(SIDE, 8, 0, 1),
    "1,999 films over one another": overlapping_zip,
}
