"""Free-response ROC: how many boxes the map's marks find, and how many marks are false.

A mark is a local maximum of the map, with the evidence there as its score. Radiologists drew boxes
on some films with the finding and on none without, and did not draw all there is: so a mark is
false only on a film that is labelled negative for the finding, and true only inside a box. Marks
beside a box, and all of a film with the finding and no box, count for nothing. (False marks on
non-diseased cases alone: Chakraborty, Observer Performance Methods for Diagnostic Imaging, 2017.)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from cxr_core.arrays import Floats
from cxr_core.data.csv_files import first_few, read_columns, read_header, require_once, write_csv
from cxr_core.errors import DataError
from cxr_core.evaluation.localisation.geometry import BOX_FIELDS, covered_area, inside_any
from cxr_core.evaluation.metrics.bootstrap import (
    NOT_ESTIMABLE,
    Interval,
    Resamples,
    resample_units,
    share_interval,
)
from cxr_core.evaluation.metrics.sufficiency import has_enough
from cxr_core.evaluation.table_cells import as_number
from cxr_core.findings import ABNORMAL_KEYS, KEYS

MARK_COLUMNS = ("image", "finding", "boxes", "area", "x", "y", "score", "box")
FALSE_MARKS = (0.125, 0.25, 0.5, 1.0, 2.0)  # per negative film, at which the curve is read
_STEPS = 48  # of the band, from none to all false marks
_POINTS = 200  # of the curve's line, besides those at which a further box is found
_MAX_BOXES = 1000  # of one finding on a film
_CHUNK = 1 << 22  # counts of patients held at once
_REMEDY = "Write it again with train.py --finalize and the boxes."


@dataclass(frozen=True, eq=False)
class Froc:
    """One finding's curve.

    Attributes:
        n_boxes, n_boxed: radiologists' boxes, and films that have one.
        n_negative: films labelled negative, on which alone marks are false.
        false_marks: (T,) false marks per negative film, rising from 0, as the threshold falls.
        found: (T,) share of boxes that have a mark in them.
        by_chance: (T,) the same, expected, if the boxed films' marks lay at random places.
        grid: (G,) false marks per negative film, at which the band is given.
        low, high: (G,) 95 % band of ``found``; nan where it is not estimable.
        at: by each of ``FALSE_MARKS``, the share of boxes found with no more false marks.
    """

    n_boxes: int
    n_boxed: int
    n_negative: int
    false_marks: Floats
    found: Floats
    by_chance: Floats
    grid: Floats
    low: Floats
    high: Floats
    at: dict[float, Interval]


def mark_rows(
    images: Sequence[str], evidence: ArrayLike, labels: ArrayLike, boxes: pd.DataFrame
) -> pd.DataFrame:
    """One row a mark: the content of ``marks.csv``.

    Args:
        images: N names.
        evidence: (N, 4, h, w) signed maps, in the order of ``KEYS``.
        labels: (N, 4) of 0 and 1.
        boxes: ``image, finding (key), x, y, width, height``; those of other images are ignored.

    Returns:
        DataFrame of ``MARK_COLUMNS``, of each finding's boxed and negative films: how many boxes
        the film has and what share of it they cover (0 on a negative film), the mark's place and
        score (logits), and which of the boxes it lies in, from 1, of overlapping ones the first; 0
        for none.
    """
    maps, known = np.asarray(evidence, dtype=np.float32), np.asarray(labels)
    row_of = {name: row for row, name in enumerate(images)}
    here = boxes[boxes["image"].isin(row_of)]
    drawn = {
        (str(key), row_of[str(image)]): film[list(BOX_FIELDS)].to_numpy(dtype=np.float64)
        for (image, key), film in here.groupby(["image", "finding"])
    }
    rows = []
    for key in ABNORMAL_KEYS:
        k = KEYS.index(key)
        negative = known[:, k] == 0
        for film in range(len(maps)):
            of_film = drawn.get((key, film), np.empty((0, 4)))  # (M, 4)
            if not len(of_film) and not negative[film]:
                continue
            area = covered_area(of_film) if len(of_film) else 0.0
            for x, y, score in local_maxima(maps[film, k]):
                inside = [n for n, box in enumerate(of_film, 1) if inside_any((x, y), box)]
                box = inside[0] if inside else 0
                rows.append((images[film], key, len(of_film), area, x, y, round(score, 4), box))
    return pd.DataFrame(rows, columns=list(MARK_COLUMNS))


def local_maxima(evidence: ArrayLike) -> list[tuple[float, float, float]]:
    """Cells that no neighbour of the eight exceeds: (x, y, value) of each, by rows.

    Args:
        evidence: (h, w).

    Returns:
        x and y of the cells' centres, as fractions of the film; of equal neighbours the first.
    """
    cells = np.asarray(evidence, dtype=np.float64)
    height, width = cells.shape
    highest = ndimage.maximum_filter(cells, size=3, mode="constant", cval=-np.inf)
    earlier = np.ones((3, 3), dtype=bool)  # a cell's neighbours that are read before it
    earlier[1, 1:] = earlier[2] = False
    before = ndimage.maximum_filter(cells, footprint=earlier, mode="constant", cval=-np.inf)
    return [
        ((column + 0.5) / width, (row + 0.5) / height, float(cells[row, column]))
        for row, column in np.argwhere((cells >= highest) & (cells > before)).tolist()
    ]


def write_marks(rows: pd.DataFrame, path: Path) -> None:
    """Write ``marks.csv``, whole or not at all."""
    write_csv(rows, path)


def read_marks(path: Path) -> pd.DataFrame:
    """The table that ``write_marks`` wrote.

    Raises:
        DataError: the file cannot be read, lacks a column, or holds a cell that it cannot have.
    """
    header = [name.casefold() for name in read_header(path)]
    if missing := [name for name in MARK_COLUMNS if name not in header]:
        raise DataError(
            "The table of the maps' marks lacks required columns",
            value=f"{', '.join(missing)} (file {path.name})",
            remedy=_REMEDY,
        )
    require_once(header, MARK_COLUMNS, path)
    rows = read_columns(path, {name: header.index(name) for name in MARK_COLUMNS})
    numbers = {name: as_number(rows[name]) for name in MARK_COLUMNS[2:]}
    boxes, box = numbers["boxes"], numbers["box"]
    right = {
        "boxes": boxes.between(0, _MAX_BOXES) & (boxes % 1 == 0),
        "box": box.between(0, boxes) & (box % 1 == 0),
        "score": numbers["score"].abs() < np.inf,
        **{name: numbers[name].between(0.0, 1.0) for name in ("area", "x", "y")},
        "finding": rows["finding"].isin(ABNORMAL_KEYS),
    }
    for name, good in right.items():
        if not good.all():
            raise DataError(
                "The table of the maps' marks has a value that it cannot have",
                value=f"column {name}: {first_few(rows[name][~good])} (file {path.name})",
                remedy=_REMEDY,
            )
    rows = rows.assign(**numbers).astype({"boxes": "int64", "box": "int64"})
    films = rows.groupby(["image", "finding"])[["boxes", "area"]].nunique()
    if (films > 1).any(axis=None):
        raise DataError(
            "The table of the maps' marks tells of one film in two ways",
            value=f"{first_few(films.index[(films > 1).any(axis=1)].get_level_values(0))} "
            f"(file {path.name})",
            remedy=_REMEDY,
        )
    return rows


def froc_curves(
    marks: pd.DataFrame,
    patients: Mapping[str, str] | None = None,
    *,
    n_resamples: int = 2000,
    seed: int = 0,
) -> dict[str, Froc]:
    """The curve of each finding that has boxed and negative films, patients resampled.

    Args:
        marks: as ``read_marks`` returns them.
        patients: image -> patient; an image that is not in it stands for itself.
    """
    known = patients or {}
    found = {}
    for key in ABNORMAL_KEYS:
        rows = marks[marks["finding"] == key]
        if (rows["boxes"] > 0).any() and (rows["boxes"] == 0).any():
            units = [known.get(image, "\n" + image) for image in rows["image"]]
            resamples = resample_units(units, n_resamples=n_resamples, seed=seed)
            found[key] = _curve(rows, resamples)
    return found


def _curve(rows: pd.DataFrame, resamples: Resamples) -> Froc:
    """Of the N marks of one finding; ``resamples`` of the marks' patients."""
    patient = resamples.patient_index  # (N,)
    score = rows["score"].to_numpy(dtype=np.float64)  # (N,)
    boxed = rows["boxes"].to_numpy() > 0  # (N,)
    first = ~rows.duplicated("image").to_numpy()  # one mark a film
    negative_patients = patient[first & ~boxed]  # (F,) of each negative film
    best, box_patients = _best_scores(rows, patient)  # (B,) of each box
    false = np.sort(score[~boxed])[::-1]  # (M,) falling
    n_per_film = len(false) / len(negative_patients)
    grid = np.concatenate([np.linspace(0.0, n_per_film, _STEPS), FALSE_MARKS])  # (G,)
    table = _PatientTable.of(
        (score[~boxed], patient[~boxed]), negative_patients, (best, box_patients),
        n_patients=resamples.counts.shape[1],
    )  # fmt: skip
    estimates = table.found(np.ones((1, resamples.counts.shape[1])), grid)[0]  # (G,)
    step = max(1, _CHUNK // resamples.counts.shape[1])
    drawn = np.concatenate(
        [
            table.found(resamples.counts[start : start + step].astype(np.float64), grid)
            for start in range(0, resamples.n_resamples, step)
        ]
    )  # (R, G)
    n_units = len(np.unique(box_patients))
    n_negative_units = len(np.unique(negative_patients))
    enough = has_enough(len(best), n_units, len(negative_patients), n_negative_units)
    low = high = np.full(_STEPS, np.nan)
    if enough:
        low, high = np.nanquantile(drawn[:, :_STEPS], [0.025, 0.975], axis=0)
    # All at which a further box is found; of the others as many as a line needs.
    some = np.append(false[:: -(-len(false) // _POINTS)], false[-1])
    thresholds = np.unique(np.concatenate([some, best[np.isfinite(best)]]))[::-1]  # falling
    return Froc(
        n_boxes=len(best),
        n_boxed=int((first & boxed).sum()),
        n_negative=len(negative_patients),
        false_marks=np.searchsorted(-false, -thresholds, side="right") / len(negative_patients),
        found=(best[None, :] >= thresholds[:, None]).mean(axis=1),
        by_chance=_by_chance(rows[boxed], thresholds),
        grid=grid[:_STEPS],
        low=low,
        high=high,
        at={
            rate: share_interval(float(estimates[place]), drawn[:, place], n_units)
            if enough and rate <= n_per_film
            else NOT_ESTIMABLE
            for place, rate in enumerate(FALSE_MARKS, start=_STEPS)
        },
    )


def _best_scores(rows: pd.DataFrame, patient: NDArray[np.intp]) -> tuple[Floats, NDArray[np.intp]]:
    """(B,) the highest score of a mark in each box, -inf without one, and the box's patient."""
    scores: list[float] = []
    units: list[int] = []
    films = rows.assign(unit=patient)[rows["boxes"].to_numpy() > 0].groupby("image", sort=False)
    for _, film in films:
        inside = film.groupby("box")["score"].max()
        boxes = range(1, int(film["boxes"].iloc[0]) + 1)
        scores += [float(inside.get(box, -np.inf)) for box in boxes]
        units += [int(film["unit"].iloc[0])] * len(boxes)
    return np.array(scores), np.array(units, dtype=np.intp)


@dataclass(frozen=True, eq=False)
class _PatientTable:
    """What each of P patients adds at each threshold at which a further box is found, falling.

    Attributes:
        false: (P, U) marks on negative films that reach the threshold.
        negatives: (P,) negative films.
        hits: (P, U) boxes with a mark that reaches it.
        boxes: (P,) boxes.
    """

    false: Floats
    negatives: Floats
    hits: Floats
    boxes: Floats

    @classmethod
    def of(
        cls,
        false: tuple[Floats, NDArray[np.intp]],
        negative_patients: NDArray[np.intp],
        best: tuple[Floats, NDArray[np.intp]],
        *,
        n_patients: int,
    ) -> "_PatientTable":
        """From scores and patients of the false marks and of the boxes' best marks."""
        thresholds = np.unique(best[0][np.isfinite(best[0])])[::-1]  # (U,)

        def reaching(scores: Floats, patients: NDArray[np.intp]) -> Floats:
            first = np.searchsorted(-thresholds, -scores, side="left")
            table = np.zeros((n_patients, len(thresholds) + 1))  # the last: reaches none
            np.add.at(table, (patients, first), 1.0)
            sums: Floats = np.cumsum(table[:, :-1], axis=1)
            return sums

        def of_patients(patients: NDArray[np.intp]) -> Floats:
            return np.bincount(patients, minlength=n_patients).astype(np.float64)

        return cls(
            reaching(*false), of_patients(negative_patients), reaching(*best), of_patients(best[1])
        )

    def found(self, counts: Floats, grid: Floats) -> Floats:
        """(r, G) share of boxes found with no more false marks per negative film than ``grid``
        says, for (r, P) ``counts`` of patients; nan where no box or no negative film is drawn."""
        false, films = counts @ self.false, counts @ self.negatives  # (r, U), (r,)
        boxes = counts @ self.boxes  # (r,)
        boxes[(boxes == 0) | (films == 0)] = np.nan
        found = np.zeros((len(counts), false.shape[1] + 1))  # the first: none found
        found[:, 1:] = counts @ self.hits
        shares = np.empty((len(counts), len(grid)))
        for place, rate in enumerate(grid):
            within = (false <= (rate * films + 1e-9)[:, None]).sum(axis=1)  # (r,)
            shares[:, place] = found[np.arange(len(counts)), within] / boxes
        return shares


def _by_chance(rows: pd.DataFrame, thresholds: Floats) -> Floats:
    """(T,) expected share of boxes found by as many marks at random places of their films."""
    shares = np.zeros(len(thresholds))
    n_boxes = 0
    for _, film in rows.groupby("image"):
        count = int(film["boxes"].iloc[0])
        area = float(film["area"].iloc[0]) / count  # of one of its boxes, about
        scores = np.sort(film["score"].to_numpy(dtype=np.float64))
        marks = len(scores) - np.searchsorted(scores, thresholds, side="left")  # (T,)
        shares += count * (1.0 - (1.0 - area) ** marks)
        n_boxes += count
    expected: Floats = shares / n_boxes
    return expected
