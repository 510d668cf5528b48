"""Films damaged in known ways: which are refused, which are told, which are read in silence.

    python -m bench.damaged_films [--originals 12] [--size 384] [--images DIR] [--seed 0] [--list]
        [--only ENCODING ...] [--without ENCODING ...] [--repeats 1]

Each original, a drawn phantom or a film of ``--images``, is written in every encoding of
``ENCODINGS``, or of those that ``--only`` names (of ``FURTHER``, too), and each file damaged in
every way that it allows, ``--repeats`` times. A damaged film is *refused*, *told* (a warning or a
reason to stop that the intact film does not have), *unharmed* (no more than 0.5 % of its pixels
differ by more than 2 gray levels) or, what should not be, read *silent*ly.
The intact files are read, too: none may be refused, and what is told of them is printed.
"""

import argparse
import io
import itertools
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import gdcm
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import (
    UID,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from cxr_core.errors import ImageError
from cxr_core.imaging.radiograph import Radiograph, read_radiograph
from cxr_core.phantom.draw import draw_phantom, encode_png

Gray = NDArray[np.uint8]
Rng = np.random.Generator
MAX_LEVELS, MAX_SHARE = 2, 0.005  # a picture within them is as good as the intact one
_END = b"\xff\xd9"  # of JPEG, JPEG-LS and JPEG 2000 alike
_LOST_BYTES = 512  # a disk's sector


# Encodings.


def dicom(pixels: Gray, bits: int = 8) -> Dataset:
    """A DX image of (H, W) gray levels at 8 or more bits."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    ds.Modality, ds.BodyPartExamined, ds.ViewPosition = "DX", "CHEST", "PA"
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = pixels.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = (8 if bits == 8 else 16), bits, bits - 1
    ds.PixelRepresentation = 0
    ds.WindowCenter, ds.WindowWidth = 2 ** (bits - 1), 2**bits
    values = pixels if bits == 8 else np.rint(pixels * ((2**bits - 1) / 255)).astype("<u2")
    ds.PixelData = values.tobytes() + b"\0" * (values.nbytes % 2)
    ds["PixelData"].VR = "OB" if bits == 8 else "OW"
    return ds


def to_bytes(ds: Dataset) -> bytes:
    """The file of a data set."""
    stream = io.BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def by_pillow(pixels: Gray, kind: str, **options: object) -> bytes:
    """A file as Pillow writes it."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


def jpeg_2000(pixels: Gray, *, lossy: bool) -> bytes:
    """A bare codestream."""
    options = {"irreversible": True, "quality_layers": [12]} if lossy else {"irreversible": False}
    return by_pillow(pixels, "JPEG2000", no_jp2=True, **options)


def wrapped(pixels: Gray, frame: bytes, syntax: UID) -> bytes:
    """A DICOM file around a compressed frame."""
    ds = dicom(pixels)
    ds.file_meta.TransferSyntaxUID = syntax
    set_frame(ds, frame)
    return to_bytes(ds)


def set_frame(ds: Dataset, frame: bytes) -> None:
    """Put another compressed frame into a data set."""
    ds.PixelData = encapsulate([frame])
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True


def by_pydicom(pixels: Gray, syntax: UID) -> bytes:
    """A 12-bit DICOM file that pydicom and its plugins compress."""
    ds = dicom(pixels, 12)
    ds.compress(syntax, encoding_plugin="pyjpegls" if syntax == JPEGLSLossless else "pydicom")
    return to_bytes(ds)


def by_gdcm(pixels: Gray, syntax: int) -> bytes:
    """A 12-bit DICOM file that GDCM compresses."""
    with tempfile.TemporaryDirectory() as folder:
        plain, packed = Path(folder, "plain.dcm"), Path(folder, "packed.dcm")
        plain.write_bytes(to_bytes(dicom(pixels, 12)))
        reader = gdcm.ImageReader()
        reader.SetFileName(str(plain))
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
        writer = gdcm.ImageWriter()
        if not reader.Read():
            raise RuntimeError("GDCM cannot read the film")
        change.SetInput(reader.GetImage())
        if not change.Change():
            raise RuntimeError("GDCM cannot compress the film")
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        writer.SetFileName(str(packed))
        if not writer.Write():
            raise RuntimeError("GDCM cannot write the film")
        return packed.read_bytes()


def png_16(pixels: Gray) -> bytes:
    """A 16-bit PNG."""
    stream = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint16) * 257).save(stream, "PNG")
    return stream.getvalue()


