"""The panel of one finding's cut-off: movable, with the confusion matrix that it makes."""

from dataclasses import dataclass
from html import escape

import streamlit as st

from cxr_core.evaluation.evaluated import EvaluatedTable
from cxr_core.evaluation.metrics.at_threshold import threshold_metrics
from cxr_core.evaluation.metrics.net_benefit import (
    DecisionPoint,
    alert_burden,
    decision_curve,
)
from cxr_core.evaluation.metrics.operating_points import (
    CUTOFF_RULES,
    RULE_TARGET,
    ConfusionMatrix,
    cutoff_by_rule,
)
from cxr_core.evaluation.render.decision_figures import shown_points, site_alerts
from cxr_core.evaluation.render.figures import at_cutoff, evaluation_tables
from cxr_core.evaluation.render.flag_figures import CUT_OFFS
from cxr_core.findings import label_of
from cxr_core.ui.charts.decisions import decision_figure
from cxr_core.ui.charts.show import show_chart
from cxr_core.ui.performance.tabs import choose_finding
from cxr_core.ui.prevalence import MAX_PERCENT, MIN_PERCENT
from cxr_core.ui.shell import caption, show_table
from cxr_core.ui.words import percent

OPERATING_POINT, SENSITIVE_POINT, MANUAL = "point", "sensitive point", "hand"
_OPTIMISTIC = "fitted on these films, so its figures here are optimistic"
_PRESET_SENTENCES = {
    "youden": "largest sum of sensitivity and specificity (Youden)",
    "sensitivity": f"highest cut-off with a sensitivity of at least {RULE_TARGET:.2f}",
    "specificity": f"lowest cut-off with a specificity of at least {RULE_TARGET:.2f}",
}


# The control of a finding's threshold: the operating point, a preset, or the reader's own.


@dataclass(frozen=True)
class ChosenCutoff:
    """What was chosen.

    Attributes:
        value: probability, 0 to 1; a film is above at >= it.
        source: ``point``, ``sensitive point``, ``hand``, or a preset's name.
        optimistic: it was fitted on the films on show.
    """

    value: float
    source: str
    optimistic: bool


def available_cutoffs(evaluated: EvaluatedTable, key: str) -> dict[str, float]:
    """The cut-offs that a labelled finding has, by source; the model's own first."""
    labels, probabilities = evaluated.labelled(key)
    fitted = {preset: cutoff_by_rule(labels, probabilities, preset) for preset in CUTOFF_RULES}
    point = evaluated.report.operating_points[key].threshold
    sensitive = evaluated.full.cutoffs and evaluated.full.cutoffs.sensitive
    return {
        OPERATING_POINT: point,
        **({SENSITIVE_POINT: sensitive[key].threshold} if sensitive else {}),
        **{name: cut for name, cut in fitted.items() if cut is not None},
    }


def choose_cutoff(evaluated: EvaluatedTable, key: str) -> ChosenCutoff:
    """The presets and the slider, with a sentence on where the threshold comes from."""
    cutoffs = available_cutoffs(evaluated, key)
    preset, slider = cutoff_widgets(evaluated, key)
    st.session_state.setdefault(preset, OPERATING_POINT)
    st.session_state.setdefault(slider, round(100 * cutoffs[OPERATING_POINT], 1))
    st.segmented_control(
        "Cut-off from",
        [*cutoffs, MANUAL],
        required=True,
        key=preset,
        format_func=lambda name: cutoff_source_label(
            name, fitted_here=evaluated.fitted_on_this_table
        ),
        on_change=_on_preset_change,
        args=(preset, slider, cutoffs),
    )
    source: str = st.session_state[preset]
    slider_value = st.slider(
        f"Cut-off on the probability of {label_of(key)}", 0.0, 100.0, step=0.1,
        format="%.1f %%", key=slider, on_change=_on_slider_change, args=(preset,),
    )  # fmt: skip
    # The slider rounds; a film between the two must not change sides.
    value = slider_value / 100 if source == MANUAL else cutoffs[source]
    chosen = ChosenCutoff(
        value,
        source,
        source in CUTOFF_RULES or (source != MANUAL and evaluated.fitted_on_this_table),
    )
    caption(cutoff_origin_sentence(chosen, cutoffs[OPERATING_POINT]))
    return chosen


