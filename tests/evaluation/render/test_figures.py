"""The one list of tables: the CSV that it makes, and a further figure that joins it."""

import io
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxr_core.config import Calibration
from cxr_core.evaluation.full_report import FullReport
from cxr_core.evaluation.localisation.pointing import HitRates
from cxr_core.evaluation.localisation.rates import LocalisationMetrics, OverlapRates
from cxr_core.evaluation.metrics.bootstrap import NOT_ESTIMABLE, Interval
from cxr_core.evaluation.metrics.errors import FilmError
from cxr_core.evaluation.render import figures
from cxr_core.evaluation.render.csv_rows import metrics_csv
from cxr_core.evaluation.render.figures import error_films, evaluation_tables
from cxr_core.evaluation.render.json_document import metrics_json
from cxr_core.evaluation.render.subset_figures import (
    co_occurrence,
    labels_per_film,
    overlaps,
    pointing,
    subgroups,
)
from cxr_core.evaluation.render.table import Column, Row, Table, cell_text, to_html
from cxr_core.evaluation.render.text import metrics_text
from cxr_core.evaluation.report import evaluate_predictions
from tests.helpers.reports import films, gathered

EXPECTED = Path(__file__).with_name("expected_metrics.csv")  # as the rows were laid out by hand
HALF = Interval(0.5, 0.25, 0.75, "wide")


@pytest.fixture(scope="module")
def full() -> FullReport:
    """Every kind of figure: calibrated, with subgroups, peaks and overlaps."""
    metrics = gathered(films())
    report = evaluate_predictions(
        films(),
        operating_points=metrics.report.operating_points,
        calibration=Calibration(0.5, (0.0, 0.1, -0.1, 0.2)),
        n_resamples=40,
        subgroups=False,
    )

    def rates(threshold: float) -> OverlapRates:
        return OverlapRates(30, threshold, HALF, HALF, HALF, HALF, HALF, NOT_ESTIMABLE)

    boxed = LocalisationMetrics(
        hit_rates={"effusion": HitRates(30, HALF, HALF, HALF, HALF, NOT_ESTIMABLE)},
        overlaps={
            "iobb": {"effusion": (rates(0.25), rates(0.5))},
            "iou": {"effusion": (rates(0.1),)},
        },
    )
    return replace(metrics, report=report, localisation=boxed)


def words(table: Table, row: int = 0) -> list[str]:
    """A row as a page writes it."""
    cells = zip(table.rows[row].cells, table.columns, strict=True)
    return [cell_text(cell, column) for cell, column in cells]


def test_the_csv_has_the_rows_that_it_always_had(full: FullReport) -> None:
    name = ["finding", "part", "figure"]
    expected, found = (
        pd.read_csv(source, keep_default_na=False).sort_values(name)
        for source in (EXPECTED, io.StringIO(metrics_csv(full)))
    )
    further = ~found.set_index(name).index.isin(expected.set_index(name).index)
    # What came later: flags per 100 films and the differences between groups.
    new = found.loc[further, "figure"]
    assert new.str.match("alerts_per_|.*_gap$").all(), new.unique()
    found = found[~further]
    for column in (*name, "verdict"):
        assert found[column].tolist() == expected[column].tolist()
    for column in ("value", "low", "high", "n", "positives"):
        now, then = (pd.to_numeric(table[column]).to_numpy(float) for table in (found, expected))
        np.testing.assert_allclose(now, then, rtol=1e-9)


def test_a_further_figure_stands_everywhere(
    full: FullReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one_more(full: FullReport) -> Iterator[Table]:
        column = Column("New figure", "new_figure", digits=3)
        row = Row(("Effusion", 0.123456), "effusion")
        yield Table("discrimination", "One more", (Column("Finding"), column), [row])

    monkeypatch.setattr(figures, "EVALUATION_TABLES", [*figures.EVALUATION_TABLES, one_more])
    assert "One more\nFinding   New figure\nEffusion       0.123" in metrics_text(full)
    document = json.loads(metrics_json(full, created_at=datetime.now(UTC)))
    assert document["tables"][-1]["rows"][0]["cells"] == ["Effusion", 0.123456]
    assert '\n"effusion","all films","new_figure",0.123456,,,,,\n' in metrics_csv(full)
    page = [to_html(table) for table in evaluation_tables(full, "discrimination")]
    assert len(page) == 2
    assert '<td class="figure">0.123</td>' in page[1]


def test_a_subgroup_of_few_films_is_not_estimable(full: FullReport) -> None:
    effusion, *_ = subgroups(full)
    views = [words(effusion, row) for row in range(len(effusion.rows))]
    assert ["View: LL", "5", "0", *["not estimable"] * 3] in views


def test_labels_that_occur_together(full: FullReport) -> None:
    few = np.array([[12, 3, 0, 0], [3, 8, 0, 0], [0, 0, 0, 0], [0, 0, 0, 5]])
    each = np.repeat(few.diagonal()[:, None], 4, axis=1)
    (table,) = co_occurrence(replace(full, co_occurrence=few, co_labelled=each))
    assert words(table) == ["Effusion (12)", "–", "3 (25 %)", "0 (0 %)", "0 (0 %)"]
    assert words(table, 2) == ["Infiltration (0)", "0", "0", "–", "0"]
    (table,) = labels_per_film(replace(full, labels_per_film=(40, 30, 8, 2, 0)))
    assert table.title == "Labels per film; 25 % of the labelled films have two or more"
    assert words(table)[:4] == ["Films", "80", "40", "40 (50 %)"]
    (table,) = labels_per_film(replace(full, labels_per_film=(80, 0, 0, 0, 0)))
    assert table.title == "Labels per film; no film has a label"


def test_pointers_and_boxes_as_rows(full: FullReport) -> None:
    half = "0.50 (0.25 to 0.75)"
    (table,) = pointing(full)
    assert words(table) == ["Effusion", "30", *[half] * 4, "not estimable", "not estimable"]
    by_measure = list(overlaps(full))
    assert [len(table.rows) for table in by_measure] == [2, 1]
    assert words(by_measure[1]) == ["Effusion", "0.1", "30", *[half] * 5, "not estimable"]


def test_an_error_as_a_row() -> None:
    error = FilmError("a.png", 0.063, 0.252, -1.609, "Effusion", "", math.nan)
    table = error_films([error], "Effusion", "missed", total=20)
    assert words(table) == ["a.png", "Effusion", "–", "–", "6.3 %", "25.2 %", "-1.61"]
    assert table.title == (
        "Most confident misses of Effusion: 1 of 20 films labelled Effusion, not flagged"
    )
