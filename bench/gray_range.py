"""Films rewritten as 12 to 16-bit files with faulty gray ranges: how far their probabilities move.

    python -m bench.gray_range FILMS [--limit N] [--model models/default] [--threads 1] [--out CSV]

Each 8-bit film of the folder is read as it is, then rewritten as a 16-bit DICOM, PNG or TIFF with
one fault at a time (``FAULTS``), its bits drawn from ``BITS``. Printed for each fault: the share of
films whose four probabilities all stay within 0.02 of the plain film's, the largest and the mean
change, and mean P(effusion). ``no fault`` is a DICOM with a window that fits. With ``--out`` every
film is written down as soon as it is read, and a run that was stopped goes on where it ended.
"""

import argparse
import csv
import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

from cxr_core.evaluation.scoring import to_probabilities
from cxr_core.findings import KEYS
from cxr_core.imaging.preprocessing import normalise, to_square
from cxr_core.imaging.radiograph import read_radiograph
from cxr_core.model.engine import EngineSettings, ServedModel, load_served_model
from cxr_core.phantom.draw import encode_png

BITS = (12, 13, 14, 15, 16)
TOLERANCE = 0.02  # of a probability
_MARKER = 0.09  # of the shorter side; 0.8 % of a square film

Values = NDArray[np.uint16]
Fault = Callable[[Values, int, np.random.Generator], bytes]


def widen(pixels: NDArray[np.uint8], bits: int) -> Values:
    """8-bit gray (H, W) on the full range of ``bits``."""
    return np.rint(pixels * ((2**bits - 1) / 255)).astype(np.uint16)


def dicom(values: NDArray[np.generic], bits: int, **tags: object) -> bytes:
    """A DX image without a window, of unsigned 16-bit (H, W), and the tags given."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = DigitalXRayImageStorageForPresentation
    ds.SOPInstanceUID = "1.2.3"
    ds.Modality, ds.BodyPartExamined, ds.ViewPosition = "DX", "CHEST", "PA"
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = values.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, bits, bits - 1, 0
    for keyword, value in tags.items():
        setattr(ds, keyword, value)
    ds.PixelData = values.astype("<u2").tobytes()
    ds["PixelData"].VR = "OW"
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def picture(values: Values, kind: str) -> bytes:
    """(H, W) as a 16-bit PNG or TIFF."""
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, kind, **({"compress_level": 1} if kind == "PNG" else {}))
    return buffer.getvalue()


def whole_window(bits: int, times: float = 1) -> dict[str, object]:
    """A window from 0 on, so many times as wide as the bits."""
    return {"WindowCenter": times * 2 ** (bits - 1), "WindowWidth": times * 2**bits}


def with_hot_pixel(values: Values, rng: np.random.Generator) -> Values:
    """One pixel at full scale."""
    spoilt = values.copy()
    spoilt[rng.integers(values.shape[0]), rng.integers(values.shape[1])] = 65535
    return spoilt


def with_marker(values: Values) -> Values:
    """A burnt-in letter at full scale in an upper corner, with soft edges."""
    side = round(_MARKER * min(values.shape))
    letter = np.zeros((side, side))
    letter[:, : side // 3] = letter[-side // 3 :, :] = 1
    soft = np.asarray(
        Image.fromarray(np.uint8(255 * letter)).resize((side // 2, side // 2)).resize((side, side))
    )
    spoilt = values.astype(np.float64)
    corner = spoilt[side : 2 * side, side : 2 * side]
    corner[:] = np.maximum(corner, soft / 255 * 65535)
    return spoilt.astype(np.uint16)


def broken_table(entries: int = 4) -> list[Dataset]:
    """A VOI table of a few entries, for values that no film has."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [entries, 0, 16])
    item.add_new("LUTData", "US", [0, 20, 40, 60][:entries])
    return [item]


def _before_rescale(values: Values, bits: int, rng: np.random.Generator) -> bytes:
    slope, intercept = [(1, -1024), (2, 0), (0.25, 0), (4, -2000), (1, 1000)][rng.integers(5)]
    tags = {"RescaleSlope": slope, "RescaleIntercept": intercept, **whole_window(bits)}
    return dicom(values, bits, **tags)


def _useless_first(values: Values, bits: int, rng: np.random.Generator) -> bytes:
    center, width = [(60000, 300), (40, 400), (2.0**20, 2.0**21), (-9000, 100)][rng.integers(4)]
    good = whole_window(bits)
    return dicom(
        values,
        bits,
        WindowCenter=[center, good["WindowCenter"]],
        WindowWidth=[width, good["WindowWidth"]],
    )


FAULTS: dict[str, Fault] = {
    "no fault": lambda v, b, rng: dicom(v, b, **whole_window(b)),
    "no window": lambda v, b, rng: dicom(v, b),
    "window 4 times too wide": lambda v, b, rng: dicom(v, b, **whole_window(b, 4)),
    "window 16 times too wide": lambda v, b, rng: dicom(v, b, **whole_window(b, 16)),
    "window of the values before the rescale": _before_rescale,
    "useless window before a good one": _useless_first,
    "broken VOI table beside a good window": lambda v, b, rng: dicom(
        v, b, VOILUTSequence=broken_table(), **whole_window(b)
    ),
    "hot pixel, DICOM without window": lambda v, b, rng: dicom(with_hot_pixel(v, rng), 16),
    "hot pixel, 16-bit PNG": lambda v, b, rng: picture(with_hot_pixel(v, rng), "PNG"),
    "hot pixel, 16-bit TIFF": lambda v, b, rng: picture(with_hot_pixel(v, rng), "TIFF"),
    "marker, DICOM without window": lambda v, b, rng: dicom(with_marker(v), 16),
    "marker, 16-bit PNG": lambda v, b, rng: picture(with_marker(v), "PNG"),
    "marker, 16-bit TIFF": lambda v, b, rng: picture(with_marker(v), "TIFF"),
}


