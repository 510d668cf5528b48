"""Labels themselves, single films, and what else reads them."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from cxr_core.cli.compare import main as compare_main
from cxr_core.cli.evaluate import main as evaluate_main
from cxr_core.errors import DataError
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
from cxr_core.evaluation.predictions import labels_of, probabilities_of, validate_predictions
from cxr_core.evaluation.render.further_figures import further_patients_table
from cxr_core.evaluation.render.json_document import to_plain_values
from cxr_core.evaluation.render.text import metrics_text
from cxr_core.evaluation.table_cells import MISSING_LABEL
from cxr_core.findings import ABNORMAL_KEYS
from tests.helpers.missing_labels import CALIBRATION, CUTOFFS, document, evaluated, without_label
from tests.helpers.models import make_metadata
from tests.helpers.predictions import csv_bytes


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
