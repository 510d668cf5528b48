"""Figures of some of the films: subgroups, labels of each set, and maps against boxes."""

from collections.abc import Iterator
from dataclasses import replace

from cxr_core.data.splits import PART_TITLES
from cxr_core.evaluation.full_report import (
    FullReport,
    group_by_finding,
    multi_label_share,
)
from cxr_core.evaluation.localisation.overlap import Measure
from cxr_core.evaluation.metrics.bootstrap import NOT_LABELLED
from cxr_core.evaluation.metrics.differences import SIGNIFICANT
from cxr_core.evaluation.metrics.gaps import CROSS, FIGURES, Gap, n_compared
from cxr_core.evaluation.metrics.labels import LabelCount
from cxr_core.evaluation.metrics.subgroups import ALL_FILMS, SubgroupMetrics
from cxr_core.evaluation.metrics.sufficiency import MIN_COUNT, Verdict, rule_in_words
from cxr_core.evaluation.metrics.view_alone import shortcut_sentence
from cxr_core.evaluation.render.table import Cell, Column, Row, Share, Table
from cxr_core.evaluation.report import EvaluationReport
from cxr_core.findings import label_of
from cxr_core.wording import percent

SUBGROUPS, LABEL_COUNTS, LOCALISATION = "subgroups", "labels", "localisation"
KNOWN_VIEW, BOXED_FILMS = "films of a known view", "films with a box of it"
SAMPLE_SIZES: dict[Verdict, str] = {
    "enough": "enough",
    "wide": "wide interval",
    "too few": "too few",
    "not labelled": "not labelled",
}
POINTERS = {
    "peak": "Map's peak",
    "fixed_spot": "Best fixed spot",
    "centre": "Centre",
    "random_point": "Random point",
    "shuffled": "Randomized weights",
}
BOXES = {
    "map_box": "Map's box",
    "fixed_box": "Best fixed box",
    "centre_box": "Box in the centre",
    "random_box": "Random box",
    "shuffled": "Randomized weights",
}
MEASURES: dict[Measure, str] = {
    "iobb": "intersection over the map's box (IoBB)",
    "iou": "intersection over union (IoU)",
}
FINDING = Column("Finding", is_text=True, whole=True)
POSITIVE = Column("Positive")
SAMPLE_SIZE = Column("Sample size", is_text=True)
_COLUMN_LABELS = {
    "view": "View",
    "sex": "Sex",
    "age": "Age",
    "follow_up": "Follow-up",
    "group": "Group",
}


def resampling_caption(report: EvaluationReport) -> str:
    return f"95 % intervals from resampling {report.resampled}, {report.n_resamples:,} times"


def finding_name(report: EvaluationReport, key: str) -> str:
    """What a finding's row is called: with its films where some have no label of it."""
    n = report.label_distribution[key].n
    return label_of(key) if n in (0, report.n_films) else f"{label_of(key)} ({n:,} films)"


def subgroup_name(by: str, value: str) -> str:
    """What a group of films is called, e.g. ``View: AP``."""
    if by == "films":
        return ALL_FILMS.capitalize()
    if by == "label":
        return f"{value.removeprefix('not ')} excluded"
    named = CROSS.join(_COLUMN_LABELS.get(name, name) for name in by.split(CROSS))
    return f"{named}: {value}"


def subgroups(full: FullReport) -> Iterator[Table]:
    """AUROC, sensitivity and specificity of each subgroup, a table a finding."""
    at_cutoff = bool(full.report.operating_points)
    columns = [
        Column("Subgroup", is_text=True),
        Column("Films"),
        POSITIVE,
        Column("AUROC", "auroc"),
        *([Column("Sensitivity", "sensitivity")] if at_cutoff else []),
        *([Column("Specificity", "specificity")] if at_cutoff else []),
    ]
    resampled = full.report.resampled
    for key, groups in group_by_finding(full.groups).items():
        title = f"{label_of(key)} by subgroup"
        yield Table(
            SUBGROUPS,
            title,
            columns,
            [_subgroup_row(one, at_cutoff=at_cutoff) for one in groups],
            f"{title} (95 % interval, {resampled} resampled). Not estimable with under {MIN_COUNT} "
            f"films, or films of under {MIN_COUNT} {resampled}, in a denominator",
            on_card=True,
        )


def crossed_subgroups(full: FullReport) -> Iterator[Table]:
    """The same of films told apart by two attributes, a table a finding."""
    for table in subgroups(replace(full, groups=full.crossed)):
        yield replace(
            table,
            title=f"{table.title}, two attributes crossed",
            caption=f"{table.caption}. Two attributes crossed",
            on_card=False,
        )


