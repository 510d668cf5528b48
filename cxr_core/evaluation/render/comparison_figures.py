"""Every figure that sets two models, or a model and published ones, beside one another."""

from collections.abc import Callable, Iterator, Sequence

from cxr_core.evaluation.comparison import ALL_FINDINGS, MODEL_LETTERS, Comparison
from cxr_core.evaluation.localisation.overlap import Measure
from cxr_core.evaluation.metrics.auroc_comparison import AurocComparison, PairedIntervals
from cxr_core.evaluation.metrics.bootstrap import NOT_ESTIMABLE, NOT_LABELLED, Interval
from cxr_core.evaluation.metrics.differences import (
    PRINTED_DIGITS,
    SIGNIFICANT,
    Direction,
    direction_of,
    holm,
)
from cxr_core.evaluation.published import (
    PublishedAuroc,
    PublishedOverlap,
    difference_to_published,
)
from cxr_core.evaluation.render.subset_figures import MEASURES
from cxr_core.evaluation.render.table import Cell, Column, Row, Table
from cxr_core.evaluation.report import EvaluationReport
from cxr_core.findings import ABNORMAL_KEYS, label_of

ALL_COMPARED, WITHIN_GROUP, PUBLISHED = "comparison", "comparison within group", "published"
DIFFERENCE_DIGITS = PRINTED_DIGITS
_FINDING = Column("Finding", is_text=True, whole=True)
_SIDES = (
    Column("A", digits=DIFFERENCE_DIGITS),
    Column("B", digits=DIFFERENCE_DIGITS),
    Column("B − A", digits=DIFFERENCE_DIGITS, signed=True),
)
_RESULT = Column("Result", is_text=True, in_text=False)
_AUROC_COLUMNS = (
    _FINDING,
    Column("Positive"),
    *_SIDES,
    _RESULT,
)


_RESULTS: dict[Direction, str] = {
    "higher": "B better",
    "lower": "A better",
    "not shown": "no difference shown",
    "not estimable": NOT_ESTIMABLE.text(),
    "not labelled": NOT_LABELLED.text(),
}


def difference_verdict(difference: Interval) -> str:
    """What B - A says: which is better, or that no difference is shown (``differences``)."""
    return _RESULTS[direction_of(difference)]


def multiplicity_sentence(comparison: Comparison) -> str:
    """How many differences of AUROC were compared, how many are shown, and which survive Holm."""
    parts = [
        comparison.overall,
        comparison.abnormal,
        *comparison.views.values(),
        *comparison.groups.values(),
    ]
    family = [
        (f"{label_of(key)}, {part.name}", pair.difference)
        for part in parts
        for key, pair in part.auroc.items()
        if pair.difference.estimable
    ]
    adjusted = holm([difference.p_value for _, difference in family])
    shown = [direction_of(one) in ("higher", "lower") for _, one in family]
    surviving = [
        name
        for (name, _), p, is_shown in zip(family, adjusted, shown, strict=True)
        if is_shown and p < SIGNIFICANT
    ]
    told = f": {'; '.join(surviving)}" if surviving else ""
    return (
        f"{len(family):,} differences of AUROC were compared; {sum(shown):,} are shown, "
        f"{len(surviving):,} of them after Holm's correction too{told}."
    )


def _sides(pair: PairedIntervals) -> tuple[Cell, ...]:
    return pair.a, pair.b, pair.difference


def _auroc(
    comparison: Comparison, films: AurocComparison, name: str, *, topic: str = ALL_COMPARED
) -> Table:
    rows = []
    for key, pair in films.auroc.items():
        label, n = label_of(key), films.n_labelled.get(key)
        finding = f"{label} ({n:,} films)" if n else label
        verdict = difference_verdict(pair.difference)
        rows.append(Row((finding, films.positives[key], *_sides(pair), verdict), key))
    if mean := films.mean:
        averaged = "Mean of the labelled" if 0 in films.n_labelled.values() else "Mean"
        rows.append(Row((averaged, None, *_sides(mean), difference_verdict(mean.difference))))
    return Table(
        topic,
        f"AUROC, {name}: {films.n:,} films",
        _AUROC_COLUMNS,
        rows,
        f"{name[0].upper()}{name[1:]}: {films.n:,} films. AUROC (95 % interval, "
        f"{comparison.resampled} resampled jointly, {comparison.n_resamples:,} times)",
    )


