"""The table of the page: a row a finding, numbers in line, every state in words."""

from collections.abc import Sequence
from typing import NamedTuple

from cxr_core.export.fonts import BOLD, REGULAR
from cxr_core.export.phrases import ABOVE_MARK, BELOW_MARK, percent, side_of_point
from cxr_core.export.record import Record
from cxr_core.export.sheet import FAINT, LEFT, QUIET, WIDTH, Sheet
from cxr_core.findings import ABNORMAL_KEYS, KEYS, LABELS

ROW, HEAD = 14.5, 24.0  # points
HEIGHT = HEAD + ROW * len(KEYS) + 4
VERDICT_WORDS = {"agree": "agrees", "disagree": "disagrees", "unsure": "is unsure"}
NOT_SAID = "not said"


class Column(NamedTuple):
    """``share`` of the table's width; figures stand to the right."""

    head: tuple[str, str]
    share: float
    figure: bool = False


_PLAIN = (
    Column(("", "Finding"), 0.24),
    Column(("", "Probability"), 0.15, figure=True),
    Column(("", "Cut-off"), 0.14, figure=True),
    Column(("Against", "its cut-off"), 0.26),
    Column(("", "The reader"), 0.21),
)
_REBASED = (
    Column(("", "Finding"), 0.15),
    Column(("", "Probability"), 0.115, figure=True),
    Column(("", "Cut-off"), 0.095, figure=True),
    Column(("Against", "its cut-off"), 0.16),
    Column(("Prevalence", "at the site"), 0.115, figure=True),
    Column(("Probability", "at the site"), 0.115, figure=True),
    Column(("Cut-off", "at the site"), 0.105, figure=True),
    Column(("", "The reader"), 0.145),
)


def draw(sheet: Sheet, record: Record) -> None:
    """Draw the table at the sheet's ``y`` and go below it; ``HEIGHT`` points high."""
    columns = _REBASED if record.rebased else _PLAIN
    top = sheet.y
    _row(sheet, columns, [column.head[0] for column in columns], top - 8, size=7, gray=QUIET)
    _row(sheet, columns, [column.head[1] for column in columns], top - 17, size=7, gray=QUIET)
    sheet.y = top - HEAD + 2
    sheet.rule(gray=QUIET)
    for key in KEYS:
        marked = record.analysis.above[key] and key in ABNORMAL_KEYS
        _row(sheet, columns, cells(record, key), sheet.y - 10.5, size=9, bold=4 * marked)
        sheet.y -= ROW
        sheet.rule(gray=FAINT)
    sheet.y = top - HEIGHT


def cells(record: Record, key: str) -> list[str]:
    """The texts of a finding's row."""
    analysis = record.analysis
    probability, above = analysis.probabilities[key], analysis.above[key]
    threshold = analysis.operating_points[key].threshold
    side = side_of_point(probability, threshold, above=above)
    row = [
        LABELS[key],
        percent(probability, decimals=1),
        percent(threshold, decimals=1),
        f"{ABOVE_MARK if above else BELOW_MARK} {side}",
    ]
    if record.rebased:
        row += _at_the_site(record, key)
    verdict = record.verdicts.get(key)
    return [*row, VERDICT_WORDS[verdict] if verdict else NOT_SAID]


def prevalence_sentence(record: Record) -> str:
    """Which prevalence the probabilities hold for."""
    shares = {key: share for key, share in record.site_prevalence.items() if share is not None}
    if not shares:
        return (
            "Prevalence in use: that of the films the model was calibrated on; no prevalence of "
            "a site was given."
        )
    named = ", ".join(
        f"{LABELS[key]} {percent(shares[key], decimals=1)}" for key in KEYS if key in shares
    )
    return (
        f"Prevalence in use: {named}, as the reader gave them for the site; the first columns "
        "hold for the films the model was calibrated on."
    )


def _at_the_site(record: Record, key: str) -> list[str]:
    share = record.site_prevalence.get(key)
    given = "" if share is None else percent(share, decimals=1)
    if key not in record.rebased:
        return [given, "", ""]
    probability, threshold = record.rebased[key]
    return [given, percent(probability, decimals=1), percent(threshold, decimals=1)]


def _row(
    sheet: Sheet, columns: Sequence[Column], texts: Sequence[str], y: float, *, size: float,
    gray: float = 0.0, bold: int = 0,
) -> None:  # fmt: skip
    """Write a row of texts on the line ``y``, the first ``bold`` of them in bold."""
    x = LEFT
    for index, (column, text) in enumerate(zip(columns, texts, strict=True)):
        width = column.share * WIDTH
        inner = width - 10
        end = x + inner if column.figure else x + 6 * (column is not columns[0])
        sheet.line_of_text(
            end,
            y,
            text,
            size=size,
            font=BOLD if index < bold else REGULAR,
            gray=gray,
            right=column.figure,
            room=inner,
        )
        x += width
