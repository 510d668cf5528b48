"""How good the model measured, or any other run, or any other model's table."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from cxr_core.ui.charts.show import set_chart_source
from cxr_core.ui.performance.calibration import calibration_panel
from cxr_core.ui.performance.curves import discrimination_panel
from cxr_core.ui.performance.decisions import cutoffs_panel
from cxr_core.ui.performance.download import chart_source_of, download_metrics
from cxr_core.ui.performance.errors import errors_panel
from cxr_core.ui.performance.groups import subgroups_panel
from cxr_core.ui.performance.labels import labels_panel
from cxr_core.ui.performance.link import apply_link, read_link, show_link_notes, write_address
from cxr_core.ui.performance.localisation import localisation_panel
from cxr_core.ui.performance.published import published_panel
from cxr_core.ui.performance.reporting import reporting_panel
from cxr_core.ui.performance.source import EvaluationSource, choose_source, show_cautions
from cxr_core.ui.performance.tabs import lazy_tabs
from cxr_core.ui.performance.training import training_panel
from cxr_core.ui.performance.two_models import two_models_panel
from cxr_core.ui.shell import begin_page, report_errors


def show_panels(source: EvaluationSource) -> None:
    """Every panel of what is open; of a run without predictions its training alone."""
    evaluated, run = source.evaluated, source.run
    if evaluated is None:
        show_cautions(source)
        show_link_notes(None)
        training_panel(run)
        write_address(None, ())
        return
    set_chart_source(chart_source_of(evaluated))
    download_slot = st.container(key="corner")
    show_cautions(source)
    panels: dict[str, Callable[[], Any]] = {
        "Discrimination": lambda: discrimination_panel(evaluated),
        "Cut-offs": lambda: cutoffs_panel(evaluated),
        "Calibration": lambda: calibration_panel(evaluated),
        "Subgroups": lambda: subgroups_panel(evaluated, run),
        "Labels": lambda: labels_panel(evaluated, run),
        "Localisation": lambda: localisation_panel(evaluated, run),
        "Errors": lambda: errors_panel(evaluated, run),
        "Two models": lambda: two_models_panel(evaluated, run),
        "Published": lambda: published_panel(evaluated, run),
        "Reporting": lambda: reporting_panel(evaluated, run),
        "Training": lambda: training_panel(run),
    }
    apply_link(evaluated, list(panels))
    show_link_notes(evaluated)
    shown: dict[str, Any] = {}
    with lazy_tabs(list(panels), evaluated.cache_key) as tabs:
        for (name, panel), tab in zip(panels.items(), tabs, strict=True):
            with tab:
                shown[name] = panel()
    with download_slot:  # last, so that what the panels measured goes along
        download_metrics(evaluated, run, shown["Two models"])
    write_address(evaluated, list(panels))


begin_page("Performance")
with report_errors():
    read_link()
    chosen = choose_source()
    if chosen is None:
        show_link_notes(None)
    else:
        show_panels(chosen)
