"""The control of a finding's threshold: the operating point, a preset, or the reader's own."""

from dataclasses import dataclass

import streamlit as st

from cxr_core.evaluation.fitted_cutoffs import PRESETS, TARGET, preset_cutoff
from cxr_core.evaluation.predictions import labels_of
from cxr_core.findings import KEYS, LABELS
from cxr_core.ui.measured import Measured
from cxr_core.ui.page import quiet
from cxr_core.ui.words import percent

POINT, HAND = "point", "hand"
_OPTIMISTIC = "fitted on these very films, so what it reaches here is optimistic"
_PRESETS = {
    "youden": "the largest sum of sensitivity and specificity",
    "sensitivity": f"the highest threshold with a sensitivity of at least {TARGET:.2f}",
    "specificity": f"the lowest threshold with a specificity of at least {TARGET:.2f}",
}


@dataclass(frozen=True)
class Threshold:
    """What was chosen.

    Attributes:
        value: probability, 0 to 1; a film is above at >= it.
        source: ``point``, ``hand``, or a preset's name.
        optimistic: it was fitted on the films on show.
    """

    value: float
    source: str
    optimistic: bool


def offered(measured: Measured, key: str) -> dict[str, float]:
    """The cut-offs that a finding has, by source; the operating point first."""
    k = KEYS.index(key)
    labels, probabilities = labels_of(measured.table)[:, k], measured.probabilities[:, k]
    fitted = {preset: preset_cutoff(labels, probabilities, preset) for preset in PRESETS}
    point = measured.report.operating_points[key].threshold
    return {POINT: point, **{name: cut for name, cut in fitted.items() if cut is not None}}


def choose_threshold(measured: Measured, key: str) -> Threshold:
    """The presets and the slider, with a sentence on where the threshold comes from."""
    cuts = offered(measured, key)
    preset, slider = (f"{name}_{key}_{measured.identity}" for name in ("preset", "threshold"))
    st.session_state.setdefault(preset, POINT)
    st.session_state.setdefault(slider, round(100 * cuts[POINT], 1))
    st.segmented_control(
        "Threshold from", [*cuts, HAND], required=True, key=preset,
        format_func=lambda name: source_name(name, fitted_here=measured.fitted_here),
        on_change=_take_preset, args=(preset, slider, cuts),
    )  # fmt: skip
    source: str = st.session_state[preset]
    moved = st.slider(
        f"Threshold on the probability of {LABELS[key]}", 0.0, 100.0, step=0.1,
        format="%.1f %%", key=slider, on_change=_take_hand, args=(preset,),
    )  # fmt: skip
    # The slider rounds; a film between the two must not change sides.
    value = moved / 100 if source == HAND else cuts[source]
    chosen = Threshold(
        value, source, source in PRESETS or (source == POINT and measured.fitted_here)
    )
    quiet(origin_sentence(chosen, cuts[POINT]))
    return chosen


def source_name(source: str, *, fitted_here: bool) -> str:
    """What a source of thresholds is called on its button."""
    names = {
        POINT: "Fitted here" if fitted_here else "From validation",
        "youden": "Youden",
        "sensitivity": f"Sensitivity ≥ {TARGET:.2f}",
        "specificity": f"Specificity ≥ {TARGET:.2f}",
        HAND: "By hand",
    }
    return names[source]


def origin_sentence(chosen: Threshold, point: float) -> str:
    """Where the threshold comes from, and what that means for its figures."""
    if chosen.source == HAND:
        return (
            f"Moved by hand; the operating point is {percent(point, decimals=1)}. A threshold "
            "picked by its figures on these films does less well on new ones."
        )
    if chosen.source in PRESETS:
        return f"{percent(chosen.value, decimals=1)}: {_PRESETS[chosen.source]}, {_OPTIMISTIC}."
    if chosen.optimistic:
        return f"This is the operating point, {_OPTIMISTIC}."
    return "This is the operating point, chosen on validation films, none of which is here."


def _take_preset(preset: str, slider: str, cuts: dict[str, float]) -> None:
    """Callback of the presets: the slider goes where the cut-off is."""
    source = st.session_state[preset]
    if source in cuts:
        st.session_state[slider] = round(100 * cuts[source], 1)


def _take_hand(preset: str) -> None:
    """Callback of the slider."""
    st.session_state[preset] = HAND
