"""Does the evidence peak where radiologists drew a box, and more often than a fixed spot would?

Most findings sit in the same place on most films, so a peak inside the box proves little by
itself. Beside it stand: the best single spot for the training boxes, the same on every film;
the centre of the film; and a point drawn at random, which hits as often as the boxes are large.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cxr_core.atomic import replacing
from cxr_core.data.tables import examples
from cxr_core.errors import DataError
from cxr_core.evaluation.bootstrap import (
    NOT_ESTIMABLE,
    Interval,
    Resamples,
    interval,
    resample_patients,
)
from cxr_core.evaluation.ratios import ratio_intervals, resampled_ratios
from cxr_core.evaluation.spots import (
    CENTRE,
    EDGES,
    best_fixed_spot,
    covered_area,
    inside_any,
    peak,
)
from cxr_core.findings import ABNORMAL_KEYS, KEYS

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
    """How often four pointers fall inside a box of one finding.

    Attributes:
        n: films with a box of the finding.
        peak: share of films where the evidence's peak is inside a box.
        fixed_spot: the same for the best fixed spot of the training boxes.
        centre: the same for the centre of the film.
        random_point: mean share of the film that its boxes cover.
        gain: ``peak`` minus ``fixed_spot``, paired by film.
    """

    n: int
    peak: Interval
    fixed_spot: Interval
    centre: Interval
    random_point: Interval
    gain: Interval


def peak_inside(evidence: ArrayLike, boxes: ArrayLike) -> bool:
    """Whether the peak of an (h, w) map lies in one of the (M, 4) boxes."""
    return inside_any(peak(evidence), boxes)


def localisation_rows(
    images: Sequence[str], evidence: ArrayLike, boxes: pd.DataFrame, training_boxes: pd.DataFrame
) -> pd.DataFrame:
    """One row a film and boxed finding: the content of ``localisation.csv``.

    Args:
        images: N names.
        evidence: (N, 4, h, w) signed maps, in the order of ``KEYS``.
        boxes: ``image, finding (key), x, y, width, height``; those of other images are ignored.
        training_boxes: the same columns; only these choose the fixed spot.

    Returns:
        DataFrame ``image, finding, x, y, inside, fixed_spot_inside, centre_inside, box_area``:
        the peak, and 1 or 0 for inside any box of the finding. ``fixed_spot_inside`` is nan for
        a finding without training boxes.

    Raises:
        DataError: a film to judge is among the training boxes.
    """
    maps = np.asarray(evidence)
    boxes = boxes[boxes["image"].isin(images)]
    _require_apart(boxes, training_boxes)
    row_of = {name: row for row, name in enumerate(images)}
    spots = {
        key: best_fixed_spot(training_boxes[training_boxes["finding"] == key])
        for key in ABNORMAL_KEYS
    }
    rows = []
    for names, of_film in boxes.groupby(["image", "finding"]):
        image, key = map(str, names)
        if key not in ABNORMAL_KEYS:
            continue
        drawn = of_film[list(EDGES)].to_numpy(dtype=np.float64)  # (M, 4)
        x, y = peak(maps[row_of[image], KEYS.index(key)])
        spot = spots[key]
        rows.append(
            {
                "image": image,
                "finding": key,
                "x": x,
                "y": y,
                "inside": int(inside_any((x, y), drawn)),
                "fixed_spot_inside": np.nan if spot is None else int(inside_any(spot, drawn)),
                "centre_inside": int(inside_any(CENTRE, drawn)),
                "box_area": covered_area(drawn),
            }
        )
    return pd.DataFrame(rows, columns=list(LOCALISATION_COLUMNS))


def write_localisation(rows: pd.DataFrame, path: Path) -> None:
    """Write ``localisation.csv``, whole or not at all; nan becomes an empty cell."""
    with replacing(path) as temporary:
        rows[list(LOCALISATION_COLUMNS)].to_csv(temporary, index=False, lineterminator="\n")


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
    known = patients or {}
    rates = {}
    for key in ABNORMAL_KEYS:
        films = rows[rows["finding"] == key]
        if films.empty:
            rates[key] = HitRates(0, *[NOT_ESTIMABLE] * 5)
            continue
        units = [known.get(image, "\n" + image) for image in films["image"]]
        rates[key] = _rates(films, resample_patients(units, n_resamples=n_resamples, seed=seed))
    return rates


def _rates(films: pd.DataFrame, resamples: Resamples) -> HitRates:
    pointers = ["inside", "fixed_spot_inside", "centre_inside", "box_area"]
    hits = films[pointers].to_numpy(dtype=np.float64)  # (N, 4)
    peaked, spot, centre, area = ratio_intervals(hits, np.ones_like(hits), resamples)
    gain = hits[:, 0] - hits[:, 1]  # (N,) 1, 0 or -1
    paired = NOT_ESTIMABLE
    if peaked.estimable:
        drawn = resampled_ratios(gain, np.ones_like(gain), resamples)[:, 0]  # (R,)
        paired = interval(float(gain.mean()), drawn)
    return HitRates(len(films), peaked, spot, centre, area, paired)


def _require_apart(boxes: pd.DataFrame, training_boxes: pd.DataFrame) -> None:
    both = set(boxes["image"]) & set(training_boxes["image"])
    if both:
        raise DataError(
            "Films stand both among the boxes to judge and among the training boxes",
            value=f"{len(both):,} films: {examples(both)}",
            remedy="Choose the fixed spot on training films only.",
        )
