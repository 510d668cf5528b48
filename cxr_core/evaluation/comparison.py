"""Two predictions tables of the same films, compared.

Patients are resampled once and every figure of A, of B, and their difference is computed on the
same draws: what makes a draw hard does so for both, and cancels in the difference.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from cxr_core.arrays import Floats
from cxr_core.config import Calibration
from cxr_core.errors import DataError
from cxr_core.evaluation.input_table import InputTable
from cxr_core.evaluation.leakage import (
    VIEWS,
    alignment_notes,
    film_metadata,
    leakage_notes,
    shared_films,
)
from cxr_core.evaluation.localisation.pointing import resample_films
from cxr_core.evaluation.metrics.auroc_comparison import (
    AurocComparison,
    PairedIntervals,
    compare_auroc,
    not_compared,
)
from cxr_core.evaluation.metrics.bootstrap import (
    proportion_intervals,
    resample_patients,
)
from cxr_core.evaluation.metrics.calibration import expected_calibration_error
from cxr_core.evaluation.metrics.shares import paired_difference
from cxr_core.evaluation.metrics.subgroups import ABNORMAL_FILMS, Subgroup, subgroups_of
from cxr_core.evaluation.metrics.sufficiency import MIN_COUNT
from cxr_core.evaluation.predictions import (
    has_logits,
    is_labelled,
    keys_of,
    labels_of,
    patients_of,
    probabilities_of,
    scores_of,
    validate_predictions,
)
from cxr_core.evaluation.run_folder import RunFolder
from cxr_core.findings import ABNORMAL_KEYS, NORMAL_KEY, label_of

MODEL_LETTERS = "ABCDEFGHIJ"  # what compared models are called
ALL_FINDINGS = "all"  # the key of all boxed findings together
_ROW_KEY = ["image", "finding"]


# What a comparison of two models on the same films found: plain values.


@dataclass(frozen=True)
class CalibrationErrors:
    """Expected calibration error by finding key, 0 is perfect; nan without labels.

    Attributes:
        before: of the plain sigmoid, or of the probabilities given.
        after: with the model's calibration; empty where the table holds no logits for it.
    """

    before: dict[str, float]
    after: dict[str, float]


@dataclass(frozen=True)
class HitRateComparison:
    """How often the evidence's peak lies inside a box.

    Attributes:
        n: boxed films (of all findings together: a film counts once a boxed finding).
        rate: share of them, 0 to 1.
    """

    n: int
    rate: PairedIntervals


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two predictions tables over the same films.

    Attributes:
        n_films: films in both.
        n_patients: None where no table tells the patients.
        resampled: what the intervals resample.
        n_resamples, seed: how they were drawn.
        overall: the findings that both tables hold, among all films, and their mean.
        abnormal: these but No Finding among films that are not No Finding, and their mean;
            nothing in it where the tables do not hold No Finding and others.
        views: No Finding within ``PA`` and within ``AP``, as far as there are such films.
        groups: the findings within each group.
        ece_a, ece_b: None where no model was given.
        localisation: by finding key; those of all together under ``all``. Empty where the two
            models have no boxed film of the tables in common.
        notes: whole sentences on what was absent or left out.
        only_a, only_b: films that stand in one table alone, and are in no figure here.
    """

    n_films: int
    n_patients: int | None
    resampled: Literal["patients", "images"]
    n_resamples: int
    seed: int
    overall: AurocComparison
    abnormal: AurocComparison
    views: dict[str, AurocComparison]
    groups: dict[str, AurocComparison]
    ece_a: CalibrationErrors | None
    ece_b: CalibrationErrors | None
    localisation: dict[str, HitRateComparison]
    notes: tuple[str, ...]
    only_a: int = 0
    only_b: int = 0


# What two models' folders add to a comparison: calibration errors, and peaks in boxes.


def calibration_errors(table: pd.DataFrame, calibration: Calibration) -> CalibrationErrors:
    """Expected calibration errors of a validated predictions table."""
    labels, plain = labels_of(table), probabilities_of(table)  # (N, K), (N, K)
    known = is_labelled(labels)

    def errors(probabilities: Floats) -> dict[str, float]:
        return {
            key: expected_calibration_error(probabilities[known[:, k], k], labels[known[:, k], k])
            for k, key in enumerate(keys_of(table))
        }

    after = errors(probabilities_of(table, calibration)) if has_logits(table) else {}
    return CalibrationErrors(errors(plain), after)