def gaps(full: FullReport) -> Iterator[Table]:
    """Differences between groups, a table a finding, and which of them survive Holm."""
    columns = (
        Column("Subgroup", is_text=True),
        Column("Less", is_text=True),
        Column("Films"),
        *(
            Column(title, f"{figure}_gap", signed=True)
            for figure, title in zip(FIGURES, _GAP_TITLES, strict=True)
        ),
        Column("Shown", is_text=True),
    )
    compared = n_compared(full.gaps)
    shown = sum(_is_shown(gap, figure) for gap in full.gaps for figure in FIGURES)
    surviving = sum(len(gap.survives) for gap in full.gaps)
    note = (
        f"{compared:,} differences were compared, of all findings together; {shown:,} are shown, "
        f"{surviving:,} of them after Holm's correction too (marked *). Of so many, about "
        f"{compared * SIGNIFICANT:.0f} would leave out 0 by chance alone."
    )
    for key in full.report.keys:
        rows = [_gap_row(gap) for gap in full.gaps if gap.finding == key]
        if rows:
            title = f"{label_of(key)}: differences between groups"
            caption = f"{title}, each less the largest group of its kind (95 % interval)"
            yield Table(SUBGROUPS, title, columns, rows, caption, notes=(note,))


_GAP_TITLES = ("AUROC", "Sensitivity", "Specificity")


def _gap_row(gap: Gap) -> Row:
    shown = [
        f"{title} {gap.direction(figure)}{' *' if figure in gap.survives else ''}"
        for figure, title in zip(FIGURES, _GAP_TITLES, strict=True)
        if _is_shown(gap, figure)
    ]
    cells = (
        subgroup_name(gap.by, gap.value), gap.reference, gap.n,
        gap.auroc, gap.sensitivity, gap.specificity,
        ", ".join(shown) or "no difference shown",
    )  # fmt: skip
    return Row(cells, gap.finding, f"{gap.by}: {gap.value} − {gap.reference}", gap.n)


def _is_shown(gap: Gap, figure: str) -> bool:
    return gap.direction(figure) in ("higher", "lower")


def _subgroup_row(one: SubgroupMetrics, *, at_cutoff: bool) -> Row:
    part = ALL_FILMS if one.by == "films" else f"{one.by}: {one.value}"
    figures = (one.auroc, one.sensitivity, one.specificity)[: 3 if at_cutoff else 1]
    name = subgroup_name(one.by, one.value)
    return Row((name, one.n, one.positives, *figures), one.finding, part, one.n, one.positives)


def view_alone(full: FullReport) -> Iterator[Table]:
    """The model beside a baseline that knows the view and nothing else."""
    if not full.shortcuts:
        return
    columns = (
        FINDING,
        Column("Model", "auroc"),
        Column("View alone", "auroc_of_view_alone"),
        Column("Model − view", "auroc_less_view_alone"),
        *(Column(f"Model within {view}") for view in full.shortcuts[0].within),
    )
    rows = [
        Row(
            (label_of(one.finding), one.model, one.view_alone, one.gain, *one.within.values()),
            one.finding,
            KNOWN_VIEW,
        )
        for one in full.shortcuts
    ]
    origin = (
        "these same films, which flatters the baseline"
        if full.shortcuts[0].fitted_here
        else "the model's validation films"
    )
    title = f"AUROC on films whose view is known; prevalence by view from {origin}"
    notes = [shortcut_sentence(one) for one in full.shortcuts]
    yield Table(SUBGROUPS, title, columns, rows, notes=notes)


def split_labels(full: FullReport) -> Iterator[Table]:
    """Labels of the run's training, validation and test set."""
    if not full.splits:
        return
    columns = [FINDING]
    for part in full.splits:
        patients = "" if part.n_patients is None else f", {part.n_patients:,} patients"
        title = f"{PART_TITLES[part.part]}: {part.n_films:,} films{patients}"
        columns.append(Column(title, digits=0))
    yield Table(
        LABEL_COUNTS,
        "Labels by set, and whether they are enough",
        columns,
        [
            Row((label_of(key), *(_label_share(part.counts[key]) for part in full.splits)), key)
            for key in full.splits[0].counts
        ],
        "Films with the label, and whether they would be enough to measure an AUROC of 0.80, by "
        f"Hanley and McNeil's formula: {rule_in_words('patients')}. The model's own intervals are "
        "under Discrimination",
    )


def label_counts(full: FullReport) -> Iterator[Table]:
    """Labels of the films themselves, where no split tells those of the other sets."""
    if full.splits:
        return
    counts = full.report.label_distribution
    yield Table(
        LABEL_COUNTS,
        "Labels of these films, and whether they are enough",
        (FINDING, Column("These films", digits=0)),
        [
            Row((finding_name(full.report, key), _label_share(count)), key)
            for key, count in counts.items()
        ],
        "Films with the label, and the sample size, by the AUROC: "
        + rule_in_words(full.report.resampled),
    )


def _label_share(count: LabelCount) -> Cell:
    if count.n == 0:
        return NOT_LABELLED
    return Share(count.positives, count.n, SAMPLE_SIZES[count.verdict])


