"""What a threshold does to films with known labels: rates, predictive values, likelihood ratios.

Predictive values depend on how common the finding is. ``ppv_at`` and ``npv_at`` say what they
would be at another prevalence, by Bayes' rule from sensitivity and specificity: right as long
as films with the finding, and films without it, look there as they do here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cxr_core.errors import ConfigError
from cxr_core.evaluation.metrics.bootstrap import (
    NOT_ESTIMABLE,
    Floats,
    Interval,
    Resamples,
    judged,
    ratio_intervals,
    resampled_ratios,
)
from cxr_core.evaluation.metrics.operating_points import Confusion, confusion
from cxr_core.findings import KEYS

# The share of films with a finding that a probability assumes, and the same at another share.
#
# It needs numpy alone, and it never decides: a film that is above its cut-off stays above, since
# probability and cut-off are moved by one rising function.


def assumed_prevalence(labels: ArrayLike) -> dict[str, float]:
    """Share of each label among the films that the calibration was fitted on, by finding key.

    With one free offset a finding, maximum likelihood makes the mean calibrated probability of
    those films equal this share: it is the prevalence that the probabilities assume.

    Args:
        labels: (N, 4) of 0 and 1, N at least 1.
    """
    shares = np.asarray(labels, dtype=np.float64).mean(axis=0)  # (4,)
    return {key: float(share) for key, share in zip(KEYS, shares, strict=True)}


def rebase(probability: float, *, assumed: float, site: float) -> float:
    """A calibrated probability, or a cut-off on it, at another prevalence.

    The odds are multiplied by the ratio of the prevalences' odds (Saerens, Latinne and
    Decaestecker, Neural Computation 2002, eq. 2.4): right as long as films with the finding, and
    films without it, look at the site as they do where the model was calibrated. Every step below
    rounds without ever turning an order round, so p >= q gives rebase(p) >= rebase(q) exactly.

    Args:
        probability: 0 to 1.
        assumed: prevalence that the probability assumes, between 0 and 1.
        site: prevalence at the site, between 0 and 1.

    Raises:
        ConfigError: a prevalence is not between 0 and 1, or the probability lies outside 0 to 1.
    """
    for share in (assumed, site):
        if not 0.0 < share < 1.0:
            raise ConfigError(
                "A prevalence of never or always leaves nothing to tell",
                value=f"{100 * share:g} %",
                remedy="Give a share of films between 0 and 100 %, for example 5 %.",
            )
    if not 0.0 <= probability <= 1.0:
        raise ConfigError(
            "A probability lies outside 0 to 1",
            value=probability,
            remedy="Re-base calibrated probabilities only, not logits.",
        )
    if probability == 0.0:
        return 0.0
    ratio = (assumed * (1.0 - site)) / ((1.0 - assumed) * site)
    return 1.0 / (1.0 + (1.0 - probability) / probability * ratio)


@dataclass(frozen=True)
class AtThreshold:
    """One finding at one threshold; an interval that cannot be given is "too few".

    Attributes:
        threshold: probability, 0 to 1.
        counts: films by label and call.
        sensitivity, specificity: shares of the films with, and without, the finding.
        ppv, npv: predictive values at the prevalence of these films.
        positive_ratio: sensitivity / (1 - specificity): how many times likelier a film with the
            finding is above than one without it. Not estimable without a false alarm.
        negative_ratio: (1 - sensitivity) / specificity: the same for below. Not estimable
            without a miss.
        prevalence: 0 to 1, that of the next two; None where none was set.
        ppv_at, npv_at: predictive values there.
    """

    threshold: float
    counts: Confusion
    sensitivity: Interval
    specificity: Interval
    ppv: Interval
    npv: Interval
    positive_ratio: Interval
    negative_ratio: Interval
    prevalence: float | None
    ppv_at: Interval
    npv_at: Interval


def at_threshold(
    labels: ArrayLike,
    probabilities: ArrayLike,
    threshold: float,
    resamples: Resamples,
    *,
    prevalence: float | None = None,
) -> AtThreshold:
    """Every figure of a threshold, with 95 % intervals.

    Args:
        labels: (N,) of 0 and 1.
        probabilities: (N,) on the threshold's scale; above is ``probability >= threshold``.
        resamples: of these N films' patients.
        prevalence: share of films with the finding where the reader works.

    Raises:
        ConfigError: the prevalence is not between 0 and 1.
    """
    if prevalence is not None and not 0.0 < prevalence < 1.0:
        raise ConfigError(
            "A prevalence of never or always leaves nothing to predict",
            value=f"{100 * prevalence:g} %",
            remedy="Give a share of films between 0 and 100 %, for example 5 %.",
        )
    ill = np.asarray(labels).astype(bool)
    above = np.asarray(probabilities, dtype=np.float64) >= threshold
    counts = confusion(ill, probabilities, threshold)
    hits = np.stack([above & ill, ~above & ~ill, above & ill, ~above & ~ill], axis=1)
    among = np.stack([ill, ~ill, above, ~above], axis=1)  # (N, 4)
    sensitivity, specificity, ppv, npv = ratio_intervals(hits, among, resamples)
    # The figures themselves stand in row 0, each resample in a row below.
    itself = np.array([[counts.sensitivity, counts.specificity]])
    drawn = resampled_ratios(hits[:, :2], among[:, :2], resamples)  # (R, 2)
    caught, spared = np.concatenate([itself, drawn]).T  # (R + 1,) each
    missed, alarmed = 1 - caught, 1 - spared
    enough = sensitivity.estimable and specificity.estimable
    pi = prevalence or 0.0
    derived = (
        (caught, alarmed),
        (missed, spared),
        (pi * caught, pi * caught + (1 - pi) * alarmed),
        ((1 - pi) * spared, (1 - pi) * spared + pi * missed),
    )
    found = [_interval(_ratio(*pair)) if enough else NOT_ESTIMABLE for pair in derived]
    if prevalence is None:
        found[2:] = [NOT_ESTIMABLE, NOT_ESTIMABLE]
    return AtThreshold(
        threshold, counts, sensitivity, specificity, ppv, npv, found[0], found[1],
        prevalence, found[2], found[3],
    )  # fmt: skip


def _ratio(top: Floats, bottom: Floats) -> Floats:
    """Elementwise: x / 0 is infinite, 0 / 0 is nan."""
    with np.errstate(divide="ignore", invalid="ignore"):
        result: Floats = top / bottom
    return result


def _interval(values: Floats) -> Interval:
    """The figure and its resamples, (1 + R,); infinite ratios count as larger than all others.

    Not estimable where an end is infinite, or where the resamples show no spread: a rate of
    0 or 1 on these films would make a ratio look certain.
    """
    drawn = values[1:][~np.isnan(values[1:])]
    left_out = len(values) - 1 - len(drawn)
    if len(drawn) == 0:
        return NOT_ESTIMABLE
    with np.errstate(invalid="ignore"):  # between two infinite ones there is no number
        low, high = np.quantile(drawn, [0.025, 0.975])
    if low == high:
        return NOT_ESTIMABLE
    return judged(float(values[0]), float(low), float(high), left_out=left_out)
