"""How often a box overlaps the radiologists' boxes enough, at Wang et al.'s thresholds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from cxr_core.arrays import Floats
from cxr_core.data.csv_files import first_few, read_columns, read_header, require_once
from cxr_core.errors import DataError
from cxr_core.evaluation.localisation.froc import Froc, froc_curves
from cxr_core.evaluation.localisation.overlap import (
    OVERLAP_COLUMNS,
    THRESHOLDS,
    Measure,
    random_column,
)
from cxr_core.evaluation.localisation.pointing import (
    LOCALISATION_COLUMNS,
    HitRates,
    hit_rates,
    resample_films,
)
from cxr_core.evaluation.metrics.bootstrap import Interval, proportion_intervals
from cxr_core.evaluation.metrics.shares import paired_difference
from cxr_core.evaluation.table_cells import as_number
from cxr_core.findings import ABNORMAL_KEYS

_TEXT_COLUMNS = ("image", "finding")
_NULLABLE_COLUMNS = ("fixed_spot_inside", *OVERLAP_COLUMNS)
_REMEDY = "Write it again with train.py --finalize and the boxes."


# Reading ``localisation.csv`` of a run folder: where each boxed film's evidence peaked.


def read_localisation(path: Path) -> pd.DataFrame:
    """The table that ``write_localisation`` wrote.

    Returns:
        DataFrame of ``LOCALISATION_COLUMNS`` and those of ``OVERLAP_COLUMNS`` that the file has:
        earlier versions wrote none. What is not known, as a fixed spot without training boxes,
        is nan; all other numbers are 0 to 1.

    Raises:
        DataError: the file cannot be read, lacks a column, or holds a cell that is no number or a
            film twice for one finding.
    """
    header = [name.casefold() for name in read_header(path)]
    missing = [name for name in LOCALISATION_COLUMNS if name not in header]
    if missing:
        raise DataError(
            "The table of boxed films lacks required columns",
            value=f"{', '.join(missing)} (file {path.name})",
            remedy=_REMEDY,
        )
    require_once(header, (*LOCALISATION_COLUMNS, *OVERLAP_COLUMNS), path)
    wanted = [*LOCALISATION_COLUMNS, *(name for name in OVERLAP_COLUMNS if name in header)]
    rows = read_columns(path, {name: header.index(name) for name in wanted})
    for name in wanted[len(_TEXT_COLUMNS) :]:
        numbers = as_number(rows[name])
        unknown = rows[name].str.strip().eq("") & (name in _NULLABLE_COLUMNS)
        if not (numbers.between(0.0, 1.0) | unknown).all():
            raise DataError(
                "The table of boxed films has a value that is not between 0 and 1",
                value=f"column {name} (file {path.name})",
                remedy=_REMEDY,
            )
        rows[name] = numbers
    if (twice := rows.duplicated(["image", "finding"])).any():
        raise DataError(
            "A film appears twice for one finding in the table of boxed films",
            value=f"{first_few(rows['image'][twice])} (file {path.name})",
            remedy="Keep one row per film and finding.",
        )
    return rows


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
        gain: ``map_box`` minus ``fixed_box``, paired by film: a ``Difference`` by McNemar's test.
    """

    n: int
    threshold: float
    map_box: Interval
    fixed_box: Interval
    centre_box: Interval
    random_box: Interval
    shuffled: Interval
    gain: Interval


OverlapTable = dict[str, tuple[OverlapRates, ...]]  # by finding key, at each threshold


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
) -> OverlapTable:
    """By finding key that has a boxed film, at each threshold, with patients resampled.

    Args:
        rows: with ``OVERLAP_COLUMNS``.
        measure: ``iobb`` or ``iou``.
        patients: as for ``pointing.hit_rates``.
    """
    found = {}
    for key in ABNORMAL_KEYS:
        films = rows[rows["finding"] == key]
        if films.empty:
            continue
        resamples = resample_films(films, patients, n_resamples=n_resamples, seed=seed)
        rates = []
        for threshold in THRESHOLDS[measure]:
            hits = _hits(films, measure, threshold)  # (N, 5)
            drawn, fixed, centre, random, shuffled = proportion_intervals(
                hits, np.ones_like(hits), resamples
            )
            gain = paired_difference(hits[:, 0], hits[:, 1], resamples.patient_index)
            rates.append(
                OverlapRates(len(films), threshold, drawn, fixed, centre, random, shuffled, gain)
            )
        found[key] = tuple(rates)
    return found


