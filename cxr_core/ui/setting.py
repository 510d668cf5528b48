"""The reader's choice between the two cut-offs: one toggle, kept for the session."""

import streamlit as st

from cxr_core.ui.state import SENSITIVE


def sensitive_toggle(*, paired: bool) -> None:
    """The toggle, the same on every page.

    Args:
        paired: whether the model has two cut-offs a finding; else there is nothing to choose.
    """
    st.toggle(
        "Sensitive setting: flag what is uncertain, too",
        key=SENSITIVE,
        persist_state="session",
        disabled=not paired,
        help="Misses fewer findings and raises more false alarms. Exports say which setting was on."
        if paired
        else "This model has one cut-off a finding, so there is nothing to choose.",
    )
