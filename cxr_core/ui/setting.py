"""The reader's choice between the two cut-offs: one toggle, kept for the session."""

import streamlit as st

from cxr_core.evaluation.model_facts import ModelFacts
from cxr_core.ui.state import SENSITIVE


def sensitive_toggle(facts: ModelFacts, *, paired: bool) -> None:
    """The toggle, the same on every page.

    Args:
        facts: of the model in use: how many of its test films are flagged in either setting.
        paired: whether the model has two cut-offs a finding; else there is nothing to choose.
    """
    st.toggle(
        "Sensitive setting: flag what is uncertain, too",
        key=SENSITIVE,
        persist_state="session",
        disabled=not paired,
        help=sensitive_help(facts)
        if paired
        else "This model has one cut-off a finding, so there is nothing to choose.",
    )


def sensitive_help(facts: ModelFacts) -> str:
    """What the setting costs, in the model's own numbers where it has test films."""
    sentences = (
        "Misses fewer findings and raises more false alarms.",
        facts.flagged_sentence,
        "Exports say which setting was on.",
    )
    return " ".join(filter(None, sentences))
