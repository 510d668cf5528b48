"""The worklist as CSV, made when it is asked for."""

from collections.abc import Mapping
from types import MappingProxyType

from cxr_core.export.table import failed_row, rows_to_csv
from cxr_core.ui.readers_word import word_cells
from cxr_core.ui.worklist import Worklist

RESULTS_FILE = "cxr_results.csv"


Cells = dict[str, str]


def words_on(films: Worklist) -> dict[int, Cells]:
    """The reader's word on each film, by number, as cells of the table."""
    tables = {number: row.table for number, row in films.rows.items()}
    return {
        n: word_cells(cells["image_sha256"], cells["model_sha256"], cells["correction"] or None)
        for n, cells in tables.items()
    }


def worklist_csv(films: Worklist, words: Mapping[int, Cells] = MappingProxyType({})) -> bytes:
    """All films by number, whatever is shown; one that was not read yet says so.

    Args:
        words: the reader's, by number, from ``words_on``.
    """
    return rows_to_csv(
        films.rows[number].table | words.get(number, {})
        if number in films.rows
        else failed_row(number, "", "Not read yet.", source.name) | {"status": "not read"}
        for number, source in films.sources.items()
    )
