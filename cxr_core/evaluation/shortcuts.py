"""How far a model would get that saw a film's view and nothing else.

Films taken in bed (AP) are of sicker patients, so the view alone foretells findings. A model
whose area is no better than the view's, or that falls to chance within each view, may have
learnt the view.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxr_core.evaluation.areas import auroc_interval, is_estimable, resampled_auroc
from cxr_core.evaluation.bootstrap import NOT_ESTIMABLE, Floats, Interval, Resamples, interval
from cxr_core.evaluation.curves import auroc
from cxr_core.evaluation.predictions import labels_of, scores_of
from cxr_core.evaluation.subgroups import MOST_VALUES
from cxr_core.findings import KEYS, LABELS


@dataclass(frozen=True)
class ViewShortcut:
    """One finding.

    Attributes:
        finding: its key.
        model: AUROC of the model, over the films whose view is known.
        view_alone: AUROC of each film's share of the finding among films of its view.
        gain: ``model`` less ``view_alone``, paired by resample.
        within: AUROC of the model among the films of one view, by view, the commonest 20.
        fitted_here: the shares are those of these very films, so ``view_alone`` is optimistic;
            else they are those of validation films.
    """

    finding: str
    model: Interval
    view_alone: Interval
    gain: Interval
    within: dict[str, Interval]
    fitted_here: bool


def view_shares(table: pd.DataFrame) -> pd.DataFrame:
    """Share of each label among the films of a view: a row a view, a column a finding.

    Args:
        table: a validated predictions table with ``view``; films without a view are left out.
    """
    told = table[table["view"] != ""]
    labels = pd.DataFrame(labels_of(told), columns=list(KEYS), index=told["view"].to_numpy())
    return labels.groupby(level=0).mean()


def view_shortcuts(
    table: pd.DataFrame, resamples: Resamples, validation: pd.DataFrame | None = None
) -> list[ViewShortcut]:
    """The view alone beside the model, for each finding.

    Args:
        table: a validated predictions table.
        resamples: of its films' patients.
        validation: the model's validation films, which tell the shares; without them, or where
            they lack a view that occurs here, the shares are the table's own.

    Returns:
        Empty where the table has no ``view``, or fewer than two.
    """
    if "view" not in table:
        return []
    known = (table["view"] != "").to_numpy()
    views = table["view"][known].to_numpy(dtype=str)
    if len(np.unique(views)) < 2:
        return []
    shares, fitted_here = view_shares(table), True
    if validation is not None and "view" in validation:
        elsewhere = view_shares(validation)
        if set(views) <= set(elsewhere.index):
            shares, fitted_here = elsewhere, False
    predicted = shares.loc[views].to_numpy(dtype=np.float64)  # (n, 4)
    labels, scores = labels_of(table)[known], scores_of(table)[known]  # (n, 4), (n, 4)
    within = resamples.of(known)
    return [
        _shortcut(key, labels[:, k], scores[:, k], predicted[:, k], views, within, fitted_here)
        for k, key in enumerate(KEYS)
    ]


def shortcut_sentence(found: ViewShortcut) -> str:
    """What the figures say, in words: a shortcut, its absence, or that it cannot be told."""
    label = LABELS[found.finding]
    told = {view: area for view, area in found.within.items() if area.estimable}
    if not found.gain.estimable or not told:
        return f"{label}: too few films to tell whether the view is a shortcut."
    chance = [view for view, area in told.items() if area.low <= 0.5]
    if found.gain.low <= 0:
        return (
            f"{label}: the model is not shown to rank better than the view alone; it may have "
            "learnt the view."
        )
    if len(chance) == len(told):
        return (
            f"{label}: within {' and within '.join(chance)} the model may be at chance (0.50); "
            "what it shows over all films may be the view."
        )
    if chance:
        return (
            f"{label}: better than the view alone, but within {' and within '.join(chance)} "
            "chance (0.50) is not ruled out."
        )
    views = " and within ".join(told)
    return f"{label}: better than the view alone, and better than chance within {views}."


def _shortcut(
    key: str,
    y: NDArray[np.int64],
    s: Floats,
    predicted: Floats,
    views: NDArray[np.str_],
    resamples: Resamples,
    fitted_here: bool,
) -> ViewShortcut:
    commonest = pd.Series(views).value_counts().index[:MOST_VALUES]
    gain = NOT_ESTIMABLE
    if is_estimable(y, resamples):
        drawn = resampled_auroc(y, s, resamples) - resampled_auroc(y, predicted, resamples)
        gain = interval(auroc(y, s) - auroc(y, predicted), drawn)
    return ViewShortcut(
        finding=key,
        model=auroc_interval(y, s, resamples),
        view_alone=auroc_interval(y, predicted, resamples),
        gain=gain,
        within={
            view: auroc_interval(y[views == view], s[views == view], resamples.of(views == view))
            for view in sorted(map(str, commonest))
        },
        fitted_here=fitted_here,
    )
