"""How often a 95 % interval holds the truth, on simulated patients with several films each.

    nice -n 10 python -m bench.coverage [--simulations 2000] [--resamples 700] [--patients 160]

Scores are binormal: a film's score is ``--apart`` where the finding is there and 0 where not, plus
a part that all films of its patient share and a part of its own, of variance 1 together. Labels
are alike within a patient too, but the shared part of the score does not depend on them, so the
truth over all films is known: AUROC = Phi(apart / sqrt 2), and sensitivity and specificity at a
cut-off by the normal distribution. A draw with under ``--positives`` positive films is made anew.
An interval of 95 % should hold the truth in 93 to 97 of 100 simulations. Beside the dashboard's
interval of the AUROC, on the scale of its logit, stand for comparison the plain percentiles.
"""

import argparse
import math
import os
import sys
import time
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from cxr_core.evaluation.metrics.at_threshold import threshold_metrics
from cxr_core.evaluation.metrics.bootstrap import (
    Interval,
    Resamples,
    percentile_interval,
    resample_units,
)
from cxr_core.evaluation.metrics.net_benefit import decision_curve
from cxr_core.evaluation.metrics.ranking import auroc, auroc_interval, resampled_auroc
from cxr_core.evaluation.metrics.shares import group_difference, paired_difference

FILMS_PER_PATIENT = 3.0  # on average, geometric: many have one, some have ten or more
PREVALENCE = 0.15
SHARED_VARIANCE = 0.5  # of the score's variance, by films of one patient
MIN_COVERAGE, MAX_COVERAGE = 0.93, 0.97
NORMAL = NormalDist()
PLAIN_AUROC = "AUROC, plain"
PAIRED, BETWEEN_GROUPS, NET_BENEFIT = "paired shares", "groups' shares", "net benefit"
Array = NDArray[np.float64]


def simulate(
    rng: np.random.Generator, patients: int, separation: float
) -> tuple[NDArray[np.bool_], Array, NDArray[np.int64]]:
    """(N,) labels, scores and patients."""
    sizes = rng.geometric(1 / FILMS_PER_PATIENT, size=patients)
    patient = np.repeat(np.arange(patients), sizes)
    films = len(patient)
    latent = math.sqrt(0.5) * (rng.normal(size=patients)[patient] + rng.normal(size=films))
    labels = latent > NORMAL.inv_cdf(1 - PREVALENCE)
    shared = rng.normal(size=patients)[patient]
    noise = math.sqrt(SHARED_VARIANCE) * shared + math.sqrt(1 - SHARED_VARIANCE) * rng.normal(
        size=films
    )
    return labels, separation * labels + noise, patient


def true_values(apart: float, cut_off: float) -> dict[str, float]:
    """The figures of infinitely many films."""
    return {
        "AUROC": NORMAL.cdf(apart / math.sqrt(2)),
        PLAIN_AUROC: NORMAL.cdf(apart / math.sqrt(2)),
        "sensitivity": NORMAL.cdf(apart - cut_off),
        "specificity": NORMAL.cdf(cut_off),
        # Two cut-offs on the same films with the finding, and one on two halves of the patients.
        PAIRED: NORMAL.cdf(apart - cut_off) - NORMAL.cdf(apart - cut_off - 0.4),
        BETWEEN_GROUPS: 0.0,
        NET_BENEFIT: PREVALENCE * NORMAL.cdf(apart - cut_off)
        - (1 - PREVALENCE) * NORMAL.cdf(-cut_off) / 4,
    }


def measured_intervals(
    labels: NDArray[np.bool_], scores: Array, patients: NDArray[np.int64], cut_off: float,
    *, n_resamples: int, seed: int,
) -> dict[str, Interval]:  # fmt: skip
    """What the dashboard says of them."""
    resamples = resample_units(patients, n_resamples=n_resamples, seed=seed)
    found = threshold_metrics(labels, scores, cut_off, resamples)
    halves = patients % 2 == 0, patients % 2 == 1
    # At a threshold of 0.2, whose odds are 1 to 4, films over the cut-off are flagged.
    probabilities = np.where(scores >= cut_off, 0.9, 0.1)
    (net_benefit,) = decision_curve(labels, probabilities, resamples, thresholds=[0.2])
    return {
        "AUROC": auroc_interval(labels, scores, resamples),
        PLAIN_AUROC: plain_auroc_interval(labels, scores, resamples),
        "sensitivity": found.sensitivity,
        "specificity": found.specificity,
        PAIRED: paired_difference(
            scores[labels] >= cut_off, scores[labels] >= cut_off + 0.4, patients[labels]
        ),
        BETWEEN_GROUPS: group_difference(
            *(scores[labels & half] >= cut_off for half in halves),
            *(patients[labels & half] for half in halves),
        ),
        NET_BENEFIT: net_benefit.model,
    }


def plain_auroc_interval(
    labels: NDArray[np.bool_], scores: Array, resamples: Resamples
) -> Interval:
    """The AUROC's interval from the percentiles of the resamples."""
    return percentile_interval(auroc(labels, scores), resampled_auroc(labels, scores, resamples))


def main() -> int:
    """Simulate and print; returns 0, or 1 where the AUROC's coverage is outside the bar."""
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
        labels, scores, patients = simulate(rng, args.patients, args.apart)
        if labels.sum() < args.positives:
            redrawn += 1
            continue
        found = measured_intervals(labels, scores, patients, cut_off,
                          n_resamples=args.resamples, seed=len(films))  # fmt: skip
        for name, true in truth.items():
            one = found[name]
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
    for name, (inside, below, above) in coverage.items():
        share = inside / args.simulations
        error = math.sqrt(share * (1 - share) / args.simulations)
        print(
            f"{name:<16} truth {truth[name]:.3f}: covered in {share:.1%} (standard error "
            f"{error:.1%}); interval below it {below / args.simulations:.1%}, above it "
            f"{above / args.simulations:.1%}"
        )
    share = coverage["AUROC"][0] / args.simulations
    print(
        f"The bar of {MIN_COVERAGE:.0%} to {MAX_COVERAGE:.0%} is "
        f"{'held' if MIN_COVERAGE <= share <= MAX_COVERAGE else 'missed'}"
    )
    return 0 if MIN_COVERAGE <= share <= MAX_COVERAGE else 1


if __name__ == "__main__":
    sys.exit(main())
