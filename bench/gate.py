"""What the input gate stops, on the test films and on pictures that are none.

    python -m bench.gate --images DIR --model models/default [--others DIR] [--json OUT]

Films are the test part of the model's own split, read from their files as an upload would be, and
their wrong copies are made at full size from the pixels alone. Everyday pictures are scikit-image's
own, crops of them, and pages and screens drawn here. Each figure stands beside its n.
"""

import argparse
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from tqdm import tqdm

from bench.everyday import everyday_pictures
from cxr_core.config import GateParameters
from cxr_core.errors import ImageError
from cxr_core.findings import LABEL_COLUMNS
from cxr_core.imaging.gate import GateResult, check_radiograph
from cxr_core.imaging.radiograph import Radiograph, read_radiograph
from cxr_core.model.checkpoint import load_checkpoint

Pixels = np.ndarray
# What is done to a film, and the correction that would mend it.
ALTERED_COPIES: dict[str, tuple[Callable[[Pixels], Pixels], str | None]] = {
    "inverted": (lambda p: 255 - p, "invert"),
    "quarter-turned left": (lambda p: np.rot90(p, 1), "rotate_cw"),
    "quarter-turned right": (lambda p: np.rot90(p, 3), "rotate_ccw"),
    "upside down": (lambda p: np.rot90(p, 2), "rotate_180"),
    "left half": (lambda p: p[:, : p.shape[1] // 2], None),
    "lower half": (lambda p: p[p.shape[0] // 2 :], None),
    "twice-zoomed": (
        lambda p: p[p.shape[0] // 4 : -(p.shape[0] // 4), p.shape[1] // 4 : -(p.shape[1] // 4)],
        None,
    ),
}


def main() -> int:
    """Measure and print; returns 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True, help="folder of the split's films")
    parser.add_argument("--model", type=Path, default=Path("models/default"))
    parser.add_argument("--others", type=Path, help="folder of DICOM files to try besides")
    parser.add_argument("--json", type=Path, help="write the rows here too")
    arguments = parser.parse_args()
    gate = load_checkpoint(arguments.model).gate
    if gate is None:
        print("This model has no input gate; fit one with train.py --finalize.", file=sys.stderr)
        return 2
    rows = [*_films(arguments.images, arguments.model, gate), *_everyday(gate)]
    print(f"threshold {gate.threshold:.3f}, fitted on {gate.n_films} films, of which "
          f"{gate.false_rejection_rate:.2%} stopped in cross-validation")  # fmt: skip
    for row in rows:
        corrected = "" if "mended" not in row else f"  right correction offered {row['mended']}"
        print(f"{row['what']:44} stopped {row['stopped']:4} of {row['n']:4}"
              f"  {row['stopped'] / row['n']:6.1%}{corrected}")  # fmt: skip
    if arguments.others:
        _dicom_folder(arguments.others, gate)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")
    return 0


def _films(images: Path, model: Path, gate: GateParameters) -> Iterator[dict[str, Any]]:
    table = pd.read_csv(model / "predictions_test.csv")
    results: dict[str, list[GateResult]] = {"as it is": [], **{name: [] for name in ALTERED_COPIES}}
    for name in tqdm(table["image"], desc="films", leave=False):
        film = read_radiograph((images / name).read_bytes())
        results["as it is"].append(check_radiograph(film, gate))
        for copy, (make, _) in ALTERED_COPIES.items():
            results[copy].append(_check(_enlarge_to(make(film.pixels), film.pixels), gate))
    stopped = np.array([not result.passed for result in results.pop("as it is")])
    yield _row("upright films (wrongly stopped)", stopped)
    for view in ("PA", "AP"):
        yield _row(f"  of them {view}", stopped[table["view"] == view])
    yield _row("  of them under 18", stopped[table["age"] < 18])
    for column in LABEL_COLUMNS:
        yield _row(f"  of them {column.removeprefix('label_')}", stopped[table[column] == 1])
    for copy, found in results.items():
        row = _row(copy, np.array([not result.passed for result in found]))
        expected = ALTERED_COPIES[copy][1]
        if expected:
            row["mended"] = sum(result.suggestion == expected for result in found)
        yield row


def _everyday(gate: GateParameters) -> Iterator[dict[str, Any]]:
    """As they are uploaded, and without their colour."""
    kinds: dict[str, list[tuple[bool, bool]]] = {}
    for kind, pixels in everyday_pictures():
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "PNG")
        film = read_radiograph(stream.getvalue())
        found = not check_radiograph(film, gate).passed, not _check(film.pixels, gate).passed
        kinds.setdefault(kind, []).append(found)
    every = np.array([found for pairs in kinds.values() for found in pairs])  # (n, 2)
    yield _row("everyday pictures and screens", every[:, 0])
    yield _row("  the same, made gray", every[:, 1])
    for kind, pairs in kinds.items():
        yield _row(f"  {kind}, made gray", np.array(pairs)[:, 1])


def _dicom_folder(folder: Path, gate: GateParameters) -> None:
    """Each DICOM file with its tags, and by its pixels alone."""
    for path in sorted(folder.glob("*.dcm")):
        try:
            film = read_radiograph(path.read_bytes())
        except ImageError as error:
            print(f"{path.name}: refused. {error}")
            continue
        with_tags, alone = check_radiograph(film, gate), _check(film.pixels, gate)
        said = " ".join(with_tags.reasons)
        print(f"{path.name}: {'passed' if with_tags.passed else 'stopped'}; by its pixels alone "
              f"{'passed' if alone.passed else 'stopped'}, {alone.suggestion}. {said}")  # fmt: skip


def _enlarge_to(copy: Pixels, film: Pixels) -> Pixels:
    """A part as large as the film it is of, so that no part is stopped for its size alone."""
    share = max(1.0, max(film.shape) / max(copy.shape))
    size = (round(copy.shape[1] * share), round(copy.shape[0] * share))
    return np.asarray(Image.fromarray(np.ascontiguousarray(copy)).resize(size))


def _check(pixels: Pixels, gate: GateParameters) -> GateResult:
    pixels = np.ascontiguousarray(pixels)
    return check_radiograph(
        Radiograph(stored=pixels, pixels=pixels, file_format="PNG", sha256="", processing_log=()),
        gate,
    )


def _row(what: str, stopped: np.ndarray) -> dict[str, Any]:
    return {"what": what, "stopped": int(stopped.sum()), "n": len(stopped)}


if __name__ == "__main__":
    sys.exit(main())
