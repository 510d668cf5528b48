"""Tables in Markdown."""

from collections.abc import Iterator, Sequence


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells, the first the header, as a Markdown table."""
    return "\n".join(_lines(rows))


def _lines(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for index, row in enumerate(rows):
        yield "| " + " | ".join(row) + " |"
        if index == 0:
            yield "|" + " --- |" * len(row)
