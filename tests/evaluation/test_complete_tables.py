"""A table that lacks no label: its every figure is what it was before a label could be missing.

``expected_default_metrics.json`` is what the code before that made of ``models/default``'s own
test films. It belongs to that table; when another model ships, write it anew with
``python -m tests.evaluation.test_complete_tables`` in a state whose figures are known to be right.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cxr_core.evaluation.evaluated import evaluate_with_model, measure_all
from cxr_core.evaluation.render.json_document import metrics_document
from cxr_core.evaluation.run_folder import TEST_PREDICTIONS_FILE, read_input_table
from tests.helpers import DEFAULT_MODEL

EXPECTED = Path(__file__).with_name("expected_default_metrics.json")
# Not of the figures themselves; the tables show the figures again.
LEFT_OUT = ("made", "program", "tables")


def figures() -> dict[str, Any]:
    """All figures of the table by itself, without a model, as the JSON export has them."""
    given = read_input_table(DEFAULT_MODEL / TEST_PREDICTIONS_FILE)
    evaluated = evaluate_with_model(given.predictions, given.sha256, None, n_resamples=100)
    document = metrics_document(measure_all(evaluated, None), created_at=datetime.now(UTC))
    return {name: part for name, part in document.items() if name not in LEFT_OUT}


def flat(value: Any, name: str = "") -> dict[str, Any]:
    """A nested document as one value a path, so that a difference is named."""
    if isinstance(value, dict):
        parts = [flat(part, f"{name}/{key}") for key, part in value.items()]
    elif isinstance(value, list):
        parts = [flat(part, f"{name}/{place}") for place, part in enumerate(value)]
    else:
        return {name: value}
    return {path: one for part in parts for path, one in part.items()}


def test_the_figures_of_a_complete_table_are_what_they_were() -> None:
    expected, found = json.loads(EXPECTED.read_text(encoding="utf-8")), figures()
    assert found["table"] == expected["table"], "another model ships: see above"
    then, now = flat(expected), flat(found)
    assert list(now) == list(then)
    for name, value in then.items():
        if isinstance(value, float):  # other processors add in another order
            value = pytest.approx(value, rel=1e-9, abs=1e-12)
        assert now[name] == value, name


if __name__ == "__main__":
    EXPECTED.write_text(json.dumps(figures(), separators=(",", ":")) + "\n", encoding="utf-8")