def compared_all_films(comparison: Comparison) -> Iterator[Table]:
    """AUROC of the findings, and their mean."""
    yield _auroc(comparison, comparison.overall, "all films")


def compared_abnormal_films(comparison: Comparison) -> Iterator[Table]:
    """AUROC of the other findings among films that are not No Finding."""
    films = comparison.abnormal
    if films.auroc:
        yield _auroc(comparison, films, f"films that are {films.name}")


def compared_views(comparison: Comparison) -> Iterator[Table]:
    """AUROC of No Finding within each view."""
    for view, films in comparison.views.items():
        yield _auroc(comparison, films, f"view {view}")


def compared_groups(comparison: Comparison) -> Iterator[Table]:
    """AUROC of the findings within each group."""
    for group, films in comparison.groups.items():
        yield _auroc(comparison, films, f"group {group}", topic=WITHIN_GROUP)


def compared_calibration(comparison: Comparison) -> Iterator[Table]:
    """Expected calibration errors of both, and their mean over the findings."""
    sides = {
        f"{side} {when}": errors
        for side, ece in (("A", comparison.ece_a), ("B", comparison.ece_b))
        if ece is not None
        for when, errors in (("before", ece.before), ("after", ece.after))
        if errors
    }
    if not sides:
        return
    title = "Expected calibration error (10 bins, 0 is perfect), before and after calibration"
    columns = (_FINDING, *(Column(name, digits=3) for name in sides))
    # Both tables have the same labels.
    keys = list(comparison.overall.auroc)
    unlabelled = [key for key in keys if comparison.overall.n_labelled.get(key) == 0]
    rows = []
    for key in keys:
        cells = [NOT_LABELLED if key in unlabelled else ece[key] for ece in sides.values()]
        rows.append(Row((label_of(key), *cells), key))
    labelled = [key for key in keys if key not in unlabelled]
    means = [sum(ece[key] for key in labelled) / len(labelled) for ece in sides.values()]
    name = "Mean of the labelled" if unlabelled else "Mean"
    yield Table(ALL_COMPARED, title, columns, [*rows, Row((name, *means))])


def compared_localisation(comparison: Comparison) -> Iterator[Table]:
    """How often the peak of either map lies inside a box."""
    if not comparison.localisation:
        return
    title = "Localisation: share of boxed films whose map peaks inside a box"
    rows = [
        Row(
            (
                "All findings" if key == ALL_FINDINGS else label_of(key),
                found.n,
                *_sides(found.rate),
                difference_verdict(found.rate.difference),
            ),
            key,
        )
        for key, found in comparison.localisation.items()
    ]
    columns = (_FINDING, Column("Boxed films"), *_SIDES, _RESULT)
    note = "The difference is paired by film: Newcombe's interval, McNemar's exact test (mid-p)."
    yield Table(ALL_COMPARED, title, columns, rows, notes=(note,))


COMPARISON_TABLES: list[Callable[[Comparison], Iterator[Table]]] = [
    compared_all_films,
    compared_abnormal_films,
    compared_views,
    compared_groups,
    compared_calibration,
    compared_localisation,
]


def comparison_tables(comparison: Comparison) -> Iterator[Table]:
    """All tables that there are of a comparison."""
    for lay_out in COMPARISON_TABLES:
        yield from lay_out(comparison)


