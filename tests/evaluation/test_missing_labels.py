"""A label that some or all films lack: its finding is measured on the others, all else stays."""

import json
import pickle
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import classification_report, roc_auc_score

from cxr_core.cli.compare import main as compare_main
from cxr_core.cli.evaluate import main as evaluate_main
from cxr_core.config import Calibration
from cxr_core.errors import ConfigError, DataError
from cxr_core.evaluation.comparison import Comparison, compare_predictions
from cxr_core.evaluation.cutoffs import Cutoffs
from cxr_core.evaluation.evaluated import evaluate_table, measure_subgroups
from cxr_core.evaluation.full_report import FullReport
from cxr_core.evaluation.further_films import measure_further_patients
from cxr_core.evaluation.localisation.pointing import LOCALISATION_COLUMNS
from cxr_core.evaluation.localisation.rates import localisation_metrics
from cxr_core.evaluation.metrics.bootstrap import NOT_LABELLED, Interval, resample_patients
from cxr_core.evaluation.metrics.errors import most_confident_errors, similar_films
from cxr_core.evaluation.metrics.labels import labels_per_film
from cxr_core.evaluation.metrics.operating_points import fit_cutoffs
from cxr_core.evaluation.metrics.subgroups import mean_auroc
from cxr_core.evaluation.model_facts import UNLABELLED, ModelFacts, model_facts
from cxr_core.evaluation.predictions import (
    MISSING_LABEL,
    is_labelled,
    labels_of,
    probabilities_of,
    read_predictions,
    validate_predictions,
    write_predictions,
)
from cxr_core.evaluation.render.csv_rows import metrics_table
from cxr_core.evaluation.render.further_figures import further_patients_table
from cxr_core.evaluation.render.json_document import metrics_document, to_plain_values
from cxr_core.evaluation.render.text import comparison_text, metrics_text
from cxr_core.evaluation.report import evaluate_predictions
from cxr_core.findings import ABNORMAL_KEYS, KEYS, LABELS
from tests.helpers.models import make_metadata, make_points
from tests.helpers.predictions import csv_bytes, make_predictions

CALIBRATION = Calibration(0.8, (0.1, -0.1, 0.2, 0.0))
CUTOFFS = Cutoffs(make_points((0.5, 0.5, 0.45, 0.5)), make_points((0.3, 0.25, 0.2, 0.3)))
N_RESAMPLES = 40


def without_label(table: pd.DataFrame, key: str, rows: object) -> pd.DataFrame:
    """A copy that lacks the label of a finding in some rows."""
    column = f"label_{key}"
    changed = table.assign(**{column: table[column].astype("float64")})
    changed.loc[rows, column] = np.nan
    return changed


@pytest.fixture(scope="module")
def complete() -> pd.DataFrame:
    return make_predictions(400, seed=3)


@pytest.fixture(scope="module")
def rows(complete: pd.DataFrame) -> pd.Series:
    """About a third of the films; every patient keeps one, so that the same patients are drawn."""
    others = complete["patient"].duplicated(keep="first")
    return others & (np.arange(len(complete)) % 4 > 0)


def evaluated(table: pd.DataFrame, *, own_cutoffs: bool = False) -> FullReport:
    """Everything but what needs a run folder."""
    found = evaluate_table(
        validate_predictions(table),
        "0" * 64,
        calibration=CALIBRATION,
        cutoffs=None if own_cutoffs else CUTOFFS,
        n_resamples=N_RESAMPLES,
    )
    return measure_subgroups(found, None)


def document(full: FullReport) -> dict[str, Any]:
    """What a JSON file of it holds."""
    whole = metrics_document(full, created_at=datetime(2026, 1, 1, tzinfo=UTC))
    json.dumps(whole, allow_nan=False)
    return whole


