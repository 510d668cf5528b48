"""Planted truth: a network trained on drawn films finds what was planted, and where.

    python -m bench.phantom_run [--films 1200] [--out RUN]

Prints each figure beside the limit that it must reach; returns 1 where one does not. It takes
eleven minutes on two cores with AVX-512 and bfloat16, and about three times as long without.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from cxr_core.cli import train
from cxr_core.evaluation.localisation.froc import froc_curves, read_marks
from cxr_core.evaluation.predictions import read_predictions
from cxr_core.evaluation.report import evaluate_predictions
from cxr_core.findings import KEYS


def figures(run: Path) -> list[tuple[str, float, float, bool]]:
    """What is measured of the run: name, value, limit, and whether more is better."""
    table = read_predictions(run / "predictions_test.csv")
    report = evaluate_predictions(table, n_resamples=200)
    rows = pd.read_csv(run / "localisation.csv")
    gain = float((rows["inside"] - rows["fixed_spot_inside"]).mean())
    found = [
        ("mean AUROC", float(np.mean([report.auroc[key].estimate for key in KEYS])), 0.95, True),
        ("peak in the box, less one fixed spot", gain, 0.30, True),
    ]
    for key, curve in froc_curves(read_marks(run / "marks.csv"), n_resamples=50).items():
        by_chance = float(np.interp(0.5, curve.false_marks, curve.by_chance))
        found += [
            (f"{key}: boxes found at half a false mark", curve.at[0.5].estimate, 0.5, True),
            (f"{key}: the same at random places", by_chance, 0.3, False),
        ]
    return found


def main() -> int:
    """Train, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, default=1200)
    parser.add_argument("--out", type=Path, help="a new run folder, or a finished one to measure")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        run = arguments.out or Path(temporary) / "run"
        if not (run / "marks.csv").exists():
            words = ["--phantom", str(arguments.films), "--out", str(run)]
            if train.main(words) != 0:
                return 1
        reached = True
        for name, value, limit, more_is_better in figures(run):
            fine = value >= limit if more_is_better else value <= limit
            reached = reached and fine
            sign = "at least" if more_is_better else "at most"
            print(f"{name:48} {value:.3f} ({sign} {limit}){'' if fine else '  NOT REACHED'}")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
