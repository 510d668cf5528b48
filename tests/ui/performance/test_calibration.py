"""The panel of calibration: points, words and cells are the values given."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from cxr_core.config import Calibration
from cxr_core.evaluation.evaluated import evaluate_table
from cxr_core.evaluation.metrics.bootstrap import NOT_ESTIMABLE, Interval
from cxr_core.evaluation.metrics.calibration import CalibrationMetrics, ReliabilityBin
from cxr_core.evaluation.predictions import labels_of, logits_of, validate_predictions
from cxr_core.evaluation.render.figures import calibration
from cxr_core.evaluation.render.table import cell_text
from cxr_core.evaluation.scoring import sigmoid
from cxr_core.findings import KEYS
from cxr_core.ui.charts.calibration import ReliabilityCurve, bin_hover_text, reliability_figure
from cxr_core.ui.evaluated import evaluate_bytes
from cxr_core.ui.performance.calibration import (
    AFTER,
    AS_GIVEN,
    BEFORE,
    UNCALIBRATED,
    CalibrationResult,
    calibration_sentence,
    evaluate_calibration,
    mean_prediction_text,
    with_calibration,
    worst_miscalibrated_bin,
)
from tests.helpers.predictions import make_predictions

BINS = (
    ReliabilityBin(0.0, 0.1, 80, 0.05, 0.06),
    ReliabilityBin(0.2, 0.3, 40, 0.25, 0.10),
    ReliabilityBin(0.8, 0.9, 4, 0.85, 1.0),
)
VERSION = ReliabilityCurve(
    UNCALIBRATED, BINS, (Interval(0.06, 0.02, 0.11, "enough"), Interval(0.1, 0.05, 0.2, "wide"),
                  NOT_ESTIMABLE)
)  # fmt: skip
GOOD = Interval(0.2, 0.1, 0.3, "wide")
MEASURES = CalibrationMetrics(
    ece=0.052,
    expected_ece=0.0314,
    brier=GOOD,
    brier_of_prevalence=GOOD,
    brier_skill_score=GOOD,
    mean_calibration_error=Interval(0.04, 0.01, 0.07, "enough"),
    slope=Interval(0.8, 0.5, 1.1, "wide"),
    intercept=Interval(-0.4, -0.9, 0.1, "wide"),
)


def csv_of(table) -> bytes:
    return table.to_csv(index=False).encode()


def test_points_are_scikit_learns_before_and_after() -> None:
    halved = Calibration(0.5, (0.2, 0.0, 0.0, 0.0))
    table = validate_predictions(make_predictions(200))
    measured = evaluate_table(table, "", calibration=halved)
    found = evaluate_calibration(measured)
    y, z = labels_of(measured.table), logits_of(measured.table)
    for k, key in enumerate(KEYS):
        assert [one.curve.name for one in found[key]] == [BEFORE, AFTER]
        for one, p in zip(found[key], (sigmoid(z), measured.probabilities), strict=True):
            observed, predicted = calibration_curve(y[:, k], p[:, k], n_bins=10)
            bins = one.curve.bins
            assert [b.observed for b in bins] == pytest.approx(observed.tolist(), abs=1e-9)
            assert [b.predicted for b in bins] == pytest.approx(predicted.tolist(), abs=1e-9)
            assert len(one.curve.intervals) == len(bins)
        before, after = (one.metrics for one in found[key])
        # A scale of a half doubles the slope, whatever the offset.
        assert after.slope.estimate == pytest.approx(2 * before.slope.estimate, rel=1e-6)
        assert before.ece == measured.report.ece_before[key]
        assert after.ece == measured.report.ece_after[key]


def test_without_a_calibration_there_is_one_kind_and_its_name_says_which() -> None:
    table = make_predictions(60)
    assert [
        one.curve.name for one in evaluate_calibration(evaluate_bytes(csv_of(table)))["effusion"]
    ] == [UNCALIBRATED]
    for key in KEYS:
        table[f"probability_{key}"] = sigmoid(table.pop(f"logit_{key}"))
    assert [
        one.curve.name for one in evaluate_calibration(evaluate_bytes(csv_of(table)))["effusion"]
    ] == [AS_GIVEN]


def test_a_bin_without_interval_is_hollow_and_the_bars_count_films() -> None:
    figure = reliability_figure("effusion", [VERSION])
    line, sure, unsure, films = figure.data
    assert (line.x, line.y) == ((0, 1), (0, 1))
    assert (sure.x, sure.y) == ((0.05, 0.25), (0.06, 0.10))
    assert list(sure.error_y.array) == pytest.approx([0.05, 0.1])
    assert list(sure.error_y.arrayminus) == pytest.approx([0.04, 0.05])
    assert (unsure.x, unsure.marker.symbol) == ((0.85,), "circle-open")
    assert unsure.error_y.array is None
    assert films.y == (80, 40, 4)
    assert films.x == pytest.approx((0.05, 0.25, 0.85))
    assert "Predicted" in figure.layout.xaxis2.title.text
    both = reliability_figure("effusion", [replace(VERSION, name=BEFORE), VERSION]).data
    assert [both[place].marker.symbol for place in (1, 4)] == ["square", "circle"]
    assert both[3].x != both[6].x  # their bars stand side by side


def test_the_pointer_tells_range_films_predicted_observed_and_interval() -> None:
    assert bin_hover_text(BINS[1], VERSION.intervals[1]) == (
        "20 to 30 %: 40 films<br>predicted 25.0 %<br>observed 10.0 %<br>95 % interval 5 to 20 %"
    )
    assert bin_hover_text(BINS[2], NOT_ESTIMABLE).endswith(
        "too few films or patients for an interval"
    )


def test_the_sentence_says_where_it_says_too_much() -> None:
    # (80 * 0.05 + 40 * 0.25 + 4 * 0.85) / 124 = 14 %; (4.8 + 4 + 4) / 124 = 10 %.
    assert calibration_sentence("Effusion", VERSION, MEASURES) == (
        "Effusion: mean prediction 14 %, observed 10 %: too high. 1 of 2 bins is off beyond "
        "chance; worst: predicted 25 %, observed 10 % (95 % interval 5 to 20 %), too high."
    )
    sure = replace(MEASURES, slope=Interval(0.7, 0.5, 0.9, "wide"))
    assert "Overconfident" in calibration_sentence("X", VERSION, sure)
    timid = replace(MEASURES, slope=Interval(1.7, 1.5, 1.9, "wide"))
    assert "Underconfident" in calibration_sentence("X", VERSION, timid)
    worse = replace(MEASURES, brier_skill_score=Interval(-0.2, -0.3, -0.1, "wide"))
    assert "it is worse than giving every film" in calibration_sentence("X", VERSION, worse)
    none = replace(MEASURES, mean_calibration_error=NOT_ESTIMABLE)
    assert "too few films" in calibration_sentence("X", VERSION, none)


@pytest.mark.parametrize(
    ("says", "have", "low", "high", "words"),
    [
        (0.30, 0.22, 0.02, 0.14, "mean prediction 30 %, observed 22 %: too high"),
        (0.10, 0.22, -0.15, -0.09, "mean prediction 10 %, observed 22 %: too low"),
        (0.23, 0.22, -0.02, 0.04, "mean prediction 23 %, observed 22 %: difference within chance"),
        (0.223, 0.219, 0.001, 0.007, "mean prediction 22.3 %, observed 21.9 %: too high"),
    ],
)
def test_the_average_in_words(says, have, low, high, words) -> None:
    assert mean_prediction_text(says, have, Interval(says - have, low, high, "enough")) == words


def test_no_bin_is_named_where_none_is_wrong_beyond_chance() -> None:
    right = replace(VERSION, bins=(BINS[0],), intervals=(VERSION.intervals[0],))
    assert worst_miscalibrated_bin(right) is None
    assert "No bin is off beyond chance" in calibration_sentence("X", right, MEASURES)
    bare = replace(right, intervals=(NOT_ESTIMABLE,))
    assert "bin" not in calibration_sentence("X", bare, MEASURES)


def cells_of(metrics: CalibrationMetrics) -> list[str]:
    """A row of the panel's table, behind its names."""
    measured = evaluate_bytes(csv_of(make_predictions(40)))
    result = CalibrationResult(VERSION, metrics)
    (table,) = calibration(with_calibration(measured.full, {"effusion": [result]}))
    cells = zip(table.rows[0].cells, table.columns, strict=True)
    return [cell_text(cell, column).replace("-", "−") for cell, column in cells][2:]


def test_cells_of_a_row() -> None:
    assert cells_of(MEASURES) == [
        "0.052", "0.031", "0.200 (0.100 to 0.300)", "0.200 (0.100 to 0.300)",
        "0.80 (0.50 to 1.10)", "−0.40 (−0.90 to 0.10)",
    ]  # fmt: skip
    (found,) = evaluate_calibration(
        evaluate_bytes(csv_of(make_predictions(40).assign(label_effusion=0)))
    )["effusion"]
    assert set(cells_of(found.metrics)) == {"not estimable"}
    assert np.isnan(found.metrics.expected_ece)
