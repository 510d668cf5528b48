"""Tables that lack labels, and all that is measured on them, for ``evaluation/missing_labels``."""

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from cxr_core.config import Calibration
from cxr_core.evaluation.cutoffs import Cutoffs
from cxr_core.evaluation.evaluated import evaluate_table, measure_subgroups
from cxr_core.evaluation.full_report import FullReport
from cxr_core.evaluation.predictions import (
    validate_predictions,
)
from cxr_core.evaluation.render.csv_rows import metrics_table
from cxr_core.evaluation.render.json_document import metrics_document, to_plain_values
from cxr_core.findings import LABELS
from tests.helpers.models import make_points

CALIBRATION = Calibration(0.8, (0.1, -0.1, 0.2, 0.0))
CUTOFFS = Cutoffs(make_points((0.5, 0.5, 0.45, 0.5)), make_points((0.3, 0.25, 0.2, 0.3)))
N_RESAMPLES = 40


def without_label(table: pd.DataFrame, key: str, rows: object) -> pd.DataFrame:
    """A copy that lacks the label of a finding in some rows."""
    column = f"label_{key}"
    changed = table.assign(**{column: table[column].astype("float64")})
    changed.loc[rows, column] = np.nan
    return changed


def evaluated(table: pd.DataFrame, *, own_cutoffs: bool = False) -> FullReport:
    """Everything but what needs a run folder."""
    found = evaluate_table(
        validate_predictions(table),
        "0" * 64,
        calibration=CALIBRATION,
        cutoffs=None if own_cutoffs else CUTOFFS,
        n_resamples=N_RESAMPLES,
    )
    return measure_subgroups(found, None)


def document(full: FullReport) -> dict[str, Any]:
    """What a JSON file of it holds."""
    whole = metrics_document(full, created_at=datetime(2026, 1, 1, tzinfo=UTC))
    json.dumps(whole, allow_nan=False)
    return whole


def of_finding(full: FullReport, key: str) -> dict[str, Any]:
    """Every figure of one finding, as plain values."""
    report, found = full.report, document(full)
    classified = report.classification_report
    parts = {
        name: found[name].get(key)
        for name in (
            "labels",
            "auroc",
            "average_precision",
            "operating_points",
            "sensitive_points",
            "confusion",
            "rates",
            "errors",
        )
    }
    for name in ("calibration_error", "calibration"):
        parts |= {f"{name} {when}": of.get(key) for when, of in found[name].items()}
    parts["bands"] = found["flag_worth"]["bands"].get(key)
    parts["flags"] = [of.get(key) for of in found["flag_worth"]["rates"].values()]
    parts["groups"] = [one for one in found["groups"] if one["finding"] == key]
    parts["view"] = [one for one in found["view_alone"] if one["finding"] == key]
    if classified is not None:
        parts["classified"] = to_plain_values(classified.values[LABELS[key]])
    csv = metrics_table(full)
    shared = csv["figure"].str.startswith("films_also")  # of two findings at once
    parts["csv"] = csv[(csv["finding"] == key) & ~shared].to_csv(index=False)
    return parts