def co_occurrence(full: FullReport) -> Iterator[Table]:
    """Films with two labels at once."""
    keys = full.report.keys
    columns = [Column("Of the films with", is_text=True)]
    columns += [Column(f"also {label_of(key)}", f"films_also_{key}", digits=0) for key in keys]
    rows = []
    counts, n_films = full.report.label_distribution, full.report.n_films
    for k, key in enumerate(keys):
        both = [int(films) for films in full.co_occurrence[k]]
        known = [int(films) for films in full.co_labelled[k]]
        shares: list[Cell] = [
            NOT_LABELLED if 0 in (counts[key].n, counts[other].n) else Share(both[j], known[j])
            for j, other in enumerate(keys)
        ]
        shares[k] = None
        rows.append(Row((f"{label_of(key)} ({both[k]:,})", *shares), key))
    caption = f"Films with two labels at once, of the {n_films:,} shown; shares of each row"
    if any(count.n < n_films for count in counts.values()):
        caption += ", of its films that have a label of the column's finding"
    yield Table(LABEL_COUNTS, "Films with two labels at once", columns, rows, caption)


def labels_per_film(full: FullReport) -> Iterator[Table]:
    """How many labels a film has, and how many films and patients there are."""
    films, report = full.labels_per_film, full.report
    share, counted = multi_label_share(films), sum(films)
    several = (
        f"{percent(share)} of the labelled films have two or more"
        if films[0] < counted
        else "no film has a label"
    )
    columns = [Column("", is_text=True), Column("All", "films"), Column("Patients", "patients")]
    columns += [
        Column(f"{n} label{'' if n == 1 else 's'}", f"films_with_{n}_labels", digits=0)
        for n in range(len(films))
    ]
    shares = [Share(n, counted) for n in films]
    row = Row(("Films", report.n_films, report.n_patients, *shares))
    title = f"Labels per film; {several}"
    if counted < report.n_films:
        title += f"; counted on the {counted:,} films that lack no label that others have"
    yield Table(LABEL_COUNTS, title, columns, [row])


def pointing(full: FullReport) -> Iterator[Table]:
    """How often the map's peak, and pointers that know nothing of the film, lie inside a box."""
    if not full.localisation.hit_rates:
        return
    columns = (
        FINDING,
        Column("Boxed films"),
        *(Column(title, f"inside_{name}") for name, title in POINTERS.items()),
        Column("Peak − fixed spot", "peak_less_fixed_spot"),
    )
    rows = [
        Row(
            (label_of(key), one.n, *(getattr(one, name) for name in POINTERS), one.gain),
            key,
            BOXED_FILMS,
            one.n,
        )
        for key, one in full.localisation.hit_rates.items()
    ]
    title = "Share of boxed test films on which the point lies inside a box"
    caption = f"{title} (95 % interval, patients resampled); the difference is paired by film"
    yield Table(LOCALISATION, title, columns, rows, caption, on_card=True)


FALSE_MARK_RULE = (
    "A mark is a local maximum of the map. It is true inside a box, and false only on a film that "
    "is labelled negative for the finding: marks beside a box, and films with the finding and no "
    "box, count for nothing, as radiologists did not box all there is."
)


def free_response(full: FullReport) -> Iterator[Table]:
    """How many boxes the map's marks find at some numbers of false marks."""
    found = full.localisation.froc
    if not found:
        return
    rates = list(next(iter(found.values())).at)
    columns = (
        FINDING,
        Column("Boxes"),
        Column("Boxed films"),
        Column("Negative films"),
        *(Column(f"At {rate:g}", f"found_at_{rate:g}_false_marks") for rate in rates),
    )
    rows = [
        Row(
            (label_of(key), one.n_boxes, one.n_boxed, one.n_negative, *one.at.values()),
            key,
            BOXED_FILMS,
            one.n_boxed,
        )
        for key, one in found.items()
    ]
    title = "Share of boxes found, by false marks per negative film (FROC)"
    caption = f"{title} (95 % interval, patients resampled)"
    yield Table(LOCALISATION, title, columns, rows, caption, (FALSE_MARK_RULE,), on_card=True)


def overlaps(full: FullReport) -> Iterator[Table]:
    """How often a box overlaps the radiologists' boxes enough, a table a measure."""
    columns = (
        FINDING,
        Column("Threshold"),
        Column("Boxed films"),
        *(Column(title, name) for name, title in BOXES.items()),
        Column("Map − fixed box", "gain"),
    )
    for measure, found in full.localisation.overlaps.items():
        rows = []
        for key, at_thresholds in found.items():
            for one in at_thresholds:
                over = f"{one.threshold:g}"
                shares = [getattr(one, name) for name in BOXES]
                cells = (label_of(key), over, one.n, *shares, one.gain)
                suffix = f"_{measure}_over_{over}"
                rows.append(Row(cells, key, BOXED_FILMS, one.n, suffix=suffix))
        title = (
            "Share of boxed test films on which the overlap exceeds the threshold: "
            + MEASURES[measure]
        )
        caption = f"{title} (95 % interval, patients resampled); the difference is paired by film"
        yield Table(LOCALISATION, title, columns, rows, caption)