def of_finding(full: FullReport, key: str) -> dict[str, Any]:
    """Every figure of one finding, as plain values."""
    report, found = full.report, document(full)
    classified = report.classification_report
    parts = {
        name: found[name].get(key)
        for name in (
            "labels",
            "auroc",
            "average_precision",
            "operating_points",
            "sensitive_points",
            "confusion",
            "rates",
            "errors",
        )
    }
    for name in ("calibration_error", "calibration"):
        parts |= {f"{name} {when}": of.get(key) for when, of in found[name].items()}
    parts["bands"] = found["flag_worth"]["bands"].get(key)
    parts["flags"] = [of.get(key) for of in found["flag_worth"]["rates"].values()]
    parts["groups"] = [one for one in found["groups"] if one["finding"] == key]
    parts["view"] = [one for one in found["view_alone"] if one["finding"] == key]
    if classified is not None:
        parts["classified"] = to_plain_values(classified.values[LABELS[key]])
    csv = metrics_table(full)
    shared = csv["figure"].str.startswith("films_also")  # of two findings at once
    parts["csv"] = csv[(csv["finding"] == key) & ~shared].to_csv(index=False)
    return parts


# What counts as missing, and what is refused.


@pytest.mark.parametrize("cell", ["", " ", "-1", "-1.0", "NaN", "nan", None, -1, np.nan, pd.NA])
def test_an_empty_cell_and_minus_one_are_a_missing_label(cell: Any) -> None:
    table = make_predictions(12).astype({"label_effusion": object})
    table.loc[3, "label_effusion"] = cell
    checked = validate_predictions(table)
    assert checked["label_effusion"][3] == MISSING_LABEL
    assert is_labelled(labels_of(checked)).sum() == 12 * 4 - 1
    assert read_predictions(csv_bytes(table))["label_effusion"].tolist() == (
        checked["label_effusion"].tolist()
    )


def test_a_missing_label_survives_writing(tmp_path: Path) -> None:
    table = validate_predictions(without_label(make_predictions(12), "atelectasis", [0, 5]))
    write_predictions(table, tmp_path / "predictions.csv")
    pd.testing.assert_frame_equal(read_predictions(tmp_path / "predictions.csv"), table)


@pytest.mark.parametrize("cell", ["-2", "0.5", "2", "maybe", "-1.5", "none"])
def test_any_other_value_is_refused_with_its_row(cell: str) -> None:
    table = make_predictions(12).astype({"label_effusion": object})
    table.loc[3, "label_effusion"] = cell
    with pytest.raises(DataError) as raised:
        read_predictions(csv_bytes(table))
    assert raised.value.problem == "A label is neither 0 nor 1"
    assert f"row 4 below the header: label_effusion is {cell} for" in str(raised.value.value)
    assert "leave the cell empty where its label is not known" in raised.value.remedy


def test_a_table_without_any_label_is_refused() -> None:
    table = make_predictions(12)
    for key in KEYS:
        table = without_label(table, key, slice(None))
    with pytest.raises(DataError, match="has no label at all"):
        validate_predictions(table)


def test_a_finding_without_labels_may_lack_its_scores_too_and_no_other() -> None:
    table = without_label(make_predictions(60), "no_finding", slice(None))
    table["logit_no_finding"] = np.nan
    found = evaluated(table)
    assert found.report.auroc["no_finding"] == NOT_LABELLED
    assert found.report.auroc["effusion"].estimate > 0.7
    with pytest.raises(DataError, match="logit_effusion is nan"):
        validate_predictions(table.assign(logit_effusion=np.nan))


# One finding on the films that have its label; the others on all of theirs.


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("own_cutoffs", [False, True], ids=["stored", "fitted"])
def test_it_equals_the_table_without_these_films(
    complete: pd.DataFrame, rows: pd.Series, key: str, own_cutoffs: bool
) -> None:
    full = evaluated(without_label(complete, key, rows), own_cutoffs=own_cutoffs)
    reduced = evaluated(complete[~rows], own_cutoffs=own_cutoffs)
    assert full.report.label_distribution[key].n == (~rows).sum() < len(complete)
    assert of_finding(full, key) == of_finding(reduced, key)


@pytest.mark.parametrize("key", KEYS)
def test_the_other_findings_stay_as_they_were(
    complete: pd.DataFrame, rows: pd.Series, key: str
) -> None:
    full, whole = evaluated(without_label(complete, key, rows)), evaluated(complete)
    for other in set(KEYS) - {key}:
        now, before = of_finding(full, other), of_finding(whole, other)
        if key == "no_finding":  # the films that are not No Finding are fewer, and the normal ones
            for parts in (now, before):
                parts["groups"] = [one for one in parts["groups"] if one["by"] != "label"]
                del parts["csv"], parts["flags"]
        assert now == before


