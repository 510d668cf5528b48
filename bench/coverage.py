"""How often a 95 % interval holds the truth, on simulated patients with several films each.

    nice -n 10 python -m bench.coverage [--simulations 2000] [--resamples 700] [--patients 160]

Scores are binormal: a film's score is ``--apart`` where the finding is there and 0 where not, plus
a part that all films of its patient share and a part of its own, of variance 1 together. A second
model's score is correlated with the first. Labels are alike within a patient too, but the shared
part of the score does not depend on them, so the truth over all films is known: AUROC = Phi(apart /
sqrt 2), and sensitivity and specificity at a cut-off by the normal distribution. Groups are halves
of the patients, or of the films of every patient. For the FROC, films with the finding have a box
that a mark lies in with a probability of 0.8, and films without it one or more false marks. A draw
with under ``--positives`` positive films is made anew. An interval of 95 % should hold the truth in
93 to 97 of 100 simulations. What stands there for comparison alone is named so: plain percentiles
of an AUROC, and DeLong's interval on the scale of the area itself.
"""

import argparse
import math
import os
import sys
import time
from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxr_core.evaluation.localisation.froc import MARK_COLUMNS, froc_curves
from cxr_core.evaluation.metrics.at_threshold import threshold_metrics
from cxr_core.evaluation.metrics.auroc_comparison import compare_auroc
from cxr_core.evaluation.metrics.bootstrap import (
    Z_95,
    Interval,
    Resamples,
    make_interval,
    percentile_interval,
    resample_units,
)
from cxr_core.evaluation.metrics.delong import area_parts
from cxr_core.evaluation.metrics.gaps import area_gap
from cxr_core.evaluation.metrics.net_benefit import alert_burden, decision_curve
from cxr_core.evaluation.metrics.ranking import auroc, auroc_interval, resampled_auroc
from cxr_core.evaluation.metrics.shares import group_difference, paired_difference
from cxr_core.evaluation.metrics.subgroups import Subgroup

FILMS_PER_PATIENT = 3.0  # on average, geometric: many have one, some have ten or more
PREVALENCE, ELSEWHERE = 0.15, 0.05
SHARED_VARIANCE = 0.5  # of the score's variance, by films of one patient
WORSE = 0.85  # the second model's separation, of the first's
CORRELATION = 0.7  # of the two models' scores
BOX_HIT, FURTHER_MARKS, FALSE_RATE = 0.8, 0.7, 0.5  # of the FROC
MIN_COVERAGE, MAX_COVERAGE = 0.93, 0.97
NORMAL = NormalDist()
FOR_COMPARISON = ("AUROC, plain percentiles", "AUROC, DeLong")
Array = NDArray[np.float64]
Labels = NDArray[np.bool_]
Patients = NDArray[np.int64]


def simulate(
    rng: np.random.Generator, patients: int, separation: float
) -> tuple[Labels, Array, Patients]:
    """(N,) labels, (2, N) scores of two models and (N,) patients."""
    sizes = rng.geometric(1 / FILMS_PER_PATIENT, size=patients)
    patient = np.repeat(np.arange(patients), sizes)
    latent = math.sqrt(0.5) * (rng.normal(size=patients)[patient] + rng.normal(size=len(patient)))
    labels = latent > NORMAL.inv_cdf(1 - PREVALENCE)
    noise, other = (clustered_noise(rng, patient) for _ in range(2))
    noise_b = CORRELATION * noise + math.sqrt(1 - CORRELATION**2) * other
    return labels, separation * np.outer([1.0, WORSE], labels) + [noise, noise_b], patient


def clustered_noise(rng: np.random.Generator, patient: Patients) -> Array:
    """(n,) of variance 1, alike within a patient."""
    shared = rng.normal(size=int(patient.max()) + 1)[patient]
    own = rng.normal(size=len(patient))
    return np.asarray(math.sqrt(SHARED_VARIANCE) * shared + math.sqrt(1 - SHARED_VARIANCE) * own)


