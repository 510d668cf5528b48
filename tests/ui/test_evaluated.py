"""Uploaded tables: the good, and each bad one in its own words."""

import pytest

from cxr_core.errors import DataError
from cxr_core.evaluation.metrics.operating_points import ConfusionMatrix
from cxr_core.findings import KEYS
from cxr_core.ui.evaluated import evaluate_bytes
from cxr_core.ui.home import describe_model
from cxr_core.ui.performance.decisions import confusion_matrix_html
from tests.helpers.predictions import csv_bytes, make_predictions


def test_column_names_may_differ_in_case_and_spaces():
    table = make_predictions(40)
    table.columns = [f" {name.upper()} " for name in table.columns]
    assert len(evaluate_bytes(csv_bytes(table)).table) == 40


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"", "The table is empty"),
        (b"\xff\xfe\x00a", "not in UTF-8"),
        (b'a,b\n1,2,3\n"', "lacks required columns"),
        (csv_bytes(make_predictions(20).drop(columns="logit_effusion")), "logit_effusion"),
        (csv_bytes(make_predictions(20).drop(columns="label_atelectasis")), "label_atelectasis"),
        (csv_bytes(make_predictions(20).assign(label_effusion=2)), "neither 0 nor 1"),
        (csv_bytes(make_predictions(20).assign(image="one.png")), "one.png"),
    ],
)
def test_a_bad_table_says_what_is_wrong(data, cause):
    with pytest.raises(DataError) as caught:
        evaluate_bytes(data)
    assert cause in str(caught.value)
    assert caught.value.remedy


def test_a_column_that_stands_there_twice_is_refused():
    text = csv_bytes(make_predictions(20)).decode().splitlines()
    doubled = "\n".join(line + "," + line.split(",")[-1] for line in text)
    with pytest.raises(DataError, match="logit_no_finding"):
        evaluate_bytes(doubled.encode())


def test_an_uploads_operating_points_are_marked_as_fitted_here():
    measured = evaluate_bytes(csv_bytes(make_predictions(200)))
    assert measured.fitted_on_this_table
    assert set(measured.report.operating_points) == set(KEYS)
    assert measured.report.confusion["effusion"].specificity >= 0.9


def test_without_a_positive_film_there_is_no_operating_point():
    measured = evaluate_bytes(csv_bytes(make_predictions(60).assign(label_effusion=0)))
    assert set(measured.report.operating_points) == set(KEYS) - {"effusion"}
    assert not measured.report.auroc["effusion"].estimable


def test_the_confusion_matrix_in_words():
    html = confusion_matrix_html(ConfusionMatrix(tp=8, fp=30, fn=2, tn=70), "Effusion", "31.0 %")
    for text in (
        "10 films",
        "<strong>8</strong>",
        "found, 80 %",
        "missed, 20 %",
        "100 films",
        "false alarm, 30 %",
        "correctly not flagged, 70 %",
        "31.0 % or above",
    ):
        assert text in html


def test_what_a_model_says_of_its_origin():
    told = describe_model(
        {
            "demonstration": True,
            "config": {"weights": "none"},
            "counts": {"train": {"films": 1480, "patients": 1165}},
        }
    )
    assert told.startswith("This is a demonstration model")
    assert "1,480 films of 1,165 patients, without pre-trained weights." in told
    assert "demonstration" not in describe_model({"demonstration": False})
    assert "unstated number" in describe_model({})
