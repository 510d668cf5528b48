"""How good the model measured, or any other model's table in the same columns."""

import streamlit as st

from cxr_core.errors import CXRError
from cxr_core.ui import performance
from cxr_core.ui.calibration_panel import calibration
from cxr_core.ui.curves_panel import curves
from cxr_core.ui.decisions import classification, decisions
from cxr_core.ui.errors_panel import errors
from cxr_core.ui.groups_panel import groups
from cxr_core.ui.labels_panel import labels
from cxr_core.ui.localisation_panel import where_it_looks
from cxr_core.ui.measured import Measured, measured_model, measured_upload
from cxr_core.ui.model import model_folder
from cxr_core.ui.page import begin_page, guard, quiet, show_error


def choose() -> Measured | None:
    """The table in view, with a line that says which; None when it cannot be read."""
    with st.container(key="source", horizontal=True, vertical_alignment="center", gap="medium"):
        with st.popover("Open another table", icon=":material/upload_file:", width="content"):
            upload = st.file_uploader("Predictions table (CSV)", key="predictions")
            st.caption(
                "Columns: image, label_effusion … label_no_finding, and logit_… or probability_… "
                "of the same four. Optional: patient, age, sex, view, follow_up, group."
            )
        try:
            measured = (
                measured_model(model_folder())
                if upload is None
                else measured_upload(upload.getvalue())
            )
        except CXRError as error:
            show_error(error)
            return None
        name = "Test films of the loaded model" if upload is None else "Your table"
        report = measured.report
        patients = "" if report.n_patients is None else f" of {report.n_patients:,} patients"
        quiet(f"{name}: {report.n_films:,} films{patients}.")
    return measured


begin_page("Performance")
with guard():
    shown = choose()
    if shown is not None:
        # A table from elsewhere has no run folder: its panels say what they lack.
        folder = model_folder() if st.session_state.get("predictions") is None else None
        ranks, cuts, trust, whom, marks, looks, wrong, others, run = st.tabs(
            [
                "Curves",
                "Decisions",
                "Calibration",
                "Groups",
                "Labels",
                "Where it looks",
                "Errors",
                "Published",
                "Training",
            ]
        )
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
            errors(shown)
        with others:
            performance.published(shown)
        with run:
            performance.training(model_folder())
