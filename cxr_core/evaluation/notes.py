"""What a predictions table could not tell, in whole sentences."""

from collections.abc import Mapping

import pandas as pd

from cxr_core.config import Calibration, OperatingPoint
from cxr_core.evaluation.bootstrap import Interval
from cxr_core.evaluation.predictions import NUMBER_COLUMNS, has_logits, patients_of
from cxr_core.evaluation.subgroups import COLUMNS, MOST_VALUES
from cxr_core.findings import LABELS


def report_notes(
    table: pd.DataFrame,
    points: Mapping[str, OperatingPoint],
    calibration: Calibration | None,
    *,
    auroc: Mapping[str, Interval],
    subgroups: bool,
) -> list[str]:
    """Sentences on what was absent, assumed or left out, so that nothing is missing in silence.

    Args:
        table: a validated predictions table.
        points: the operating points; empty where none were given.
        auroc: by finding key.
        subgroups: whether the subgroups were asked for.
    """
    notes = []
    if patients_of(table) is None:
        notes.append(
            "The table does not name the patients, so images are resampled: intervals are too "
            "narrow if patients have several films."
        )
    elif (alone := int((table["patient"] == "").sum())) > 0:
        notes.append(f"{alone:,} films name no patient; each counts as a patient of its own.")
    if not has_logits(table):
        notes.append("The table holds probabilities; they are taken as they are, uncalibrated.")
    elif calibration is None:
        notes.append("No calibration was given; probabilities are the plain sigmoid of the logits.")
    if not points:
        notes.append(
            "No operating points were given, so there is no confusion matrix and no "
            "classification report (0.5 is no cut-off)."
        )
    for key, area in auroc.items():
        if area.left_out:
            notes.append(
                f"{LABELS[key]}: {area.left_out:,} resamples had one class only and were left out."
            )
    return notes + (subgroup_notes(table) if subgroups else [])


def subgroup_notes(table: pd.DataFrame) -> list[str]:
    """Sentences on what the table does not tell, for the subgroups."""
    notes = []
    for name in COLUMNS:
        if name not in table:
            notes.append(f"The table has no column {name}: no subgroups by {name}.")
            continue
        told = table[name].notna() if name in NUMBER_COLUMNS else table[name] != ""
        unknown = int((~told).sum())
        if unknown:
            notes.append(f"{unknown:,} of {len(table):,} films have no {name}; they are in none.")
        kinds = table.loc[told, name].nunique()
        if name not in NUMBER_COLUMNS and kinds > MOST_VALUES:
            notes.append(
                f"The table tells {kinds:,} kinds of {name}; the {MOST_VALUES} commonest are shown."
            )
    return notes