ENCODINGS: dict[str, Callable[[Gray], bytes]] = {
    "JPEG": partial(by_pillow, kind="JPEG", quality=90),
    "JPEG, quality 75": partial(by_pillow, kind="JPEG", quality=75, optimize=True),
    "JPEG, progressive": partial(by_pillow, kind="JPEG", quality=90, progressive=True),
    "JPEG, restarts": partial(by_pillow, kind="JPEG", quality=90, restart_marker_rows=4),
    "JPEG, colour": lambda p: by_pillow(np.dstack([p] * 3), "JPEG", quality=90),
    "PNG": encode_png,
    "PNG, 16 bits": png_16,
    "TIFF": partial(by_pillow, kind="TIFF"),
    "TIFF, deflated": partial(by_pillow, kind="TIFF", compression="tiff_adobe_deflate"),
    "TIFF, LZW": partial(by_pillow, kind="TIFF", compression="tiff_lzw"),
    "TIFF, JPEG": partial(by_pillow, kind="TIFF", compression="jpeg"),
    "DICOM, 12 bits": lambda p: to_bytes(dicom(p, 12)),
    "DICOM, 8 bits": lambda p: to_bytes(dicom(p)),
    "DICOM, JPEG": lambda p: wrapped(p, by_pillow(p, "JPEG", quality=90), JPEGBaseline8Bit),
    "DICOM, JPEG 12 bits": partial(by_gdcm, syntax=gdcm.TransferSyntax.JPEGExtendedProcess2_4),
    "DICOM, JPEG lossless": partial(by_gdcm, syntax=gdcm.TransferSyntax.JPEGLosslessProcess14_1),
    "DICOM, JPEG 2000": lambda p: wrapped(p, jpeg_2000(p, lossy=False), JPEG2000Lossless),
    "DICOM, JPEG 2000 lossy": lambda p: wrapped(p, jpeg_2000(p, lossy=True), JPEG2000Lossless),
    "DICOM, JPEG-LS": partial(by_pydicom, syntax=JPEGLSLossless),
    "DICOM, RLE": partial(by_pydicom, syntax=RLELossless),
}

# Kinds of JPEG that only this bench takes.
FURTHER: dict[str, Callable[[Gray], bytes]] = {
    "JPEG, quality 95": partial(by_pillow, kind="JPEG", quality=95),
    "JPEG, progressive 75": partial(by_pillow, kind="JPEG", quality=75, progressive=True),
    "JPEG, colour progressive": lambda p: by_pillow(
        np.dstack([p] * 3), "JPEG", quality=85, subsampling=0, progressive=True
    ),
}


# Damages: of a body of bytes, then of a file around its body.