def cutoff_widgets(evaluated: EvaluatedTable, key: str) -> tuple[str, str]:
    """Keys of the presets and of the slider of one finding's cut-off."""
    return f"preset_{key}_{evaluated.cache_key}", f"threshold_{key}_{evaluated.cache_key}"


def prevalence_widget(key: str) -> str:
    """Key of the field of a finding's prevalence."""
    return f"decision_prevalence_{key}"


def cutoff_source_label(source: str, *, fitted_here: bool) -> str:
    """What a source of thresholds is called on its button."""
    names = {
        OPERATING_POINT: "These films" if fitted_here else "Validation films",
        SENSITIVE_POINT: "These films, sensitive" if fitted_here else "Validation films, sensitive",
        "youden": "Youden",
        "sensitivity": f"Sensitivity ≥ {RULE_TARGET:.2f}",
        "specificity": f"Specificity ≥ {RULE_TARGET:.2f}",
        MANUAL: "Manual",
    }
    return names[source]


def cutoff_origin_sentence(chosen: ChosenCutoff, operating_point: float) -> str:
    """Where the threshold comes from, and what that means for its figures."""
    if chosen.source == MANUAL:
        return (
            f"Set by hand; the model's cut-off is {percent(operating_point, decimals=1)}. A "
            "cut-off picked by its figures on these films does less well on new ones."
        )
    if chosen.source in CUTOFF_RULES:
        how = _PRESET_SENTENCES[chosen.source]
        return f"{percent(chosen.value, decimals=1)}: {how}, {_OPTIMISTIC}."
    which = "sensitive cut-off" if chosen.source == SENSITIVE_POINT else "cut-off"
    if chosen.optimistic:
        return f"The model's {which}, {_OPTIMISTIC}."
    return f"The model's {which}, chosen on validation films, none of which is here."


def _on_preset_change(preset: str, slider: str, cuts: dict[str, float]) -> None:
    """Callback of the presets: the slider goes where the cut-off is."""
    source = st.session_state[preset]
    if source in cuts:
        st.session_state[slider] = round(100 * cuts[source], 1)


def _on_slider_change(preset: str) -> None:
    """Callback of the slider."""
    st.session_state[preset] = MANUAL


def cutoffs_panel(evaluated: EvaluatedTable) -> None:
    """One finding's cut-off to move, then what all findings' own cut-offs do."""
    _one_cutoff(evaluated)
    _all_cutoffs(evaluated)


def _one_cutoff(evaluated: EvaluatedTable) -> None:
    """Choose a finding and move its cut-off."""
    st.header("Performance at a cut-off", anchor=False)
    report = evaluated.report
    if not report.operating_points:
        caption(
            "No cut-off can be given: no finding has both films with it and films without "
            "it. 0.5 is not a usable cut-off, so nothing is shown."
        )
        return
    key = choose_finding(evaluated.keys, "decision_finding")
    if not evaluated.is_labelled(key):
        caption(
            f"{label_of(key)} is not labelled on these films, so nothing can be measured of it."
        )
        return
    if key not in report.operating_points:
        caption(
            f"No cut-off for {label_of(key)}: it has films of one class only, or none is given."
        )
        return
    chosen = choose_cutoff(evaluated, key)
    prevalence = _prevalence(evaluated, key)
    found = threshold_metrics(
        *evaluated.labelled(key), chosen.value, evaluated.resamples(key), prevalence=prevalence
    )
    left, right = st.columns([1, 1.35], gap="large")
    with left:
        st.html(
            confusion_matrix_html(found.confusion, label_of(key), percent(chosen.value, decimals=1))
        )
    with right:
        show_table(at_cutoff(found, label_of(key), report, optimistic=chosen.optimistic))
        labelled = evaluated.labelled(key), evaluated.resamples(key)
        here = alert_burden(*labelled[0], chosen.value, labelled[1])
        site = None
        if prevalence is not None:
            site = alert_burden(*labelled[0], chosen.value, labelled[1], prevalence=prevalence)
        show_table(site_alerts(here, site, key))
        caption(
            "Predictive values change with how common the finding is; where it is rarer, the "
            "positive one is lower. Sensitivity, specificity and likelihood ratios do not, as "
            "long as the films look alike."
        )
    _decision_curve(evaluated, key, prevalence)


