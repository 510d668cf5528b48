"""The panel of one finding's cut-off: movable, with the confusion matrix that it makes."""

from html import escape

import streamlit as st

from cxr_core.evaluation.operating_points import Confusion, confusion
from cxr_core.findings import KEYS, LABEL_COLUMNS, LABELS
from cxr_core.ui.measured import Measured
from cxr_core.ui.page import quiet
from cxr_core.ui.tables import show_table
from cxr_core.ui.words import percent


def decisions(measured: Measured) -> None:
    """Choose a finding and move its cut-off."""
    st.header("Decisions at a threshold", anchor=False)
    if not measured.report.operating_points:
        quiet(
            "No operating point can be given: at least one finding has no film with it, or none "
            "without it. 0.5 is no cut-off, so nothing is shown in its place."
        )
        return
    key = st.segmented_control(
        "Finding", KEYS, format_func=LABELS.__getitem__, default=KEYS[0], required=True,
        key="decision_finding",
    )  # fmt: skip
    threshold, at_point = _threshold(measured, key)
    labels = measured.table[LABEL_COLUMNS[KEYS.index(key)]].to_numpy()
    counts = confusion(labels, measured.probabilities[:, KEYS.index(key)], threshold)
    left, right = st.columns([1, 1], gap="large")
    with left:
        st.html(confusion_html(counts, LABELS[key], percent(threshold, decimals=1)))
    with right:
        _rates(measured, key, counts, at_point=at_point)


def _threshold(measured: Measured, key: str) -> tuple[float, bool]:
    """The slider's threshold 0 to 1, and whether it still is the operating point itself."""
    point = measured.report.operating_points[key].threshold
    start = round(100 * point, 1)
    slider = f"threshold_{key}_{measured.identity}"
    chosen = st.slider(
        f"Threshold on the probability of {LABELS[key]}",
        0.0, 100.0, start, 0.1, format="%.1f %%", key=slider,
    )  # fmt: skip
    at_point = bool(chosen == start)
    origin = "fitted on these very films, so what it reaches here is optimistic"
    if not measured.fitted_here:
        origin = "chosen on validation films, none of which is here"
    if at_point:
        quiet(f"This is the operating point, {origin}.")
    else:
        quiet(f"Moved from the operating point of {percent(point, decimals=1)}, {origin}.")
        st.button("Back to the operating point", on_click=st.session_state.pop, args=(slider, None))
    # The slider rounds; a film between the two must not change sides.
    return (point if at_point else chosen / 100), at_point


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


def _rates(measured: Measured, key: str, counts: Confusion, *, at_point: bool) -> None:
    names = ("Sensitivity", "Specificity", "Positive predictive value", "Negative predictive value")
    if at_point:
        rates = measured.report.rates[key]
        intervals = (rates.sensitivity, rates.specificity, rates.ppv, rates.npv)
        figures = [interval.text() for interval in intervals]
    else:
        values = (counts.sensitivity, counts.specificity, counts.ppv, counts.npv)
        figures = ["not estimable" if value != value else f"{value:.2f}" for value in values]
    meanings = (
        f"of films with {LABELS[key]}, the share above",
        f"of films without {LABELS[key]}, the share below",
        "of films above, the share with the label here",
        "of films below, the share without it here",
    )
    show_table(
        ("At this threshold", "Value (95 % interval)" if at_point else "Value", "Meaning"),
        [list(row) for row in zip(names, figures, meanings, strict=True)],
        caption="Predictive values hold only for this table's share of the finding; where it is "
        "rarer, the positive one is lower",
        words=3,
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
