"""Taking the figures along: all numbers of the table in view, as JSON and as CSV."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import streamlit as st

from cxr_core.errors import DataError
from cxr_core.evaluation.full_report import Metrics, file_stem, gather
from cxr_core.evaluation.localisation.rates import BoxedFilms
from cxr_core.evaluation.render.csv_rows import metrics_csv
from cxr_core.evaluation.render.json_document import metrics_json
from cxr_core.ui.charts.show import Source
from cxr_core.ui.evaluated import Measured
from cxr_core.ui.performance.calibration import Judged, kept_calibration
from cxr_core.ui.performance.groups import Groups, kept_groups
from cxr_core.ui.performance.labels import parts_of_run
from cxr_core.ui.performance.localisation import kept_films
from cxr_core.ui.performance.two_models import Beside
from cxr_core.ui.shell import offer, quiet

_AGAIN = "Reload the page and try again; if it happens again, report this word."


def source_of(measured: Measured) -> Source:
    """What a chart of a table says of where it comes from."""
    report, model = measured.report, measured.model_sha256
    films = f"{report.n_films:,} films"
    if report.n_patients is not None:
        films += f" of {report.n_patients:,} patients"
    known = f"model {model[:12]}" if model else "no model of this program"
    return Source(measured.table_sha256, (films, known))


def take_away(measured: Measured, folder: Path | None, beside: Beside | None) -> None:
    """Downloads of the numbers; after the panels, so that what they measured goes along.

    Args:
        folder: the run that the table belongs to; None for a table from elsewhere.
        beside: what it was compared with; None without a second table.
    """
    # A download is made outside the page's run, where no session's cache can be read.
    kept = replace(kept_figures(measured, folder), beside=beside)
    name = file_stem("metrics", measured.table_sha256)

    def gathered() -> Metrics:
        return gather_metrics(measured, folder, kept)

    def as_json() -> bytes:
        return metrics_json(gathered(), made=datetime.now().astimezone()).encode()

    def as_csv() -> bytes:
        return metrics_csv(gathered()).encode()

    makers: dict[str, tuple[Callable[[], bytes], str]] = {
        "JSON": (as_json, "application/json"),
        "CSV": (as_csv, "text/csv"),
    }
    with st.popover("Take away", icon=":material/download:", width="content", key="take_away"):
        quiet("Every figure of this table in full, without any film or patient.")
        for label, (make, mime) in makers.items():
            offer(
                f"Metrics ({label})",
                make,
                file_name=f"{name}.{label.casefold()}",
                mime=mime,
                key=f"take_away_{label}",
                again=_AGAIN,
            )
        if kept.groups is None:
            quiet("The groups are in it once they are measured, under Groups.")
        if kept.beside is not None:
            quiet("The comparison with B is in the JSON.")
        quiet("A chart is saved by Save figure under it.")


@dataclass(frozen=True, eq=False)
class Kept:
    """What the panels have measured of a table beyond its report.

    Attributes:
        judged: its calibration, as ``calibration_panel.judge``.
        groups: None where they were not measured.
        boxed: the maps against boxes.
        notes: why something is not there.
        beside: what it was compared with.
    """

    judged: Mapping[str, Sequence[Judged]]
    groups: Groups | None = None
    boxed: BoxedFilms = field(default_factory=BoxedFilms)
    notes: tuple[str, ...] = ()
    beside: Beside | None = None


def kept_figures(measured: Measured, folder: Path | None) -> Kept:
    """What the session's caches hold after the panels have run."""
    judged, groups = kept_calibration(measured), kept_groups(measured)
    try:
        return Kept(judged, groups, kept_films(measured, folder))
    except DataError as error:  # the panel says so too; the other figures go along
        return Kept(judged, groups, notes=(str(error),))


def gather_metrics(measured: Measured, folder: Path | None, kept: Kept) -> Metrics:
    """All that the page tells of a table, as values."""
    judged, groups, splits = kept.judged, kept.groups, parts_of_run(folder)[0]
    report = replace(
        measured.report,
        measures_before={key: versions[0].measures for key, versions in judged.items()},
        measures_after={key: two[1].measures for key, two in judged.items() if len(two) > 1},
    )
    return gather(
        measured.table,
        measured.probabilities,
        report,
        table_sha256=measured.table_sha256,
        model_sha256=measured.model_sha256,
        fitted_here=measured.fitted_here,
        groups=() if groups is None else groups.rates,
        shortcuts=() if groups is None else groups.shortcuts,
        splits=splits,
        boxed=kept.boxed,
        notes=kept.notes,
        comparison=None if kept.beside is None else kept.beside.comparison,
        against_sha256=None if kept.beside is None else kept.beside.sha256,
    )
