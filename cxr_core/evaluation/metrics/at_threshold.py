"""What a threshold does to films with known labels: rates, predictive values, likelihood ratios.

Predictive values depend on how common the finding is. ``ppv_at`` and ``npv_at`` say what they
would be at another prevalence, by Bayes' rule from sensitivity and specificity: right as long
as films with the finding, and films without it, look there as they do here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cxr_core.arrays import Floats
from cxr_core.errors import ConfigError
from cxr_core.evaluation.metrics.bootstrap import (
    NOT_ESTIMABLE,
    NOT_LABELLED,
    Interval,
    Resamples,
    make_interval,
    proportion_intervals,
    resampled_ratios,
)
from cxr_core.evaluation.metrics.operating_points import ConfusionMatrix, count_confusion
from cxr_core.evaluation.predictions import is_labelled
from cxr_core.findings import KEYS

# The share of films with a finding that a probability assumes, and the same at another share.
#
# It never decides: a film that is above its cut-off stays above, since probability and cut-off are
# moved by one rising function.


def assumed_prevalence(labels: ArrayLike) -> dict[str, float]:
    """Share of each label among the films that the calibration was fitted on, by finding key; nan
    for a finding that none of them has a label of.

    With one free offset a finding, maximum likelihood makes the mean calibrated probability of
    those films equal this share: it is the prevalence that the probabilities assume.

    Args:
        labels: (N, 4) as ``predictions.labels_of`` gives them, N at least 1.
    """
    columns = [column[is_labelled(column)] for column in np.asarray(labels).T]
    return {
        key: float(column.mean()) if len(column) else float("nan")
        for key, column in zip(KEYS, columns, strict=True)
    }


def adjust_for_prevalence(
    probability: float, *, from_prevalence: float, to_prevalence: float
) -> float:
    """A calibrated probability, or a cut-off on it, at another prevalence.

    The odds are multiplied by the ratio of the prevalences' odds (Saerens, Latinne and
    Decaestecker, Neural Computation 2002, eq. 2.4): right as long as films with the finding, and
    films without it, look at the site as they do where the model was calibrated. Every step below
    rounds without ever turning an order round, so p >= q gives rebase(p) >= rebase(q) exactly.

    Args:
        probability: 0 to 1.
        from_prevalence: prevalence that the probability assumes, between 0 and 1.
        to_prevalence: prevalence at the site, between 0 and 1.

    Raises:
        ConfigError: a prevalence is not between 0 and 1, or the probability lies outside 0 to 1.
    """
    for share in (from_prevalence, to_prevalence):
        if not 0.0 < share < 1.0:
            raise ConfigError(
                "A prevalence must lie between 0 and 100 %",
                value=f"{100 * share:g} %",
                remedy="Give a share of films between 0 and 100 %, for example 5 %.",
            )
    if not 0.0 <= probability <= 1.0:
        raise ConfigError(
            "A probability lies outside 0 to 1",
            value=probability,
            remedy="Give calibrated probabilities, not logits.",
        )
    if probability == 0.0:
        return 0.0
    ratio = (from_prevalence * (1.0 - to_prevalence)) / ((1.0 - from_prevalence) * to_prevalence)
    return 1.0 / (1.0 + (1.0 - probability) / probability * ratio)


@dataclass(frozen=True)
class ThresholdMetrics:
    """One finding at one threshold; an interval that cannot be given is "too few".

    Attributes:
        threshold: probability, 0 to 1.
        confusion: films by label and call.
        sensitivity, specificity: shares of the films with, and without, the finding.
        ppv, npv: predictive values at the prevalence of these films.
        positive_likelihood_ratio: sensitivity / (1 - specificity): how many times likelier a film
            with the finding is above than one without it. Not estimable without a false alarm.
        negative_likelihood_ratio: (1 - sensitivity) / specificity: the same for below. Not
            estimable without a miss.
        prevalence: 0 to 1, that of the next two; None where none was set.
        ppv_at_prevalence, npv_at_prevalence: predictive values there.
    """

    threshold: float
    confusion: ConfusionMatrix
    sensitivity: Interval
    specificity: Interval
    ppv: Interval
    npv: Interval
    positive_likelihood_ratio: Interval
    negative_likelihood_ratio: Interval
    prevalence: float | None
    ppv_at_prevalence: Interval
    npv_at_prevalence: Interval


def threshold_metrics(
    labels: ArrayLike,
    probabilities: ArrayLike,
    threshold: float,
    resamples: Resamples,
    *,
    prevalence: float | None = None,
) -> ThresholdMetrics:
    """Every figure of a threshold, with 95 % intervals.

    Args:
        labels: (N,) of 0 and 1; without any, every figure is "not labelled".
        probabilities: (N,) on the threshold's scale; above is ``probability >= threshold``.
        resamples: of these N films' patients.
        prevalence: share of films with the finding where the reader works.

    Raises:
        ConfigError: the prevalence is not between 0 and 1.
    """
    if prevalence is not None and not 0.0 < prevalence < 1.0:
        raise ConfigError(
            "A prevalence must lie between 0 and 100 %",
            value=f"{100 * prevalence:g} %",
            remedy="Give a share of films between 0 and 100 %, for example 5 %.",
        )
    positive = np.asarray(labels).astype(bool)
    above = np.asarray(probabilities, dtype=np.float64) >= threshold
    counts = count_confusion(positive, probabilities, threshold)
    hits = np.stack(
        [above & positive, ~above & ~positive, above & positive, ~above & ~positive], axis=1
    )
    if len(positive) == 0:
        none = NOT_LABELLED
        return ThresholdMetrics(
            threshold, counts, none, none, none, none, none, none, prevalence, none, none
        )
    among = np.stack([positive, ~positive, above, ~above], axis=1)  # (N, 4)
    sensitivity, specificity, ppv, npv = proportion_intervals(hits, among, resamples)
    # The figures themselves stand in row 0, each resample in a row below.
    point_estimate = np.array([[counts.sensitivity, counts.specificity]])
    drawn = resampled_ratios(hits[:, :2], among[:, :2], resamples)  # (R, 2)
    sensitivities, specificities = np.concatenate([point_estimate, drawn]).T  # (R + 1,) each
    false_negative_rates, false_positive_rates = 1 - sensitivities, 1 - specificities
    enough = sensitivity.estimable and specificity.estimable
    pi = prevalence or 0.0
    derived = (
        (sensitivities, false_positive_rates),
        (false_negative_rates, specificities),
        (pi * sensitivities, pi * sensitivities + (1 - pi) * false_positive_rates),
        ((1 - pi) * specificities, (1 - pi) * specificities + pi * false_negative_rates),
    )
    found = [_interval(_ratio(*pair)) if enough else NOT_ESTIMABLE for pair in derived]
    if prevalence is None:
        found[2:] = [NOT_ESTIMABLE, NOT_ESTIMABLE]
    return ThresholdMetrics(
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
    return make_interval(float(values[0]), float(low), float(high), left_out=left_out)