def test_whole_patients_without_a_label_leave_the_estimates_exact(complete: pd.DataFrame) -> None:
    some = complete["patient"].astype(int) % 3 == 0
    area = evaluated(without_label(complete, "effusion", some)).report.auroc["effusion"]
    left = complete[~some]
    assert area.estimate == roc_auc_score(left["label_effusion"], left["logit_effusion"])
    assert area.low < area.estimate < area.high


def test_the_classification_report_counts_labelled_films_alone(
    complete: pd.DataFrame, rows: pd.Series
) -> None:
    report = evaluated(without_label(complete, "effusion", rows)).report
    assert report.classification_report is not None
    found = report.classification_report.values
    p = probabilities_of(validate_predictions(complete[~rows]), CALIBRATION)[:, 0]
    called = p >= CUTOFFS.specific["effusion"].threshold
    labels = complete["label_effusion"][~rows]
    expected = classification_report(labels, called.astype(int), output_dict=True)["1"]
    assert found["Effusion"] == pytest.approx(expected)
    each = [found[LABELS[key]] for key in KEYS]
    assert found["macro avg"]["recall"] == pytest.approx(np.mean([one["recall"] for one in each]))
    hits = sum(one["recall"] * one["support"] for one in each)
    assert found["micro avg"]["recall"] == pytest.approx(hits / sum(o["support"] for o in each))


def test_any_of_the_three_needs_all_their_labels_for_its_share(
    complete: pd.DataFrame, rows: pd.Series
) -> None:
    full, whole = evaluated(without_label(complete, "effusion", rows)), evaluated(complete)
    found = full.flag_worth.any_finding["standard"]
    before = whole.flag_worth.any_finding["standard"]
    assert (found.n, found.flagged, found.flagged_normal) == (
        before.n, before.flagged, before.flagged_normal
    )  # fmt: skip
    p = probabilities_of(validate_predictions(complete), CALIBRATION)
    flagged = (p[:, :3] >= [CUTOFFS.specific[key].threshold for key in ABNORMAL_KEYS]).any(axis=1)
    told = flagged & ~rows.to_numpy()
    some = complete[[f"label_{key}" for key in ABNORMAL_KEYS]].any(axis=1).to_numpy()
    assert found.with_label.estimate == (told & some).sum() / told.sum()


def test_where_n_differs_every_rendering_says_so(complete: pd.DataFrame, rows: pd.Series) -> None:
    full = evaluated(without_label(complete, "effusion", rows))
    n = int((~rows).sum())
    sentence = f"Effusion is labelled on {n} of 400 films and measured on these."
    assert sentence in full.report.notes
    text = metrics_text(full)
    assert sentence in text
    for title in ("Discrimination", "What each band is worth", "Confusion matrices", "Performance",
                  "Likelihood ratios", "scikit-learn", "Errors at the cut-offs"):  # fmt: skip
        block = text.split(f"\n{title}", 1)[1].split("\n\n", 1)[0]
        assert f"Effusion ({n} films)" in block, title
        assert "Atelectasis (" not in block
    assert document(full)["labels"]["effusion"]["n"] == n
    csv = metrics_table(full)
    area = csv[(csv["finding"] == "effusion") & (csv["figure"] == "auroc")].iloc[0]
    assert (area["part"], area["n"]) == ("all films", n)


# A finding that no film has a label of.


@pytest.fixture(scope="module", params=[np.nan, -1], ids=["empty", "minus one"])
def unlabelled(request: pytest.FixtureRequest, complete: pd.DataFrame) -> FullReport:
    """As of a model without No Finding, at cut-offs fitted on the table itself."""
    return evaluated(complete.assign(label_no_finding=request.param), own_cutoffs=True)


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
    with pytest.raises(ConfigError, match="A cut-off is missing"):
        evaluate_predictions(complete, operating_points=points, n_resamples=20)


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


# Labels themselves, single films, and what else reads them.


def test_labels_are_counted_where_they_are_known() -> None:
    labels = [[1, 0, -1, 0], [1, 1, 0, 0], [0, -1, 0, 1], [1, 0, 1, 0]]
    assert labels_per_film(labels) == (0, 0, 2, 0, 0)
    # A finding without any label is no reason to leave all films out.
    assert labels_per_film([[1, 0, 0, -1], [0, 0, 0, -1]]) == (1, 1, 0, 0, 0)


