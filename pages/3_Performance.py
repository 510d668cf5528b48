"""How good the model measured, or any other run, or any other model's table."""

import streamlit as st

from cxr_core.ui.charts.show import set_source
from cxr_core.ui.performance.calibration import calibration
from cxr_core.ui.performance.curves import curves
from cxr_core.ui.performance.decisions import classification, decisions
from cxr_core.ui.performance.download import source_of, take_away
from cxr_core.ui.performance.errors import errors
from cxr_core.ui.performance.groups import groups
from cxr_core.ui.performance.labels import labels
from cxr_core.ui.performance.localisation import where_it_looks
from cxr_core.ui.performance.published import published
from cxr_core.ui.performance.source import Opened, choose_source, show_cautions
from cxr_core.ui.performance.tabs import filling_tabs
from cxr_core.ui.performance.training import training
from cxr_core.ui.performance.two_models import two_models
from cxr_core.ui.shell import begin_page, guard

TABS = (
    "Curves",
    "Decisions",
    "Calibration",
    "Groups",
    "Labels",
    "Where it looks",
    "Errors",
    "Two models",
    "Published",
    "Training",
)


def show(opened: Opened) -> None:
    """Every panel of what is open; of a run without predictions its training alone."""
    shown, folder = opened.measured, opened.folder
    if shown is None:
        show_cautions(opened)
        training(folder)
        return
    set_source(source_of(shown))
    corner = st.container(key="corner")
    show_cautions(opened)
    with filling_tabs(TABS, shown.identity) as tabs:
        ranks, cuts, trust, whom, marks, looks, wrong, two, others, run = tabs
        with ranks:
            curves(shown)
        with cuts:
            decisions(shown)
            classification(shown)
        with trust:
            calibration(shown)
        with whom:
            groups(shown, folder)
        with marks:
            labels(shown, folder)
        with looks:
            where_it_looks(shown, folder)
        with wrong:
            errors(shown, folder)
        with two:
            beside = two_models(shown, folder)
        with others:
            published(shown, folder)
        with run:
            training(folder)
    with corner:  # last, so that what the panels measured goes along
        take_away(shown, folder, beside)


begin_page("Performance")
with guard():
    chosen = choose_source()
    if chosen is not None:
        show(chosen)
