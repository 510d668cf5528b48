"""One table of figures, laid out once, and how it is written: HTML, text, Markdown, CSV, JSON."""

import math
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from cxr_core.evaluation.metrics.bootstrap import NOT_ESTIMABLE, Interval
from cxr_core.evaluation.metrics.subgroups import ALL_FILMS
from cxr_core.wording import percent, with_minus_sign

WIDTH = 100  # columns of a terminal
CSV_COLUMNS = ("finding", "part", "figure", "value", "low", "high", "n", "positives", "verdict")
_ABSENT, _NOT_ESTIMABLE = "–", NOT_ESTIMABLE.text()
_MIN_NAME_WIDTH = 12  # letters of a row's name in a terminal, however wide its figures are


@dataclass(frozen=True)
class Share:
    """Films of a total, written with their share: "27 (34 %)".

    Attributes:
        count: films.
        total: the films that they are a share of.
        verdict: what is said of so many, behind them; "" for nothing.
    """

    count: int
    total: int
    verdict: str = ""


Cell = str | int | float | Interval | Share | None  # nan is not estimable; None does not apply


@dataclass(frozen=True)
class Column:
    """How the cells below one heading are written.

    Attributes:
        title: the heading.
        figure: the name of the figure for machines, e.g. ``auroc``; "" keeps it from the CSV.
        digits: after the point; None writes as many as the number has. Of a ``Share``: those of
            its percent.
        print_digits: the same in text and Markdown, where it is another number.
        is_percent: a share 0 to 1 is written as a percent.
        signed: a difference, written with its sign.
        is_text: holds words and stands to the left.
        judged: an interval's verdict goes into the CSV.
        in_text: whether a terminal shows it.
        whole: a terminal never shortens its words, as they tell of how many films a row is.
    """

    title: str
    figure: str = ""
    digits: int | None = 2
    print_digits: int | None = None
    is_percent: bool = False
    signed: bool = False
    is_text: bool = False
    judged: bool = True
    in_text: bool = True
    whole: bool = False


@dataclass(frozen=True)
class Row:
    """One line.

    Attributes:
        cells: one for each column; the first names the row.
        finding: key; "" where the row is of no single one.
        part: which films, e.g. ``view: AP``; None keeps the row from the CSV.
        n, positives: films of the part, and those with the finding, where they are told.
        suffix: behind the columns' figure names, e.g. ``_before``.
    """

    cells: Sequence[Cell]
    finding: str = ""
    part: str | None = ALL_FILMS
    n: int | None = None
    positives: int | None = None
    suffix: str = ""


@dataclass(frozen=True)
class Table:
    """A table as values; nothing in it is rounded or put into words yet.

    Attributes:
        topic: the panel of the page that it stands in.
        title: its heading in text and on the model card.
        columns, rows: the first column names the rows.
        caption: its heading on a page, where it stands alone; "" for the title.
        notes: whole sentences below it.
        on_card: whether the model card shows it.
    """

    topic: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    caption: str = ""
    notes: Sequence[str] = ()
    on_card: bool = False


def cell_text(cell: Cell, column: Column, *, printed: bool = False) -> str:
    """A cell as it is read, with an ASCII minus.

    Args:
        printed: in text or Markdown, not on a page.
    """
    digits = column.digits
    if printed and column.print_digits is not None:
        digits = column.print_digits
    match cell:
        case None:
            return _ABSENT
        case str():
            return cell
        case Share(count, total, verdict):
            share = f" ({percent(count / total, decimals=digits or 0)})" if total else ""
            return f"{count:,}{share}" + (f", {verdict}" if verdict else "")
        case Interval():
            places = 2 if digits is None else digits
            return signed_text(cell, places) if column.signed else cell.text(places)
        case int():
            return f"{cell:,}"
    if math.isnan(cell):
        return _NOT_ESTIMABLE
    if column.is_percent:
        return percent(cell, decimals=digits or 0)
    return f"{cell:g}" if digits is None else f"{cell:{'+' if column.signed else ''}.{digits}f}"


def signed_text(difference: Interval, digits: int = 3) -> str:
    """Return "+0.012 (-0.005 to +0.029)", or "not estimable"."""
    if not difference.estimable:
        return difference.text()
    # A rounded zero has no sign: "-0.000" would seem to leave 0 out.
    figure, low, high = (
        f"{end:+.{digits}f}" if round(end, digits) else f"{0:.{digits}f}"
        for end in (difference.estimate, difference.low, difference.high)
    )
    return f"{figure} ({low} to {high})"


def typeset(cell: Cell, column: Column, *, printed: bool = False) -> str:
    """The cell with a true minus; a user's own words stay as they are."""
    text = cell_text(cell, column, printed=printed)
    return text if isinstance(cell, str) else with_minus_sign(text)


