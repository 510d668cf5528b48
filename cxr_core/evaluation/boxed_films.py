"""What a run's ``localisation.csv`` tells of its maps, with its table's patients."""

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from cxr_core.evaluation.localisation import HitRates, hit_rates
from cxr_core.evaluation.localisation_file import read_localisation
from cxr_core.evaluation.overlap_rates import (
    BoxAreas,
    Overlaps,
    mean_areas,
    missing_columns,
    overlap_rates,
)
from cxr_core.evaluation.overlap_row import THRESHOLDS, Measure
from cxr_core.evaluation.run_folder import LOCALISATION_FILE


@dataclass(frozen=True, eq=False)
class BoxedFilms:
    """Maps against boxes; dictionaries are by finding key, of findings with a boxed film.

    Attributes:
        peaks: how often each pointer hits.
        overlaps: by measure, how often each box overlaps enough; empty where columns are missing.
        areas: the boxes' mean areas; empty where columns are missing.
        missing: columns that a table written by an earlier version lacks.
    """

    peaks: dict[str, HitRates] = field(default_factory=dict)
    overlaps: dict[Measure, Overlaps] = field(default_factory=dict)
    areas: dict[str, BoxAreas] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def boxed_films(
    run: Path | None, table: pd.DataFrame, *, n_resamples: int = 2000, seed: int = 0
) -> BoxedFilms:
    """Maps against boxes, with patients resampled.

    Args:
        run: the folder that the table belongs to; None for a table from elsewhere.
        table: its validated predictions table, which names the patients.

    Returns:
        Nothing in it where there is no run, or the run was given no boxes.

    Raises:
        DataError: the file is there and cannot be used.
    """
    path = None if run is None else run / LOCALISATION_FILE
    if path is None or not path.is_file():
        return BoxedFilms()
    rows = read_localisation(path)
    patients = {}
    if "patient" in table:
        named = table[table["patient"] != ""]
        patients = dict(zip(named["image"], named["patient"], strict=True))
    found = hit_rates(rows, patients, n_resamples=n_resamples, seed=seed)
    peaks = {key: rates for key, rates in found.items() if rates.n}
    if missing := missing_columns(rows):
        return BoxedFilms(peaks, missing=tuple(missing))
    overlaps = {
        measure: overlap_rates(rows, measure, patients, n_resamples=n_resamples, seed=seed)
        for measure in THRESHOLDS
    }
    return BoxedFilms(peaks, overlaps, mean_areas(rows))
