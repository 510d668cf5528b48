"""What a flag is worth, as tables: how many films of each band carry the label, how many flags."""

from collections.abc import Iterator, Sequence

from cxr_core.evaluation.full_report import FullReport
from cxr_core.evaluation.metrics.bootstrap import NOT_ESTIMABLE, NOT_LABELLED
from cxr_core.evaluation.metrics.flag_worth import FlagRates
from cxr_core.evaluation.render.subset_figures import FINDING, finding_name, resampling_caption
from cxr_core.evaluation.render.table import Cell, Column, Row, Table
from cxr_core.findings import NORMAL_KEY, abnormal_of, in_words, label_of
from cxr_core.wording import percent

CUT_OFFS = "cut-offs"


def any_of_these(n: int) -> str:
    """What the row of all abnormal findings together is called, e.g. ``Any of the three``."""
    return f"Any of the {in_words(n)}"


def bands(full: FullReport) -> Iterator[Table]:
    """Of the films in each band, how many carry the label."""
    cutoffs = full.cutoffs
    if cutoffs is None or not full.flag_worth.bands:
        return
    columns = (
        FINDING,
        Column("Band", is_text=True),
        Column("Probability", is_text=True),
        Column("Films", "films_in_band"),
        Column("With the label", "films_with_label"),
        Column("Share (95 % interval)", "share_with_label"),
    )
    rows = []
    for key in full.report.keys:
        name = finding_name(full.report, key)
        if full.report.label_distribution[key].n == 0:
            cells: Sequence[Cell] = (name, *[NOT_LABELLED] * (len(columns) - 1))
            rows.append(Row(cells, key, "bands", 0, 0))
            continue
        if key not in full.flag_worth.bands:
            rows.append(Row((name, *[NOT_ESTIMABLE] * (len(columns) - 1)), key, "bands"))
            continue
        found = full.flag_worth.bands[key]
        lower, upper = (
            percent(end, decimals=1)
            for end in (cutoffs.lower(key), cutoffs.specific[key].threshold)
        )
        where = {
            "unlikely": f"below {lower}",
            "uncertain": f"{lower} to {upper}",
            "likely": f"{upper} and above",
        }
        for band, one in found.items():
            if band == "uncertain" and not cutoffs.paired:
                continue
            cells = (name, band, where[band], one.n, one.positives, one.share)
            rows.append(Row(cells, key, f"band: {band}", one.n, one.positives))
    yield Table(
        CUT_OFFS,
        "What each band is worth: the share of its films that carry the label",
        columns,
        rows,
        f"What each band is worth; {resampling_caption(full.report)}",
        on_card=True,
    )


def flags(full: FullReport) -> Iterator[Table]:
    """How many films are flagged in each setting, among normal films too, and what it is worth."""
    if not full.flag_worth.rates:
        return
    with_normal = NORMAL_KEY in full.report.keys
    normal = Column(f"Of {label_of(NORMAL_KEY)} films", "flagged_share_normal")
    columns = (
        FINDING,
        Column("Setting", is_text=True),
        Column("Films flagged", "films_flagged"),
        Column("Of all films", "flagged_share"),
        *([normal] if with_normal else []),
        Column("Of them with the label", "flagged_with_label"),
    )
    rows, counts = [], full.report.label_distribution
    abnormal_keys = abnormal_of(counts)
    any_abnormal = any_of_these(len(abnormal_keys))
    for setting, by_finding in full.flag_worth.rates.items():
        lines: list[tuple[str, str, FlagRates | None]] = [
            (finding_name(full.report, key), key, by_finding.get(key)) for key in abnormal_keys
        ]
        if setting in full.flag_worth.any_finding:
            lines.append((any_abnormal, "", full.flag_worth.any_finding[setting]))
        for name, key, one in lines:
            absent = NOT_ESTIMABLE if key and counts[key].n else NOT_LABELLED
            figures: Sequence[Cell] = [absent] * (len(columns) - 2)
            if one is not None and not (key and counts[key].n == 0):
                among_normal = [one.flagged_normal] if with_normal else []
                figures = (one.n, one.flagged, *among_normal, one.with_label)
            rows.append(Row((name, setting, *figures), key, f"setting: {setting}"))
    if not rows:  # No Finding alone
        return
    notes = []
    if full.flag_worth.any_finding:
        notes.append(
            f"{any_abnormal}: films with at least one flag, and of them those with at least one of "
            "these labels, be it another than the one flagged."
        )
    if full.flag_worth.any_finding and any(
        counts[key].n < full.report.n_films for key in abnormal_keys
    ):
        notes.append(
            f"{any_abnormal}: measured on all films; the share with the label is that of "
            "the films that have all of these labels."
        )
    yield Table(
        CUT_OFFS,
        "How many films are flagged, and how many of them carry the label",
        columns,
        rows,
        f"How many films are flagged; {resampling_caption(full.report)}",
        notes,
        on_card=True,
    )
