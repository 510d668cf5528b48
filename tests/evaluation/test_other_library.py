"""A table that this project did not make: a random forest of scikit-learn on handwritten digits.

Four questions about a digit stand in the columns of the four findings. The forest gives votes, so
many probabilities are exactly 0 or 1, and no column tells a patient, a view or an age.
"""

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import calibration_curve
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    classification_report,
    confusion_matrix,
    roc_auc_score,
)

from cxr_core.config import OperatingPoint
from cxr_core.evaluation.metrics.bootstrap import resample_patients
from cxr_core.evaluation.metrics.calibration import calibration_metrics, reliability_bins
from cxr_core.evaluation.predictions import labels_of, probabilities_of, read_predictions
from cxr_core.evaluation.report import evaluate_predictions
from cxr_core.findings import KEYS, LABEL_COLUMNS, LABELS, PROBABILITY_COLUMNS

# Whether a digit is even, is over 6, has a closed ring, is prime.
QUESTIONS = ({0, 2, 4, 6, 8}, {7, 8, 9}, {0, 6, 8, 9}, {2, 3, 5, 7})
POINT = OperatingPoint(0.5, 0.4, 0.6, "sensitivity", 0.8, 0.81, 0.7)
POINTS = dict.fromkeys(KEYS, POINT)


@pytest.fixture(scope="module")
def answers() -> tuple[np.ndarray, np.ndarray]:
    """(N, 4) answers and (N, 4) votes, on the half of the digits that no tree has seen."""
    pixels, digits = load_digits(return_X_y=True)
    y = np.stack([np.isin(digits, list(question)) for question in QUESTIONS], axis=1).astype(int)
    forest = RandomForestClassifier(n_estimators=25, random_state=0)
    forest.fit(pixels[::2], y[::2])
    votes = forest.predict_proba(pixels[1::2])
    return y[1::2], np.stack([of_one[:, 1] for of_one in votes], axis=1)


@pytest.fixture(scope="module")
def table(answers, tmp_path_factory) -> pd.DataFrame:
    """The same as a file of the same columns, in another order, with one that is foreign."""
    y, p = answers
    cells = pd.DataFrame(p, columns=list(PROBABILITY_COLUMNS))
    cells["model"] = "forest"
    cells[list(LABEL_COLUMNS)] = y
    cells["image"] = [f"digit {i}" for i in range(len(y))]
    path = tmp_path_factory.mktemp("other") / "forest.csv"
    cells.to_csv(path, index=False)
    return read_predictions(path)


def test_every_figure_is_scikit_learns_own(answers, table) -> None:
    y, p = answers
    assert np.array_equal(labels_of(table), y)
    assert np.array_equal(probabilities_of(table), p)  # not a digit was lost on the way
    report = evaluate_predictions(table, operating_points=POINTS, n_resamples=100)
    assert (report.n_films, report.n_patients, report.resampled) == (898, None, "images")
    for k, key in enumerate(KEYS):
        assert report.auroc[key].estimate == pytest.approx(
            roc_auc_score(y[:, k], p[:, k]), abs=1e-9
        )
        assert report.average_precision[key].estimate == pytest.approx(
            average_precision_score(y[:, k], p[:, k]), abs=1e-9
        )
        (tn, fp), (fn, tp) = confusion_matrix(y[:, k], p[:, k] >= 0.5)
        counts = report.confusion[key]
        assert (counts.tn, counts.fp, counts.fn, counts.tp) == (tn, fp, fn, tp)
    assert report.classification_report is not None
    values = report.classification_report.values
    expected = classification_report(
        y, p >= 0.5, target_names=[LABELS[key] for key in KEYS], output_dict=True,
        zero_division=np.nan,
    )  # fmt: skip
    for name, row in expected.items():
        assert values[name] == pytest.approx(row, abs=1e-9)


def test_its_calibration_is_scikit_learns_own_and_has_no_slope(answers, table) -> None:
    y, p = answers
    resamples = resample_patients(table, n_resamples=50)
    for k in range(4):
        bins = reliability_bins(p[:, k], y[:, k])
        observed, predicted = calibration_curve(y[:, k], p[:, k], n_bins=10)
        assert [b.observed for b in bins] == pytest.approx(observed.tolist(), abs=1e-9)
        assert [b.predicted for b in bins] == pytest.approx(predicted.tolist(), abs=1e-9)
        measures = calibration_metrics(y[:, k], p[:, k], resamples)
        assert measures.brier.estimate == pytest.approx(
            brier_score_loss(y[:, k], p[:, k]), abs=1e-9
        )
        # A forest's votes draw to the middle, and some are unanimous: their logit is infinite.
        assert measures.ece > 3 * measures.expected_ece
        assert ((p[:, k] == 0) | (p[:, k] == 1)).any()
        assert not measures.slope.estimable


def test_it_says_what_the_table_lacks(table) -> None:
    notes = " ".join(evaluate_predictions(table, n_resamples=20).notes)
    for words in (
        "does not name the patients, so images are resampled",
        "holds probabilities; they are taken as they are",
        "no column view",
        "no column age",
        "No operating points were given",
    ):
        assert words in notes
