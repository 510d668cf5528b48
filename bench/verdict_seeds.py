"""Whether any verdict about a run changes with the seed of the resampling.

    python -m bench.verdict_seeds models/default [--seeds 20]

Every difference between groups and what survives Holm, the view alone, the map's peak and box
against fixed ones, and what is enough: counted once a seed, and listed where two seeds disagree.
"""

import argparse
import sys
from collections import Counter, defaultdict
from pathlib import Path

from cxr_core.evaluation.evaluated import evaluate_with_model, measure_subgroups
from cxr_core.evaluation.input_table import read_input_table
from cxr_core.evaluation.localisation.rates import localisation_metrics
from cxr_core.evaluation.metrics.differences import direction_of
from cxr_core.evaluation.metrics.gaps import FIGURES
from cxr_core.evaluation.metrics.view_alone import shortcut_sentence
from cxr_core.evaluation.run_folder import RunFolder

Verdicts = dict[tuple[object, ...], object]


def verdicts(folder: Path, seed: int) -> Verdicts:
    """All that the page says of a run in words, by what it is said of."""
    run, table = RunFolder(folder), read_input_table(folder)
    evaluated = evaluate_with_model(
        table.predictions, table.sha256, run.metadata, seed=seed, calibration_metrics=False
    )
    full = measure_subgroups(evaluated, run)
    boxed = localisation_metrics(run.localisation, table.predictions, seed=seed)
    found: Verdicts = {}
    for gap in full.gaps:
        for figure in FIGURES:
            of = ("difference", gap.by, gap.value, gap.finding, figure)
            found[of] = gap.direction(figure), figure in gap.survives
    for shortcut in full.shortcuts:
        found["view alone", shortcut.finding] = shortcut_sentence(shortcut)
    for group in full.groups:
        found["enough", group.by, group.value, group.finding] = group.auroc.verdict
    for key, rates in boxed.hit_rates.items():
        found["peak", key] = direction_of(rates.gain)
    for measure, of_finding in boxed.overlaps.items():
        for key, at_thresholds in of_finding.items():
            for one in at_thresholds:
                found["box", measure, key, one.threshold] = direction_of(one.gain)
    return found


def main() -> int:
    """Count and print; returns 0, or 1 where a verdict changes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--seeds", type=int, default=20)
    words = parser.parse_args()
    told: defaultdict[tuple[object, ...], Counter[object]] = defaultdict(Counter)
    for seed in range(words.seeds):
        for of, verdict in verdicts(words.run, seed).items():
            told[of][verdict] += 1
    changing = {of: counts for of, counts in told.items() if len(counts) > 1}
    kinds = Counter(str(of[0]) for of in told)
    print(f"{len(told)} verdicts ({dict(kinds)}), {words.seeds} seeds: {len(changing)} change")
    for of, counts in changing.items():
        print(of, dict(counts))
    return 1 if changing else 0


if __name__ == "__main__":
    sys.exit(main())
