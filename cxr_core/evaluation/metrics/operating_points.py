"""Cut-offs on the calibrated probability, and what a cut-off does to films with known labels.

A film is above a cut-off when its calibrated probability is >= the cut-off.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cxr_core.arrays import Floats
from cxr_core.config import OperatingPoint
from cxr_core.errors import DataError
from cxr_core.evaluation.cutoffs import Cutoffs
from cxr_core.evaluation.metrics.bootstrap import Resamples, percentiles, resample_units
from cxr_core.evaluation.metrics.labelled import labelled_films
from cxr_core.evaluation.metrics.ranking import roc
from cxr_core.evaluation.predictions import keys_of, labels_of, patients_of
from cxr_core.findings import KEYS, label_of

Criterion = Literal["sensitivity", "specificity"]
TARGET = 0.90  # the least sensitivity of one cut-off, the least specificity of the other
_ROUNDING = 1e-9  # 0.8 * 35 is not quite 28 in floating point
CutoffRule = Literal["youden", "sensitivity", "specificity"]
CUTOFF_RULES: tuple[CutoffRule, ...] = ("youden", "sensitivity", "specificity")
RULE_TARGET = 0.90  # of the sensitivity, or of the specificity


@dataclass(frozen=True)
class ConfusionMatrix:
    """Films by label and call; the rates are nan where nothing is in the denominator."""

    tp: int
    fp: int
    fn: int
    tn: int

    @property
    def sensitivity(self) -> float:
        """Share of the films with the finding that are above."""
        return _share(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> float:
        """Share of the films without the finding that are below."""
        return _share(self.tn, self.tn + self.fp)

    @property
    def ppv(self) -> float:
        """Positive predictive value: share of the films above that have the finding."""
        return _share(self.tp, self.tp + self.fp)


def count_confusion(
    labels: ArrayLike, probabilities: ArrayLike, threshold: float
) -> ConfusionMatrix:
    """Confusion matrix of one finding; a film is above at ``probability >= threshold``.

    Args:
        labels: (N,) of 0 and 1.
        probabilities: (N,) on the threshold's own scale, i.e. calibrated.
    """
    y = np.asarray(labels).astype(bool)
    above = np.asarray(probabilities, dtype=np.float64) >= threshold
    return ConfusionMatrix(
        tp=int((above & y).sum()),
        fp=int((above & ~y).sum()),
        fn=int((~above & y).sum()),
        tn=int((~above & ~y).sum()),
    )


def fit_cutoffs(
    probabilities: ArrayLike,
    labels: ArrayLike,
    patients: Sequence[object] | NDArray[np.generic],
    *,
    keys: Sequence[str] = KEYS,
    columns: Sequence[str] = KEYS,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Cutoffs:
    """Both cut-offs of every finding, from validation films only.

    The specific one is the lowest with a specificity of at least 0.90, the sensitive one the
    highest with a sensitivity of at least 0.90. Where a very good model's two would cross, the
    specific one meets both targets and is taken for both: nothing lies between.

    Args:
        probabilities: (N, K), calibrated.
        labels: (N, K) as ``predictions.labels_of`` gives them.
        patients: (N,) each film's patient.
        keys: the findings to fit.
        columns: of the K findings of the arrays.

    Raises:
        DataError: as ``fit_operating_points``.
    """

    def fit(criterion: Criterion) -> dict[str, OperatingPoint]:
        return fit_operating_points(
            probabilities,
            labels,
            patients,
            criterion=criterion,
            keys=keys,
            columns=columns,
            n_resamples=n_resamples,
            seed=seed,
        )

    specific, sensitive = fit("specificity"), fit("sensitivity")
    for key, point in specific.items():
        if sensitive[key].threshold > point.threshold:
            sensitive[key] = replace(point, criterion="sensitivity", target=TARGET)
    return Cutoffs(specific, sensitive)


def fit_operating_points(
    probabilities: ArrayLike,
    labels: ArrayLike,
    patients: Sequence[object] | NDArray[np.generic],
    *,
    criterion: Criterion,
    target: float = TARGET,
    keys: Sequence[str] = KEYS,
    columns: Sequence[str] = KEYS,
    n_resamples: int = 2000,
    seed: int = 0,
) -> dict[str, OperatingPoint]:
    """One cut-off a finding, from validation films only.

    The highest cut-off with a sensitivity of at least ``target``, or the lowest with such a
    specificity. Cut-offs are taken among the probabilities that occur, as on the ROC. The
    interval resamples patients.

    Args:
        probabilities: (N, K), calibrated.
        labels: (N, K) as ``predictions.labels_of`` gives them; a finding's cut-off is fitted on
            the films that have its label.
        patients: (N,) each film's patient.
        target: 0 to 1.
        keys: the findings to fit.
        columns: of the K findings of the arrays.

    Raises:
        DataError: a finding without a positive or without a negative film, or with no cut-off
            that reaches its target.
    """
    p, y = np.asarray(probabilities, dtype=np.float64), np.asarray(labels)
    resamples = resample_units(patients, n_resamples=n_resamples, seed=seed)
    points: dict[str, OperatingPoint] = {}
    for key in keys:
        k = list(columns).index(key)
        films = labelled_films(y, k, resamples)
        ill, of_films = films.labels == 1, p[films.mask, k]  # (n,), (n,)
        _require_both_classes(ill, key)
        # Every film once: the same code gives the cut-off itself.
        once = Resamples(
            np.ones((1, resamples.counts.shape[1]), np.uint8), films.resamples.patient_index
        )
        threshold = float(_resampled_cutoffs(ill, of_films, once, criterion, target)[0])
        if threshold > 1.0:
            raise DataError(
                f"No cut-off for {label_of(key)} reaches a {criterion} of {target:.2f}",
                value=f"too many of its {films.n:,} validation films have a probability of 1",
                remedy="Train or calibrate the model again.",
            )
        drawn = _resampled_cutoffs(ill, of_films, films.resamples, criterion, target)
        low, high = percentiles(np.minimum(drawn, 1.0))
        reached = count_confusion(ill, of_films, threshold)
        points[key] = OperatingPoint(
            threshold=threshold,
            low=low,
            high=high,
            criterion=criterion,
            target=target,
            sensitivity=reached.sensitivity,
            specificity=reached.specificity,
        )
    return points


def _resampled_cutoffs(
    y: NDArray[np.bool_], p: Floats, resamples: Resamples, criterion: Criterion, target: float
) -> Floats:
    """The cut-off in every resample, (R,); nan where the class it counts vanished."""
    if criterion == "sensitivity":
        return _highest_sensitive(p[y], resamples.subset(y), target)
    return _lowest_specific(y, p, resamples, target)


def _highest_sensitive(p: Floats, resamples: Resamples, target: float) -> Floats:
    """(n,) probabilities of positives -> the one at which ``target`` of them are reached."""
    order = np.argsort(-p, kind="stable")  # (n,)
    found = []
    for (weights,) in resamples.weights(order):  # (r, n)
        reached = np.cumsum(weights, axis=1, dtype=np.int64)  # (r, n)
        needed = target * reached[:, -1:] - _ROUNDING
        at = np.argmax(reached >= needed, axis=1)  # (r,) first film that completes the share
        found.append(np.where(reached[:, -1] > 0, p[order][at], np.nan))
    return np.concatenate(found)


def _lowest_specific(
    y: NDArray[np.bool_], p: Floats, resamples: Resamples, target: float
) -> Floats:
    """All films -> the lowest probability with ``target`` of the negatives below it."""
    order = np.argsort(-p, kind="stable")  # (n,) falling
    ranked, negative = p[order], ~y[order]
    tie = np.searchsorted(-ranked, -ranked, side="left")  # (n,) films above this one's value
    found = []
    for (weights,) in resamples.weights(order):  # (r, n)
        above = np.cumsum(weights * negative, axis=1, dtype=np.int64)  # (r, n)
        allowed = (1.0 - target) * above[:, -1:] + _ROUNDING
        excess = np.argmax(above > allowed, axis=1)  # (r,) first negative too many
        present = np.where(weights > 0, np.arange(len(order)), -1)
        lowest = np.maximum.accumulate(present, axis=1)  # (r, n) nearest film drawn, upwards
        higher = tie[excess]  # (r,) films strictly above that negative
        at = np.where(higher > 0, lowest[np.arange(len(lowest)), higher - 1], -1)
        beyond = np.nextafter(ranked[excess], math.inf)  # where no film drawn is higher
        cutoff = np.where(at >= 0, ranked[at], beyond)
        found.append(np.where(above[:, -1] > 0, cutoff, np.nan))
    return np.concatenate(found)


def _require_both_classes(y: NDArray[np.bool_], key: str) -> None:
    for wanted, words in ((True, "with"), (False, "without")):
        if not (y == wanted).any():
            raise DataError(
                f"No cut-off for {label_of(key)}: there is no validation film {words} it",
                value=f"0 of {len(y):,} films",
                remedy="Put more films into the validation set.",
            )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


# Cut-offs that the films on show offer by themselves: the aim's, Youden's, or one of a rate.
#
# They are fitted on the very films on which they are then measured, so what they reach there is
# optimistic; the operating point from validation is not.


def cutoff_by_rule(labels: ArrayLike, probabilities: ArrayLike, rule: CutoffRule) -> float | None:
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
    if rule == "youden":
        at = int(np.argmax(curve.tpr - curve.fpr))
    elif rule == "sensitivity":
        at = int(np.argmax(curve.tpr >= RULE_TARGET - _ROUNDING))
    else:
        at = int(np.flatnonzero(curve.fpr <= 1 - RULE_TARGET + _ROUNDING)[-1])
    # The curve's first point lies above every film: it calls nothing, and is no cut-off.
    return float(curve.thresholds[at]) if at > 0 else None


def cutoffs_of_table(table: pd.DataFrame, probabilities: Floats) -> Cutoffs | None:
    """Cut-offs fitted on a table's own films, as ``fit_cutoffs`` does on validation films; None
    where none can be fitted. A finding without a label, or with films of one class alone, gets
    none; the others do.

    Args:
        table: a validated predictions table.
        probabilities: (N, K) of its films.
    """
    patients = patients_of(table)
    patient_ids = table["image"].to_numpy(dtype=str) if patients is None else patients
    labels = labels_of(table)  # (N, K)
    columns = keys_of(table)
    fitted = []
    for k, key in enumerate(columns):
        if not {0, 1} <= set(labels[:, k]):
            continue  # whoever shows it says that there is no cut-off
        try:
            fitted.append(
                fit_cutoffs(
                    probabilities, labels, patient_ids, keys=[key], columns=columns, n_resamples=200
                )
            )
        except DataError:  # none reaches its target
            continue
    if not fitted:
        return None
    sensitive = {key: point for one in fitted for key, point in (one.sensitive or {}).items()}
    return Cutoffs({key: at for one in fitted for key, at in one.specific.items()}, sensitive)