def to_html(table: Table) -> str:
    """As HTML: read by a screen reader, selectable; every text is escaped. Notes are left out."""
    sides = ["" if column.is_text else ' class="figure"' for column in table.columns]
    sides[0] = ""

    def side(cell: Cell, of_column: str) -> str:
        # An interval among words is not broken at its spaces.
        return ' class="interval"' if isinstance(cell, Interval) and not of_column else of_column

    head = "".join(
        f'<th scope="col"{side}>{escape(column.title)}</th>'
        for column, side in zip(table.columns, sides, strict=True)
    )
    body = ""
    for row in table.rows:
        name, *cells = (
            escape(typeset(cell, column))
            for cell, column in zip(row.cells, table.columns, strict=True)
        )
        figures = "".join(
            f"<td{side(cell, of_column)}>{text}</td>"
            for text, cell, of_column in zip(cells, row.cells[1:], sides[1:], strict=True)
        )
        body += f'<tr><th scope="row">{name}</th>{figures}</tr>'
    return (
        f'<div class="table"><table><caption>{escape(table.caption or table.title)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def to_markdown(table: Table) -> str:
    """The grid in Markdown, without title and notes; a bar in a user's own words is escaped."""
    lines = [
        [column.title for column in table.columns],
        ["---"] * len(table.columns),
        *(
            [
                typeset(cell, column, printed=True).replace("|", r"\|")
                for cell, column in zip(row.cells, table.columns, strict=True)
            ]
            for row in table.rows
        ),
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def to_text(table: Table) -> str:
    """Title, grid and notes in 100 columns; what is wider goes on below, its rows named again."""
    shown = [j for j, column in enumerate(table.columns) if column.in_text]
    columns = [table.columns[j] for j in shown]
    grid = [[column.title for column in columns]]
    grid += [
        [cell_text(row.cells[j], table.columns[j], printed=True) for j in shown]
        for row in table.rows
    ]
    n_names = 1
    while n_names < len(columns) and columns[n_names].is_text:
        n_names += 1
    left = [j == 0 or column.is_text for j, column in enumerate(columns)]
    blocks = [
        _align(block, sides)
        for block, sides in _blocks(grid, left, n_names, whole_names=columns[0].whole)
    ]
    notes = [wrap_text(note, bullet="- ") for note in table.notes]
    text = "\n".join([wrap_text(table.title), "\n\n".join(blocks), *notes])
    return text.replace("−", "-").replace("≥", ">=")  # not every terminal has the signs


def _blocks(
    grid: list[list[str]], left: list[bool], n_names: int, *, whole_names: bool
) -> Iterator[tuple[list[list[str]], list[bool]]]:
    """The grid's columns in as many blocks as it takes, each led by the names of the rows."""
    widths = [2 + max(len(row[j]) for row in grid) for j in range(len(left))]
    room = WIDTH + 2 - sum(widths[1:])
    if room - 2 < _MIN_NAME_WIDTH:  # too wide whatever the names: they may take a third of a line
        room = WIDTH // 3
    if widths[0] > room and not whole_names:
        grid = [[textwrap.shorten(row[0], room - 2, placeholder="…"), *row[1:]] for row in grid]
        widths[0] = 2 + max(len(row[0]) for row in grid)
    names, taken = list(range(n_names)), list(range(n_names))
    for j in range(n_names, len(left)):
        if len(taken) > n_names and sum(widths[i] for i in taken) + widths[j] > WIDTH + 2:
            yield [[row[i] for i in taken] for row in grid], [left[i] for i in taken]
            taken = names.copy()
        taken.append(j)
    yield [[row[i] for i in taken] for row in grid], [left[i] for i in taken]


def _align(grid: list[list[str]], left: list[bool]) -> str:
    widths = [max(len(row[j]) for row in grid) for j in range(len(left))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if side else cell.rjust(width)
            for cell, width, side in zip(row, widths, left, strict=True)
        ).rstrip()
        for row in grid
    )


def wrap_text(text: str, bullet: str = "") -> str:
    """A sentence as lines of at most 100 characters, the first behind ``bullet``."""
    indent = " " * len(bullet)
    return textwrap.fill(text, WIDTH, initial_indent=bullet, subsequent_indent=indent)


def to_csv_rows(tables: Iterable[Table]) -> list[dict[str, object]]:
    """A row of ``CSV_COLUMNS`` for each figure; what two tables show is written once.

    Finding is a key ("" for all together), value has low and high where it has an interval,
    verdict is ``enough``, ``wide``, or ``not estimable`` or ``not labelled``, and then there is no
    value.
    """
    rows: dict[tuple[str, str, str], dict[str, object]] = {}
    for table in tables:
        for row in table.rows:
            for cell, column in zip(row.cells, table.columns, strict=True):
                if column.figure and row.part is not None and cell is not None:
                    name = (row.finding, row.part, column.figure + row.suffix)
                    told = dict(zip(CSV_COLUMNS[:3], name, strict=True))
                    films = {"n": row.n, "positives": row.positives}
                    rows.setdefault(name, {**told, **_csv_value(cell, column), **films})
    return list(rows.values())


def _csv_value(cell: Cell, column: Column) -> dict[str, object]:
    match cell:
        case Interval():
            if not cell.estimable:
                return {"verdict": cell.text()}
            verdict = cell.verdict if column.judged else ""
            return {"value": cell.estimate, "low": cell.low, "high": cell.high, "verdict": verdict}
        case Share():
            return {"value": cell.count, "verdict": ""}
        case float() if math.isnan(cell):
            return {"verdict": _NOT_ESTIMABLE}
    return {"value": cell, "verdict": ""}


def to_document(table: Table) -> dict[str, Any]:
    """The table for JSON: every number in full, intervals as ``Interval``."""
    return {
        "topic": table.topic,
        "title": table.title,
        "columns": [{"title": column.title, "figure": column.figure} for column in table.columns],
        "rows": [
            {
                "finding": row.finding,
                "part": row.part,
                "n": row.n,
                "positives": row.positives,
                "cells": list(row.cells),
            }
            for row in table.rows
        ],
        "notes": list(table.notes),
    }