def test_shares_of_two_labels_are_of_films_that_have_both(complete: pd.DataFrame) -> None:
    positive = complete["label_effusion"] == 1
    some = positive & (np.arange(len(complete)) % 2 == 0)
    (table,) = [
        table
        for table in document(evaluated(without_label(complete, "atelectasis", some)))["tables"]
        if table["title"] == "Films with two labels at once"
    ]
    share = table["rows"][0]["cells"][2]
    assert share["total"] == (positive & ~some).sum() < positive.sum()


def test_a_film_without_the_label_is_no_error(complete: pd.DataFrame) -> None:
    table = validate_predictions(complete)
    p = probabilities_of(table, CALIBRATION)
    found, total = most_confident_errors(table, p, CUTOFFS.specific, "effusion", "false alarm")
    first = table["image"] == found[0].image
    fewer = validate_predictions(without_label(complete, "effusion", first))
    after, left = most_confident_errors(fewer, p, CUTOFFS.specific, "effusion", "false alarm")
    assert (after[0], left) == (found[1], total - 1)
    other = validate_predictions(without_label(complete, "no_finding", first))
    named = most_confident_errors(other, p, CUTOFFS.specific, "effusion", "false alarm")[0][0]
    assert named.labels.endswith("(not labelled: No Finding)")


def test_similar_films_are_labelled_films() -> None:
    scores, labels = np.arange(40.0), np.array([1, MISSING_LABEL] * 20)
    found = similar_films(20.0, scores, labels, np.arange(40), n=20)
    assert found is not None
    assert (found.n, found.n_positive, found.prevalence) == (20, 20, 1.0)


def test_cut_offs_for_a_model_need_every_label(complete: pd.DataFrame) -> None:
    table = validate_predictions(without_label(complete, "infiltration", slice(None)))
    with pytest.raises(DataError, match="No cut-off for Infiltration"):
        fit_cutoffs(
            probabilities_of(table), labels_of(table), list(table["patient"]), n_resamples=20
        )


def test_the_mean_is_of_the_labelled_findings(complete: pd.DataFrame) -> None:
    table = validate_predictions(without_label(complete, "no_finding", slice(None)))
    areas = [roc_auc_score(complete[f"label_{k}"], complete[f"logit_{k}"]) for k in ABNORMAL_KEYS]
    found = mean_auroc(table, resample_patients(table, n_resamples=20))
    assert found.estimate == pytest.approx(np.mean(areas))


def test_what_a_flag_is_worth_is_not_measured_without_labels(complete: pd.DataFrame) -> None:
    metadata = replace(
        make_metadata(operating_points=dict(CUTOFFS.specific)), calibration=CALIBRATION
    )
    table = without_label(complete, "infiltration", slice(None))
    facts: ModelFacts = model_facts(csv_bytes(table), metadata)
    assert facts.worth("infiltration", "likely") == UNLABELLED
    assert facts.worth("effusion", "likely").startswith("of test films like this")
    assert "of the labelled findings" in replace(facts, demonstration=True).sentence


def test_boxes_need_no_labels(complete: pd.DataFrame) -> None:
    boxed = pd.DataFrame({"image": complete["image"][:30], "finding": "effusion"})
    for j, name in enumerate(LOCALISATION_COLUMNS[2:]):
        boxed[name] = (np.arange(30) % (j + 2) == 0).astype(float)
    full = localisation_metrics(boxed, validate_predictions(complete), n_resamples=20)
    table = validate_predictions(without_label(complete, "effusion", slice(None)))
    found = localisation_metrics(boxed, table, n_resamples=20)
    assert to_plain_values(found.hit_rates) == to_plain_values(full.hit_rates)


def test_further_patients_without_a_label(complete: pd.DataFrame, rows: pd.Series) -> None:
    table = validate_predictions(without_label(complete, "effusion", rows))
    found = measure_further_patients(table, n_resamples=20)
    reduced = measure_further_patients(validate_predictions(complete[~rows]), n_resamples=20)
    assert found.auroc["effusion"] == reduced.auroc["effusion"]
    assert found.abnormal_auroc["effusion"] == reduced.abnormal_auroc["effusion"]
    nobody = validate_predictions(without_label(complete, "no_finding", slice(None)))
    shown = further_patients_table(measure_further_patients(nobody, n_resamples=20))
    assert "an unknown share of them No Finding" in shown.caption
    assert any(isinstance(c, Interval) and c == NOT_LABELLED for c in shown.rows[-1].cells)