class Reader:
    """Reads a film's files with one model, each picture that the model is given once.

    Up to that picture a file goes the product's own way; files whose pictures are the same to the
    last pixel have the same answer.
    """

    def __init__(self, model: ServedModel) -> None:
        self._model, self._metadata = model, model.metadata

    def read(self, files: Iterable[bytes]) -> list[NDArray[np.float64]]:
        """The four calibrated probabilities (4,) of each file."""
        preprocessing = self._metadata.preprocessing
        squares: dict[bytes, NDArray[np.uint8]] = {}
        keys = []
        for data in files:
            square = to_square(read_radiograph(data).pixels, preprocessing.size)  # (S, S)
            keys.append(square.tobytes())
            squares[keys[-1]] = square
        logits = self._model.logits(normalise(np.stack(list(squares.values())), preprocessing))
        answers = to_probabilities(logits, self._metadata.calibration)
        by_key = dict(zip(squares, answers, strict=True))
        return [by_key[key] for key in keys]


def marked_plain(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The plain film with the same marker at white: what a marker's fault is held against."""
    return np.rint(with_marker(widen(pixels, 16)) / 257).astype(np.uint8)


def changes(
    pixels: NDArray[np.uint8], reader: Reader, seed: int
) -> Iterator[tuple[str, NDArray[np.float64], NDArray[np.float64]]]:
    """Fault, the plain film's probabilities (4,) and the faulty file's (4,)."""
    draws = np.random.default_rng(seed)

    def files() -> Iterator[bytes]:
        yield encode_png(pixels, 1)
        yield encode_png(marked_plain(pixels), 1)
        for fault in FAULTS.values():
            bits = int(draws.choice(BITS))
            yield fault(widen(pixels, bits), bits, np.random.default_rng(seed))

    plain, marked, *faulty = reader.read(files())
    for name, probabilities in zip(FAULTS, faulty, strict=True):
        yield name, marked if name.startswith("marker") else plain, probabilities


Pair = tuple[NDArray[np.float64], NDArray[np.float64]]  # (4,) plain, (4,) faulty
Pairs = dict[str, list[Pair]]
_COLUMNS = ("film", "fault", *(f"plain_{k}" for k in KEYS), *(f"faulty_{k}" for k in KEYS))


def report(found: Pairs) -> None:
    """One line a fault."""
    effusion = KEYS.index("effusion")
    for name, pairs in found.items():
        plain, faulty = (np.array(side) for side in zip(*pairs, strict=True))  # (N, 4)
        moved = np.abs(plain - faulty).max(axis=1)
        print(
            f"{name:<42} {len(pairs):5} films, within {TOLERANCE}: "
            f"{(moved <= TOLERANCE).mean():7.2%}, largest {moved.max():.4f}, "
            f"mean {moved.mean():.5f}, mean P(effusion) "
            f"{plain[:, effusion].mean():.3f} -> {faulty[:, effusion].mean():.3f}"
        )


def read_rows(path: Path) -> dict[str, dict[str, Pair]]:
    """What an earlier run wrote: film -> fault -> pair; a film of which rows lack is left out."""
    if not path.is_file():
        return {}
    with path.open(newline="") as file:
        rows = [row for row in csv.reader(file) if len(row) == len(_COLUMNS)][1:]
    films: dict[str, dict[str, Pair]] = {}
    for film, fault, *numbers in rows:
        both = np.array(numbers, np.float64).reshape(2, len(KEYS))
        films.setdefault(film, {})[fault] = (both[0], both[1])
    return {film: pairs for film, pairs in films.items() if set(pairs) >= set(FAULTS)}


def append_rows(path: Path, film: str, pairs: dict[str, Pair]) -> None:
    """One film's pairs, a row a fault."""
    is_new = not path.is_file()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if is_new:
            writer.writerow(_COLUMNS)
        for fault, pair in pairs.items():
            numbers = [f"{p:.6f}" for side in pair for p in side]
            writer.writerow([film, fault, *numbers])


def main() -> int:
    """Measure and print, what there is also when interrupted; returns 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("films", type=Path, help="folder of 8-bit PNGs")
    parser.add_argument("--limit", type=int, help="films, evenly over the folder; default: all")
    parser.add_argument("--model", type=Path, default=Path("models") / "default")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="CSV to write to, and to go on from")
    args = parser.parse_args()
    reader = Reader(load_served_model(args.model, EngineSettings(threads=args.threads)))
    paths = sorted(args.films.glob("*.png"))
    if args.limit and args.limit < len(paths):
        paths = [paths[i] for i in np.linspace(0, len(paths) - 1, args.limit).astype(int)]
    np.random.default_rng(0).shuffle(paths)  # so that an interrupted run saw all kinds
    known = read_rows(args.out) if args.out else {}
    found: Pairs = {}
    try:
        for seed, path in enumerate(paths):
            pairs = known.get(path.name)
            if pairs is None:
                with Image.open(path) as image:
                    pixels = np.array(image.convert("L"))
                changed = changes(pixels, reader, seed)
                pairs = {name: (plain, faulty) for name, plain, faulty in changed}
                if args.out:
                    append_rows(args.out, path.name, pairs)
            for name in FAULTS:
                found.setdefault(name, []).append(pairs[name])
    except KeyboardInterrupt:
        print("Interrupted.")
    report(found)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
