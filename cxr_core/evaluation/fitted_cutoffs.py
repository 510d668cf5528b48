"""Cut-offs that the films on show offer by themselves: the aim's, Youden's, or one of a rate.

They are fitted on the very films on which they are then measured, so what they reach there is
optimistic; the operating point from validation is not.
"""

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cxr_core.config import OperatingPoint
from cxr_core.errors import DataError
from cxr_core.evaluation.bootstrap import Floats
from cxr_core.evaluation.curves import roc
from cxr_core.evaluation.operating_points import fit_operating_points
from cxr_core.evaluation.predictions import labels_of, patients_of

Preset = Literal["youden", "sensitivity", "specificity"]
PRESETS: tuple[Preset, ...] = ("youden", "sensitivity", "specificity")
TARGET = 0.90  # of the sensitivity, or of the specificity
_ROUNDING = 1e-9  # 0.9 * 30 is not quite 27 in floating point


def preset_cutoff(labels: ArrayLike, probabilities: ArrayLike, preset: Preset) -> float | None:
    """A cut-off among the probabilities that occur; a film is above at ``probability >= it``.

    ``youden``: the highest with the largest sensitivity + specificity - 1 (Youden, Cancer 1950).
    ``sensitivity``: the highest with a sensitivity of at least 0.90. ``specificity``: the lowest
    with a specificity of at least 0.90.

    Args:
        labels: (N,) of 0 and 1.
        probabilities: (N,) 0 to 1.

    Returns:
        0 to 1; None where a class is missing, or no film may be above.
    """
    curve = roc(labels, probabilities, drop_collinear=False)  # thresholds fall
    if len(curve.thresholds) == 0:
        return None
    if preset == "youden":
        at = int(np.argmax(curve.tpr - curve.fpr))
    elif preset == "sensitivity":
        at = int(np.argmax(curve.tpr >= TARGET - _ROUNDING))
    else:
        at = int(np.flatnonzero(curve.fpr <= 1 - TARGET + _ROUNDING)[-1])
    # The curve's first point lies above every film: it calls nothing, and is no cut-off.
    return float(curve.thresholds[at]) if at > 0 else None


def points_of(table: pd.DataFrame, probabilities: Floats) -> dict[str, OperatingPoint] | None:
    """Operating points fitted on a table's own films, as ``fit_operating_points`` does on
    validation films; None where a class is missing.

    Args:
        table: a validated predictions table.
        probabilities: (N, 4) of its films.
    """
    patients = patients_of(table)
    units = table["image"].to_numpy(dtype=str) if patients is None else patients
    try:
        return fit_operating_points(probabilities, labels_of(table), units, n_resamples=200)
    except DataError:
        return None  # whoever shows it says that there is no cut-off, and why
