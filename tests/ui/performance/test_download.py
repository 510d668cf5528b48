"""What the page hands on of a table: the command's document, without a film's name."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cxr_core.cli.evaluate import main
from cxr_core.evaluation.evaluated import evaluate_table, measure_decision_curves
from cxr_core.evaluation.predictions import read_predictions, validate_predictions
from cxr_core.evaluation.render.csv_rows import metrics_csv
from cxr_core.evaluation.render.json_document import metrics_json
from cxr_core.ui.evaluated import evaluate_bytes
from cxr_core.ui.performance.calibration import evaluate_calibration, with_calibration
from cxr_core.ui.performance.download import chart_source_of, with_comparison
from cxr_core.ui.performance.two_models import PageComparison, compare_tables
from tests.helpers.predictions import make_predictions


@pytest.fixture(scope="module")
def data() -> bytes:
    return make_predictions(120).to_csv(index=False).encode()


def test_the_page_and_the_command_tell_the_same(data, tmp_path, capsys) -> None:
    table = tmp_path / "mine.csv"
    table.write_bytes(data)
    assert main([str(table), "--json", "-"]) == 0
    told = json.loads(capsys.readouterr().out)
    measured = evaluate_bytes(data)
    metrics = with_calibration(measured.full, evaluate_calibration(measured))
    # As the page's own download does, when the file is made.
    metrics = replace(metrics, decision_curves=measure_decision_curves(measured))
    found = json.loads(metrics_json(metrics, created_at=datetime(2026, 3, 1, tzinfo=UTC)))
    assert found["table"]["sha256"] == hashlib.sha256(data).hexdigest()
    # The page measures the groups apart, and tells their notes with them.
    apart = {"groups", "groups_crossed", "group_gaps", "view_alone", "notes", "tables"}
    # The command maps columns by itself; the page does so before its table is measured.
    assert told["table"].pop("columns")["image"] == "image"
    assert found["table"].pop("columns") is None
    for part in set(found) - {"made", *apart}:
        assert found[part] == told[part], part
    assert told["operating_points_fitted_here"] is True
    assert found["tables"] == [one for one in told["tables"] if one["topic"] != "subgroups"]
    assert "00000001_000.png" not in metrics_json(metrics, created_at=datetime.now(UTC))
    assert "00000001_000.png" not in metrics_csv(metrics)


def test_a_comparison_goes_along_with_the_films_that_both_saw(data) -> None:
    measured, other = evaluate_bytes(data), make_predictions(120)[20:]
    pair = compare_tables(measured.table, validate_predictions(other), n_resamples=20)
    beside = PageComparison(pair.with_leakage_notes(), "b" * 64)
    metrics = with_comparison(measured.full, beside)
    found = json.loads(metrics_json(metrics, created_at=datetime(2026, 3, 1, tzinfo=UTC)))
    assert found["comparison_of"] == {"a": hashlib.sha256(data).hexdigest(), "b": "b" * 64}
    assert found["comparison"]["n_films"] == 100
    assert any("20" in note for note in found["comparison"]["notes"])  # the films left out


def test_a_source_says_whose_figures_they_are(data) -> None:
    table = read_predictions(data)
    sha256 = hashlib.sha256(data).hexdigest()
    found = chart_source_of(evaluate_table(table, sha256, model_sha256="f" * 64))
    films, model = found.details
    assert films.startswith("120 films of ")
    assert model == "model ffffffffffff"
    assert chart_source_of(evaluate_bytes(data)).details[1] == "model unknown"
    assert found.sha256 == hashlib.sha256(data).hexdigest()
