"""The panel of one finding's cut-off: movable, with the confusion matrix that it makes."""

from html import escape

import streamlit as st

from cxr_core.evaluation.at_threshold import AtThreshold, at_threshold
from cxr_core.evaluation.draws import draw
from cxr_core.evaluation.operating_points import Confusion
from cxr_core.evaluation.predictions import labels_of
from cxr_core.findings import KEYS, LABELS
from cxr_core.ui.measured import Measured
from cxr_core.ui.page import quiet
from cxr_core.ui.prevalence import LEAST, MOST
from cxr_core.ui.tables import show_table
from cxr_core.ui.threshold import Threshold, choose_threshold
from cxr_core.ui.words import percent


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
