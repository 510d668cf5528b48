"""How often a box overlaps the radiologists' boxes enough, at Wang et al.'s thresholds."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxr_core.evaluation.bootstrap import Interval
from cxr_core.evaluation.localisation import gain_interval, resampled_films
from cxr_core.evaluation.overlap_row import OVERLAP_COLUMNS, THRESHOLDS, Measure, random_column
from cxr_core.evaluation.ratios import ratio_intervals
from cxr_core.evaluation.spots import Floats
from cxr_core.findings import ABNORMAL_KEYS


@dataclass(frozen=True)
class OverlapRates:
    """Shares of one finding's boxed films on which a box overlaps by more than a threshold.

    Attributes:
        n: films with a box of the finding.
        threshold: of the overlap, 0 to 1.
        map_box: the box drawn from the map.
        fixed_box: the best fixed box of the training boxes.
        centre_box: a box of the fixed box's size in the film's centre.
        random_box: the same at a random place, expected.
        shuffled: the box drawn from the map of the model with shuffled weights.
        gain: ``map_box`` minus ``fixed_box``, paired by film.
    """

    n: int
    threshold: float
    map_box: Interval
    fixed_box: Interval
    centre_box: Interval
    random_box: Interval
    shuffled: Interval
    gain: Interval


Overlaps = dict[str, tuple[OverlapRates, ...]]  # by finding key, at each threshold


@dataclass(frozen=True)
class BoxAreas:
    """Mean areas of one finding's boxes as shares of the film; nan where there are none."""

    map_box: float
    fixed_box: float
    radiologists: float
    shuffled: float


def missing_columns(rows: pd.DataFrame) -> list[str]:
    """The columns of overlaps that a table written by an earlier version lacks."""
    return [name for name in OVERLAP_COLUMNS if name not in rows]


def overlap_rates(
    rows: pd.DataFrame,
    measure: Measure,
    patients: Mapping[str, str] | None = None,
    *,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Overlaps:
    """By finding key that has a boxed film, at each threshold, with patients resampled.

    Args:
        rows: with ``OVERLAP_COLUMNS``.
        measure: ``iobb`` or ``iou``.
        patients: as for ``localisation.hit_rates``.
    """
    found = {}
    for key in ABNORMAL_KEYS:
        films = rows[rows["finding"] == key]
        if films.empty:
            continue
        resamples = resampled_films(films, patients, n_resamples=n_resamples, seed=seed)
        rates = []
        for threshold in THRESHOLDS[measure]:
            hits = _passed(films, measure, threshold)  # (N, 5)
            drawn, fixed, centre, random, shuffled = ratio_intervals(
                hits, np.ones_like(hits), resamples
            )
            gain = gain_interval(hits[:, 0], hits[:, 1], resamples)
            rates.append(
                OverlapRates(len(films), threshold, drawn, fixed, centre, random, shuffled, gain)
            )
        found[key] = tuple(rates)
    return found


def mean_areas(rows: pd.DataFrame) -> dict[str, BoxAreas]:
    """By finding key.

    Args:
        rows: with ``OVERLAP_COLUMNS``.
    """
    region = rows["region_width"] * rows["region_height"]
    areas = rows.assign(region_area=region).groupby("finding")
    means = areas[["region_area", "fixed_area", "box_area", "shuffled_area"]].mean()
    return {str(key): BoxAreas(*map(float, row)) for key, row in means.iterrows()}


def _passed(films: pd.DataFrame, measure: Measure, threshold: float) -> Floats:
    """(N, 5): map, fixed, centre, random (a share), shuffled; nan stays nan."""
    names = [measure, f"fixed_{measure}", f"centre_{measure}", f"shuffled_{measure}"]
    overlaps = films[names].to_numpy(dtype=np.float64)  # (N, 4)
    passed = np.where(np.isnan(overlaps), np.nan, overlaps > threshold)
    random = films[random_column(measure, threshold)].to_numpy(dtype=np.float64)  # (N,)
    shares: Floats = np.insert(passed, 3, random, axis=1)
    return shares
