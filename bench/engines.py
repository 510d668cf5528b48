"""Do all engines give one answer: every film's logits and maps beside PyTorch's.

    python -m bench.engines FILMS [--limit 300] [--engines openvino openvino-bf16 onnxruntime]

Of each engine: the largest difference of a logit and of a calibrated probability; of a map, as a
share of that film's largest value in PyTorch's; and how many findings change their band. Returns 1
where an engine that computes in float32 goes beyond 1e-3 in a logit or a map.
"""

import argparse
import random
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.analyze import ONNX_RUNTIME, OURS, make_analyzer
from cxr_core.errors import ImageError
from cxr_core.evaluation.cutoffs import cutoffs_of_model
from cxr_core.evaluation.scoring import to_probabilities
from cxr_core.findings import KEYS
from cxr_core.imaging.preprocessing import preprocess
from cxr_core.imaging.radiograph import read_radiograph
from cxr_core.model.engine import ServedModel
from cxr_core.model.head import Floats32, pool

LIMIT = 1e-3  # of a logit, and of a map's scale
REFERENCE = "torch"


@dataclass
class Differences:
    """One engine's from PyTorch's, one number a film."""

    logits: list[float] = field(default_factory=list)
    maps: list[float] = field(default_factory=list)
    probabilities: list[float] = field(default_factory=list)
    other_bands: int = 0


def answer(served: ServedModel, images: Floats32) -> tuple[Floats32, Floats32]:
    """Logits (4,) and maps (4, h, w) of one film."""
    features = served.engine.features(images)  # (1, C, h, w)
    return served.head.logits(pool(features))[0], served.head.evidence(features[0])


def main() -> int:
    """Compare and print; see the module for what it returns."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("films", type=Path, help="folder of films")
    parser.add_argument("--model", type=Path, default=Path("models/default"))
    parser.add_argument("--limit", type=int, help="so many films, drawn at random")
    others = [*(name for name in OURS if name != REFERENCE), ONNX_RUNTIME]
    parser.add_argument("--engines", nargs="+", choices=others, default=others)
    args = parser.parse_args()
    paths = sorted(path for path in args.films.iterdir() if path.is_file())
    if args.limit is not None:
        paths = random.Random(0).sample(paths, min(args.limit, len(paths)))
    served = {name: make_analyzer(args.model, name).model for name in (REFERENCE, *args.engines)}
    metadata = served[REFERENCE].metadata
    cutoffs = cutoffs_of_model(metadata)
    found = {name: Differences() for name in args.engines}
    count = 0
    for path in paths:
        try:
            pixels = read_radiograph(path.read_bytes()).pixels
        except ImageError as error:
            print(f"{path.name} was left out: {error}", file=sys.stderr)
            continue
        count += 1
        images = preprocess(pixels, metadata.preprocessing)  # (1, 3, S, S)
        expected_logits, expected_maps = answer(served[REFERENCE], images)
        expected = to_probabilities(expected_logits, metadata.calibration)  # (4,)
        for name, differences in found.items():
            logits, maps = answer(served[name], images)
            probabilities = to_probabilities(logits, metadata.calibration)
            differences.logits.append(float(np.abs(logits - expected_logits).max()))
            apart = np.abs(maps - expected_maps).max() / np.abs(expected_maps).max()
            differences.maps.append(float(apart))
            differences.probabilities.append(float(np.abs(probabilities - expected).max()))
            differences.other_bands += sum(
                cutoffs.band(key, float(one)) != cutoffs.band(key, float(other))
                for key, one, other in zip(KEYS, probabilities, expected, strict=True)
            )
    print(f"{count} films, {served[REFERENCE].engine.name} the reference; largest (99 % below)")
    print("| engine | logit | map, of its scale | probability | other bands |")
    print("| --- | --- | --- | --- | --- |")
    beyond = False
    for name, differences in found.items():
        columns = (differences.logits, differences.maps, differences.probabilities)
        cells = [f"{max(one):.1e} ({np.quantile(one, 0.99):.1e})" for one in columns]
        bands = f"{differences.other_bands} of {count * len(KEYS)}"
        print(f"| {served[name].engine.name} | {' | '.join(cells)} | {bands} |")
        exact = "bf16" not in name
        beyond |= exact and max(*differences.logits, *differences.maps) > LIMIT
    return int(beyond)


if __name__ == "__main__":
    sys.exit(main())
