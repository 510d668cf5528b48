"""Two models: what is matched, what is refused, and what is said of a difference."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from cxr_core.errors import DataError
from cxr_core.evaluation.metrics.bootstrap import NOT_ESTIMABLE, Interval
from cxr_core.evaluation.predictions import labels_of, validate_predictions
from cxr_core.evaluation.published import read_published_auroc
from cxr_core.evaluation.render.comparison_figures import (
    comparison_tables,
    difference_verdict,
    published_differences,
)
from cxr_core.evaluation.render.table import cell_text, to_html
from cxr_core.evaluation.run_folder import RunFolder
from cxr_core.findings import LOGIT_COLUMNS
from cxr_core.ui.charts.curves import paired_roc_figure
from cxr_core.ui.evaluated import evaluate_bytes
from cxr_core.ui.performance.two_models import (
    compare_tables,
    matched_roc_curve,
    matched_sentence,
    verdict_sentence,
)
from tests.helpers.predictions import make_predictions


def other_model(table: pd.DataFrame, spread: float = 0.5) -> pd.DataFrame:
    """The same films, read by a model that is less sure of Effusion."""
    noise = np.random.default_rng(3).normal(scale=spread, size=len(table))
    return table.assign(logit_effusion=table["logit_effusion"] + noise)


def test_films_in_both_are_compared_and_the_others_counted() -> None:
    a = make_predictions(240)
    b = pd.concat(
        [other_model(a[40:]), make_predictions(30).assign(image=lambda t: "x" + t["image"])]
    )
    pair = compare_tables(a, b[::-1], n_resamples=50)
    patients = a[40:]["patient"].nunique()
    assert matched_sentence(pair.comparison) == (
        f"Matched by image: 200 films of {patients} patients; 40 only in A and 30 only in B are "
        "left out."
    )
    assert not any("left out" in note for note in pair.notes)
    assert pair.images == tuple(a["image"][40:])
    expected = roc_auc_score(a["label_effusion"][40:], a["logit_effusion"][40:])
    area = pair.comparison.overall.auroc["effusion"].a
    assert area.estimate == pytest.approx(expected, abs=1e-12)
    whole = compare_tables(a, a, n_resamples=20).comparison
    assert matched_sentence(whole).endswith("; all films are in both.")


def test_a_curve_is_of_the_matched_films_in_any_order() -> None:
    table = make_predictions(240)
    measured = evaluate_bytes(table.to_csv(index=False).encode())
    some = table.sample(150, random_state=0)
    labels = labels_of(validate_predictions(some))
    line = matched_roc_curve(measured, tuple(some["image"]), labels, "effusion", NOT_ESTIMABLE)
    expected = roc_auc_score(some["label_effusion"], some["logit_effusion"])
    assert np.trapezoid(line.y, line.x) == pytest.approx(expected, abs=1e-12)


def test_a_solid_and_a_dashed_line_are_named_with_their_areas() -> None:
    table = make_predictions(240)
    measured = evaluate_bytes(table.to_csv(index=False).encode())
    area = Interval(0.81, 0.75, 0.86, "wide")
    labels = labels_of(measured.table)
    line = matched_roc_curve(measured, tuple(table["image"]), labels, "infiltration", area)
    _, a, b = paired_roc_figure(line, line, "infiltration").data
    assert (a.name, b.name) == ("A 0.81 (0.75 to 0.86)", "B 0.81 (0.75 to 0.86)")
    assert (a.line.dash, b.line.dash) == ("solid", "dash")
    assert a.line.color != b.line.color


@pytest.mark.parametrize(
    ("interval", "said", "sentence"),
    [
        (
            Interval(0.05, 0.02, 0.08, "enough"),
            "B better",
            "Effusion: B is better, B − A is +0.050 (+0.020 to +0.080).",
        ),
        (
            Interval(-0.05, -0.08, -0.02, "enough"),
            "A better",
            "Effusion: A is better, B − A is −0.050 (−0.080 to −0.020).",
        ),
        (
            Interval(0.01, -0.02, 0.04, "enough"),
            "no difference shown",
            "Effusion: no difference shown, B − A is +0.010 (−0.020 to +0.040).",
        ),
        # An interval that ends at 0, or at what is shown as 0, does not leave it out.
        (
            Interval(0.01, 0.0004, 0.02, "enough"),
            "no difference shown",
            "Effusion: no difference shown, B − A is +0.010 (0.000 to +0.020).",
        ),
        (
            NOT_ESTIMABLE,
            "not estimable",
            "Effusion: not estimable, too few films or patients.",
        ),
    ],
)
def test_a_difference_in_words(interval: Interval, said: str, sentence: str) -> None:
    assert difference_verdict(interval) == said
    assert verdict_sentence("effusion", interval) == sentence


def test_rows_hold_both_models_and_the_mean() -> None:
    a = make_predictions(240)
    worse = a.assign(**{name: -a[name] for name in LOGIT_COLUMNS})
    comparison = compare_tables(a, worse, n_resamples=50).comparison
    table = next(comparison_tables(comparison))
    rows = [row.cells for row in table.rows]
    assert [row[0] for row in rows] == [
        "Effusion", "Atelectasis", "Infiltration", "No Finding", "Mean",
    ]  # fmt: skip
    assert rows[0][1] == a["label_effusion"].sum()
    assert {row[-1] for row in rows} == {"A better"}
    differences = [row[4] for row in rows]
    assert all(isinstance(one, Interval) and one.high < 0 for one in differences)
    assert to_html(table).count(">−0.") == 5


def test_runs_of_different_splits_are_refused_with_the_count(tmp_path: Path) -> None:
    a = make_predictions(100)
    for name, sides in (("a", ["test"] * 100), ("b", ["train"] * 60 + ["test"] * 40)):
        (tmp_path / name).mkdir()
        split = a[["image"]].assign(split=sides)
        split.to_csv(tmp_path / name / "split.csv", index=False)
    runs = {"run_a": RunFolder(tmp_path / "a"), "run_b": RunFolder(tmp_path / "b")}
    with pytest.raises(DataError, match="60 of the 100 compared films of A are in B's training"):
        compare_tables(a, other_model(a), **runs, n_resamples=20)
    told = compare_tables(a, other_model(a), run_a=runs["run_a"], n_resamples=20).leakage_notes
    assert told[0].startswith("The split of B is not known")


def test_labels_that_differ_are_refused_with_a_sentence() -> None:
    a = make_predictions(100)
    with pytest.raises(DataError, match="have different labels: label_effusion of 100 films"):
        compare_tables(a, a.assign(label_effusion=1 - a["label_effusion"]))


def test_a_published_figure_that_was_not_published_has_no_difference() -> None:
    measured = evaluate_bytes(make_predictions(240).to_csv(index=False).encode())
    model = next(model for model in read_published_auroc() if model.model == "SwinCheX")
    table = published_differences(measured.report, [model], model.split)
    row = [
        cell_text(cell, column).replace("-", "−")
        for cell, column in zip(table.rows[0].cells, table.columns, strict=True)
    ]
    area = measured.report.auroc["effusion"]
    assert row[:2] == [
        "SwinCheX",
        f"{area.estimate - 0.824:+.3f} ({area.low - 0.824:+.3f} to {area.high - 0.824:+.3f})"
        .replace("-", "−"),
    ]  # fmt: skip
    assert len(row) == 4