def compare_hit_rates(
    a: pd.DataFrame | None,
    b: pd.DataFrame | None,
    films: pd.DataFrame,
    *,
    n_resamples: int,
    seed: int,
) -> tuple[dict[str, HitRateComparison], list[str]]:
    """How often the evidence's peak lies inside a box, paired by film and finding.

    Only rows of ``films`` count, and of these the ones that both models have, with boxes of the
    same area: else the two were not asked the same.

    Args:
        a, b: rows of the models' ``localisation.csv``; None where a folder has none.
        films: with ``image`` and, where they are known, ``patient``.

    Returns:
        Rates by finding key and of ``all``, empty without a row in common; and sentences on
        rows that were left out.
    """
    if a is None or b is None:
        return {}, [
            "At least one model has no localisation.csv, so hits in boxes are not compared."
        ]
    a, b = (rows[rows["image"].isin(films["image"])] for rows in (a, b))
    both = b.merge(a[[*_ROW_KEY, "inside", "box_area"]], on=_ROW_KEY, suffixes=("", "_a"))
    both = both[np.isclose(both["box_area"], both["box_area_a"])]
    if both.empty:
        return {}, ["The two localisation.csv files share no box on these films."]
    notes = []
    if left_out := len(a) + len(b) - 2 * len(both):
        notes.append(
            f"{left_out:,} rows of the two localisation.csv files ({len(a):,} and {len(b):,} on "
            "these films) have no counterpart with boxes of the same area and were left out."
        )
    patients = patients_of(films)
    of_film = {} if patients is None else dict(zip(films["image"], patients, strict=True))
    parts = {key: both[both["finding"] == key] for key in ABNORMAL_KEYS} | {ALL_FINDINGS: both}
    return {
        key: _rate(rows, of_film, n_resamples=n_resamples, seed=seed) for key, rows in parts.items()
    }, notes


def _rate(
    rows: pd.DataFrame, patients: dict[str, str], *, n_resamples: int, seed: int
) -> HitRateComparison:
    """The rate of rows of any finding, taken together."""
    if rows.empty:
        return HitRateComparison(0, not_compared())
    resamples = resample_films(rows, patients, n_resamples=n_resamples, seed=seed)
    hits = rows[["inside_a", "inside"]].to_numpy(dtype=np.float64)  # (N, 2) of A and of B
    a, b = proportion_intervals(hits, np.ones_like(hits), resamples)
    difference = paired_difference(hits[:, 1], hits[:, 0], resamples.patient_index)
    return HitRateComparison(len(rows), PairedIntervals(a, b, difference))


