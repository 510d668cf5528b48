"""All figures of a table as one long CSV: a row a figure, for a spreadsheet or a statistician."""

import pandas as pd

from cxr_core.evaluation.full_report import FullReport
from cxr_core.evaluation.render.figures import evaluation_tables
from cxr_core.evaluation.render.table import CSV_COLUMNS, to_csv_rows
from cxr_core.spreadsheet import csv_line


def metrics_csv(metrics: FullReport) -> str:
    """The figures of all tables as text, every number in full; what does not apply is empty."""
    rows = to_csv_rows(evaluation_tables(metrics))
    lines = (csv_line(row.get(name) for name in CSV_COLUMNS) for row in rows)
    return csv_line(CSV_COLUMNS) + "".join(lines)


def metrics_table(metrics: FullReport) -> pd.DataFrame:
    """A row a figure, as ``table.to_csv_rows``; what does not apply is missing."""
    rows = pd.DataFrame(
        to_csv_rows(evaluation_tables(metrics)), columns=list(CSV_COLUMNS), dtype=object
    )
    return rows.astype({"n": "Int64", "positives": "Int64"})  # so that a count is no 421.0
