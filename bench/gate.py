"""What the input gate stops, on the test films and on pictures that are none.

    python -m bench.gate --images DIR --model models/default [--others DIR] [--other-films DIR]
        [--json OUT]

Films are the test part of the model's own split, read from their files as an upload would be, and
their wrong copies are made at full size from the pixels alone. Everyday pictures are scikit-image's
own, crops of them, and pages and screens drawn here. Slices are those of pydicom's test data, and
drawn ones from a seed that no fit uses. Each share stands beside its n and its 95 % interval
(Wilson).

--other-films is a folder with a table films.csv (image, view, source) and its pictures; those that
the table does not name are no films, of the modality that their names begin with (ct_...).
"""

import argparse
import io
import json
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image
from pydicom import dcmread
from pydicom.data import get_testdata_file
from tqdm import tqdm

from bench.everyday import everyday_pictures
from cxr_core.data.images import find_images
from cxr_core.errors import ImageError
from cxr_core.evaluation.metrics.bootstrap import wilson_interval
from cxr_core.findings import LABEL_COLUMNS
from cxr_core.imaging.gate import (
    GATE_SIDE,
    MIN_READABLE_SIDE,
    UPRIGHT,
    GateResult,
    check_radiograph,
)
from cxr_core.imaging.preprocessing import preprocess, to_square
from cxr_core.imaging.radiograph import Radiograph, read_radiograph
from cxr_core.model.checkpoint import Checkpoint, load_checkpoint
from cxr_core.training.drawn_laterals import drawn_lateral
from cxr_core.training.drawn_slices import SLICES
from cxr_core.training.gate_examples import letterboxed, old_contrast
from cxr_core.training.gate_films import view_kind

