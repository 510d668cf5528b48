"""What a flag is worth, as tables: how many films of each band carry the label, how many flags."""

from collections.abc import Iterator, Sequence

from cxr_core.evaluation.full_report import FullReport
from cxr_core.evaluation.metrics.bootstrap import NOT_LABELLED
from cxr_core.evaluation.metrics.flag_worth import FlagRates
from cxr_core.evaluation.render.subset_figures import FINDING, finding_name, resampling_caption
from cxr_core.evaluation.render.table import Cell, Column, Row, Table
from cxr_core.findings import ABNORMAL_IN_WORDS, ABNORMAL_KEYS, KEYS, LABELS, NORMAL_KEY
from cxr_core.wording import percent

CUT_OFFS = "cut-offs"
ANY_OF_THE_ABNORMAL = f"Any of the {ABNORMAL_IN_WORDS}"


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
    for key in KEYS:
        name = finding_name(full.report, key)
        if full.report.label_distribution[key].n == 0:
            cells: Sequence[Cell] = (name, *[NOT_LABELLED] * (len(columns) - 1))
            rows.append(Row(cells, key, "bands", 0, 0))
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
    columns = (
        FINDING,
        Column("Setting", is_text=True),
        Column("Films flagged", "films_flagged"),
        Column("Of all films", "flagged_share"),
        Column(f"Of {LABELS[NORMAL_KEY]} films", "flagged_share_normal"),
        Column("Of them with the label", "flagged_with_label"),
    )
    rows, counts = [], full.report.label_distribution
    for setting, by_finding in full.flag_worth.rates.items():
        lines: list[tuple[str, str, FlagRates | None]] = [
            (finding_name(full.report, key), key, by_finding.get(key)) for key in ABNORMAL_KEYS
        ]
        if setting in full.flag_worth.any_finding:
            lines.append((ANY_OF_THE_ABNORMAL, "", full.flag_worth.any_finding[setting]))
        for name, key, one in lines:
            figures: Sequence[Cell] = [NOT_LABELLED] * (len(columns) - 2)
            if one is not None and not (key and counts[key].n == 0):
                figures = (one.n, one.flagged, one.flagged_normal, one.with_label)
            rows.append(Row((name, setting, *figures), key, f"setting: {setting}"))
    notes = []
    if any(counts[key].n < full.report.n_films for key in ABNORMAL_KEYS):
        notes.append(
            f"{ANY_OF_THE_ABNORMAL}: measured on all films; the share with the label is that of "
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
