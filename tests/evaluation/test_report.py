"""The whole evaluation: its figures, its words, and what it says is missing."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, classification_report, roc_auc_score

from cxr_core.config import Calibration, OperatingPoint
from cxr_core.errors import DataError
from cxr_core.evaluation.report import evaluate_predictions
from cxr_core.evaluation.scoring import sigmoid
from cxr_core.findings import KEYS, LABEL_COLUMNS, LABELS, LOGIT_COLUMNS
from tests.helpers.predictions import make_predictions
from tests.helpers.reports import report_text

POINT = OperatingPoint(0.4, 0.3, 0.5, "sensitivity", 0.8, 0.81, 0.7)
POINTS = {key: replace(POINT, threshold=0.3 + 0.1 * k) for k, key in enumerate(KEYS)}
CALIBRATION = Calibration(0.5, (0.0, 0.1, -0.1, 0.2))


def test_figures_equal_scikit_learns() -> None:
    table = make_predictions(300)
    report = evaluate_predictions(
        table, operating_points=POINTS, calibration=CALIBRATION, n_resamples=100
    )
    labels = table[list(LABEL_COLUMNS)].to_numpy()
    logits = table[list(LOGIT_COLUMNS)].to_numpy()
    called = sigmoid(0.5 * logits + np.array(CALIBRATION.offsets)) >= [0.3, 0.4, 0.5, 0.6]
    for k, key in enumerate(KEYS):
        y, z, above = labels[:, k], logits[:, k], called[:, k]
        auroc = report.auroc[key]
        assert auroc.estimate == pytest.approx(roc_auc_score(y, z), abs=1e-12)
        assert auroc.low < auroc.estimate < auroc.high
        precision = report.average_precision[key].estimate
        assert precision == pytest.approx(average_precision_score(y, z), abs=1e-12)
        counts = report.confusion[key]
        assert (counts.tp, counts.fp) == ((above & (y == 1)).sum(), (above & (y == 0)).sum())
        assert report.rates[key].sensitivity.estimate == counts.sensitivity
        assert report.rates[key].specificity.estimate == counts.specificity
        assert report.rates[key].ppv.estimate == counts.ppv
        assert report.rates[key].npv.estimate == counts.tn / (counts.tn + counts.fn)
        assert report.label_distribution[key].positives == y.sum()
        assert report.label_distribution[key].negatives == 300 - y.sum()
        assert report.label_distribution[key].prevalence == y.mean()
        assert report.label_distribution[key].verdict == auroc.verdict
    expected = classification_report(
        labels,
        called,
        target_names=[LABELS[key] for key in KEYS],
        output_dict=True,
        zero_division=np.nan,
    )
    assert report.classification_report is not None
    assert report.classification_report.values == expected
    assert "micro avg" in report.classification_report.text


def test_calibration_changes_no_ranking_and_is_judged_before_and_after() -> None:
    table = make_predictions(300)
    plain = evaluate_predictions(table, n_resamples=20)
    calibrated = evaluate_predictions(table, calibration=CALIBRATION, n_resamples=20)
    assert calibrated.auroc == plain.auroc
    assert calibrated.ece_before == plain.ece_before
    assert plain.ece_after == {}
    assert tuple(calibrated.ece_after) == KEYS
    assert calibrated.ece_after != calibrated.ece_before
    assert plain.calibration_after == {}
    for key in KEYS:
        before, after = calibrated.calibration_before[key], calibrated.calibration_after[key]
        assert before.ece == calibrated.ece_before[key]
        assert after.ece == calibrated.ece_after[key]
        # A scale of a half doubles the slope.
        assert after.slope.estimate == pytest.approx(2 * before.slope.estimate, rel=1e-9)
    bare = evaluate_predictions(table, n_resamples=20, calibration_metrics=False)
    assert bare.calibration_before == {}
    assert "Calibration: 0 is perfect" in report_text(table, calibrated)
    assert "Calibration: 0 is perfect" not in report_text(table, bare)


def test_the_seed_decides_and_the_order_of_rows_does_not() -> None:
    table = make_predictions(100)
    one = evaluate_predictions(table, n_resamples=50, seed=3)
    same = evaluate_predictions(table[::-1], n_resamples=50, seed=3)
    assert one.auroc == same.auroc
    pd.testing.assert_frame_equal(one.subgroups, same.subgroups)
    assert evaluate_predictions(table, n_resamples=50, seed=4).auroc != one.auroc


def test_without_operating_points_there_is_no_confusion_matrix() -> None:
    table = make_predictions(300)
    report = evaluate_predictions(table, n_resamples=20)
    assert report.confusion == {}
    assert report.rates == {}
    assert report.classification_report is None
    assert any("0.5 is not a valid cut-off" in note for note in report.notes)
    assert "Confusion" not in report_text(table, report)


def test_a_finding_without_an_operating_point_is_left_out_and_said() -> None:
    report = evaluate_predictions(
        make_predictions(300), operating_points={"effusion": POINT}, n_resamples=20
    )
    assert set(report.confusion) == set(report.rates) == {"effusion"}
    assert report.classification_report is not None
    assert "Atelectasis" not in report.classification_report.values
    assert any("No cut-off for Atelectasis, Infiltration, No F" in n for n in report.notes)


def test_probabilities_under_the_name_of_logits_are_said() -> None:
    table = make_predictions(300)
    words = "they may be probabilities under a wrong name"
    report = evaluate_predictions(table, operating_points=POINTS, n_resamples=20)
    assert words not in " ".join(report.notes)
    table[list(LOGIT_COLUMNS)] = sigmoid(table[list(LOGIT_COLUMNS)])
    report = evaluate_predictions(table, operating_points=POINTS, n_resamples=20)
    assert words in " ".join(report.notes)


def test_a_bare_table_of_probabilities_says_what_it_lacks() -> None:
    table = make_predictions(300)[["image", *LABEL_COLUMNS, *LOGIT_COLUMNS]]
    for key in KEYS:
        table[f"probability_{key}"] = sigmoid(table.pop(f"logit_{key}"))
    report = evaluate_predictions(
        table, operating_points=POINTS, calibration=CALIBRATION, n_resamples=20
    )
    assert report.resampled == "images"
    assert report.n_patients is None
    assert report.ece_after == {}
    notes = " ".join(report.notes)
    assert "names no patients, so images are resampled" in notes
    assert "used as given" in notes
    assert "no column view" in notes
    assert set(report.subgroups["by"]) == {"label"}


def test_one_class_is_not_estimable_and_never_a_half() -> None:
    table = make_predictions(300).assign(label_effusion=0, label_atelectasis=1)
    report = evaluate_predictions(table, operating_points=POINTS, n_resamples=20)
    for key in ("effusion", "atelectasis"):
        assert math.isnan(report.auroc[key].estimate)
        assert report.label_distribution[key].verdict == "too few"
    assert report.rates["effusion"].sensitivity.verdict == "too few"
    assert report.rates["atelectasis"].specificity.verdict == "too few"
    lines = report_text(table, report).splitlines()
    effusion = next(line for line in lines if line.startswith("Effusion"))
    assert effusion.split() == [
        "Effusion",
        "not",
        "estimable",
        "not",
        "estimable",
        "0.0",
        "%",
        "0",
        "too",
        "few",
    ]


def test_three_patients_are_not_estimable() -> None:
    table = make_predictions(300).assign(patient=np.resize(["1", "2", "3"], 300))
    report = evaluate_predictions(table, operating_points=POINTS, n_resamples=20)
    assert report.n_patients == 3
    assert {interval.verdict for interval in report.auroc.values()} == {"too few"}
    assert "nan" not in report_text(table, report)


def test_one_film_is_evaluated_without_a_figure() -> None:
    table = make_predictions(1)
    report = evaluate_predictions(table, operating_points=POINTS, n_resamples=5)
    assert {interval.verdict for interval in report.auroc.values()} == {"too few"}
    assert "not estimable" in report_text(table, report)


def test_positive_films_of_three_patients_are_too_few() -> None:
    table = make_predictions(120).assign(patient=np.resize([str(i) for i in range(12)], 120))
    table["label_effusion"] = table["patient"].isin(["0", "1", "2"]).astype(int)
    report = evaluate_predictions(table, n_resamples=20)
    assert report.label_distribution["effusion"].positives == 30
    assert report.auroc["effusion"].verdict == "too few"


def test_text_fits_a_terminal() -> None:
    table = make_predictions(300).assign(group=np.resize(["g" * 80, "short"], 300))
    table.loc[:3, "patient"] = ""
    report = evaluate_predictions(
        table, operating_points=POINTS, calibration=CALIBRATION, n_resamples=20
    )
    text = report_text(table, report)
    assert max(map(len, text.splitlines())) <= 100
    for words in (
        "Discrimination",
        "Confusion matrices",
        "F1",
        "4 films have no patient",
    ):
        assert words in text


def test_subgroups_can_be_left_out() -> None:
    report = evaluate_predictions(make_predictions(300), n_resamples=20, subgroups=False)
    assert report.subgroups.empty


def test_a_table_of_something_else_is_refused() -> None:
    with pytest.raises(DataError, match="lacks required columns"):
        evaluate_predictions(pd.DataFrame({"x": [1]}))