def test_a_result_that_was_stored_in_between_says_the_same(unlabelled: FullReport) -> None:
    # As Streamlit's cache does: no number that is none equals itself after that.
    assert metrics_text(pickle.loads(pickle.dumps(unlabelled))) == metrics_text(unlabelled)


def test_the_commands_say_so(
    complete: pd.DataFrame, rows: pd.Series, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = without_label(complete, "effusion", rows).assign(label_no_finding="")
    path = tmp_path / "predictions.csv"
    table.to_csv(path, index=False)
    assert evaluate_main([str(path), "--resamples", "20"]) == 0
    assert compare_main([str(path), str(path), "--resamples", "20"]) == 0
    said = capsys.readouterr().out
    assert said.count(f"Effusion is labelled on {(~rows).sum()} of 400 films") == 2
    assert said.count("No Finding is not labelled: no film has a label of it") == 2
    path.write_bytes(csv_bytes(table.assign(label_atelectasis=-2)))
    assert evaluate_main([str(path)]) == 2
    assert "row 1 below the header: label_atelectasis is -2" in capsys.readouterr().err


# Two models.


def compared(a: pd.DataFrame, b: pd.DataFrame) -> Comparison:
    return compare_predictions(a, b, n_resamples=N_RESAMPLES)


@pytest.fixture(scope="module")
def other(complete: pd.DataFrame) -> pd.DataFrame:
    """What a second model said of the same films, in another order."""
    noise = np.random.default_rng(9).normal(size=len(complete))
    return complete.assign(logit_effusion=complete["logit_effusion"] + noise)[::-1]


@pytest.mark.parametrize("key", ABNORMAL_KEYS)
def test_a_comparison_equals_that_of_the_table_without_these_films(
    complete: pd.DataFrame, other: pd.DataFrame, rows: pd.Series, key: str
) -> None:
    found = compared(without_label(complete, key, rows), without_label(other, key, rows))
    reduced = compared(complete[~rows], other)
    whole = compared(complete, other)
    assert found.overall.auroc[key] == reduced.overall.auroc[key]
    assert found.abnormal.auroc[key] == reduced.abnormal.auroc[key]
    assert found.overall.n_labelled == {key: (~rows).sum()}
    assert f"{LABELS[key]} ({(~rows).sum()} films)" in comparison_text(found)
    for another in set(KEYS) - {key}:
        assert found.overall.auroc[another] == whole.overall.auroc[another]


def test_a_label_that_one_table_lacks_is_the_others(
    complete: pd.DataFrame, other: pd.DataFrame, rows: pd.Series
) -> None:
    found, whole = (
        compared(without_label(complete, "effusion", rows), other),
        compared(complete, other),
    )
    assert to_plain_values(found.overall) == to_plain_values(whole.overall)
    assert f"{rows.sum()} labels that one table lacks are taken from the other." in found.notes
    wrong = other.assign(label_effusion=1 - other["label_effusion"])
    with pytest.raises(DataError, match="different labels"):
        compared(without_label(complete, "effusion", rows), wrong)


def test_a_comparison_without_a_finding_names_it(
    complete: pd.DataFrame, other: pd.DataFrame
) -> None:
    found = compared(*(without_label(t, "no_finding", slice(None)) for t in (complete, other)))
    whole = compared(complete, other)
    assert found.overall.auroc["effusion"] == whole.overall.auroc["effusion"]
    assert found.overall.auroc["no_finding"].difference == NOT_LABELLED
    assert found.overall.mean is not None
    assert found.overall.mean.difference.estimable
    text = comparison_text(found)
    assert "No Finding is not labelled" in text
    assert "Mean of the labelled" in text
    assert json.dumps(to_plain_values(found), allow_nan=False)


def test_a_complete_comparison_has_no_further_keys(
    complete: pd.DataFrame, other: pd.DataFrame
) -> None:
    assert "n_labelled" not in to_plain_values(compared(complete, other))["overall"]
