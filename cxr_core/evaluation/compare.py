"""Two predictions tables of the same films, compared; also ``python -m`` this module.

Patients are resampled once and every figure of A, of B, and their difference is computed on the
same draws: what makes a draw hard does so for both, and cancels in the difference.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from cxr_core.errors import CXRError
from cxr_core.evaluation.compare_areas import compared_areas
from cxr_core.evaluation.compare_films import VIEWS, film_notes, films_of, shared_films
from cxr_core.evaluation.compare_models import (
    ComparedModel,
    calibration_errors,
    compared_peaks,
    read_model,
)
from cxr_core.evaluation.compare_results import ComparedFilms, Comparison
from cxr_core.evaluation.draws import draw
from cxr_core.evaluation.predictions import labels_of, patients_of, read_predictions, scores_of
from cxr_core.evaluation.run_folder import TEST_FILE
from cxr_core.evaluation.seen_films import seen_of, split_of
from cxr_core.evaluation.subgroups import Subgroup, subgroups_of
from cxr_core.findings import LABELS


def compare_predictions(
    a: pd.DataFrame,
    b: pd.DataFrame,
    *,
    model_a: ComparedModel | None = None,
    model_b: ComparedModel | None = None,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Comparison:
    """Compare what two models said of the films that both tables hold.

    Args:
        a, b: contract 5, in any order, matched by ``image``. ``patient``, ``view`` and ``group``
            are A's, or B's where A does not tell them.
        model_a, model_b: their calibration, for the calibration errors, and where their
            evidence peaked, compared where both tell it.
        n_resamples: resamples of the patients, or of the images where patients are absent.

    Raises:
        DataError: a table breaks the contract, too few films are in both, or labels or patients
            of these differ.
        ConfigError: no resample is asked for.
    """
    shared = shared_films(a, b)
    a, b = shared.a, shared.b
    films = films_of(a, b)
    patients = patients_of(films)
    resamples = draw(films, n_resamples=n_resamples, seed=seed)
    labels, scores = labels_of(films), np.stack([scores_of(a), scores_of(b)])  # (N, 4), (2, N, 4)

    def areas(part: Subgroup, *, mean: bool = False) -> ComparedFilms:
        return compared_areas(part, labels, scores, resamples, mean=mean)

    abnormal, *parts = subgroups_of(films)
    by_view = {part.value: part for part in parts if part.by == "view"}
    overall = areas(Subgroup("", "all films", np.full(len(films), True)), mean=True)
    among = areas(abnormal, mean=True)
    views = {
        view: areas(replace(by_view[view], keys=("no_finding",)))
        for view in VIEWS
        if view in by_view
    }
    groups = {part.value: areas(part) for part in parts if part.by == "group"}
    rates, rate_notes = compared_peaks(model_a, model_b, films, n_resamples=n_resamples, seed=seed)
    return Comparison(
        n_films=len(films),
        n_patients=None if patients is None else resamples.n_patients(),
        resampled="images" if patients is None else "patients",
        n_resamples=n_resamples,
        seed=seed,
        overall=overall,
        abnormal=among,
        views=views,
        groups=groups,
        ece_a=None if model_a is None else calibration_errors(a, model_a.calibration),
        ece_b=None if model_b is None else calibration_errors(b, model_b.calibration),
        localisation=rates,
        notes=(
            *film_notes(shared),
            *_left_out([overall, among, *views.values(), *groups.values()]),
            *rate_notes,
        ),
        only_a=shared.only_a,
        only_b=shared.only_b,
    )


def _left_out(parts: Sequence[ComparedFilms]) -> Iterator[str]:
    for part in parts:
        for key, area in part.auroc.items():
            if n := area.difference.left_out:
                drawn = f"{n:,} resample{'' if n == 1 else 's'}"
                yield f"{LABELS[key]}, {part.name}: {drawn} had one class only, left out."


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns 0, or 2 when a table or model cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m cxr_core.evaluation.compare",
        description="Compare two models on the same films, with paired intervals.",
    )
    table = f"predictions table, or a model folder (its {TEST_FILE})"
    model = "model folder of %s: calibration and localisation; default: its table's, if a folder"
    parser.add_argument("a", type=Path, help=f"{table}: the model to compare with")
    parser.add_argument("b", type=Path, help=f"{table}: the model that is judged")
    parser.add_argument("--model-a", type=Path, help=model % "A")
    parser.add_argument("--model-b", type=Path, help=model % "B")
    parser.add_argument("--resamples", type=int, default=2000, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the resamples; default 0")
    given = parser.parse_args(arguments)
    try:
        a, model_a, split_a = _read(given.a, given.model_a)
        b, model_b, split_b = _read(given.b, given.model_b)
        notes = seen_of(a, b, split_a=split_a, split_b=split_b)
        comparison = compare_predictions(
            a, b, model_a=model_a, model_b=model_b, n_resamples=given.resamples, seed=given.seed
        )
    except CXRError as error:
        print(error, file=sys.stderr)
        return 2
    comparison = replace(comparison, notes=(*notes, *comparison.notes))
    print(f"A: {given.a}\nB: {given.b}\n\n{comparison.text()}", end="")
    return 0


def _read(
    path: Path, folder: Path | None
) -> tuple[pd.DataFrame, ComparedModel | None, pd.DataFrame | None]:
    """A table, its model, and the split of the run that it lies in, as far as they are told."""
    run = path if path.is_dir() else None
    if run is not None:
        path, folder = run / TEST_FILE, folder or run
    table = read_predictions(path)
    return table, None if folder is None else read_model(folder), split_of(run)


if __name__ == "__main__":
    sys.exit(main())
