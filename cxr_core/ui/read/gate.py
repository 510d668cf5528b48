"""A film that came wrong: what the reader may do to it before it is read, and what was done.

A correction changes what the model sees, unlike anything in the row of window and level.
"""

import re
from collections.abc import Callable
from html import escape

import streamlit as st

from cxr_core.imaging.correction import CORRECTIONS, JOIN, Correction, correction_words
from cxr_core.imaging.radiograph import window_corrections
from cxr_core.reading.analyzer import Analysis
from cxr_core.ui import state

_SENTENCE_END = re.compile(r"(?<=\.) (?=[A-Z])")


def correction_menu() -> None:
    """All corrections, for a film whose fault no check has noticed; they add up."""
    analysis = state.current_analysis()
    windows = window_corrections(analysis.radiograph) if analysis is not None else ()
    with st.expander("Fix orientation, inversion or gray levels"):
        st.caption(
            "The model reads the corrected film, and corrections add up. To change only the "
            "display, use Window."
        )
        _buttons((*CORRECTIONS, *windows), "menu")


def corrected_banner(analysis: Analysis) -> None:
    """What was done to the film at the reader's request, with a way back; nothing otherwise."""
    if analysis.correction is None:
        return
    done = correction_words(analysis.correction).done
    done = escape(done[0].upper() + done[1:])
    with st.container(key="corrected", horizontal=True, vertical_alignment="center", gap="small"):
        st.html(
            '<div class="note" role="note"><strong>Corrected film.</strong> '
            f"{done} at your request, on screen and for the model.</div>"
        )
        st.button(
            "Undo all" if JOIN in analysis.correction else "Undo",
            key="undo_correction",
            on_click=state.set_correction,
            args=(None,),
        )


def stop_panel(analysis: Analysis) -> None:
    """Beside a film that the gate stopped: why, the obvious correction, and reading it anyway."""
    stop_reasons(analysis)
    suggestion = analysis.gate.suggestion
    with st.container(key="stop", gap="small"):
        if suggestion:
            _buttons((suggestion,), "suggested")
        known = (*CORRECTIONS, *window_corrections(analysis.radiograph))
        others = tuple(name for name in known if name != suggestion)
        with st.popover("Another correction" if suggestion else "Correct the film"):
            _buttons(others, "other")
        st.button("Read it anyway", key="read_anyway", on_click=state.override_gate)
    st.html(
        '<p class="quiet">If you read it anyway, the result and every export carry this '
        "warning.</p>"
    )


def crop_offer(analysis: Analysis) -> None:
    """For a film that was read with the bars around it: to read it without them."""
    suggestion = analysis.gate.suggestion
    if analysis.gate.passed and suggestion:
        with st.container(key="offer"):
            _buttons((suggestion,), "offer")


def _buttons(names: tuple[str, ...], where: str) -> None:
    correction_buttons(names, state.correction(), state.add_correction, key=f"correct_{where}")


def correction_buttons(
    names: tuple[str, ...], present: str | None, on_click: Callable[[str], None], *, key: str
) -> None:
    """One button a step; each is done to the film as it lies on screen.

    Args:
        present: the film's correction; the gray levels that it has are not offered again.
        on_click: takes the step.
        key: with which the buttons' keys begin.
    """
    in_force = Correction.parse(present).gray
    for name in names:
        if name != in_force:
            st.button(
                f"{correction_words(name).action} and read",
                key=f"{key}_{name}",
                on_click=on_click,
                args=(name,),
            )


def stop_reasons(analysis: Analysis, before: str = "") -> None:
    """That the gate stopped a film, and why, in a title that is the first reason itself.

    A fixed title would say of a stop by what the file says that the picture looks wrong.

    Args:
        before: words before the title.
    """
    first, *others = analysis.gate.reasons
    title, *rest = _SENTENCE_END.split(first, maxsplit=1)
    title = f"{before}Not read: {title[0].lower()}{title[1:]}"
    reasons = "".join(f'<p class="quiet">{escape(reason)}</p>' for reason in (*rest, *others))
    st.html(f'<h2 class="stopped">{escape(title)}</h2>{reasons}')