def _decision_curve(evaluated: EvaluatedTable, key: str, prevalence: float | None) -> None:
    """Net benefit of one finding, at the site's prevalence where one is given."""
    st.subheader("Decision curve", anchor=False)
    curve = _cached_curve(evaluated, evaluated.cache_key, key, prevalence)
    where = "these films" if prevalence is None else f"a prevalence of {100 * prevalence:g} %"
    if not curve[0].model.estimable:
        caption("Too few films or patients for a decision curve.")
        return
    show_chart(
        decision_figure(curve, key, where),
        key="decision_curve",
        wide=True,
        title=f"Decision curve of {label_of(key)}",
        alt=f"Net benefit of {label_of(key)} at {where}. "
        + " ".join(
            f"Threshold {percent(one.threshold)}: {one.model.text(3)}, flagging all "
            f"{one.all_flagged.text(3)}."
            for one in shown_points(curve)
        ),
    )
    caption(
        "Net benefit: found cases per film, less false alarms weighed by the threshold's odds. "
        "Choose the probability at which you would just act: the model is of use there if its "
        "line is above both flagging all and flagging none. Shaded: 95 % band. It assumes "
        "calibrated probabilities."
    )


# Streamlit keys on what has no underscore: the hash stands for the table.
@st.cache_data(max_entries=8, show_spinner="Resampling patients …", scope="session")
def _cached_curve(
    _evaluated: EvaluatedTable, identity: str, key: str, prevalence: float | None
) -> tuple[DecisionPoint, ...]:
    return decision_curve(
        *_evaluated.labelled(key), _evaluated.resamples(key), prevalence=prevalence
    )


def _prevalence(evaluated: EvaluatedTable, key: str) -> float | None:
    """The reader's own share of films with the finding, 0 to 1; None until one is given."""
    here = evaluated.report.label_distribution[key].prevalence
    given = st.number_input(
        f"Prevalence of {label_of(key)} where you work, % of films",
        min_value=MIN_PERCENT,
        max_value=MAX_PERCENT,
        value=None,
        step=1.0,
        format="%0.1f",
        key=prevalence_widget(key),
        width=320,
        placeholder=f"here {percent(here)}",
        persist_state="session",
    )
    return None if given is None else given / 100


def confusion_matrix_html(counts: ConfusionMatrix, label: str, cutoff: str) -> str:
    """The confusion matrix as a table: counts, shares of their row, and what each is called."""
    rows = (
        (f"with {label}", (counts.tp, "found"), (counts.fn, "missed")),
        (f"without {label}", (counts.fp, "false alarm"), (counts.tn, "correctly not flagged")),
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
        f'<th scope="col">{cutoff} or above</th><th scope="col">below {cutoff}</th></tr>'
        f"</thead><tbody>{body}</tbody></table></div>"
    )


def _all_cutoffs(evaluated: EvaluatedTable) -> None:
    """What all findings' operating points do."""
    st.header("All findings at their cut-offs", anchor=False)
    if not evaluated.report.operating_points:
        caption("Needs cut-offs, and none can be given here.")
    for table in evaluation_tables(evaluated.full, CUT_OFFS):
        show_table(table)
