"""One made-up table and everything gathered of it, for the tests of what is taken away."""

import numpy as np
import pandas as pd

from cxr_core.evaluation.evaluated import evaluate_table, measure_subgroups
from cxr_core.evaluation.full_report import FullReport, build_full_report
from cxr_core.evaluation.predictions import probabilities_of, validate_predictions
from cxr_core.evaluation.render.text import metrics_text
from cxr_core.evaluation.report import EvaluationReport
from cxr_core.findings import LABEL_COLUMNS, LOGIT_COLUMNS

SHA256 = "1a2b3c4d" + "0" * 56


def films(n: int = 80, *, seed: int = 0) -> pd.DataFrame:
    """A validated table; films of view LL are 5, too few for any area."""
    rng = np.random.default_rng(seed)
    labels = (rng.random((n, 4)) < 0.4).astype(int)
    table = pd.DataFrame(
        {
            "image": [f"secret_{i}.png" for i in range(n)],
            "patient": (np.arange(n) // 2).astype(str),
            "view": ["LL"] * 5 + ["PA", "AP"] * ((n - 5) // 2) + ["PA"] * ((n - 5) % 2),
        }
    )
    table[list(LABEL_COLUMNS)] = labels
    table[list(LOGIT_COLUMNS)] = rng.normal(size=(n, 4)) + labels
    return validate_predictions(table)


def gathered(table: pd.DataFrame, *, n_resamples: int = 40) -> FullReport:
    """Everything of a table, at operating points fitted on it."""
    return measure_subgroups(evaluate_table(table, SHA256, n_resamples=n_resamples), None)


def report_text(table: pd.DataFrame, report: EvaluationReport) -> str:
    """A report as the terminal shows it."""
    table = validate_predictions(table)
    full = build_full_report(table, probabilities_of(table), report, table_sha256=SHA256)
    return metrics_text(full)
