"""One made-up table and everything gathered of it, for the tests of what is taken away."""

import numpy as np
import pandas as pd

from cxr_core.evaluation.full_report import FullReport, build_full_report
from cxr_core.evaluation.metrics.bootstrap import resample_patients
from cxr_core.evaluation.metrics.operating_points import operating_points_of
from cxr_core.evaluation.metrics.subgroups import subgroup_metrics, view_shortcuts
from cxr_core.evaluation.predictions import probabilities_of, validate_predictions
from cxr_core.evaluation.report import evaluate_predictions
from cxr_core.findings import KEYS, LABEL_COLUMNS, LOGIT_COLUMNS

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
    probabilities = probabilities_of(table)
    points = operating_points_of(table, probabilities)
    report = evaluate_predictions(
        table, operating_points=points, n_resamples=n_resamples, subgroups=False
    )
    resamples = resample_patients(table, n_resamples=n_resamples)
    above = None if points is None else probabilities >= [points[key].threshold for key in KEYS]
    return build_full_report(
        table,
        probabilities,
        report,
        table_sha256=SHA256,
        fitted_here=True,
        groups=[one for part in subgroup_metrics(table, above, resamples) for one in part],
        shortcuts=view_shortcuts(table, resamples),
    )
