"""The dashboard's intervals and bands on a table of NIH's size, beside a loop over scikit-learn.

    nice -n 10 python -m bench.dashboard [--films 25596] [--resamples 2000] [--plain 40]

The table is made up: patients have one to many films, as in NIH's test list, and a patient's
films are alike in labels and in scores. First the four AUROC intervals are timed, then the
average precisions with their intervals and both bands, then reliability and measures of two kinds
of probabilities, as before and after a calibration. Then the first ``--plain`` resamples are done
again by scikit-learn's own functions on rows that are really repeated, and by ours on these same
resamples: the ratio of their times, and by how much their intervals and bands differ. At the end
the same films go through the page's own way as a file: its first tab, and the whole report that
``cxr-evaluate`` writes. The bars are 4 s, 12 s and 1 GB on two cores that have nothing else to do;
CPU seconds stand beside, as others' work does not lengthen them.
"""

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from cxr_core.evaluation.evaluated import EvaluatedTable, evaluate_with_model, measure_all
from cxr_core.evaluation.full_report import FullReport
from cxr_core.evaluation.metrics.bootstrap import Resamples, logit_interval, resample_units
from cxr_core.evaluation.metrics.calibration import calibration_metrics, reliability_intervals
from cxr_core.evaluation.metrics.ranking import (
    BAND_STEPS,
    auroc_interval,
    average_precision_interval,
    confidence_bands,
    n_limiting_patients,
)
from cxr_core.evaluation.predictions import read_predictions
from cxr_core.evaluation.render.json_document import metrics_json
from cxr_core.evaluation.scoring import sigmoid
from cxr_core.findings import LABEL_COLUMNS, LOGIT_COLUMNS

PREVALENCE = (0.18, 0.13, 0.24, 0.39)  # of the four findings in NIH's test list, about
FILMS_A_PATIENT = 9.0
Array = NDArray[np.float64]
T = TypeVar("T")


def made_up(films: int, seed: int = 0) -> tuple[Array, Array, NDArray[np.int64]]:
    """(N, 4) labels, (N, 4) scores and (N,) patients."""
    rng = np.random.default_rng(seed)
    sizes = rng.geometric(1 / FILMS_A_PATIENT, size=films)
    patients = np.repeat(np.arange(films), sizes)[:films]
    shared = rng.normal(size=(films, 2, len(PREVALENCE)))[
        patients
    ]  # (N, 2, 4) what a patient's films share
    ill = 0.7 * shared[:, 0] + 0.71 * rng.normal(size=(films, len(PREVALENCE)))
    least = [np.quantile(column, 1 - p) for column, p in zip(ill.T, PREVALENCE, strict=True)]
    labels = (ill > least).astype(float)
    scores = 1.2 * labels + 0.5 * shared[:, 1] + 0.87 * rng.normal(size=(films, len(PREVALENCE)))
    return labels, scores.round(4), patients


def as_file(labels: Array, scores: Array, patients: NDArray[np.int64], seed: int = 0) -> bytes:
    """The same films as a predictions table with all that subgroups are told apart by."""
    rng = np.random.default_rng(seed)
    n = len(labels)
    of_patient = rng.integers(2, size=(patients.max() + 1, 1)), rng.integers(90, size=n)
    table = pd.DataFrame(labels.astype(int), columns=list(LABEL_COLUMNS))
    table[list(LOGIT_COLUMNS)] = scores
    table.insert(0, "image", [f"{i:08d}_000.png" for i in range(n)])
    table["patient"] = patients
    table["sex"] = np.array(["F", "M"])[of_patient[0][patients, 0]]
    table["age"] = of_patient[1][patients % n]
    table["view"] = np.array(["PA", "AP"])[rng.integers(2, size=n)]
    table["follow_up"] = table.groupby("patient").cumcount()
    return table.to_csv(index=False).encode()


def first_tab(data: bytes, n_resamples: int) -> EvaluatedTable:
    """What the page measures before its first tab is whole: of a table without a model."""
    evaluated = evaluate_with_model(
        read_predictions(data), "0" * 64, None, n_resamples=n_resamples, calibration_metrics=False
    )
    key = evaluated.keys[0]
    confidence_bands(*evaluated.labelled(key), evaluated.resamples(key))
    return evaluated


def whole_report(data: bytes, n_resamples: int) -> FullReport:
    """What ``cxr-evaluate TABLE --json`` writes."""
    evaluated = evaluate_with_model(read_predictions(data), "0" * 64, None, n_resamples=n_resamples)
    full = measure_all(evaluated, None)
    metrics_json(full, created_at=datetime.now().astimezone())
    return full


