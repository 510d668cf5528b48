"""The panel of one finding's cut-off: movable, with the confusion matrix that it makes."""

from dataclasses import dataclass
from html import escape

import streamlit as st

from cxr_core.evaluation.metrics.at_threshold import AtThreshold, at_threshold
from cxr_core.evaluation.metrics.bootstrap import draw
from cxr_core.evaluation.metrics.operating_points import PRESETS, TARGET, Confusion, preset_cutoff
from cxr_core.evaluation.predictions import labels_of
from cxr_core.findings import KEYS, LABELS
from cxr_core.ui.evaluated import Measured
from cxr_core.ui.prevalence import LEAST, MOST
from cxr_core.ui.shell import quiet, show_table
from cxr_core.ui.words import percent

POINT, HAND = "point", "hand"
_OPTIMISTIC = "fitted on these very films, so what it reaches here is optimistic"
_PRESETS = {
    "youden": "the largest sum of sensitivity and specificity",
    "sensitivity": f"the highest threshold with a sensitivity of at least {TARGET:.2f}",
    "specificity": f"the lowest threshold with a specificity of at least {TARGET:.2f}",
}


# The control of a finding's threshold: the operating point, a preset, or the reader's own.


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


def decisions(measured: Measured) -> None:
    """Choose a finding and move its cut-off."""
    st.header("Decisions at a threshold", anchor=False)
    report = measured.report
    if not report.operating_points:
        quiet(
            "No operating point can be given: at least one finding has no film with it, or none "
            "without it. 0.5 is no cut-off, so nothing is shown in its place."
        )
        return
    key = st.segmented_control(
        "Finding", KEYS, format_func=LABELS.__getitem__, default=KEYS[0], required=True,
        key="decision_finding",
    )  # fmt: skip
    chosen = choose_threshold(measured, key)
    prevalence = _prevalence(measured, key)
    found = at_threshold(
        labels_of(measured.table)[:, KEYS.index(key)],
        measured.probabilities[:, KEYS.index(key)],
        chosen.value,
        draw(measured.table, n_resamples=report.n_resamples, seed=report.seed),
        prevalence=prevalence,
    )
    left, right = st.columns([1, 1.35], gap="large")
    with left:
        st.html(confusion_html(found.counts, LABELS[key], percent(chosen.value, decimals=1)))
    with right:
        show_table(
            ("At this threshold", _heading(chosen), "Meaning"),
            figure_rows(found, LABELS[key]),
            caption=f"95 % intervals from resampling {report.resampled}, "
            f"{report.n_resamples:,} times",
            words=3,
        )
        quiet(
            "Predictive values change with how common the finding is; where it is rarer, the "
            "positive one is lower. Sensitivity, specificity and likelihood ratios do not, as "
            "long as the films look alike."
        )


def _prevalence(measured: Measured, key: str) -> float | None:
    """The reader's own share of films with the finding, 0 to 1; None until one is given."""
    here = measured.report.label_distribution[key].prevalence
    given = st.number_input(
        f"{LABELS[key]} where you work, % of films", min_value=LEAST, max_value=MOST, value=None,
        step=1.0, format="%0.1f", key=f"decision_prevalence_{key}", width=320,
        placeholder=f"here {percent(here)}",
        persist_state="session",
    )  # fmt: skip
    return None if given is None else given / 100


def _heading(chosen: Threshold) -> str:
    return "Value (95 % interval), optimistic" if chosen.optimistic else "Value (95 % interval)"


def figure_rows(found: AtThreshold, label: str) -> list[list[str]]:
    """Name, value with interval, and meaning of every figure of a threshold."""
    elsewhere = []
    if found.prevalence is not None:
        share = f"{100 * found.prevalence:g}\N{NO-BREAK SPACE}%"
        elsewhere = [
            (f"Positive predictive value at {share}", found.ppv_at,
             f"the same where {share} of films have it"),
            (f"Negative predictive value at {share}", found.npv_at,
             f"the same where {share} of films have it"),
        ]  # fmt: skip
    rows = [
        ("Sensitivity", found.sensitivity, f"of films with {label}, the share above"),
        ("Specificity", found.specificity, f"of films without {label}, the share below"),
        ("Positive predictive value", found.ppv, "of films above, the share with the label here"),
        ("Negative predictive value", found.npv, "of films below, the share without it here"),
        *elsewhere,
        (
            "Likelihood ratio, above",
            found.positive_ratio,
            f"how many times likelier above with {label} than without",
        ),
        (
            "Likelihood ratio, below",
            found.negative_ratio,
            f"the same for below; the nearer to 0, the more it speaks against {label}",
        ),
    ]
    return [[name, interval.text(), meaning] for name, interval, meaning in rows]


def confusion_html(counts: Confusion, label: str, threshold: str) -> str:
    """The confusion matrix as a table: counts, shares of their row, and what each is called."""
    rows = (
        (f"with {label}", (counts.tp, "found"), (counts.fn, "missed")),
        (f"without {label}", (counts.fp, "false alarm"), (counts.tn, "rightly below")),
    )
    body = ""
    for name, *cells in rows:
        total = sum(count for count, _ in cells)
        body += f'<tr><th scope="row">{escape(name)}<br><small>{total:,} films</small></th>'
        for count, word in cells:
            share = count / total if total else 0.0
            body += (
                f'<td style="--share:{share:.2f}"><strong>{count:,}</strong><br>'
                f"<small>{word}, {escape(percent(share))}</small></td>"
            )
        body += "</tr>"
    return (
        f'<div class="table"><table class="confusion"><caption>Films by label and by probability; '
        f"shares of each row</caption><thead><tr><td></td>"
        f'<th scope="col">{threshold} or above</th><th scope="col">below {threshold}</th></tr>'
        f"</thead><tbody>{body}</tbody></table></div>"
    )


def classification(measured: Measured) -> None:
    """scikit-learn's classification report at the operating points."""
    st.header("Classification report", anchor=False)
    report = measured.report.classification_report
    if report is None:
        quiet("It needs operating points, and none can be given here.")
        return
    rows = []
    for name, values in report.values.items():
        figures = [values[column] for column in ("precision", "recall", "f1-score")]
        shown = ["not defined" if value != value else f"{value:.2f}" for value in figures]
        rows.append([name, *shown, f"{values['support']:,.0f}"])
    show_table(
        ("", "Precision", "Recall", "F1", "Films with it"),
        rows,
        caption="scikit-learn's classification report, each finding at its operating point",
    )