def true_values(apart: float, cut_off: float) -> dict[str, float]:
    """The figures of infinitely many films."""
    area = NORMAL.cdf(apart / math.sqrt(2))
    gain = NORMAL.cdf(WORSE * apart / math.sqrt(2)) - area
    sensitivity, false_alarms = NORMAL.cdf(apart - cut_off), NORMAL.cdf(-cut_off)
    flagged, flagged_elsewhere = (
        share * sensitivity + (1 - share) * false_alarms for share in (PREVALENCE, ELSEWHERE)
    )
    benefit, benefit_elsewhere = (
        share * sensitivity - (1 - share) * false_alarms / 4 for share in (PREVALENCE, ELSEWHERE)
    )
    less = sensitivity - NORMAL.cdf(apart - cut_off - 0.4)
    false_mark = -NORMAL.inv_cdf(FALSE_RATE / (1 + FURTHER_MARKS))
    return {
        "AUROC": area,
        "AUROC, plain percentiles": area,
        "AUROC, DeLong": area,
        "two models' AUROC": gain,
        "two models' AUROC, DeLong": gain,
        "gap in AUROC, other patients": 0.0,
        "gap in AUROC, same patients": 0.0,
        "sensitivity": sensitivity,
        "specificity": 1 - false_alarms,
        # Two cut-offs on the same films with the finding: McNemar's and Newcombe's.
        "paired shares": less,
        "paired shares, equal models": 0.0,
        "gap in sensitivity, other patients": less,
        "gap in sensitivity, same patients": less,
        "gap in specificity, same patients": 0.0,
        "net benefit": benefit,
        "net benefit of flagging all": PREVALENCE - (1 - PREVALENCE) / 4,
        "net benefit elsewhere": benefit_elsewhere,
        "alerts per 100 films": 100 * flagged,
        "alerts per true finding": flagged / (PREVALENCE * sensitivity),
        "alerts per 100 films elsewhere": 100 * flagged_elsewhere,
        "alerts per true finding elsewhere": flagged_elsewhere / (ELSEWHERE * sensitivity),
        "FROC": BOX_HIT * NORMAL.cdf(apart - false_mark),
    }


def measured_intervals(
    rng: np.random.Generator, labels: Labels, both: Array, patients: Patients, cut_off: float,
    *, apart: float, n_resamples: int, seed: int,
) -> dict[str, Interval]:  # fmt: skip
    """What the dashboard says of them; ``both`` are the (2, N) scores of two models."""
    resamples = resample_units(patients, n_resamples=n_resamples, seed=seed)
    scores = both[0]
    whole = Subgroup("films", "all", np.ones(len(labels), dtype=bool), ("effusion",))
    column = labels.astype(np.int64)[:, None]
    pair = compare_auroc(whole, column, both[:, :, None], resamples, keys=("effusion",))
    difference = pair.auroc["effusion"].difference
    parts = area_parts(
        labels, scores, resamples.patient_index, n_patients=resamples.counts.shape[1]
    )
    reach = Z_95 * parts.se
    found = {
        "AUROC": auroc_interval(labels, scores, resamples),
        "AUROC, plain percentiles": plain_auroc_interval(labels, scores, resamples),
        "AUROC, DeLong": make_interval(
            parts.estimate, parts.estimate - reach, parts.estimate + reach
        ),
        "two models' AUROC": difference,
        "two models' AUROC, DeLong": make_interval(
            difference.estimate,
            difference.cross_check_low or math.nan,
            difference.cross_check_high or math.nan,
        ),
    }
    groups = {
        "other patients": (patients % 2 == 0, patients % 2 == 1),
        "same patients": (np.arange(len(labels)) % 2 == 0, np.arange(len(labels)) % 2 == 1),
    }
    for name, halves in groups.items():
        areas = [
            auroc_interval(labels[half], scores[half], resamples.subset(half)) for half in halves
        ]
        found[f"gap in AUROC, {name}"] = area_gap(
            *halves, labels.astype(np.int64), scores, resamples, areas
        )
        ill = [labels & half for half in halves]
        found[f"gap in sensitivity, {name}"] = group_difference(
            scores[ill[0]] >= cut_off, scores[ill[1]] >= cut_off + 0.4,
            *(patients[part] for part in ill),
        )  # fmt: skip
    well = [~labels & half for half in groups["same patients"]]
    found["gap in specificity, same patients"] = group_difference(
        *(scores[part] < cut_off for part in well), *(patients[part] for part in well)
    )
    return found | at_a_cut_off(labels, both, patients, cut_off, resamples) | {
        "FROC": froc_interval(rng, labels, patients, apart, n_resamples=n_resamples, seed=seed)
    }  # fmt: skip


def at_a_cut_off(
    labels: Labels, both: Array, patients: Patients, cut_off: float, resamples: Resamples
) -> dict[str, Interval]:
    """Rates, paired shares, net benefit and alerts."""
    scores = both[0]
    rates = threshold_metrics(labels, scores, cut_off, resamples)
    ill = labels
    equal = both[1] + (1 - WORSE) * 2 * cut_off * labels  # the second model, made as good
    # At a threshold of 0.2, whose odds are 1 to 4, films over the cut-off are flagged.
    flags = np.where(scores >= cut_off, 0.9, 0.1)
    (here,) = decision_curve(labels, flags, resamples, thresholds=[0.2])
    (elsewhere,) = decision_curve(labels, flags, resamples, prevalence=ELSEWHERE, thresholds=[0.2])
    alerts = alert_burden(labels, flags, 0.5, resamples)
    alerts_elsewhere = alert_burden(labels, flags, 0.5, resamples, prevalence=ELSEWHERE)
    return {
        "sensitivity": rates.sensitivity,
        "specificity": rates.specificity,
        "paired shares": paired_difference(
            scores[ill] >= cut_off, scores[ill] >= cut_off + 0.4, patients[ill]
        ),
        "paired shares, equal models": paired_difference(
            scores[ill] >= cut_off, equal[ill] >= cut_off, patients[ill]
        ),
        "net benefit": here.model,
        "net benefit of flagging all": here.all_flagged,
        "net benefit elsewhere": elsewhere.model,
        "alerts per 100 films": alerts.per_100,
        "alerts per true finding": alerts.per_finding,
        "alerts per 100 films elsewhere": alerts_elsewhere.per_100,
        "alerts per true finding elsewhere": alerts_elsewhere.per_finding,
    }