def cut(body: bytes, rng: Rng) -> bytes:
    """The first half."""
    return body[: len(body) // 2]


def cut_and_ended(body: bytes, rng: Rng) -> bytes:
    """The first half, closed by an end marker, as programs that mend files do."""
    return body[: len(body) // 2].removesuffix(b"\xff") + _END


def flipped(body: bytes, rng: Rng) -> bytes:
    """Three flipped bits behind the headers."""
    damaged = bytearray(body)
    start = min(1000, len(body) // 4)
    for place in rng.integers(start, len(body) - len(_END), 3):
        damaged[place] ^= 1 << int(rng.integers(8))
    return bytes(damaged)


def lost(body: bytes, rng: Rng) -> bytes:
    """A sector of zeros in the middle."""
    start = int(len(body) * rng.uniform(0.25, 0.7))
    return body[:start] + bytes(_LOST_BYTES) + body[start + _LOST_BYTES :]


def dropped(body: bytes, rng: Rng) -> bytes:
    """A sector less."""
    start = int(len(body) * rng.uniform(0.25, 0.7))
    return body[:start] + body[start + _LOST_BYTES :]


BODY_DAMAGES = (cut, cut_and_ended, flipped, lost, dropped)


def damaged_files(name: str, data: bytes, rng: Rng) -> Iterator[tuple[str, bytes]]:
    """Every damaged file of one intact one, with the damage's name."""
    if name.startswith("DICOM"):
        yield from damaged_dicom(data, rng)
        return
    for damage in BODY_DAMAGES:
        if damage is cut_and_ended and not name.startswith("JPEG"):
            continue
        yield damage.__name__, damage(data, rng)
    for side, share in (("rows", 0.8), ("columns", 0.95)):
        if name.startswith("JPEG"):
            yield side, jpeg_header(data, side, share)
        elif name.startswith("PNG"):
            yield side, png_header(data, side, share)
        elif name.startswith("TIFF"):
            yield side, tiff_header(data, side, share)
    if name == "JPEG":  # what another program made of a cut JPEG, saved anew
        yield "cut, then PNG", as_png(data[: len(data) // 2] + _END)


def damaged_dicom(data: bytes, rng: Rng) -> Iterator[tuple[str, bytes]]:
    """A DICOM file cut, then whole around damaged pixel data, then with another size."""
    yield "file cut", cut(data, rng)
    intact = dcmread(io.BytesIO(data))
    compressed = intact.file_meta.TransferSyntaxUID.is_compressed
    body = get_frame(intact.PixelData, 0, number_of_frames=1) if compressed else intact.PixelData
    for damage in BODY_DAMAGES:
        if damage is cut_and_ended and not compressed:
            continue
        if damage in (flipped, lost) and not compressed:
            continue  # a wrong value is a value: nothing in the file could tell
        ds = dcmread(io.BytesIO(data))
        changed = damage(body, rng)
        if compressed:
            set_frame(ds, changed)
        else:
            ds.PixelData = changed + b"\0" * (len(changed) % 2)
        yield damage.__name__, to_bytes(ds)
    for side, keyword, share in (("rows", "Rows", 0.8), ("columns", "Columns", 0.95)):
        ds = dcmread(io.BytesIO(data))
        setattr(ds, keyword, int(ds[keyword].value * share))
        yield side, to_bytes(ds)


def jpeg_header(data: bytes, side: str, share: float) -> bytes:
    """A JPEG whose frame header says less than the scan holds."""
    start = max(data.find(b"\xff\xc0\0"), data.find(b"\xff\xc2\0"))
    at = start + (5 if side == "rows" else 7)
    less = int(int.from_bytes(data[at : at + 2]) * share)
    return data[:at] + less.to_bytes(2) + data[at + 2 :]


def png_header(data: bytes, side: str, share: float) -> bytes:
    """A PNG whose header says less than its data hold, its checksum right."""
    at = 20 if side == "rows" else 16
    less = int(int.from_bytes(data[at : at + 4]) * share)
    header = data[:at] + less.to_bytes(4) + data[at + 4 : 29]
    return header + zlib.crc32(header[12:29]).to_bytes(4) + data[33:]


def tiff_header(data: bytes, side: str, share: float) -> bytes:
    """A little-endian TIFF whose header says less, or more, than its strips hold."""
    directory = int.from_bytes(data[4:8], "little")
    tag = (257 if side == "rows" else 256).to_bytes(2, "little")
    for at in range(directory + 2, len(data), 12):
        if data[at : at + 2] == tag:
            size = 2 if data[at + 2] == 3 else 4  # SHORT or LONG
            other = int(int.from_bytes(data[at + 8 : at + 8 + size], "little") * share)
            return data[: at + 8] + other.to_bytes(4, "little") + data[at + 12 :]
    raise ValueError("no such tag")


def as_png(damaged: bytes) -> bytes:
    """What Pillow makes of a JPEG, whatever libjpeg warned of."""
    return encode_png(np.asarray(Image.open(io.BytesIO(damaged))))


# Outcomes.


def outcome(damaged: bytes, whole: Radiograph) -> str:
    """``refused``, ``told``, ``unharmed`` or ``silent``, beside the intact film."""
    try:
        film = read_radiograph(damaged)
    except ImageError:
        return "refused"
    known = {*whole.warnings, *whole.rejection_reasons}
    if {*film.warnings, *film.rejection_reasons} - known:
        return "told"
    if film.pixels.shape != whole.pixels.shape:
        return "silent"
    gap = np.abs(film.pixels.astype(int) - whole.pixels)
    return "unharmed" if (gap > MAX_LEVELS).mean() <= MAX_SHARE else "silent"


def originals(count: int, size: int, images: Path | None, first: int) -> Iterator[Gray]:
    """Phantoms from the seed ``first`` on, or the first films of a folder by name."""
    if images is None:
        for seed in range(first, first + count):
            yield np.ascontiguousarray(draw_phantom(seed, size=size).pixels)
        return
    for path in sorted(p for p in images.iterdir() if p.is_file())[:count]:
        yield np.ascontiguousarray(read_radiograph(path.read_bytes()).pixels)


def print_table(counts: Mapping[str, Counter[str]], title: str) -> None:
    """One line a row of ``counts``."""
    columns = ("refused", "told", "unharmed", "silent")
    print(f"\n{title:24}" + "".join(f"{column:>10}" for column in columns))
    for name, row in counts.items():
        print(f"{name:24}" + "".join(f"{row[column]:>10}" for column in columns))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--originals", type=int, default=12)
    parser.add_argument("--size", type=int, default=384, help="px of a phantom")
    parser.add_argument("--images", type=Path, help="a folder of films instead of phantoms")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--list", action="store_true", help="name each film that is read silently")
    parser.add_argument("--repeats", type=int, default=1, help="draws of every damage")
    parser.add_argument("--only", nargs="+", choices=[*ENCODINGS, *FURTHER], metavar="NAME")
    parser.add_argument("--without", nargs="+", default=[], choices=list(ENCODINGS), metavar="NAME")
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    encodings = {**ENCODINGS, **FURTHER} if given.only else ENCODINGS
    by_encoding: dict[str, Counter[str]] = {}
    by_damage: dict[str, Counter[str]] = {}
    refused, warned = Counter[str](), Counter[str]()
    silent = []
    for number, pixels in enumerate(
        originals(given.originals, given.size, given.images, given.seed)
    ):
        for encoding, encode in encodings.items():
            if encoding in given.without or encoding not in (given.only or encodings):
                continue
            data = encode(pixels)
            try:
                whole = read_radiograph(data)
            except ImageError as error:
                refused[f"{encoding}: {error}"] += 1
                continue
            warned.update(whole.warnings)
            files = (damaged_files(encoding, data, rng) for _ in range(given.repeats))
            for damage, changed in itertools.chain.from_iterable(files):
                found = outcome(changed, whole)
                by_encoding.setdefault(encoding, Counter())[found] += 1
                by_damage.setdefault(damage, Counter())[found] += 1
                if found == "silent":
                    silent.append(f"{encoding}, {damage}, original {number}")
    print(f"Intact films refused: {sum(refused.values())}", *refused, sep="\n  ")
    print("Told of intact films:", *(f"{n} x {words}" for words, n in warned.items()), sep="\n  ")
    print_table(by_encoding, "encoding")
    print_table(by_damage, "damage")
    total = sum(by_encoding.values(), Counter[str]())
    print_table({f"all {sum(total.values())}": total}, "")
    if given.list:
        print("\nRead silently:", *silent, sep="\n  ")


if __name__ == "__main__":
    main()
