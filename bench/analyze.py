"""One film from bytes to ``Analysis``, beside what it is made of, in one run.

    python -m bench.analyze --model models/default --films 24 [--images DIR]

Each film is timed four ways, one after the other, so that a noisy machine is noisy for all:
``analyze``; decoding alone; a plain float32 forward alone; and grad-cam's usual recipe on the
whole model, once for each of the four findings. Medians over the films are printed.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from cxr_core.findings import KEYS
from cxr_core.imaging.preprocessing import preprocess
from cxr_core.imaging.radiograph import read_radiograph
from cxr_core.model.checkpoint import load_checkpoint
from cxr_core.phantom.draw import phantom_png
from cxr_core.reading.analyzer import load_analyzer


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> int:
    """Time and print; returns 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path("models/default"))
    parser.add_argument("--films", type=int, default=24)
    parser.add_argument("--images", type=Path, help="folder of PNGs; default: phantoms of 1024 px")
    parser.add_argument("--repeats", type=int, default=3, help="rounds over all films")
    arguments = parser.parse_args()
    films = _films(arguments.images, arguments.films)
    analyzer = load_analyzer(arguments.model)
    checkpoint = load_checkpoint(arguments.model)
    plain = load_checkpoint(arguments.model).model
    explained = load_checkpoint(arguments.model).model.requires_grad_(True)
    preprocessing = checkpoint.metadata.preprocessing
    usual = GradCAM(model=explained, target_layers=[explained.relu])
    targets = [ClassifierOutputTarget(index) for index in range(len(KEYS))]

    def forward(images: torch.Tensor) -> None:
        with torch.inference_mode():
            plain(images)

    def recipe(images: torch.Tensor) -> None:
        for target in targets:
            usual(images, targets=[target])

    times: dict[str, list[float]] = {name: [] for name in ("analyze", "decode", "forward", "cam")}
    for round_number in range(arguments.repeats + 1):
        for data in films:
            images = preprocess(read_radiograph(data).pixels, preprocessing)  # (1, 3, S, S)
            row = {
                "analyze": seconds(partial(analyzer.analyze, data)),
                "decode": seconds(partial(read_radiograph, data)),
                "forward": seconds(partial(forward, images)),
                "cam": seconds(partial(recipe, images)),
            }
            if round_number:  # the first round warms up
                for name, value in row.items():
                    times[name].append(value)
    median = {name: statistics.median(values) for name, values in times.items()}
    base = median["forward"] + median["decode"]
    for name, value in median.items():
        print(f"{name:8}  {1000 * value:7.1f} ms")
    print(f"analyze / (forward + decode): {median['analyze'] / base:.2f}")
    print(f"usual recipe ({len(KEYS)} findings) / analyze: {median['cam'] / median['analyze']:.1f}")
    return 0


def _films(folder: Path | None, count: int) -> list[bytes]:
    if folder is None:
        return [phantom_png(seed, size=1024) for seed in range(count)]
    return [path.read_bytes() for path in sorted(folder.glob("*.png"))[:count]]


if __name__ == "__main__":
    sys.exit(main())
