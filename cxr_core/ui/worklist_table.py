"""The worklist as CSV, made when it is asked for."""

from cxr_core.export.table import rows_to_csv
from cxr_core.ui.worklist import Worklist
from cxr_core.ui.worklist_rows import row_without_result

RESULTS_FILE = "cxr_results.csv"


def worklist_csv(films: Worklist) -> bytes:
    """All films by number, whatever is shown; one that was not read yet says so."""
    return rows_to_csv(
        films.rows[number].table
        if number in films.rows
        else row_without_result(source.name or str(number), "", "", "not read yet")
        for number, source in films.sources.items()
    )
