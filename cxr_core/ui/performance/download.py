"""Taking the figures along: all numbers of the table in view, as JSON and as CSV."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import streamlit as st

from cxr_core.errors import DataError
from cxr_core.evaluation.evaluated import EvaluatedTable, measure_decision_curves
from cxr_core.evaluation.full_report import FullReport, file_stem
from cxr_core.evaluation.render.csv_rows import metrics_csv
from cxr_core.evaluation.render.documents import metrics_tables_as
from cxr_core.evaluation.render.json_document import metrics_json
from cxr_core.evaluation.run_folder import RunFolder
from cxr_core.ui.charts.show import ChartSource
from cxr_core.ui.evaluated import further_films_of_run
from cxr_core.ui.performance.calibration import cached_calibration, with_calibration
from cxr_core.ui.performance.groups import cached_subgroups
from cxr_core.ui.performance.labels import run_split_labels
from cxr_core.ui.performance.localisation import cached_boxed_films
from cxr_core.ui.performance.two_models import PageComparison
from cxr_core.ui.shell import caption, download_button

_LABELS = {
    "JSON": "Metrics (JSON)",
    "CSV": "Metrics (CSV)",
    "MD": "Tables (Markdown)",
    "TEX": "Tables (LaTeX)",
}


def chart_source_of(evaluated: EvaluatedTable) -> ChartSource:
    """What a chart of a table says of where it comes from."""
    report, model = evaluated.report, evaluated.full.model_sha256
    films = f"{report.n_films:,} films"
    if report.n_patients is not None:
        films += f" of {report.n_patients:,} patients"
    known = f"model {model[:12]}" if model else "model unknown"
    return ChartSource(evaluated.full.table_sha256, (films, known))


def download_metrics(
    evaluated: EvaluatedTable, run: RunFolder | None, comparison: PageComparison | None
) -> None:
    """Downloads of the numbers; after the panels, so that what they measured goes along.

    Args:
        run: that the table belongs to; None for a table from elsewhere.
        comparison: what it was compared with; None without a second table.
    """
    # A download is made outside the page's run, where no session's cache can be read.
    full = gather_metrics(evaluated, run, comparison)
    name = file_stem("metrics", full.table_sha256)

    def complete() -> FullReport:
        # Net benefit is measured when a file is made: it takes a second, and no page waits for it.
        return replace(full, decision_curves=measure_decision_curves(evaluated))

    def as_json() -> bytes:
        return metrics_json(complete(), created_at=datetime.now().astimezone()).encode()

    def as_csv() -> bytes:
        return metrics_csv(complete()).encode()

    def as_markdown() -> bytes:
        return metrics_tables_as("markdown", complete()).encode()

    def as_latex() -> bytes:
        return metrics_tables_as("latex", complete()).encode()

    makers: dict[str, tuple[Callable[[], bytes], str]] = {
        "JSON": (as_json, "application/json"),
        "CSV": (as_csv, "text/csv"),
        "MD": (as_markdown, "text/markdown"),
        "TEX": (as_latex, "application/x-tex"),
    }
    with st.popover("Export", icon=":material/download:", width="content", key="take_away"):
        caption("Every figure on this page. No film or patient is named.")
        for label, (make, mime) in makers.items():
            download_button(
                _LABELS[label],
                make,
                file_name=f"{name}.{label.casefold()}",
                mime=mime,
                key=f"take_away_{label}",
                kind="metrics",
            )
        if not full.groups:
            caption("Subgroups are included once computed, under Subgroups.")
        if comparison is not None:
            caption("The comparison with B is in all files but the CSV.")
        caption("To export a chart, use Export below it.")
        caption("The address of this page is a link to it: run, tab, finding and cut-off.")


def gather_metrics(
    evaluated: EvaluatedTable, run: RunFolder | None, comparison: PageComparison | None
) -> FullReport:
    """All that the panels have measured of a table, out of the session's caches."""
    full = cached_subgroups(evaluated) or evaluated.full
    full = with_calibration(full, cached_calibration(evaluated))
    full = replace(full, splits=tuple(run_split_labels(run)[0]))
    try:
        full = replace(full, localisation=cached_boxed_films(evaluated, run))
        if run is not None:
            further, others = further_films_of_run(run)
            full = replace(full, further_patients=further, other_sources=others)
    except DataError as error:  # the panel says so too; the other figures go along
        full = replace(full, notes=(*full.notes, str(error)))
    return full if comparison is None else with_comparison(full, comparison)


def with_comparison(full: FullReport, beside: PageComparison) -> FullReport:
    """The report with what its table was compared with."""
    return replace(full, comparison=beside.comparison, other_table_sha256=beside.other_sha256)
