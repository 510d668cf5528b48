"""The worklist as CSV, made when it is asked for."""

from cxr_core.export.table import failed_row, rows_to_csv
from cxr_core.ui.worklist import Worklist

RESULTS_FILE = "cxr_results.csv"


def worklist_csv(films: Worklist) -> bytes:
    """All films by number, whatever is shown; one that was not read yet says so."""
    return rows_to_csv(
        films.rows[number].table
        if number in films.rows
        else failed_row(number, "", "Not read yet.", source.name) | {"status": "not read"}
        for number, source in films.sources.items()
    )