def several_models(comparisons: Sequence[Comparison]) -> Iterator[Table]:
    """AUROC of each model and its difference to the first, a table a finding; then their means.

    Args:
        comparisons: as ``compare_with_first`` returns them: A is the same in all.
    """
    columns = (
        Column("Model", is_text=True),
        Column("AUROC", digits=DIFFERENCE_DIGITS),
        Column("Less A", digits=DIFFERENCE_DIGITS, signed=True),
        Column("Result", is_text=True),
    )
    first = comparisons[0].overall
    in_all = [key for key in first.auroc if all(key in one.overall.auroc for one in comparisons)]
    kinds = [
        (key, label_of(key), [one.overall.auroc[key] for one in comparisons]) for key in in_all
    ]
    means = [one.overall.mean for one in comparisons if one.overall.mean is not None]
    if len(means) == len(comparisons):
        kinds.append(("", "Mean", means))
    for key, name, pairs in kinds:
        rows = [Row(("A", pairs[0].a, None, "the reference"), key)]
        for letter, pair in zip(MODEL_LETTERS[1:], pairs, strict=False):
            result = difference_verdict(pair.difference).replace("B", letter)
            rows.append(Row((letter, pair.b, pair.difference, result), key))
        yield Table(ALL_COMPARED, f"AUROC of {name}, all films: {first.n:,}", columns, rows)


# Published figures; a page sets them apart, since they are of other films.


def own_auroc(report: EvaluationReport) -> Table:
    """AUROC of this table's own films, as one line."""
    areas = [report.auroc.get(key, NOT_LABELLED) for key in ABNORMAL_KEYS]
    columns = (Column("Model", is_text=True), Column("Films"), *_figures())
    rows = [Row(("This table", report.n_films, *areas))]
    return Table(PUBLISHED, "AUROC of the films shown (95 % interval)", columns, rows)


def published_auroc(models: Sequence[PublishedAuroc], split: str) -> Table:
    """Published AUROCs of one kind of split."""
    columns = (*(_words("Model", "Year", "Source")), *_figures(digits=None))
    rows = [
        Row((one.model, str(one.year), one.source, *(one.auroc[key] for key in ABNORMAL_KEYS)))
        for one in models
    ]
    return Table(PUBLISHED, f"AUROC on NIH ChestX-ray14, split: {split}", columns, rows)


def published_differences(
    report: EvaluationReport, models: Sequence[PublishedAuroc], split: str
) -> Table:
    """This table's AUROC less each published one of the same kind of split."""
    title = (
        f"This table's AUROC − the published one, split: {split} (95 % interval of this table "
        "alone; none was published)"
    )
    rows = []
    for one in models:
        differences = [
            None
            if theirs is None or key not in report.auroc
            else difference_to_published(report.auroc[key], theirs)
            for key, theirs in one.auroc.items()
            if key in ABNORMAL_KEYS
        ]
        rows.append(Row((one.model, *differences)))
    columns = (*_words("Model"), *_figures(digits=DIFFERENCE_DIGITS, signed=True))
    return Table(PUBLISHED, title, columns, rows)


def published_overlap(lines: Sequence[PublishedOverlap], measure: Measure) -> Table:
    """Published shares of NIH's boxes found."""
    columns = (
        *_words("Model", "Labels", "Source"),
        Column("Threshold", digits=None),
        *_figures(digits=None),
    )
    rows = [
        Row(
            (
                one.model,
                one.data,
                one.source,
                one.threshold,
                *(one.accuracy[key] for key in ABNORMAL_KEYS),
            )
        )
        for one in lines
    ]
    title = f"Published (not comparable): share of NIH's boxes found, by {MEASURES[measure]}"
    return Table(PUBLISHED, title, columns, rows)


def _words(*titles: str) -> list[Column]:
    return [Column(title, is_text=True) for title in titles]


def _figures(*, digits: int | None = 2, signed: bool = False) -> list[Column]:
    return [Column(label_of(key), digits=digits, signed=signed) for key in ABNORMAL_KEYS]