def compare_predictions(
    a: pd.DataFrame,
    b: pd.DataFrame,
    *,
    model_a: RunFolder | None = None,
    model_b: RunFolder | None = None,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Comparison:
    """Compare what two models said of the films that both tables hold.

    Args:
        a, b: predictions tables, in any order, matched by ``image``. ``patient``, ``view`` and
            ``group`` are A's, or B's where A does not tell them; so are labels.
        model_a, model_b: their folders: calibration, for the calibration errors, and where their
            evidence peaked, compared where both tell it.
        n_resamples: resamples of the patients, or of the images where patients are absent.

    Raises:
        DataError: a table breaks the contract, too few films are in both, or labels or patients
            of these differ.
        ConfigError: no resample is asked for.
    """
    return compare_validated(
        validate_predictions(a),
        validate_predictions(b),
        model_a=model_a,
        model_b=model_b,
        n_resamples=n_resamples,
        seed=seed,
    )


def compare_inputs(
    a: InputTable, b: InputTable, *, n_resamples: int, seed: int, letters: str = "AB"
) -> Comparison:
    """Compare two tables as a user names them, and say what the models have seen of the films.

    Args:
        letters: what sentences call the two, where more than two are compared.

    Raises:
        DataError: as ``compare_predictions``, or films that one model was trained or chosen on
            and the other was not.
    """
    seen = leakage_notes(
        a.predictions, b.predictions, split_a=a.split, split_b=b.split, letters=letters
    )
    comparison = compare_validated(
        a.predictions,
        b.predictions,
        model_a=a.model,
        model_b=b.model,
        n_resamples=n_resamples,
        seed=seed,
    )
    return replace(comparison, notes=(*seen, *comparison.notes))


def compare_with_first(
    tables: Sequence[InputTable], *, n_resamples: int, seed: int
) -> list[Comparison]:
    """Every further table against the first, on the films that all of them hold and with the same
    resamples, so that the differences can stand beside one another.

    Args:
        tables: two to ten, as many as there are letters for.

    Raises:
        DataError: as ``compare_inputs``, or too few films are in all of them.
    """
    first, *others = tables
    if len(others) == 1:
        return [compare_inputs(first, others[0], n_resamples=n_resamples, seed=seed)]
    shared = first.predictions["image"]
    for one in others:
        shared = shared[shared.isin(one.predictions["image"])]
    if len(shared) < MIN_COUNT:
        raise DataError(
            "Too few films are in all of the tables",
            value=f"{len(shared):,} of {len(first.predictions):,} in the first",
            remedy="Compare tables of the same films.",
        )
    left_out = [len(one.predictions) - len(shared) for one in tables]
    note = f"Films that are not in all tables are left out: {', '.join(map(str, left_out))}."
    cut = [
        replace(one, predictions=one.predictions[one.predictions["image"].isin(shared)])
        for one in tables
    ]
    found = [
        compare_inputs(cut[0], other, n_resamples=n_resamples, seed=seed, letters=f"A{letter}")
        for letter, other in zip(MODEL_LETTERS[1:], cut[1:], strict=False)
    ]
    return [replace(one, notes=(*([note] if any(left_out) else []), *one.notes)) for one in found]


def compare_validated(
    a: pd.DataFrame,
    b: pd.DataFrame,
    *,
    model_a: RunFolder | None = None,
    model_b: RunFolder | None = None,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Comparison:
    """``compare_predictions`` of tables that were validated when they were read."""
    shared = shared_films(a, b)
    a, b = shared.a, shared.b
    films = film_metadata(a, b)
    patients = patients_of(films)
    resamples = resample_patients(films, n_resamples=n_resamples, seed=seed)
    keys, labels = keys_of(films), labels_of(films)  # …, (N, K)
    scores = np.stack([scores_of(a), scores_of(b)])  # (2, N, K)

    def areas(part: Subgroup, *, mean: bool = False) -> AurocComparison:
        return compare_auroc(part, labels, scores, resamples, keys=keys, mean=mean)

    parts = list(subgroups_of(films))
    abnormal = next((part for part in parts if part.value == ABNORMAL_FILMS), None)
    by_view = {part.value: part for part in parts if part.by == "view"}
    overall = areas(Subgroup("", "all films", np.full(len(films), True), keys), mean=True)
    abnormal_films = AurocComparison(ABNORMAL_FILMS, 0, {}, {})
    if abnormal is not None:
        abnormal_films = areas(abnormal, mean=True)
    views = {
        view: areas(replace(by_view[view], keys=(NORMAL_KEY,)))
        for view in VIEWS
        if view in by_view and NORMAL_KEY in keys
    }
    groups = {part.value: areas(part) for part in parts if part.by == "group"}
    rates: dict[str, HitRateComparison] = {}
    rate_notes: list[str] = []
    if model_a is not None and model_b is not None:
        rates, rate_notes = compare_hit_rates(
            model_a.localisation, model_b.localisation, films, n_resamples=n_resamples, seed=seed
        )
    return Comparison(
        n_films=len(films),
        n_patients=None if patients is None else resamples.n_patients(),
        resampled="images" if patients is None else "patients",
        n_resamples=n_resamples,
        seed=seed,
        overall=overall,
        abnormal=abnormal_films,
        views=views,
        groups=groups,
        ece_a=None if model_a is None else calibration_errors(a, model_a.model.calibration),
        ece_b=None if model_b is None else calibration_errors(b, model_b.model.calibration),
        localisation=rates,
        notes=(
            *alignment_notes(shared),
            *_left_out([overall, abnormal_films, *views.values(), *groups.values()]),
            *rate_notes,
        ),
        only_a=shared.only_a,
        only_b=shared.only_b,
    )


def _left_out(parts: Sequence[AurocComparison]) -> Iterator[str]:
    for part in parts:
        for key, area in part.auroc.items():
            if n := area.difference.left_out:
                drawn = f"{n:,} resample{'' if n == 1 else 's'}"
                yield f"{label_of(key)}, {part.name}: {drawn} with only one class left out."