def mean_box_areas(rows: pd.DataFrame) -> dict[str, BoxAreas]:
    """By finding key.

    Args:
        rows: with ``OVERLAP_COLUMNS``.
    """
    region = rows["region_width"] * rows["region_height"]
    areas = rows.assign(region_area=region).groupby("finding")
    means = areas[["region_area", "fixed_area", "box_area", "shuffled_area"]].mean()
    return {str(key): BoxAreas(*map(float, row)) for key, row in means.iterrows()}


def _hits(films: pd.DataFrame, measure: Measure, threshold: float) -> Floats:
    """(N, 5): map, fixed, centre, random (a share), shuffled; nan stays nan."""
    names = [measure, f"fixed_{measure}", f"centre_{measure}", f"shuffled_{measure}"]
    overlaps = films[names].to_numpy(dtype=np.float64)  # (N, 4)
    passed = np.where(np.isnan(overlaps), np.nan, overlaps > threshold)
    random = films[random_column(measure, threshold)].to_numpy(dtype=np.float64)  # (N,)
    shares: Floats = np.insert(passed, 3, random, axis=1)
    return shares


# What a run's ``localisation.csv`` tells of its maps, with its table's patients.


@dataclass(frozen=True, eq=False)
class LocalisationMetrics:
    """Maps against boxes; dictionaries are by finding key, of findings with a boxed film.

    Attributes:
        hit_rates: how often each pointer hits.
        overlaps: by measure, how often each box overlaps enough; empty where columns are missing.
        box_areas: the boxes' mean areas; empty where columns are missing.
        missing_columns: columns that a table written by an earlier version lacks.
        froc: boxes found against false marks; empty without a table of marks.
    """

    hit_rates: dict[str, HitRates] = field(default_factory=dict)
    overlaps: dict[Measure, OverlapTable] = field(default_factory=dict)
    box_areas: dict[str, BoxAreas] = field(default_factory=dict)
    missing_columns: tuple[str, ...] = ()
    froc: dict[str, Froc] = field(default_factory=dict)


def localisation_metrics(
    rows: pd.DataFrame | None,
    table: pd.DataFrame,
    *,
    marks: pd.DataFrame | None = None,
    n_resamples: int = 2000,
    seed: int = 0,
) -> LocalisationMetrics:
    """Maps against boxes, with patients resampled.

    Args:
        rows: as ``read_localisation`` returns them; None where the run was given no boxes.
        table: its validated predictions table, which names the patients.
        marks: as ``read_marks`` returns them; None where the run has none.

    Returns:
        Nothing in it without rows and marks.
    """
    patients = _patients_by_image(table)
    froc = {}
    if marks is not None:
        froc = froc_curves(marks, patients, n_resamples=n_resamples, seed=seed)
    if rows is None:
        return LocalisationMetrics(froc=froc)
    peaks = pointing_rates(rows, table, n_resamples=n_resamples, seed=seed)
    if missing := missing_columns(rows):
        return LocalisationMetrics(peaks, missing_columns=tuple(missing), froc=froc)
    overlaps = {
        measure: overlap_rates(rows, measure, patients, n_resamples=n_resamples, seed=seed)
        for measure in THRESHOLDS
    }
    return LocalisationMetrics(peaks, overlaps, mean_box_areas(rows), froc=froc)


def pointing_rates(
    rows: pd.DataFrame, table: pd.DataFrame, *, n_resamples: int = 2000, seed: int = 0
) -> dict[str, HitRates]:
    """How often each pointer hits, of findings with a boxed film: the quick part of
    ``localisation_metrics``, with the same intervals."""
    found = hit_rates(rows, _patients_by_image(table), n_resamples=n_resamples, seed=seed)
    return {key: rates for key, rates in found.items() if rates.n}


def _patients_by_image(table: pd.DataFrame) -> dict[str, str]:
    if "patient" not in table:
        return {}
    named = table[table["patient"] != ""]
    return dict(zip(named["image"], named["patient"], strict=True))
