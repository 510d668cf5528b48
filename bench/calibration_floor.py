"""How small an expected calibration error can be on this many films.

Labels are drawn anew from the model's own calibrated probabilities, so that it is perfectly
calibrated by construction; what is left of the error is chance. Beside it the same with a
calibration fitted on as many drawn validation films as the model's own was.

    python -m bench.calibration_floor --model models/default
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cxr_core.evaluation.metrics.calibration import expected_calibration_error
from cxr_core.evaluation.predictions import labels_of, logits_of, read_predictions
from cxr_core.evaluation.run_folder import TEST_PREDICTIONS_FILE, VALIDATION_PREDICTIONS_FILE
from cxr_core.evaluation.scoring import fit_calibration, to_probabilities
from cxr_core.findings import KEYS
from cxr_core.model.metadata import load_metadata


def mean_error(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Of (N, 4) probabilities and labels, the mean over the findings."""
    errors = [
        expected_calibration_error(probabilities[:, k], labels[:, k]) for k in range(len(KEYS))
    ]
    return float(np.mean(errors))


def main() -> None:
    """Print both distributions."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--model", type=Path, default=Path("models/default"))
    parser.add_argument("--draws", type=int, default=400)
    arguments = parser.parse_args()
    calibration = load_metadata(arguments.model).calibration
    validation, test = (
        read_predictions(arguments.model / name)
        for name in (VALIDATION_PREDICTIONS_FILE, TEST_PREDICTIONS_FILE)
    )
    on_validation, on_test = (
        to_probabilities(logits_of(table), calibration) for table in (validation, test)
    )
    print(f"measured on {len(test)} test films: {mean_error(on_test, labels_of(test)):.3f}")
    generator = np.random.default_rng(0)
    perfect, fitted = [], []
    for _ in range(arguments.draws):
        drawn = (generator.random(on_test.shape) < on_test).astype(np.int64)  # (N, 4)
        perfect.append(mean_error(on_test, drawn))
        own = (generator.random(on_validation.shape) < on_validation).astype(np.int64)
        refitted = fit_calibration(logits_of(validation), own)
        fitted.append(mean_error(to_probabilities(logits_of(test), refitted), drawn))
    for name, errors in (
        ("perfectly calibrated", perfect),
        (f"calibrated on {len(validation)} drawn films", fitted),
    ):
        low, high = np.percentile(errors, (5, 95))
        print(f"{name}: mean {np.mean(errors):.3f}, 90 % between {low:.3f} and {high:.3f}")


if __name__ == "__main__":
    main()
