"""The resamples of a predictions table: of its patients, or of its images where it names none."""

import pandas as pd

from cxr_core.evaluation.bootstrap import Resamples, resample_patients
from cxr_core.evaluation.predictions import patients_of


def draw(table: pd.DataFrame, *, n_resamples: int = 2000, seed: int = 0) -> Resamples:
    """The same draws as ``evaluate_predictions`` makes with this seed, so that what is computed
    later (a band, a moved threshold) belongs to the intervals already shown.

    Args:
        table: a validated predictions table of N rows.

    Raises:
        ConfigError: no resample is asked for.
    """
    patients = patients_of(table)
    units = table["image"].to_numpy() if patients is None else patients
    return resample_patients(units, n_resamples=n_resamples, seed=seed)
