"""The interval on the logit scale, written out a second time, to hold the package's against."""

from collections.abc import Sequence

import numpy as np
from scipy.special import expit, logit
from scipy.stats import t as student


def logit_interval(
    estimate: float, drawn: Sequence[float] | np.ndarray, units: int
) -> tuple[float, float]:
    """Both ends from a figure, the same figure on repeated rows (R,), and its patients."""
    error = np.std(drawn, ddof=1) * np.sqrt(units / (units - 1)) / (estimate * (1 - estimate))
    low, high = expit(logit(estimate) + np.array(student.interval(0.95, units - 1)) * error)
    return float(low), float(high)