def froc_interval(
    rng: np.random.Generator, labels: Labels, patients: Patients, apart: float,
    *, n_resamples: int, seed: int,
) -> Interval:  # fmt: skip
    """Of boxes found at half a false mark per negative film."""
    ill, well = np.flatnonzero(labels), np.flatnonzero(~labels)
    further = rng.poisson(FURTHER_MARKS, size=len(well))
    false = np.concatenate([well, np.repeat(well, further)])
    films = np.concatenate([ill, false])
    boxed = np.arange(len(films)) < len(ill)
    # Marks of one film are of one patient, so their scores are alike, too.
    scores = apart * boxed + clustered_noise(rng, patients[films])
    inside = boxed & (rng.random(len(films)) < BOX_HIT)
    rows = pd.DataFrame(
        {"image": films.astype(str), "finding": "effusion", "boxes": boxed.astype(int),
         "area": 0.1 * boxed, "x": 0.5, "y": 0.5, "score": scores, "box": inside.astype(int)},
        columns=list(MARK_COLUMNS),
    )  # fmt: skip
    of_film = dict(zip(films.astype(str), patients[films].astype(str), strict=True))
    return froc_curves(rows, of_film, n_resamples=n_resamples, seed=seed)["effusion"].at[FALSE_RATE]


def plain_auroc_interval(
    labels: NDArray[np.bool_], scores: Array, resamples: Resamples
) -> Interval:
    """The AUROC's interval from the percentiles of the resamples."""
    return percentile_interval(auroc(labels, scores), resampled_auroc(labels, scores, resamples))


def main() -> int:
    """Simulate and print; returns 0, or 1 where a coverage is outside the bar."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=2000)
    parser.add_argument("--resamples", type=int, default=700)
    parser.add_argument("--patients", type=int, default=160)
    parser.add_argument("--positives", type=int, default=40, help="fewest positive films")
    parser.add_argument(
        "--apart",
        type=float,
        default=1.3,
        help="separation of the classes in standard deviations; 1.3 is AUROC 0.82",
    )
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    cut_off = args.apart / 2
    truth = true_values(args.apart, cut_off)
    coverage = {name: [0, 0, 0] for name in truth}  # held it, lay below it, lay above it
    films: list[int] = []
    positives: list[int] = []
    redrawn = 0
    started = time.process_time()
    while len(films) < args.simulations:
        labels, both, patients = simulate(rng, args.patients, args.apart)
        if labels.sum() < args.positives:
            redrawn += 1
            continue
        found = measured_intervals(
            rng, labels, both, patients, cut_off,
            apart=args.apart, n_resamples=args.resamples, seed=len(films),
        )  # fmt: skip
        for name, true in truth.items():
            one = found[name]
            if one.estimable:
                coverage[name][1 if one.high < true else 2 if one.low > true else 0] += 1
        films.append(len(labels))
        positives.append(int(labels.sum()))
    print(
        f"{args.simulations:,} simulations of {args.patients} patients, {np.mean(films):.0f} "
        f"films (mean) and {np.mean(positives):.0f} positives (mean; fewest {min(positives)}); "
        f"{redrawn} draws with under {args.positives} positives made anew; {args.resamples} "
        f"resamples each; {time.process_time() - started:.0f} s of CPU, "
        f"{len(os.sched_getaffinity(0))} cores"
    )
    outside = []
    for name, (inside, below, above) in coverage.items():
        n = inside + below + above
        share = inside / n
        error = math.sqrt(share * (1 - share) / n)
        if not MIN_COVERAGE <= share <= MAX_COVERAGE and name not in FOR_COMPARISON:
            outside.append(name)
        print(
            f"{name:<34} truth {truth[name]:7.3f}: covered in {share:.1%} (standard error "
            f"{error:.1%}); interval below it {below / n:.1%}, above it {above / n:.1%}"
            + (f"; not estimable in {args.simulations - n}" if n < args.simulations else "")
        )
    bar = f"The bar of {MIN_COVERAGE:.0%} to {MAX_COVERAGE:.0%} is"
    print(f"{bar} missed by {', '.join(outside)}" if outside else f"{bar} held")
    return 1 if outside else 0


if __name__ == "__main__":
    sys.exit(main())
