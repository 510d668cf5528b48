"""Whether a table's row is the loaded model's, and what is said of it."""

import numpy as np
import pytest

from cxr_core.evaluation.metrics.errors import FilmError
from cxr_core.findings import KEYS, LABEL_COLUMNS, LOGIT_COLUMNS, PROBABILITY_COLUMNS
from cxr_core.ui.evaluated import evaluate_bytes
from cxr_core.ui.performance.errors import error_sentence, matches_model, mismatch_sentence
from tests.helpers.analyses import make_analysis

ERROR = FilmError("a.png", 0.063, 0.252, -1.609, "Effusion", "PA", 61.0)


def measured(columns: tuple[str, ...], values: list[float]):
    header = ",".join(["image", *LABEL_COLUMNS, *columns])
    row = ",".join(map(str, values))
    return evaluate_bytes(
        f"{header}\nb.png,0,0,0,1,0.5,0.5,0.5,0.5\na.png,1,0,0,0,{row}\n".encode()
    )


@pytest.mark.parametrize("kind", ["logits", "probabilities"])
def test_all_four_figures_have_to_agree(kind: str) -> None:
    analysis = make_analysis((0.3, 0.2, 0.6, 0.4))
    columns, near = {
        "logits": (LOGIT_COLUMNS, 0.005),
        "probabilities": (PROBABILITY_COLUMNS, 0.001),
    }[kind]
    said = np.array([getattr(analysis, kind)[key] for key in KEYS])
    assert matches_model(measured(columns, list(said + near)), "a.png", analysis)
    for k in range(4):
        other = said.copy()
        other[k] -= 0.05
        assert not matches_model(measured(columns, list(other)), "a.png", analysis)
    assert not matches_model(measured(columns, list(said)), "b.png", analysis)


def test_sentences() -> None:
    assert error_sentence("effusion", ERROR) == (
        "a.png. Labels: Effusion. Effusion in the table: 6.3 %, cut-off 25.2 %, "
        "distance above cut-off −1.61 (log-odds)."
    )
    said = mismatch_sentence(ERROR, 0.4, same_run=False)
    assert said.startswith("Table 6.3 %, loaded model 40.0 %")
    assert "map cannot be drawn here" in said
    assert "The map is the loaded model's." in mismatch_sentence(ERROR, 0.4, same_run=True)
