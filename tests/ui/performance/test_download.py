"""What the page hands on of a table: the command's document, without a film's name."""

import hashlib
import json
from datetime import UTC, datetime

import pytest

from cxr_core.cli.evaluate import main
from cxr_core.evaluation.render.csv_rows import metrics_csv
from cxr_core.evaluation.render.json_document import metrics_json
from cxr_core.ui.evaluated import measure
from cxr_core.ui.performance.calibration import judge
from cxr_core.ui.performance.download import Kept, gather_metrics, source_of
from cxr_core.ui.performance.two_models import Beside, pair_of
from tests.demo_model import predictions


@pytest.fixture(scope="module")
def data() -> bytes:
    return predictions(120).to_csv(index=False).encode()


def test_the_page_and_the_command_tell_the_same(data, tmp_path, capsys) -> None:
    table = tmp_path / "mine.csv"
    table.write_bytes(data)
    assert main([str(table), "--json", "-"]) == 0
    told = json.loads(capsys.readouterr().out)
    measured = measure(data)
    metrics = gather_metrics(measured, None, Kept(judge(measured)))
    found = json.loads(metrics_json(metrics, made=datetime(2026, 3, 1, tzinfo=UTC)))
    assert found["table"]["sha256"] == hashlib.sha256(data).hexdigest()
    # The page measures the groups apart, and tells their notes with them.
    for part in set(found) - {"made", "groups", "view_alone", "notes"}:
        assert found[part] == told[part], part
    assert told["operating_points_fitted_here"] is True
    assert "00000001_000.png" not in metrics_json(metrics, made=datetime.now(UTC))
    assert "00000001_000.png" not in metrics_csv(metrics)


def test_a_comparison_goes_along_with_the_films_that_both_saw(data) -> None:
    measured, other = measure(data), predictions(120)[20:]
    pair = pair_of(measured.table, other, n_resamples=20)
    beside = Beside(pair.whole(), "b" * 64)
    metrics = gather_metrics(measured, None, Kept(judge(measured), beside=beside))
    found = json.loads(metrics_json(metrics, made=datetime(2026, 3, 1, tzinfo=UTC)))
    assert found["comparison_of"] == {"a": hashlib.sha256(data).hexdigest(), "b": "b" * 64}
    assert found["comparison"]["n_films"] == 100
    assert any("20" in note for note in found["comparison"]["notes"])  # the films left out


def test_a_source_says_whose_figures_they_are(data) -> None:
    found = source_of(measure(data, model_sha256="f" * 64))
    films, model = found.words
    assert films.startswith("120 films of ")
    assert model == "model ffffffffffff"
    assert source_of(measure(data)).words[1] == "no model of this program"
    assert found.sha256 == hashlib.sha256(data).hexdigest()