Pixels = np.ndarray
DRAWN_SEED, DRAWN = 90_001, 100  # fits are seeded by a run's small number; slices of each kind
# Real slices that come with pydicom; what is not here is too small or the same picture again.
PYDICOM_SLICES = {
    "CT": ("CT_small.dcm", "693_J2KI.dcm", "J2K_pixelrep_mismatch.dcm"),
    "MR": ("MR_small.dcm", "examples_overlay.dcm"),
    "ultrasound": ("examples_palette.dcm", "examples_jpeg2k.dcm", "examples_rgb_color.dcm"),
    "nuclear": ("JPEG2000.dcm",),
}
# What is done to a film, and the correction that would mend it.
ALTERED_COPIES: dict[str, tuple[Callable[[Pixels], Pixels], str | None]] = {
    "inverted": (lambda p: 255 - p, "invert"),
    "rotated 90° counter-clockwise": (lambda p: np.rot90(p, 1), "rotate_cw"),
    "rotated 90° clockwise": (lambda p: np.rot90(p, 3), "rotate_ccw"),
    "upside down": (lambda p: np.rot90(p, 2), "rotate_180"),
    "left half": (lambda p: p[:, : p.shape[1] // 2], None),
    "lower half": (lambda p: p[p.shape[0] // 2 :], None),
    "zoomed 2x": (
        lambda p: p[p.shape[0] // 4 : -(p.shape[0] // 4), p.shape[1] // 4 : -(p.shape[1] // 4)],
        None,
    ),
}
# What is done to a film that must pass all the same.
POOR_COPIES: dict[str, Callable[[Pixels, np.random.Generator], Pixels]] = {
    "between bars of 10 % each": lambda film, rng: letterboxed(film, 0.10, rng),
    "between bars of 20 % each": lambda film, rng: letterboxed(film, 0.20, rng),
    "with old film's contrast": old_contrast,
}


def main() -> int:
    """Measure and print; returns 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True, help="folder of the split's films")
    parser.add_argument("--model", type=Path, default=Path("models/default"))
    parser.add_argument("--others", type=Path, help="folder of DICOM files to try besides")
    parser.add_argument("--other-films", type=Path, help="folder of films.csv and its pictures")
    parser.add_argument("--json", type=Path, help="write the rows here too")
    arguments = parser.parse_args()
    checkpoint = load_checkpoint(arguments.model)
    gate = checkpoint.gate
    if gate is None:
        print("This model has no input gate; fit one with train.py --finalize.", file=sys.stderr)
        return 2
    rows = [
        *_films(arguments.images, arguments.model, checkpoint),
        *_everyday(checkpoint),
        *_drawn(checkpoint),
        *_pydicom_slices(checkpoint),
    ]
    if arguments.other_films:
        rows += _other_films(arguments.other_films, checkpoint)
    print(f"threshold {gate.threshold:.3f}, fitted on {gate.n_films} films, of which "
          f"{gate.false_rejection_rate:.2%} stopped in cross-validation")  # fmt: skip
    for row in rows:
        corrected = "" if "mended" not in row else f"  right correction offered {row['mended']}"
        print(f"{row['what']:44} stopped {row['stopped']:4} of {row['n']:4}"
              f"  {row['stopped'] / row['n']:6.1%} ({row['low']:.1%} to {row['high']:.1%})"
              f"{corrected}")  # fmt: skip
    if arguments.others:
        _dicom_folder(arguments.others, checkpoint)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")
    return 0


def _films(images: Path, folder: Path, checkpoint: Checkpoint) -> Iterator[dict[str, Any]]:
    table = pd.read_csv(folder / "predictions_test.csv")
    results: dict[str, list[GateResult]] = {"as it is": [], **{name: [] for name in ALTERED_COPIES}}
    poor: dict[str, list[bool]] = {name: [] for name in POOR_COPIES}
    rng = np.random.default_rng(DRAWN_SEED)
    for name in tqdm(table["image"], desc="films", leave=False):
        film = read_radiograph((images / name).read_bytes())
        results["as it is"].append(_judge(film, checkpoint))
        square = to_square(film.pixels, GATE_SIDE)
        for copy, worsen in POOR_COPIES.items():
            poor[copy].append(not _check(worsen(square, rng), checkpoint).passed)
        for copy, (make, _) in ALTERED_COPIES.items():
            results[copy].append(_check(_enlarge_to(make(film.pixels), film.pixels), checkpoint))
    stopped = np.array([not result.passed for result in results.pop("as it is")])
    yield _row("upright films (wrongly stopped)", stopped)
    for view in ("PA", "AP"):
        yield _row(f"  of them {view}", stopped[table["view"] == view])
    yield _row("  of them under 18", stopped[table["age"] < 18])
    for column in LABEL_COLUMNS:
        yield _row(f"  of them {column.removeprefix('label_')}", stopped[table[column] == 1])
    for copy, wrongly in poor.items():
        yield _row(f"{copy} (wrongly stopped)", np.array(wrongly))
    for copy, found in results.items():
        row = _row(copy, np.array([not result.passed for result in found]))
        expected = ALTERED_COPIES[copy][1]
        if expected:
            row["mended"] = sum(result.suggestion == expected for result in found)
        yield row


def _everyday(checkpoint: Checkpoint) -> Iterator[dict[str, Any]]:
    """As they are uploaded, and without their colour."""
    kinds: dict[str, list[tuple[bool, bool]]] = {}
    for kind, pixels in everyday_pictures():
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "PNG")
        film = read_radiograph(stream.getvalue())
        found = not _judge(film, checkpoint).passed, not _check(film.pixels, checkpoint).passed
        kinds.setdefault(kind, []).append(found)
    every = np.array([found for pairs in kinds.values() for found in pairs])  # (n, 2)
    yield _row("everyday pictures and screens", every[:, 0])
    yield _row("  the same, made gray", every[:, 1])
    for kind, pairs in kinds.items():
        yield _row(f"  {kind}, made gray", np.array(pairs)[:, 1])


def _drawn(checkpoint: Checkpoint) -> Iterator[dict[str, Any]]:
    rng = np.random.default_rng(DRAWN_SEED)
    draws = {name: draw for name, (draw, _) in SLICES.items()} | {"lateral": drawn_lateral}
    for name, draw in draws.items():
        stopped = [not _check(draw(rng), checkpoint).passed for _ in range(DRAWN)]
        yield _row(f"drawn {name}", np.array(stopped))


def _pydicom_slices(checkpoint: Checkpoint) -> Iterator[dict[str, Any]]:
    """By the pixels alone, as a picture of such a slice would be uploaded."""
    for name, files in PYDICOM_SLICES.items():
        stopped = []
        for file in files:
            path = get_testdata_file(file, download=False)
            frame = dcmread(str(path)).pixel_array.astype(float)
            gray = frame.mean(axis=2) if frame.shape[-1] == 3 else frame
            low, high = np.percentile(gray, (0.5, 99.5))
            pixels = np.clip((gray - low) / (high - low) * 255, 0, 255).astype(np.uint8)
            stopped.append(not _check(_readable(pixels), checkpoint).passed)
        yield _row(f"pydicom's {name}", np.array(stopped))


def _other_films(folder: Path, checkpoint: Checkpoint) -> Iterator[dict[str, Any]]:
    """Frontal films by source, wrongly stopped; laterals by source and the rest by modality."""
    table = pd.read_csv(folder / "films.csv", keep_default_na=False)
    columns = (table["image"].map(lambda image: Path(image).name), table["view"], table["source"])
    named = {image: (view_kind(view), source) for image, view, source in zip(*columns, strict=True)}
    rows: dict[str, list[bool]] = {}
    for name, path in sorted(find_images(folder).paths.items()):
        kind, source = named.get(name, ("no film", name.split("_")[0].upper()))
        film = read_radiograph(Path(path).read_bytes())
        stopped = not _check(_readable(film.pixels), checkpoint).passed
        what = f"{kind}, {source}" + (" (wrongly stopped)" if kind == UPRIGHT else "")
        rows.setdefault(what, []).append(stopped)
    for what, stopped_films in sorted(rows.items()):
        yield _row(what, np.array(stopped_films))


def _readable(pixels: Pixels) -> Pixels:
    """As large as a film must be: what is measured is the classifier, not the check of the size."""
    share = max(1.0, MIN_READABLE_SIDE / min(pixels.shape))
    return np.asarray(
        Image.fromarray(pixels).resize(
            (math.ceil(pixels.shape[1] * share), math.ceil(pixels.shape[0] * share))
        )
    )


def _dicom_folder(folder: Path, checkpoint: Checkpoint) -> None:
    """Each DICOM file with its tags, and by its pixels alone."""
    for path in sorted(folder.glob("*.dcm")):
        try:
            film = read_radiograph(path.read_bytes())
        except ImageError as error:
            print(f"{path.name}: refused. {error}")
            continue
        with_tags, alone = _judge(film, checkpoint), _check(film.pixels, checkpoint)
        said = " ".join(with_tags.reasons)
        print(f"{path.name}: {'passed' if with_tags.passed else 'stopped'}; by its pixels alone "
              f"{'passed' if alone.passed else 'stopped'}, {alone.suggestion}. {said}")  # fmt: skip


def _enlarge_to(copy: Pixels, film: Pixels) -> Pixels:
    """A part as large as the film it is of, so that no part is stopped for its size alone."""
    share = max(1.0, max(film.shape) / max(copy.shape))
    size = (round(copy.shape[1] * share), round(copy.shape[0] * share))
    return np.asarray(Image.fromarray(np.ascontiguousarray(copy)).resize(size))


def _judge(film: Radiograph, checkpoint: Checkpoint) -> GateResult:
    """As when the film is read; the network is only asked where the rest lets the film pass."""
    result = check_radiograph(film, checkpoint.gate)
    if not result.passed:
        return result
    images = preprocess(film.pixels, checkpoint.metadata.preprocessing)  # (1, 3, S, S)
    with torch.inference_mode():
        features = checkpoint.model.forward_features(torch.from_numpy(images))  # (1, C, h, w)
    return check_radiograph(film, checkpoint.gate, features.mean(dim=(2, 3))[0].numpy())


def _check(pixels: Pixels, checkpoint: Checkpoint) -> GateResult:
    pixels = np.ascontiguousarray(pixels)
    return _judge(
        Radiograph(stored=pixels, pixels=pixels, file_format="PNG", sha256="", processing_log=()),
        checkpoint,
    )


def _row(what: str, stopped: np.ndarray) -> dict[str, Any]:
    low, high = wilson_interval(int(stopped.sum()), len(stopped))
    return {
        "what": what, "stopped": int(stopped.sum()), "n": len(stopped), "low": low, "high": high
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
