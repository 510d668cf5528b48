"""Draws of a table: the report's own, and images where it names no patient."""

import numpy as np

from cxr_core.evaluation.metrics.bootstrap import resample_patients
from cxr_core.evaluation.metrics.ranking import auroc_interval
from cxr_core.evaluation.predictions import labels_of, scores_of, validate_predictions
from cxr_core.evaluation.report import evaluate_predictions
from tests.helpers.predictions import make_predictions


def test_draws_are_those_of_the_report_with_and_without_patients() -> None:
    whole = validate_predictions(make_predictions(120))
    for table, patients in (
        (whole, whole["patient"].nunique()),
        (whole.drop(columns="patient"), 120),
    ):
        resamples = resample_patients(table, n_resamples=50, seed=3)
        assert resamples.n_patients() == patients
        report = evaluate_predictions(table, n_resamples=50, seed=3, subgroups=False)
        column = labels_of(table)[:, 0], scores_of(table)[:, 0]
        assert auroc_interval(*column, resamples) == report.auroc["effusion"]
        assert np.array_equal(resamples.counts.sum(axis=1), [patients] * 50)
