"""What is there when asked for: cautions that apply, the numbers behind, and the download."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from cxr_core.export.table import analysis_row, rows_to_csv
from cxr_core.findings import KEYS, LABELS
from cxr_core.reading.analyzer import Analysis
from cxr_core.ui import state
from cxr_core.ui.tables import show_table
from cxr_core.ui.words import percent

RESULT_FILE = "cxr_result.csv"


def cautions(analysis: Analysis) -> None:
    """Why the film may not be what the model knows; nothing when there is nothing to say."""
    if not analysis.gate.passed:
        _note("Read with doubt: this may not be a chest radiograph.", analysis.gate.reasons)
    if state.film_note():
        _note("Phantom.", [state.film_note()])
    if analysis.warnings:
        _note("About this film.", analysis.warnings)


def _note(title: str, sentences: Sequence[str]) -> None:
    # A sentence may quote the file's tags, so all is shown as plain text.
    text = " ".join(escape(sentence) for sentence in sentences)
    st.html(f'<div class="note" role="note"><strong>{escape(title)}</strong> {text}</div>')


def download(analysis: Analysis) -> None:
    """The result as CSV; its name and content tell neither file nor patient."""
    # A function, so that nothing lies ready on the server before it is asked for.
    st.download_button(
        "Download result (CSV)",
        data=lambda: rows_to_csv([analysis_row(analysis)]),
        file_name=RESULT_FILE,
        mime="text/csv",
        on_click="ignore",
        icon=":material/download:",
    )


def details(analysis: Analysis) -> None:
    """Logits, operating points, hashes and what was done to the film."""
    with st.expander("Details"):
        show_table(
            (
                "Finding",
                "Raw logit",
                "Calibrated probability",
                "Operating point (95 % interval)",
                "Sensitivity on validation",
                "Specificity on validation",
            ),
            [_numbers(analysis, key) for key in KEYS],
            caption="The numbers behind the page. Validation is where an operating point was "
            "chosen; what it reaches on test films is on the page Performance.",
        )
        radiograph = analysis.radiograph
        height, width = radiograph.pixels.shape
        steps = "".join(f"<li>{escape(step)}</li>" for step in radiograph.steps)
        view = f", view {escape(radiograph.view)}" if radiograph.view else ""
        st.html(
            f'<p class="quiet"><strong>Film</strong> {escape(radiograph.kind)}, {width} x {height} '
            f'pixels{view}. What was done to it before the model saw it:</p><ul class="quiet">'
            f"{steps}<li>The whole film is squashed to a square for the model; the map is drawn "
            "back to the film's own shape.</li></ul>"
            f'<p class="quiet"><strong>Film, SHA-256</strong> <code>{analysis.image_sha256}</code>'
            f"<br><strong>Model, SHA-256</strong> <code>{analysis.model_sha256}</code></p>"
        )


def _numbers(analysis: Analysis, key: str) -> list[str]:
    point = analysis.operating_points[key]
    low, high = percent(point.low, decimals=1), percent(point.high, decimals=1)
    return [
        LABELS[key],
        f"{analysis.logits[key]:+.3f}".replace("-", "−"),
        percent(analysis.probabilities[key], decimals=1),
        f"{percent(point.threshold, decimals=1)} ({low} to {high})",
        percent(point.sensitivity),
        percent(point.specificity),
    ]
