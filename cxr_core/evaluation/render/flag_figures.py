"""What a flag is worth, as tables: how many films of each band carry the label, how many flags."""

from collections.abc import Iterator

from cxr_core.evaluation.full_report import FullReport
from cxr_core.evaluation.metrics.flag_worth import FlagRates
from cxr_core.evaluation.render.subset_figures import FINDING, resampling_caption
from cxr_core.evaluation.render.table import Column, Row, Table
from cxr_core.findings import ABNORMAL_IN_WORDS, LABELS, NORMAL_KEY
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
    for key, found in full.flag_worth.bands.items():
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
            cells = (LABELS[key], band, where[band], one.n, one.positives, one.share)
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
    rows = []
    for setting, by_finding in full.flag_worth.rates.items():
        lines: list[tuple[str, str, FlagRates]] = [
            *((LABELS[key], key, one) for key, one in by_finding.items()),
            (ANY_OF_THE_ABNORMAL, "", full.flag_worth.any_finding[setting]),
        ]
        for name, key, one in lines:
            cells = (name, setting, one.n, one.flagged, one.flagged_normal, one.with_label)
            rows.append(Row(cells, key, f"setting: {setting}"))
    yield Table(
        CUT_OFFS,
        "How many films are flagged, and how many of them carry the label",
        columns,
        rows,
        f"How many films are flagged; {resampling_caption(full.report)}",
        on_card=True,
    )
