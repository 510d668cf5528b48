"""Does the evidence peak where radiologists drew a box, and more often than a fixed spot would?

Most findings sit in the same place on most films, so a peak inside the box proves little by
itself. Beside it stand: the best single spot for the training boxes, the same on every film;
the centre of the film; a point drawn at random, which hits as often as the boxes are large; and
the peak of a model with shuffled weights, which knows the film but has learnt nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cxr_core.data.csv_files import first_few, write_csv
from cxr_core.errors import DataError
from cxr_core.evaluation.localisation.geometry import (
    BOX_FIELDS,
    CENTRE,
    best_fixed_box,
    best_fixed_spot,
    covered_area,
    inside_any,
    peak,
)
from cxr_core.evaluation.localisation.overlap import OVERLAP_COLUMNS, overlap_values
from cxr_core.evaluation.metrics.bootstrap import (
    NOT_ESTIMABLE,
    Interval,
    Resamples,
    proportion_intervals,
    resample_units,
)
from cxr_core.evaluation.metrics.differences import no_difference
from cxr_core.evaluation.metrics.shares import paired_difference
from cxr_core.findings import ABNORMAL_KEYS, KEYS

# What every table has; ``OVERLAP_COLUMNS`` follow, which earlier versions did not write.
LOCALISATION_COLUMNS = (
    "image",
    "finding",
    "x",
    "y",
    "inside",
    "fixed_spot_inside",
    "centre_inside",
    "box_area",
)


@dataclass(frozen=True)
class HitRates:
    """How often pointers fall inside a box of one finding.

    Attributes:
        n: films with a box of the finding.
        peak: share of films where the evidence's peak is inside a box.
        fixed_spot: the same for the best fixed spot of the training boxes.
        centre: the same for the centre of the film.
        random_point: mean share of the film that its boxes cover.
        gain: ``peak`` minus ``fixed_spot``, paired by film: a ``Difference`` by McNemar's test.
        shuffled: the same as ``peak`` for the model with shuffled weights.
    """

    n: int
    peak: Interval
    fixed_spot: Interval
    centre: Interval
    random_point: Interval
    gain: Interval
    shuffled: Interval = NOT_ESTIMABLE


def localisation_rows(
    images: Sequence[str],
    evidence: ArrayLike,
    boxes: pd.DataFrame,
    training_boxes: pd.DataFrame,
    *,
    shuffled: ArrayLike | None = None,
) -> pd.DataFrame:
    """One row a film and boxed finding: the content of ``localisation.csv``.

    Args:
        images: N names.
        evidence: (N, 4, h, w) signed maps, in the order of ``KEYS``.
        boxes: ``image, finding (key), x, y, width, height``; those of other images are ignored.
        training_boxes: the same columns; only these choose the fixed spot and the fixed box.
        shuffled: (N, 4, h, w) maps of the model with shuffled weights.

    Returns:
        DataFrame ``image, finding, x, y, inside, fixed_spot_inside, centre_inside, box_area``:
        the peak, and 1 or 0 for inside any box of the finding; then ``OVERLAP_COLUMNS``.
        ``fixed_spot_inside`` is nan for a finding without training boxes.

    Raises:
        DataError: a film to judge is among the training boxes.
    """
    maps = np.asarray(evidence)
    shuffled_maps = None if shuffled is None else np.asarray(shuffled)
    boxes = boxes[boxes["image"].isin(images)]
    _require_disjoint(boxes, training_boxes)
    row_of = {name: row for row, name in enumerate(images)}
    training = {key: training_boxes[training_boxes["finding"] == key] for key in ABNORMAL_KEYS}
    spots = {key: best_fixed_spot(film_boxes) for key, film_boxes in training.items()}
    fixed = {key: best_fixed_box(film_boxes) for key, film_boxes in training.items()}
    rows = []
    for names, of_film in boxes.groupby(["image", "finding"]):
        image, key = map(str, names)
        if key not in ABNORMAL_KEYS:
            continue
        film_boxes = of_film[list(BOX_FIELDS)].to_numpy(dtype=np.float64)  # (M, 4)
        place = row_of[image], KEYS.index(key)
        x, y = peak(maps[place])
        spot = spots[key]
        rows.append(
            {
                "image": image,
                "finding": key,
                "x": x,
                "y": y,
                "inside": int(inside_any((x, y), film_boxes)),
                "fixed_spot_inside": np.nan if spot is None else int(inside_any(spot, film_boxes)),
                "centre_inside": int(inside_any(CENTRE, film_boxes)),
                "box_area": covered_area(film_boxes),
                **overlap_values(
                    maps[place],
                    film_boxes,
                    fixed_box=fixed[key],
                    shuffled=None if shuffled_maps is None else shuffled_maps[place],
                ),
            }
        )
    return pd.DataFrame(rows, columns=[*LOCALISATION_COLUMNS, *OVERLAP_COLUMNS])


def write_localisation(rows: pd.DataFrame, path: Path) -> None:
    """Write ``localisation.csv``, whole or not at all; nan becomes an empty cell."""
    write_csv(rows, path)


def hit_rates(
    rows: pd.DataFrame,
    patients: Mapping[str, str] | None = None,
    *,
    n_resamples: int = 2000,
    seed: int = 0,
) -> dict[str, HitRates]:
    """How often each pointer hits, a finding, with intervals by resampling patients.

    Args:
        rows: as ``localisation_rows`` returns them.
        patients: image -> patient; without it, or for an image that is not in it, images are
            resampled.
    """
    rates = {}
    for key in ABNORMAL_KEYS:
        films = rows[rows["finding"] == key]
        if films.empty:
            none = NOT_ESTIMABLE
            rates[key] = HitRates(0, none, none, none, none, no_difference())
            continue
        resamples = resample_films(films, patients, n_resamples=n_resamples, seed=seed)
        rates[key] = _rates(films, resamples)
    return rates


def resample_films(
    films: pd.DataFrame, patients: Mapping[str, str] | None, *, n_resamples: int, seed: int
) -> Resamples:
    """Draws of the rows' patients; a film whose patient is not known stands for itself."""
    known = patients or {}
    patient_ids = [known.get(image, "\n" + image) for image in films["image"]]
    return resample_units(patient_ids, n_resamples=n_resamples, seed=seed)


def _rates(films: pd.DataFrame, resamples: Resamples) -> HitRates:
    pointers = ["inside", "fixed_spot_inside", "centre_inside", "box_area", "shuffled_inside"]
    hits = films.reindex(columns=pointers).to_numpy(dtype=np.float64)  # (N, 5); absent is nan
    peaked, spot, centre, area, shuffled = proportion_intervals(hits, np.ones_like(hits), resamples)
    gain = paired_difference(hits[:, 0], hits[:, 1], resamples.patient_index)
    return HitRates(len(films), peaked, spot, centre, area, gain, shuffled)


def _require_disjoint(boxes: pd.DataFrame, training_boxes: pd.DataFrame) -> None:
    both = set(boxes["image"]) & set(training_boxes["image"])
    if both:
        raise DataError(
            "Some films are both among the boxes to evaluate and among the training boxes",
            value=f"{len(both):,} films: {first_few(both)}",
            remedy="Choose the fixed spot from training films only.",
        )
