"""What counts as a missing label, and its finding on the films that have it."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import classification_report, roc_auc_score

from cxr_core.errors import DataError
from cxr_core.evaluation.metrics.bootstrap import NOT_LABELLED
from cxr_core.evaluation.metrics.labelled import missing_label_notes
from cxr_core.evaluation.predictions import (
    is_labelled,
    labels_of,
    probabilities_of,
    read_predictions,
    validate_predictions,
    write_predictions,
)
from cxr_core.evaluation.render.csv_rows import metrics_table
from cxr_core.evaluation.render.text import metrics_text
from cxr_core.evaluation.table_cells import MISSING_LABEL
from cxr_core.findings import ABNORMAL_KEYS, KEYS, LABELS
from tests.helpers.missing_labels import (
    CALIBRATION,
    CUTOFFS,
    document,
    evaluated,
    of_finding,
    without_label,
)
from tests.helpers.predictions import csv_bytes, make_predictions


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
    table = without_label(make_predictions(200), "no_finding", slice(None))
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


def test_several_findings_without_some_labels_are_told_in_one_sentence() -> None:
    labels = np.array([[1, 0, -1, 0], [-1, 1, 0, 0], [0, -1, 0, 0], [-1, 0, 1, 0]])
    assert missing_label_notes(labels, KEYS) == [
        "Effusion is labelled on 2 of 4 films, Atelectasis on 3 and Infiltration on 3, and "
        "measured on these."
    ]


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
