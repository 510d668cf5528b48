"""A prior film beside the film on the Read page: how it comes, and what is to be told of it.

It is read by the same model and the same gate as the first; exports stay about the first alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape

import streamlit as st

from cxr_core.errors import CXRError
from cxr_core.imaging.correction import CORRECTIONS, JOIN, correction_words
from cxr_core.imaging.radiograph import window_corrections
from cxr_core.reading.analyzer import Analysis
from cxr_core.ui import prior
from cxr_core.ui.model import shared_analyzer
from cxr_core.ui.read.cautions import cautions_of
from cxr_core.ui.read.gate import correction_buttons, stop_reasons
from cxr_core.ui.shell import caption, show_error
from cxr_core.ui.turns import reading_turn
from cxr_core.ui.uploads import file_field

_IN_STEP, _LISTED = "prior_in_step", "prior_listed"
ENDS_WITH_THE_FILM = (
    "It stays in this session's memory until it is closed or another film is opened. Exports are "
    "about the first film alone."
)


@dataclass(frozen=True)
class FilmsToCompare:
    """Films that can be put beside the open one, besides an upload.

    Attributes:
        names: what to call each, by its number.
        open_beside: puts the film of a number beside; raises CXRError where it cannot be opened.
    """

    names: Mapping[int, str]
    open_beside: Callable[[int], None]


def prior_controls(others: FilmsToCompare | None, *, max_megabytes: int) -> None:
    """Open a film beside, correct it, or close it."""
    with st.popover("Prior", width="content"):
        file_field(
            "Film to put beside this one",
            key=prior.prior_uploader_key(),
            on_change=prior.on_prior_upload,
            max_megabytes=max_megabytes,
        )
        if others is not None and others.names:
            key = f"{_LISTED}_{prior.prior_uploader_key()}"
            st.selectbox(
                "Or a film of the worklist",
                list(others.names),
                index=None,
                format_func=lambda number: others.names.get(number, f"Film {number}"),
                key=key,
                on_change=_open_listed,
                args=(key, others),
            )
        opened = prior.current_prior()
        if opened is not None:
            st.button("Close the prior film", key="close_prior", on_click=prior.close_prior)
            if (analysis := prior.prior_analysis()) is not None:
                with st.expander("Fix the prior's orientation, inversion or gray levels"):
                    names = (*CORRECTIONS, *window_corrections(analysis.radiograph))
                    correction_buttons(
                        names, opened.correction, prior.correct_prior, key="prior_menu"
                    )
        st.caption(ENDS_WITH_THE_FILM)


def _open_listed(key: str, others: FilmsToCompare) -> None:
    number = st.session_state.get(key)
    if number is None:
        return
    try:
        others.open_beside(number)
    except CXRError as error:
        show_error(error)


def step_switch() -> None:
    """Whether zoom, place and window of the two films go together."""
    st.toggle(
        "In step",
        value=True,
        key=_IN_STEP,
        persist_state="session",
        help="Zoom, place and window of both films change together; a window by the same change of "
        "the picture, as their depths may differ. Out of step, align them by hand, then switch it "
        "on again.",
    )


def is_in_step() -> bool:
    """Whether they do; at first they do."""
    return bool(st.session_state.get(_IN_STEP, True))


def ensure_prior_is_read() -> None:
    """Read the film beside where that is still to be done; one that cannot be read is closed, and
    the page says why."""
    opened, analyzer = prior.current_prior(), shared_analyzer()
    if opened is None or prior.is_prior_read(opened, analyzer):
        return
    place = st.empty()
    try:
        with place.container(), st.spinner("Reading the prior film …"), reading_turn():
            prior.read_prior(opened, analyzer)
    except CXRError as error:
        prior.close_prior()
        with place.container():
            show_error(error)
            caption("The prior film was not opened.")
        return
    place.empty()


def prior_notes(analysis: Analysis, *, with_results: bool) -> None:
    """What was done to the film beside, why it was stopped, and what its file warns of.

    Args:
        with_results: whether the reader is to see results; some of the warnings tell of them.
    """
    opened = prior.current_prior()
    if opened is None:
        return
    if analysis.correction is not None:
        done = correction_words(analysis.correction).done
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            _box("Corrected prior film.", f"{done[0].upper()}{done[1:]} at your request.")
            st.button(
                "Undo all" if JOIN in analysis.correction else "Undo",
                key="undo_prior", on_click=prior.correct_prior, args=(None,),
            )  # fmt: skip
    if prior.is_prior_stopped():
        _stop_panel(analysis)
        return
    for note in cautions_of(analysis) if with_results else ():
        _box(f"Prior film. {note.title}", " ".join(note.sentences))


def _box(title: str, text: str) -> None:
    # Not the class of the boxes over the film, for which the style sheet makes room there.
    st.html(f'<div class="aside" role="note"><strong>{escape(title)}</strong> {escape(text)}</div>')


def _stop_panel(analysis: Analysis) -> None:
    """Why the gate stopped it, the obvious correction, and reading it anyway."""
    stop_reasons(analysis, "Prior film. ")
    with st.container(key="prior_stop", horizontal=True, gap="small"):
        if analysis.gate.suggestion is not None:
            correction_buttons(
                (analysis.gate.suggestion,), analysis.correction, prior.correct_prior,
                key="prior_suggested",
            )  # fmt: skip
        st.button(
            "Read the prior anyway", key="prior_read_anyway", on_click=prior.override_prior_gate
        )
