"""A film that came wrong: what the reader may do to it before it is read, and what was done.

A correction changes what the model sees, unlike anything in the row of window and level.
"""

from html import escape

import streamlit as st

from cxr_core.reading.analyzer import Analysis
from cxr_core.ui import state

# Correction -> what the button says, and what the banner says was done.
CORRECTION_LABELS = {
    "invert": ("Invert and read", "Inverted"),
    "rotate_ccw": ("Rotate 90° counter-clockwise and read", "Rotated 90° counter-clockwise"),
    "rotate_cw": ("Rotate 90° clockwise and read", "Rotated 90° clockwise"),
    "rotate_180": ("Rotate by 180° and read", "Rotated by 180°"),
}
STOPPED_TITLE = "Not read: this does not look like an upright frontal chest film."


def correction_menu() -> None:
    """All corrections, for a film whose fault no check has noticed."""
    with st.expander("Fix orientation or inversion"):
        st.caption("The model reads the corrected film. To change only the display, use Window.")
        _buttons(tuple(CORRECTION_LABELS), "menu")


def corrected_banner(analysis: Analysis) -> None:
    """What was done to the film on the reader's word, with a way back; nothing otherwise."""
    if analysis.correction is None:
        return
    done = CORRECTION_LABELS[analysis.correction][1]
    with st.container(key="corrected", horizontal=True, vertical_alignment="center", gap="small"):
        st.html(
            '<div class="note" role="note"><strong>Corrected film.</strong> '
            f"{escape(done)} at your request, on screen and for the model.</div>"
        )
        st.button("Undo", key="undo_correction", on_click=state.set_correction, args=(None,))


def stop_panel(analysis: Analysis) -> None:
    """Beside a film that the gate stopped: why, the obvious correction, and reading it anyway."""
    reasons = "".join(f'<p class="quiet">{escape(reason)}</p>' for reason in analysis.gate.reasons)
    st.html(f'<h2 class="stopped">{escape(STOPPED_TITLE)}</h2>{reasons}')
    suggestion = analysis.gate.suggestion
    with st.container(key="stop", gap="small"):
        if suggestion in CORRECTION_LABELS:
            _buttons((str(suggestion),), "suggested")
        others = tuple(name for name in CORRECTION_LABELS if name != suggestion)
        with st.popover("Another correction" if suggestion else "Correct the film"):
            _buttons(others, "other")
        st.button("Read it anyway", key="read_anyway", on_click=state.override_gate)
    st.html(
        '<p class="quiet">If you read it anyway, the result and every export carry this '
        "warning.</p>"
    )


def _buttons(names: tuple[str, ...], where: str) -> None:
    for name in names:
        if name != state.correction():
            st.button(
                CORRECTION_LABELS[name][0],
                key=f"correct_{where}_{name}",
                on_click=state.set_correction,
                args=(name,),
            )
