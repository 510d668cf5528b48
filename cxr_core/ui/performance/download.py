"""Taking the figures along: all numbers of the table in view, as JSON and as CSV."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import streamlit as st

from cxr_core.errors import DataError
from cxr_core.evaluation.full_report import FullReport, build_full_report, file_stem
from cxr_core.evaluation.localisation.rates import LocalisationMetrics
from cxr_core.evaluation.render.csv_rows import metrics_csv
from cxr_core.evaluation.render.json_document import metrics_json
from cxr_core.ui.charts.show import ChartSource
from cxr_core.ui.evaluated import EvaluatedTable
from cxr_core.ui.performance.calibration import CalibrationResult, cached_calibration
from cxr_core.ui.performance.groups import SubgroupResults, cached_subgroups
from cxr_core.ui.performance.labels import run_split_labels
from cxr_core.ui.performance.localisation import cached_boxed_films
from cxr_core.ui.performance.two_models import PageComparison
from cxr_core.ui.shell import caption, download_button


def chart_source_of(evaluated: EvaluatedTable) -> ChartSource:
    """What a chart of a table says of where it comes from."""
    report, model = evaluated.report, evaluated.model_sha256
    films = f"{report.n_films:,} films"
    if report.n_patients is not None:
        films += f" of {report.n_patients:,} patients"
    known = f"model {model[:12]}" if model else "model unknown"
    return ChartSource(evaluated.table_sha256, (films, known))


def download_metrics(
    evaluated: EvaluatedTable, folder: Path | None, comparison: PageComparison | None
) -> None:
    """Downloads of the numbers; after the panels, so that what they measured goes along.

    Args:
        folder: the run that the table belongs to; None for a table from elsewhere.
        comparison: what it was compared with; None without a second table.
    """
    # A download is made outside the page's run, where no session's cache can be read.
    results = replace(panel_results(evaluated, folder), comparison=comparison)
    name = file_stem("metrics", evaluated.table_sha256)

    def gathered() -> FullReport:
        return gather_metrics(evaluated, folder, results)

    def as_json() -> bytes:
        return metrics_json(gathered(), created_at=datetime.now().astimezone()).encode()

    def as_csv() -> bytes:
        return metrics_csv(gathered()).encode()

    makers: dict[str, tuple[Callable[[], bytes], str]] = {
        "JSON": (as_json, "application/json"),
        "CSV": (as_csv, "text/csv"),
    }
    with st.popover("Export", icon=":material/download:", width="content", key="take_away"):
        caption("Every figure on this page. No film or patient is named.")
        for label, (make, mime) in makers.items():
            download_button(
                f"Metrics ({label})",
                make,
                file_name=f"{name}.{label.casefold()}",
                mime=mime,
                key=f"take_away_{label}",
            )
        if results.subgroups is None:
            caption("Subgroups are included once computed, under Subgroups.")
        if results.comparison is not None:
            caption("The comparison with B is in the JSON file.")
        caption("To export a chart, use Export below it.")


@dataclass(frozen=True, eq=False)
class PanelResults:
    """What the panels have measured of a table beyond its report.

    Attributes:
        calibration: its calibration, as ``calibration.evaluate_calibration``.
        subgroups: None where they were not measured.
        boxed: the maps against boxes.
        notes: why something is not there.
        comparison: what it was compared with.
    """

    calibration: Mapping[str, Sequence[CalibrationResult]]
    subgroups: SubgroupResults | None = None
    boxed: LocalisationMetrics = field(default_factory=LocalisationMetrics)
    notes: tuple[str, ...] = ()
    comparison: PageComparison | None = None


def panel_results(evaluated: EvaluatedTable, folder: Path | None) -> PanelResults:
    """What the session's caches hold after the panels have run."""
    judged, groups = cached_calibration(evaluated), cached_subgroups(evaluated)
    try:
        return PanelResults(judged, groups, cached_boxed_films(evaluated, folder))
    except DataError as error:  # the panel says so too; the other figures go along
        return PanelResults(judged, groups, notes=(str(error),))


def gather_metrics(
    evaluated: EvaluatedTable, folder: Path | None, results: PanelResults
) -> FullReport:
    """All that the page tells of a table, as values."""
    judged, groups, splits = results.calibration, results.subgroups, run_split_labels(folder)[0]
    report = replace(
        evaluated.report,
        calibration_before={key: versions[0].metrics for key, versions in judged.items()},
        calibration_after={key: two[1].metrics for key, two in judged.items() if len(two) > 1},
    )
    return build_full_report(
        evaluated.table,
        evaluated.probabilities,
        report,
        table_sha256=evaluated.table_sha256,
        model_sha256=evaluated.model_sha256,
        fitted_here=evaluated.fitted_on_this_table,
        groups=() if groups is None else groups.rates,
        shortcuts=() if groups is None else groups.shortcuts,
        splits=splits,
        localisation=results.boxed,
        notes=results.notes,
        comparison=None if results.comparison is None else results.comparison.comparison,
        other_table_sha256=None if results.comparison is None else results.comparison.other_sha256,
    )
