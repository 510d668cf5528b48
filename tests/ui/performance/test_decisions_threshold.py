"""Thresholds on offer, and the words for where they come from."""

import pytest

from cxr_core.evaluation.metrics.at_threshold import threshold_metrics
from cxr_core.evaluation.metrics.bootstrap import resample_patients
from cxr_core.evaluation.metrics.operating_points import count_confusion
from cxr_core.evaluation.predictions import labels_of
from cxr_core.evaluation.render.figures import at_cutoff
from cxr_core.ui.evaluated import evaluate_bytes
from cxr_core.ui.performance.decisions import (
    ChosenCutoff,
    available_cutoffs,
    cutoff_origin_sentence,
    cutoff_source_label,
)
from tests.helpers.predictions import make_predictions


@pytest.fixture(scope="module")
def measured():
    return evaluate_bytes(make_predictions(200).to_csv(index=False).encode())


def test_presets_hold_what_their_buttons_say(measured) -> None:
    cuts = available_cutoffs(measured, "effusion")
    assert list(cuts) == ["point", "sensitive point", "youden", "sensitivity", "specificity"]
    labels, probabilities = labels_of(measured.table)[:, 0], measured.probabilities[:, 0]
    assert count_confusion(labels, probabilities, cuts["sensitivity"]).sensitivity >= 0.9
    assert count_confusion(labels, probabilities, cuts["sensitive point"]).sensitivity >= 0.9
    assert count_confusion(labels, probabilities, cuts["specificity"]).specificity >= 0.9


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (ChosenCutoff(0.31, "point", optimistic=False), "chosen on validation films"),
        (ChosenCutoff(0.31, "point", optimistic=True), "fitted on these films"),
        (
            ChosenCutoff(0.31, "sensitive point", optimistic=False),
            "The model's sensitive cut-off, chosen on validation films",
        ),
        (ChosenCutoff(0.2, "youden", optimistic=True), "20.0 %: largest sum"),
        (ChosenCutoff(0.2, "sensitivity", optimistic=True), "its figures here are optimistic"),
        (ChosenCutoff(0.5, "hand", optimistic=False), "the model's cut-off is 31.0 %"),
    ],
)
def test_where_a_threshold_comes_from(chosen, words) -> None:
    assert words in cutoff_origin_sentence(chosen, 0.31)


def test_a_point_fitted_here_is_not_said_to_come_from_validation() -> None:
    assert cutoff_source_label("point", fitted_here=False) == "Validation films"
    assert cutoff_source_label("point", fitted_here=True) == "These films"


def test_figures_at_the_operating_point_are_the_reports_own(measured) -> None:
    report = measured.report
    found = threshold_metrics(
        labels_of(measured.table)[:, 0],
        measured.probabilities[:, 0],
        report.operating_points["effusion"].threshold,
        resample_patients(measured.table, n_resamples=report.n_resamples, seed=report.seed),
        prevalence=0.05,
    )
    assert found.confusion == report.confusion["effusion"]
    rates = report.rates["effusion"]
    assert (found.sensitivity, found.specificity) == (rates.sensitivity, rates.specificity)
    assert (found.ppv, found.npv) == (rates.ppv, rates.npv)
    rows = [row.cells for row in at_cutoff(found, "Effusion", report, optimistic=True).rows]
    assert rows[0][1] == rates.sensitivity
    assert [row[0] for row in rows[4:6]] == [
        "Positive predictive value at 5\N{NO-BREAK SPACE}%",
        "Negative predictive value at 5\N{NO-BREAK SPACE}%",
    ]
