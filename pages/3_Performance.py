"""How good the model measured, or any other run, or any other model's table."""

import streamlit as st

from cxr_core.ui.charts.show import set_chart_source
from cxr_core.ui.performance.calibration import calibration_panel
from cxr_core.ui.performance.curves import discrimination_panel
from cxr_core.ui.performance.decisions import all_cutoffs_panel, cutoff_panel
from cxr_core.ui.performance.download import chart_source_of, download_metrics
from cxr_core.ui.performance.errors import errors_panel
from cxr_core.ui.performance.groups import subgroups_panel
from cxr_core.ui.performance.labels import labels_panel
from cxr_core.ui.performance.localisation import localisation_panel
from cxr_core.ui.performance.published import published_panel
from cxr_core.ui.performance.source import EvaluationSource, choose_source, show_cautions
from cxr_core.ui.performance.tabs import lazy_tabs
from cxr_core.ui.performance.training import training_panel
from cxr_core.ui.performance.two_models import two_models_panel
from cxr_core.ui.shell import begin_page, report_errors

TABS = (
    "Discrimination",
    "Cut-offs",
    "Calibration",
    "Subgroups",
    "Labels",
    "Localisation",
    "Errors",
    "Two models",
    "Published",
    "Training",
)


def show_panels(source: EvaluationSource) -> None:
    """Every panel of what is open; of a run without predictions its training alone."""
    evaluated, run = source.evaluated, source.run
    if evaluated is None:
        show_cautions(source)
        training_panel(run)
        return
    set_chart_source(chart_source_of(evaluated))
    download_slot = st.container(key="corner")
    show_cautions(source)
    with lazy_tabs(TABS, evaluated.cache_key) as tabs:
        (
            discrimination_tab,
            cutoffs_tab,
            calibration_tab,
            subgroups_tab,
            labels_tab,
            localisation_tab,
            errors_tab,
            two_models_tab,
            published_tab,
            training_tab,
        ) = tabs
        with discrimination_tab:
            discrimination_panel(evaluated)
        with cutoffs_tab:
            cutoff_panel(evaluated)
            all_cutoffs_panel(evaluated)
        with calibration_tab:
            calibration_panel(evaluated)
        with subgroups_tab:
            subgroups_panel(evaluated, run)
        with labels_tab:
            labels_panel(evaluated, run)
        with localisation_tab:
            localisation_panel(evaluated, run)
        with errors_tab:
            errors_panel(evaluated, run)
        with two_models_tab:
            comparison = two_models_panel(evaluated, run)
        with published_tab:
            published_panel(evaluated, run)
        with training_tab:
            training_panel(run)
    with download_slot:  # last, so that what the panels measured goes along
        download_metrics(evaluated, run, comparison)


begin_page("Performance")
with report_errors():
    chosen = choose_source()
    if chosen is not None:
        show_panels(chosen)