def plain(labels: Array, scores: Array, resamples: Resamples) -> list[Array]:
    """AUROC (R,), average precision (R,), ROC (R, 101) and precision (R, 100) by scikit-learn."""
    places = np.arange(BAND_STEPS + 1) / BAND_STEPS
    found: list[list[Array]] = [[], [], [], []]
    for counts in resamples.counts:
        rows = np.repeat(np.arange(len(labels)), counts[resamples.patient_index])
        y, s = labels[rows], scores[rows]
        fpr, tpr, _ = roc_curve(y, s)
        precision, recall, _ = precision_recall_curve(y, s)
        found[0].append(roc_auc_score(y, s))
        found[1].append(average_precision_score(y, s))
        found[2].append(np.interp(places, fpr, tpr))
        found[3].append(precision[::-1][np.searchsorted(recall[::-1], places[1:])])
    return [np.array(values) for values in found]


def ends(labels: Array, scores: Array, resamples: Resamples, drawn: list[Array]) -> list[Array]:
    """The intervals' ends, each (2, …), of what scikit-learn found on the films and drawn."""
    units = n_limiting_patients(labels, resamples)
    areas = [f(labels, scores) for f in (roc_auc_score, average_precision_score)]
    intervals = [
        logit_interval(a, d, n_independent=units) for a, d in zip(areas, drawn[:2], strict=True)
    ]
    return [np.array([one.low, one.high]) for one in intervals] + [
        np.quantile(values, [0.025, 0.975], axis=0) for values in drawn[2:]
    ]


def ours(labels: Array, scores: Array, resamples: Resamples) -> list[Array]:
    """The ends of the same four's intervals, each (2, …)."""
    bands = confidence_bands(labels, scores, resamples)
    if bands is None:
        raise SystemExit("Too few films for an interval: ask for more.")
    areas = [f(labels, scores, resamples) for f in (auroc_interval, average_precision_interval)]
    return [np.array([area.low, area.high]) for area in areas] + [
        np.stack([band.low, band.high]) for band in (bands.roc, bands.precision_recall)
    ]


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds, and what it returned."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def peak() -> int:
    """The most memory this process has held so far, MiB (RSS, libraries included)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> int:
    """Measure and print; returns 0, or 1 where an interval differs by more than 1e-3."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, default=25_596)
    parser.add_argument("--resamples", type=int, default=2000)
    parser.add_argument("--plain", type=int, default=40, help="resamples done by scikit-learn too")
    words = parser.parse_args()
    labels, scores, patients = made_up(words.films)
    pairs = list(zip(labels.T, scores.T, strict=True))
    print(
        f"{len(os.sched_getaffinity(0))} cores, busy with {os.getloadavg()[0]:.1f} processes "
        f"before; {words.films:,} films of {len(set(patients)):,} patients, {len(pairs)} findings, "
        f"{words.resamples:,} resamples; {peak():,} MiB before"
    )
    drawing, resamples = timed(lambda: resample_units(patients, n_resamples=words.resamples))
    areas, _ = timed(lambda: [auroc_interval(*pair, resamples) for pair in pairs])
    print(f"drawing {drawing:.2f} s + AUROC intervals {areas:.2f} s; at most {peak():,} MiB")
    precision, _ = timed(lambda: [average_precision_interval(*pair, resamples) for pair in pairs])
    bands, _ = timed(lambda: [confidence_bands(*pair, resamples) for pair in pairs])
    print(f"average precision {precision:.2f} s + bands {bands:.2f} s; at most {peak():,} MiB")
    judged, _ = timed(
        lambda: [
            (calibration_metrics(y, p, resamples), reliability_intervals(p, y, resamples))
            for y, s in pairs
            for p in (sigmoid(s - 2.0), sigmoid(1.1 * s - 2.1))
        ]
    )
    print(f"calibration before and after, every figure {judged:.2f} s; at most {peak():,} MiB")
    data = as_file(labels, scores, patients)
    for name, work in (("first tab", first_tab), ("whole report", whole_report)):
        cpu = time.process_time()
        taken, _ = timed(partial(work, data, words.resamples))
        cpu = time.process_time() - cpu
        print(f"{name} {taken:.2f} s, {cpu:.2f} s of CPU; at most {peak():,} MiB")
    few = Resamples(resamples.counts[: words.plain], resamples.patient_index)
    slow, drawn = timed(lambda: [plain(*pair, few) for pair in pairs])
    fast, mine = timed(lambda: [ours(*pair, few) for pair in pairs])
    print(
        f"{words.plain} of the resamples: scikit-learn {slow:.2f} s, ours {fast:.2f} s, "
        f"ratio {slow / fast:.1f}"
    )
    expected = [ends(*pair, few, values) for pair, values in zip(pairs, drawn, strict=True)]
    worst = 0.0
    for place, name in enumerate(("AUROC", "average precision", "ROC band", "precision band")):
        apart = max(
            float(np.abs(found[place] - theirs[place]).max())
            for found, theirs in zip(mine, expected, strict=True)
        )
        print(f"{name + ' differs by at most':<40}{apart:.1e}")
        worst = max(worst, apart)
    return 0 if worst <= 1e-3 else 1


if __name__ == "__main__":
    sys.exit(main())
