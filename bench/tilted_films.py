"""Films that lie askew, are mirrored or were photographed: how far their probabilities move.

    python -m bench.tilted_films FILMS [--limit 60] [--model models/default] [--threads 1]

Each film of the folder is read as it is and with one fault at a time (``FAULTS``). Printed for each
fault: over all films and findings the median and the 90th percentile of the change of a
probability; the share of findings that change their band; of the films, the share that the gate
stops, and the share that are told to be tilted. ``as it is`` gives the false alarms of both.
"""

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from cxr_core.evaluation.cutoffs import Cutoffs, cutoffs_of_model
from cxr_core.evaluation.scoring import to_probabilities
from cxr_core.findings import KEYS
from cxr_core.imaging.gate import check_radiograph
from cxr_core.imaging.preprocessing import preprocess
from cxr_core.imaging.radiograph import Radiograph
from cxr_core.imaging.raster import decode_raster
from cxr_core.model.checkpoint import Checkpoint, load_checkpoint

Pixels = NDArray[np.uint8]
Fault = Callable[[Pixels, np.random.Generator], Pixels]


def tilted(pixels: Pixels, degrees: float) -> Pixels:
    """The film turned clockwise on a black ground of its own size."""
    film = Image.fromarray(pixels)
    return np.asarray(film.rotate(-degrees, Image.Resampling.BICUBIC, fillcolor=0))


def photographed(pixels: Pixels, rng: np.random.Generator, *, slant: float = 0.12) -> Pixels:
    """The film as a camera sees it from one side: each corner moved inward by up to ``slant``."""
    height, width = pixels.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], float)  # (4, 2)
    inward = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    seen = corners + inward * rng.uniform(0, slant, (4, 2)) * (width, height)
    # The eight coefficients that carry each seen corner back to the film's own.
    rows, values = [], []
    for (x, y), (u, v) in zip(seen, corners, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    coefficients = np.linalg.solve(np.array(rows), np.array(values)).tolist()
    film = Image.fromarray(pixels)
    size, kind = (width, height), Image.Transform.PERSPECTIVE
    return np.asarray(film.transform(size, kind, coefficients, Image.Resampling.BICUBIC))


def with_glare(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A lamp's soft reflection, a fifth of the film wide, on either lung."""
    height, width = pixels.shape
    y, x = np.mgrid[:height, :width]
    middle = rng.uniform(0.25, 0.6) * height, rng.choice([0.3, 0.7]) * width
    distance = np.hypot((y - middle[0]) / height, (x - middle[1]) / width)
    lamp = 140 * np.exp(-0.5 * (distance / 0.1) ** 2)
    return np.asarray((pixels + lamp).clip(0, 255), dtype=np.uint8)


def with_moire(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Stripes of a screen that was photographed: 8 % of the gray, 3 to 8 pixels apart."""
    height, width = pixels.shape
    y, x = np.mgrid[:height, :width]
    angle, period = rng.uniform(0, math.pi), rng.uniform(3, 8)
    stripes = np.sin(2 * math.pi / period * (x * math.cos(angle) + y * math.sin(angle)))
    return np.asarray((pixels * (1 + 0.08 * stripes)).clip(0, 255), dtype=np.uint8)


def between_bars(pixels: Pixels, share: float) -> Pixels:
    """The film between black bars left and right, each ``share`` of its width."""
    bar = round(share * pixels.shape[1])
    return np.pad(pixels, ((0, 0), (bar, bar)))


FAULTS: dict[str, Fault] = {
    "as it is": lambda pixels, _: pixels,
    "tilted by 5 degrees": lambda pixels, rng: tilted(pixels, 5 * rng.choice([-1, 1])),
    "tilted by 10 degrees": lambda pixels, rng: tilted(pixels, 10 * rng.choice([-1, 1])),
    "tilted by 15 degrees": lambda pixels, rng: tilted(pixels, 15 * rng.choice([-1, 1])),
    "mirrored": lambda pixels, _: np.ascontiguousarray(pixels[:, ::-1]),
    "photographed from one side": photographed,
    "with a glare": with_glare,
    "with moire": with_moire,
    "photographed, glare, moire": lambda pixels, rng: photographed(
        with_moire(with_glare(pixels, rng), rng), rng
    ),
    "between bars of 12 %": lambda pixels, _: between_bars(pixels, 0.12),
}


@dataclass
class Found:
    """What one fault did, a value a film: changes (4,), bands changed (4,), stopped, told."""

    changes: list[NDArray[np.float64]] = field(default_factory=list)
    other_bands: list[list[bool]] = field(default_factory=list)
    stopped: list[bool] = field(default_factory=list)
    told_tilted: list[bool] = field(default_factory=list)

    def row(self, name: str) -> str:
        """The fault's line of the table."""
        median, most = np.percentile(np.abs(self.changes), (50, 90))
        by_finding = np.mean(self.other_bands, axis=0)
        each = " ".join(f"{share:7.0%}" for share in by_finding)
        return (
            f"{name:28s} {median:.3f} {most:.3f} {np.mean(self.other_bands):7.0%} {each}"
            f" {np.mean(self.stopped):8.1%} {np.mean(self.told_tilted):7.1%}"
        )


def measure(
    paths: list[Path], checkpoint: Checkpoint, cutoffs: Cutoffs, faults: dict[str, Fault]
) -> dict[str, Found]:
    """Every film under every fault; the same seed a film."""
    found = {name: Found() for name in faults}
    for number, path in enumerate(paths):
        film = decode_raster(path.read_bytes())
        spoilt = {
            name: fault(film.pixels, np.random.default_rng(number))
            for name, fault in faults.items()
        }
        images = [
            preprocess(pixels, checkpoint.metadata.preprocessing) for pixels in spoilt.values()
        ]
        with torch.inference_mode():
            logits = checkpoint.model(
                torch.from_numpy(np.concatenate(images))
            ).numpy()  # (faults, 4)
        probabilities = to_probabilities(logits, checkpoint.metadata.calibration)
        plain = probabilities[list(faults).index("as it is")]  # (4,)
        for one, (name, pixels) in zip(probabilities, spoilt.items(), strict=True):
            gate = check_radiograph(_radiograph(pixels), checkpoint.gate)
            found[name].changes.append(one - plain)
            found[name].other_bands.append(
                [
                    cutoffs.band(k, a) != cutoffs.band(k, b)
                    for k, a, b in zip(KEYS, one, plain, strict=True)
                ]
            )
            found[name].stopped.append(not gate.passed)
            found[name].told_tilted.append(any("tilted" in note for note in gate.notes))
    return found


def _radiograph(pixels: Pixels) -> Radiograph:
    return Radiograph(stored=pixels, pixels=pixels, file_format="PNG", sha256="", processing_log=())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("films", type=Path, help="folder of 8-bit films")
    parser.add_argument("--limit", type=int, default=60, help="so many films, evenly picked")
    parser.add_argument("--model", type=Path, default=Path("models/default"))
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    checkpoint = load_checkpoint(args.model)
    paths = sorted(args.films.glob("*.png"))
    paths = paths[:: max(1, len(paths) // args.limit)][: args.limit]
    found = measure(paths, checkpoint, cutoffs_of_model(checkpoint.metadata), FAULTS)
    print(f"{len(paths)} films; median and 90th percentile of the change; share of other bands;")
    print(f"of {', '.join(KEYS)}; stopped; told to be tilted")
    for name, one in found.items():
        print(one.row(name))


if __name__ == "__main__":
    main()
