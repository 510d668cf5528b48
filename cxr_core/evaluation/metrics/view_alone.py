"""How far a model would get that saw a film's view and nothing else.

Films taken in bed (AP) are of sicker patients, so the view alone foretells findings. A model
whose area is no better than the view's, or that falls to chance within each view, may have
learnt the view.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxr_core.arrays import Floats
from cxr_core.evaluation.metrics.bootstrap import (
    NOT_ESTIMABLE,
    Interval,
    Resamples,
)
from cxr_core.evaluation.metrics.delong import AreaParts, area_parts
from cxr_core.evaluation.metrics.differences import (
    Difference,
    direction_of,
    make_difference,
    no_difference,
    p_of_estimate,
    resampled_critical_p,
    resampled_difference,
)
from cxr_core.evaluation.metrics.labelled import LabelledFilms, labelled_films
from cxr_core.evaluation.metrics.ranking import (
    auroc,
    auroc_interval,
    is_estimable,
    resampled_auroc,
)
from cxr_core.evaluation.metrics.subgroups import MAX_CATEGORIES
from cxr_core.evaluation.predictions import is_labelled, keys_of, labels_of, scores_of
from cxr_core.findings import label_of


@dataclass(frozen=True)
class ViewShortcut:
    """One finding.

    Attributes:
        finding: its key.
        model: AUROC of the model, over the films whose view is known.
        view_alone: AUROC of each film's share of the finding among films of its view.
        gain: ``model`` less ``view_alone``, paired by resample.
        within: AUROC of the model among the films of one view, by view, the commonest 20. All are
            of the films with a label of the finding; not estimable where these have one view.
        fitted_here: the shares are those of these very films, so ``view_alone`` is optimistic;
            else they are those of validation films.
        above_chance: by view whose area is estimable, whether it is shown to be above 0.50.
    """

    finding: str
    model: Interval
    view_alone: Interval
    gain: Difference
    within: dict[str, Interval]
    fitted_here: bool
    above_chance: dict[str, bool] = field(default_factory=dict)


def prevalence_by_view(table: pd.DataFrame) -> pd.DataFrame:
    """Share of each label among the films of a view that have one: a row a view, a column a
    finding; nan where none has.

    Args:
        table: a validated predictions table with ``view``; films without a view are left out.
    """
    told = table[table["view"] != ""]
    labels = pd.DataFrame(
        labels_of(told), columns=list(keys_of(table)), index=told["view"].to_numpy()
    )
    return labels.where(is_labelled(labels)).groupby(level=0).mean()


def view_shortcuts(
    table: pd.DataFrame, resamples: Resamples, validation: pd.DataFrame | None = None
) -> list[ViewShortcut]:
    """The view alone beside the model, for each finding.

    Args:
        table: a validated predictions table.
        resamples: of its films' patients.
        validation: the model's validation films, which tell the shares; without them, or where
            they lack a view that occurs here or the labels of the finding in it, the shares are
            the table's own.

    Returns:
        Empty where the table has no ``view``, or fewer than two.
    """
    if "view" not in table:
        return []
    known = (table["view"] != "").to_numpy()
    views = table["view"][known].to_numpy(dtype=str)
    if len(np.unique(views)) < 2:
        return []
    own = prevalence_by_view(table)
    of_validation = None
    if validation is not None and "view" in validation:
        of_validation = prevalence_by_view(validation)
    labels, scores = labels_of(table)[known], scores_of(table)[known]  # (n, 4), (n, 4)
    within = resamples.subset(known)
    commonest = sorted(map(str, pd.Series(views).value_counts().index[:MAX_CATEGORIES]))
    found = []
    for k, key in enumerate(keys_of(table)):
        films = labelled_films(labels, k, within)
        of_films, shares, fitted_here = views[films.mask], own[key], True
        if of_validation is not None and set(of_films) <= set(of_validation[key].dropna().index):
            shares, fitted_here = of_validation[key], False
        predicted = shares.loc[of_films].to_numpy(dtype=np.float64)  # (m,)
        found.append(
            _shortcut(
                key, films, scores[films.mask, k], predicted, of_films, commonest, fitted_here
            )
        )
    return found


def shortcut_sentence(found: ViewShortcut) -> str:
    """What the figures say, in words: a shortcut, its absence, or that it cannot be told."""
    label = label_of(found.finding)
    estimable_views = {view: area for view, area in found.within.items() if area.estimable}
    if found.gain.verdict == "not labelled":
        return f"{label}: not labelled."
    if not found.gain.estimable or not estimable_views:
        return f"{label}: too few films to say whether the view is a shortcut."
    chance = [view for view in estimable_views if not found.above_chance[view]]
    if direction_of(found.gain) != "higher":
        return (
            f"{label}: the model does not clearly rank better than the view alone; it may have "
            "learnt the view."
        )
    if len(chance) == len(estimable_views):
        return (
            f"{label}: within {' and within '.join(chance)} the model may be at chance (0.50); its "
            "result over all films may come from the view."
        )
    if chance:
        return (
            f"{label}: better than the view alone, but within {' and within '.join(chance)} "
            "chance (0.50) is not ruled out."
        )
    views = " and within ".join(estimable_views)
    return f"{label}: better than the view alone, and better than chance within {views}."


def _shortcut(
    key: str,
    films: LabelledFilms,
    s: Floats,
    predicted: Floats,
    views: NDArray[np.str_],
    commonest: Sequence[str],
    fitted_here: bool,
) -> ViewShortcut:
    y, resamples = films.labels, films.resamples
    if len(np.unique(views)) < 2:  # one share for all: an area of 0.5 that says nothing
        none = NOT_ESTIMABLE if films.n else films.absent
        gain = no_difference(none.verdict)
        return ViewShortcut(key, none, none, gain, dict.fromkeys(commonest, none), fitted_here)
    gain, of_model, of_view = no_difference(), None, None
    if is_estimable(y, resamples):
        of_model, of_view = (resampled_auroc(y, one, resamples) for one in (s, predicted))
        index, n_patients = resamples.patient_index, resamples.counts.shape[1]
        model, view = (area_parts(y, of, index, n_patients=n_patients) for of in (s, predicted))
        gain = resampled_difference(
            auroc(y, s) - auroc(y, predicted),
            of_model - of_view,
            se=(model - view).se,
            without_one_film=(model - view).without_one_film(),
        )
    within = {view: views == view for view in commonest}
    areas = {
        view: auroc_interval(y[mask], s[mask], resamples.subset(mask))
        for view, mask in within.items()
    }
    return ViewShortcut(
        finding=key,
        model=auroc_interval(y, s, resamples, drawn=of_model),
        view_alone=auroc_interval(y, predicted, resamples, drawn=of_view),
        gain=gain,
        within=areas,
        fitted_here=fitted_here,
        above_chance={
            view: _is_above_chance(
                area, y[within[view]], s[within[view]], resamples.subset(within[view])
            )
            for view, area in areas.items()
            if area.estimable
        },
    )


def _is_above_chance(
    area: Interval, labels: NDArray[np.int64], scores: Floats, resamples: Resamples
) -> bool:
    """Whether an area is above 0.50 by the rule of ``differences``, so that no seed turns it."""
    parts = area_parts(
        labels, scores, resamples.patient_index, n_patients=resamples.counts.shape[1]
    )
    excess = AreaParts(parts.estimate - 0.5, parts.patients, parts.films)
    shown = make_difference(
        excess.estimate,
        area.low - 0.5,
        area.high - 0.5,
        p_value=p_of_estimate(excess.estimate, excess.se),
        p_without_one_film=p_of_estimate(max(0.0, excess.without_one_film()), excess.se),
        critical_p=resampled_critical_p(resamples.n_resamples),
    )
    return shown.direction == "higher"
