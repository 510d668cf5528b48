"""Thresholds on offer, and the words for where they come from."""

import pytest

from cxr_core.evaluation.metrics.at_threshold import at_threshold
from cxr_core.evaluation.metrics.bootstrap import draw
from cxr_core.evaluation.metrics.operating_points import confusion
from cxr_core.evaluation.predictions import labels_of
from cxr_core.ui.evaluated import measure
from cxr_core.ui.performance.decisions import (
    Threshold,
    figure_rows,
    offered,
    origin_sentence,
    source_name,
)
from tests.demo_model import predictions


@pytest.fixture(scope="module")
def measured():
    return measure(predictions(200).to_csv(index=False).encode())


def test_presets_hold_what_their_buttons_say(measured) -> None:
    cuts = offered(measured, "effusion")
    assert list(cuts) == ["point", "youden", "sensitivity", "specificity"]
    labels, probabilities = labels_of(measured.table)[:, 0], measured.probabilities[:, 0]
    assert confusion(labels, probabilities, cuts["sensitivity"]).sensitivity >= 0.9
    assert confusion(labels, probabilities, cuts["specificity"]).specificity >= 0.9


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (Threshold(0.31, "point", optimistic=False), "chosen on validation films"),
        (Threshold(0.31, "point", optimistic=True), "fitted on these very films"),
        (Threshold(0.2, "youden", optimistic=True), "20.0 %: the largest sum"),
        (Threshold(0.2, "sensitivity", optimistic=True), "what it reaches here is optimistic"),
        (Threshold(0.5, "hand", optimistic=False), "the operating point is 31.0 %"),
    ],
)
def test_where_a_threshold_comes_from(chosen, words) -> None:
    assert words in origin_sentence(chosen, 0.31)


def test_a_point_fitted_here_is_not_said_to_come_from_validation() -> None:
    assert source_name("point", fitted_here=False) == "From validation"
    assert source_name("point", fitted_here=True) == "Fitted here"


def test_figures_at_the_operating_point_are_the_reports_own(measured) -> None:
    report = measured.report
    found = at_threshold(
        labels_of(measured.table)[:, 0],
        measured.probabilities[:, 0],
        report.operating_points["effusion"].threshold,
        draw(measured.table, n_resamples=report.n_resamples, seed=report.seed),
        prevalence=0.05,
    )
    assert found.counts == report.confusion["effusion"]
    rates = report.rates["effusion"]
    assert (found.sensitivity, found.specificity) == (rates.sensitivity, rates.specificity)
    assert (found.ppv, found.npv) == (rates.ppv, rates.npv)
    rows = figure_rows(found, "Effusion")
    assert rows[0][1] == rates.sensitivity.text()
    assert [row[0] for row in rows[4:6]] == [
        "Positive predictive value at 5\N{NO-BREAK SPACE}%",
        "Negative predictive value at 5\N{NO-BREAK SPACE}%",
    ]
