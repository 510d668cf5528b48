"""An evaluation, or a comparison, as text that a terminal of 100 columns can show."""

from collections.abc import Iterable, Sequence

from cxr_core.evaluation.comparison import Comparison
from cxr_core.evaluation.full_report import FullReport
from cxr_core.evaluation.metrics.sufficiency import MIN_COUNT, rule_in_words
from cxr_core.evaluation.render.comparison_figures import (
    comparison_tables,
    multiplicity_sentence,
    several_models,
)
from cxr_core.evaluation.render.figures import evaluation_tables
from cxr_core.evaluation.render.table import Table, to_text, wrap_text


def metrics_text(metrics: FullReport) -> str:
    """Everything that was gathered, as lines of at most 100 characters."""
    report = metrics.report
    head = (
        f"{_films(report.n_films, report.n_patients)}. Intervals are 95 %, from "
        f"{report.n_resamples:,} resamples of {report.resampled} (seed {report.seed}). Sample "
        f"size, by the AUROC: {rule_in_words(report.resampled)}."
    )
    return _text(head, evaluation_tables(metrics), metrics.notes)


def comparison_text(comparison: Comparison) -> str:
    """The whole comparison as lines of at most 100 characters."""
    resampled = comparison.resampled
    head = (
        f"{_films(comparison.n_films, comparison.n_patients)}. Intervals are 95 %, from "
        f"{comparison.n_resamples:,} resamples of {resampled} (seed {comparison.seed}), the same "
        "ones for A and B. They tell how far a figure would move with other "
        f"{resampled}, not with another training run. {multiplicity_sentence(comparison)} "
        f"Not estimable: under {MIN_COUNT} films, or films of under {MIN_COUNT} {resampled}, with "
        "the finding or without it."
    )
    return _text(head, comparison_tables(comparison), comparison.notes)


def comparisons_text(comparisons: Sequence[Comparison]) -> str:
    """A comparison, or several with the same first model, as lines of at most 100 characters."""
    if len(comparisons) == 1:
        return comparison_text(comparisons[0])
    first = comparisons[0]
    head = (
        f"{_films(first.n_films, first.n_patients)}, those in all tables. Intervals are 95 %, from "
        f"{first.n_resamples:,} resamples of {first.resampled} (seed {first.seed}), the same ones "
        f"for all models. {len(comparisons)} models are compared with A and none with another; no "
        "correction is made for their number."
    )
    notes = list(dict.fromkeys(note for one in comparisons for note in one.notes))
    return _text(head, several_models(comparisons), notes)


def _films(films: int, patients: int | None) -> str:
    return f"{films:,} films" + ("" if patients is None else f" of {patients:,} patients")


def _text(head: str, tables: Iterable[Table], notes: Sequence[str]) -> str:
    parts = [wrap_text(head), *map(to_text, tables)]
    if notes:
        parts.append("\n".join(["Notes", *(wrap_text(note, bullet="- ") for note in notes)]))
    return "\n\n".join(parts) + "\n"
