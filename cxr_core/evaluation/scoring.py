"""Raw logits -> calibrated probabilities, the fit of that step, and distances from cut-offs.

``cxr_core.reading`` imports this module, so it does without pandas.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from cxr_core.arrays import Floats
from cxr_core.config import Calibration, OperatingPoint
from cxr_core.errors import CalibrationError, DataError
from cxr_core.findings import KEYS

# Added to the summed cross-entropy: RIDGE / 2 * (slope of the standardised logits)^2. Without it
# separable films would draw the scale to infinity; on a few hundred overlapping films it moves
# the scale by less than a thousandth.
L2_PENALTY = 0.01
_MAX_ITERATIONS = 100
_TOLERANCE = 1e-12  # relative to the summed cross-entropy, above its rounding
# The one clip before a logit: a probability of 0 or 1 would be infinitely far from all others.
PROBABILITY_EPS = 1e-9


def apply_calibration(logits: ArrayLike, calibration: Calibration) -> Floats:
    """Raw logits (..., 4) -> calibrated logits (..., 4), float64: scale * logit + offset."""
    raw = np.asarray(logits, dtype=np.float64)
    result: Floats = calibration.scale * raw + np.asarray(calibration.offsets)
    return result


def to_probabilities(logits: ArrayLike, calibration: Calibration) -> Floats:
    """Raw logits (..., 4) -> calibrated probabilities (..., 4), float64, 0 to 1."""
    return sigmoid(apply_calibration(logits, calibration))


def sigmoid(logits: ArrayLike) -> Floats:
    """Logits -> probabilities, elementwise, float64."""
    result: Floats = expit(np.asarray(logits, dtype=np.float64))
    return result


def finite_logit(probabilities: ArrayLike) -> Floats:
    """Probabilities -> logits, elementwise, float64, at most 20.7 either way."""
    p = np.asarray(probabilities, dtype=np.float64)
    result: Floats = logit(np.clip(p, PROBABILITY_EPS, 1 - PROBABILITY_EPS))
    return result


def fit_calibration(logits: ArrayLike, labels: ArrayLike) -> Calibration:
    """One scale shared by the findings and one offset each, by maximum likelihood.

    Platt's scaling (Platt 1999) with a common slope: minimises the binary cross-entropy summed
    over films and findings, by Newton's method; the problem is convex. ``L2_PENALTY`` keeps the
    scale finite on separable films.

    Args:
        logits: (N, 4) raw logits of films that were not trained on.
        labels: (N, 4) of 0 and 1.

    Raises:
        CalibrationError: logits that are all the same, or do not rise with the labels.
        DataError: shapes that do not fit, values that are not finite or not 0 and 1, or a finding
            with films of one class only.
    """
    z, y = _validate(logits, labels)  # (N, K), (N, K)
    centre = z.mean(axis=0)  # (K,)
    spread = float(np.sqrt(np.mean((z - centre) ** 2)))
    if spread == 0.0:
        raise CalibrationError(
            "The logits are the same for every film, so no calibration fits them",
            value=f"{len(z):,} films",
            remedy="Train the model before calibrating it.",
        )
    parameters = _newton((z - centre) / spread, y)
    scale = float(parameters[0] / spread)
    if scale <= 0:
        raise CalibrationError(
            "The logits do not rise with the labels, so calibration would reverse the ranking",
            value=f"best scale {scale:.3g} on {len(z):,} films",
            remedy="Check that logits and labels belong to the same films, or train longer.",
        )
    return Calibration(scale, tuple(float(b) for b in parameters[1:] - scale * centre))


def _newton(z: Floats, y: Floats) -> Floats:
    """Minimise over (slope, K offsets): (N, K) standardised logits and labels -> (1 + K,)."""
    rate = y.mean(axis=0)  # (K,) strictly between 0 and 1
    parameters = np.concatenate([[0.0], logit(rate)])
    loss = _loss(parameters, z, y)
    for _ in range(_MAX_ITERATIONS):
        p = sigmoid(parameters[0] * z + parameters[1:])  # (N, K)
        residual, weight = p - y, p * (1.0 - p)
        gradient = np.concatenate(
            [[(residual * z).sum() + L2_PENALTY * parameters[0]], residual.sum(axis=0)]
        )
        hessian = np.diag(
            np.concatenate([[(weight * z * z).sum() + L2_PENALTY], weight.sum(axis=0) + 1e-12])
        )
        hessian[0, 1:] = hessian[1:, 0] = (weight * z).sum(axis=0)
        step = np.linalg.solve(hessian, gradient)
        slack = _TOLERANCE * (1.0 + loss)
        if gradient @ step <= slack:  # twice the decrease that a whole step promises
            return parameters
        size = 1.0
        while size > 1e-6 and _loss(parameters - size * step, z, y) > loss + slack:
            size /= 2.0
        parameters = parameters - size * step
        loss = _loss(parameters, z, y)
    raise CalibrationError(
        "The calibration did not converge",
        value=f"{_MAX_ITERATIONS} steps on {len(z):,} films",
        remedy="Look for extreme logits in the predictions table.",
    )


def _loss(parameters: Floats, z: Floats, y: Floats) -> float:
    logits = parameters[0] * z + parameters[1:]  # (N, K)
    cross_entropy = np.logaddexp(0.0, logits) - y * logits
    return float(cross_entropy.sum() + L2_PENALTY / 2.0 * parameters[0] ** 2)


def _validate(logits: ArrayLike, labels: ArrayLike) -> tuple[Floats, Floats]:
    z = np.asarray(logits, dtype=np.float64)
    y = np.asarray(labels, dtype=np.float64)
    findings = len(Calibration().offsets)
    if z.ndim != 2 or z.shape[1] != findings or y.shape != z.shape:
        raise DataError(
            "Logits and labels do not have the same shape (films, findings)",
            value=f"{z.shape} and {y.shape}",
            remedy=f"Give two arrays of shape (films, {findings}).",
        )
    if len(z) == 0:
        raise DataError(
            "There is no film to calibrate on", value="0 films", remedy="Give validation films."
        )
    if not np.isfinite(z).all():
        raise DataError(
            "Calibration needs finite logits",
            value=f"{int((~np.isfinite(z)).sum()):,} of {z.size:,}",
            remedy="Train again with a lower learning rate.",
        )
    if not np.isin(y, (0.0, 1.0)).all():
        raise DataError(
            "Calibration needs labels of 0 and 1",
            value=y[~np.isin(y, (0.0, 1.0))][0],
            remedy="Write 1 where the film has the finding and 0 where it does not.",
        )
    positives = y.sum(axis=0)
    if (positives == 0).any() or (positives == len(y)).any():
        raise DataError(
            "A finding has validation films of one class only, so it cannot be calibrated",
            value=f"positives per finding {[int(p) for p in positives]} of {len(y):,} films",
            remedy="Put more films into the validation set.",
        )
    return z, y


# How far a film is from its cut-offs, and which regions take it there: calibrated logits.


def cutoff_logits(points: Mapping[str, OperatingPoint]) -> Floats:
    """(4,) operating points as calibrated logits, in the order of ``KEYS``."""
    return finite_logit([points[key].threshold for key in KEYS])


def margins(
    logits: ArrayLike, calibration: Calibration, points: Mapping[str, OperatingPoint]
) -> Floats:
    """Raw logits (..., 4) -> calibrated logits less the cut-offs (..., 4); above is positive."""
    result: Floats = apply_calibration(logits, calibration) - cutoff_logits(points)
    return result


def margin_maps(
    evidence: ArrayLike,
    logits: ArrayLike,
    calibration: Calibration,
    points: Mapping[str, OperatingPoint],
) -> Floats:
    """Evidence with its zero at the cut-off: scale * (map + bias) + offset - cut-off.

    A map's mean plus the classifier's bias is the raw logit, so the mean of the result is the
    film's margin: the regions that together take it above or below its cut-off.

    Args:
        evidence: (..., 4, h, w) signed Grad-CAM, raw logit units.
        logits: (..., 4) raw logits of the same films.

    Returns:
        (..., 4, h, w), calibrated logit units.
    """
    maps = np.asarray(evidence, dtype=np.float64)  # (..., 4, h, w)
    centred = maps - maps.mean(axis=(-2, -1), keepdims=True)
    margin = margins(logits, calibration, points)[..., None, None]  # (..., 4, 1, 1)
    result: Floats = calibration.scale * centred + margin
    return result
