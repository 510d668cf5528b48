"""A finding that no film has a label of: not labelled, in every table."""

import pandas as pd

from cxr_core.evaluation.full_report import FullReport
from cxr_core.evaluation.metrics.bootstrap import NOT_LABELLED
from cxr_core.evaluation.render.csv_rows import metrics_table
from cxr_core.evaluation.render.text import metrics_text
from cxr_core.evaluation.report import evaluate_predictions
from cxr_core.findings import ABNORMAL_KEYS
from tests.helpers.missing_labels import CUTOFFS, document, evaluated, without_label


def test_without_any_label_it_is_called_not_labelled(unlabelled: FullReport) -> None:
    report, found = unlabelled.report, document(unlabelled)
    assert report.auroc["no_finding"].text() == "not labelled"
    assert found["auroc"]["no_finding"]["status"] == "not labelled"
    assert found["auroc"]["no_finding"]["estimate"] is None
    assert found["labels"]["no_finding"] == {
        "n": 0, "positives": 0, "negatives": 0, "prevalence": None, "verdict": "not labelled"
    }  # fmt: skip
    assert "no_finding" not in report.confusion
    assert sorted(report.operating_points) == sorted(ABNORMAL_KEYS)
    assert (
        "No Finding is not labelled: no film has a label of it, so nothing of it is measured."
        in report.notes
    )


def test_every_table_says_so_in_words(unlabelled: FullReport) -> None:
    told = {
        table["title"]: row["cells"]
        for table in document(unlabelled)["tables"]
        for row in table["rows"]
        if row["cells"][0] == "No Finding"
    }
    assert len(told) == 10
    for title, cells in told.items():
        assert any("not labelled" in str(cell) for cell in cells[1:]), title
        assert not any(isinstance(cell, int | float) for cell in cells[1:]), title
    for line in metrics_text(unlabelled).splitlines():
        if line.startswith("No Finding  "):
            assert "not labelled" in line
            assert "0.5" not in line
    csv = metrics_table(unlabelled)
    rows = csv[(csv["finding"] == "no_finding") & csv["figure"].isin(["auroc", "sensitivity"])]
    assert len(rows) > 2
    assert set(rows["verdict"]) == {"not labelled"}
    assert rows["value"].isna().all()


def test_the_others_are_measured_as_ever(complete: pd.DataFrame, unlabelled: FullReport) -> None:
    whole = evaluated(complete, own_cutoffs=True)
    for key in ABNORMAL_KEYS:
        assert unlabelled.report.auroc[key] == whole.report.auroc[key]
        assert unlabelled.report.operating_points[key] == whole.report.operating_points[key]
        assert unlabelled.report.rates[key] == whole.report.rates[key]


def test_stored_cut_offs_of_an_unlabelled_finding_are_no_matter(complete: pd.DataFrame) -> None:
    table = without_label(complete, "effusion", slice(None))
    full = evaluated(table)
    assert "effusion" not in full.report.operating_points
    assert full.flag_worth.bands["effusion"]["likely"].share == NOT_LABELLED
    assert "not labelled" in metrics_text(full)
    points = {key: point for key, point in CUTOFFS.specific.items() if key != "effusion"}
    assert evaluate_predictions(table, operating_points=points, n_resamples=20).confusion


def test_one_labelled_finding_is_enough(complete: pd.DataFrame) -> None:
    table = complete.assign(label_atelectasis="", label_infiltration="", label_no_finding="")
    full = evaluated(table, own_cutoffs=True)
    assert full.report.auroc["effusion"] == evaluated(complete).report.auroc["effusion"]
    assert full.flag_worth.any_finding == {}
    assert metrics_text(full).count("not labelled") > 20


def test_views_that_one_findings_films_do_not_have_make_no_half(complete: pd.DataFrame) -> None:
    full = evaluated(without_label(complete, "effusion", complete["view"] == "AP"))
    effusion, atelectasis = full.shortcuts[:2]
    assert not effusion.view_alone.estimable  # one share for all films would be an area of 0.5
    assert atelectasis == evaluated(complete).shortcuts[1]
