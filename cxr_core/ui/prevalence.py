"""The prevalence that a probability assumes, and the reader's own: what is shown, never decided.

The three findings' probability and cut-off move together; No Finding is never re-based, since
nobody knows what its share would be at the site.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from cxr_core.evaluation.metrics.at_threshold import adjust_for_prevalence, assumed_prevalence
from cxr_core.evaluation.predictions import labels_of, read_predictions
from cxr_core.evaluation.run_folder import VALIDATION_PREDICTIONS_FILE
from cxr_core.findings import ABNORMAL_KEYS, LABELS
from cxr_core.reading.analyzer import Analysis
from cxr_core.ui.model import model_folder
from cxr_core.ui.shell import caption
from cxr_core.ui.words import percent

_KEY = "site_prevalence"
MIN_PERCENT, MAX_PERCENT = 0.1, 99.9  # percent


@dataclass(frozen=True)
class DisplayValues:
    """One finding's numbers as the page and the exports show them.

    Attributes:
        probability, cut_off: 0 to 1, both re-based or neither.
        note: "at your prevalence 5 %" where they are; else empty.
    """

    probability: float
    cut_off: float
    note: str = ""


def display_values(analysis: Analysis, key: str) -> DisplayValues:
    """A finding's probability and cut-off, at the site's prevalence where the reader set one."""
    cut_off = analysis.operating_points[key].threshold
    return DisplayValues(
        probability=at_site_prevalence(key, analysis.probabilities[key]),
        cut_off=at_site_prevalence(key, cut_off),
        note=site_note(key),
    )


def at_site_prevalence(key: str, probability: float) -> float:
    """A finding's calibrated probability, 0 to 1, as it is shown."""
    site = site_prevalence().get(key)
    if site is None:
        return probability
    return adjust_for_prevalence(
        probability, from_prevalence=model_prevalence(model_folder())[key], to_prevalence=site
    )


def site_note(key: str) -> str:
    """What marks a re-based number, e.g. "at your prevalence 5 %"; empty where it is not."""
    site = site_prevalence().get(key)
    return "" if site is None else f"at your prevalence {_share(site)}"


def site_prevalence() -> dict[str, float]:
    """The prevalences that the reader set, 0 to 1, by finding key; those not set are left out."""
    given = {key: st.session_state.get(f"{_KEY}_{key}") for key in ABNORMAL_KEYS}
    chosen = {key: percents / 100 for key, percents in given.items() if percents}
    if not chosen:
        return {}
    known = model_prevalence(model_folder())
    return {key: share for key, share in chosen.items() if key in known}


def model_prevalence(folder: Path) -> dict[str, float]:
    """The prevalence that the model's probabilities assume, by finding key.

    Empty where the folder has no table of its validation films, or they lack a class; without the
    findings that they have no label of.
    """
    path = folder / VALIDATION_PREDICTIONS_FILE
    return _validation_prevalence(path.read_bytes()) if path.is_file() else {}


@st.cache_data(max_entries=4, show_spinner=False)
def _validation_prevalence(data: bytes) -> dict[str, float]:
    found = assumed_prevalence(labels_of(read_predictions(data)))
    shares = {key: share for key, share in found.items() if not math.isnan(share)}
    return shares if all(0 < share < 1 for share in shares.values()) else {}


def site_sentence() -> str:
    """Which prevalences of the reader's own are in force; empty where none is."""
    site = site_prevalence()
    if not site:
        return ""
    named = ", ".join(f"{LABELS[key]} {_share(share)}" for key, share in site.items())
    return (
        f"Shown at your prevalence: {named}. What is flagged does not "
        "change, and shares of test films are not at your prevalence."
    )


def model_prevalence_sentence(folder: Path) -> str:
    """What the probabilities assume, in words."""
    known = model_prevalence(folder)
    if not known:
        return (
            "The prevalence that the probabilities assume is unknown: the model folder has no "
            "usable predictions_val.csv."
        )
    shares = ", ".join(f"{LABELS[key]} {percent(known[key])}" for key in known)
    return (
        f"The probabilities assume the prevalence of the films they were calibrated on: {shares}. "
        "Those films are enriched: where a finding is rarer, its true probability is lower."
    )


def prevalence_controls() -> None:
    """The reader's own prevalence of each of the three; off until a number is given."""
    known = model_prevalence(model_folder())
    caption(model_prevalence_sentence(model_folder()))
    if not known:
        return
    with st.container(key="prevalence", horizontal=True, vertical_alignment="bottom", gap="medium"):
        for key in filter(known.__contains__, ABNORMAL_KEYS):
            st.number_input(
                f"{LABELS[key]} at your site, %",
                min_value=MIN_PERCENT,
                max_value=MAX_PERCENT,
                value=None,
                step=1.0,
                format="%0.1f",
                key=f"{_KEY}_{key}",
                placeholder=f"{100 * known[key]:.0f} (assumed)",
                persist_state="session",
                width=190,
            )
        st.button(
            "Reset",
            key=f"{_KEY}_off",
            on_click=_reset,
            disabled=not site_prevalence(),
            help="Back to the prevalence of the films that the model was calibrated on.",
        )
    caption(
        "A prevalence set here moves the probability and the cut-off of that finding together; "
        "what is flagged does not change. No Finding stays as it is."
    )


def _reset() -> None:
    for key in ABNORMAL_KEYS:
        st.session_state[f"{_KEY}_{key}"] = None


def _share(share: float) -> str:
    return f"{100 * share:g} %"
