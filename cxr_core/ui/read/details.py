"""What is there when asked for: the numbers behind the page, and the download."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import streamlit as st

from cxr_core.errors import DataError
from cxr_core.evaluation.evaluated import EvaluatedTable
from cxr_core.evaluation.render.table import Column, Row, Table
from cxr_core.findings import KEYS, LABELS
from cxr_core.reading.analyzer import Analysis
from cxr_core.ui import state
from cxr_core.ui.evaluated import evaluate_model
from cxr_core.ui.model import model_folder
from cxr_core.ui.prevalence import display_values, prevalence_controls, site_prevalence
from cxr_core.ui.read.findings import (
    enriched_sentence,
    neighbours_of,
    neighbours_row,
    rates_on_test,
)
from cxr_core.ui.read.stability import stability_panel
from cxr_core.ui.shell import caption, show_table
from cxr_core.ui.words import percent
from cxr_core.wording import with_minus_sign


def details_panel(analysis: Analysis) -> None:
    """The four numbers and what they rest on, the site's prevalence, stability, the film."""
    with st.expander("Details"):
        evaluated = _evaluated(model_folder())
        _numbers_table(analysis, evaluated)
        if evaluated is not None:
            st.subheader("Test films with similar scores", anchor=False)
            _show(
                (
                    "Finding",
                    "With the label",
                    "Share (95 % interval)",
                    "Calibrated probabilities",
                ),
                [neighbours_row(key, neighbours_of(analysis, evaluated, key)) for key in KEYS],
                "Of the test films with the nearest scores, one per patient: how many "
                "carry the label mined from NIH's reports.",
            )
            caption(enriched_sentence(evaluated))
        st.subheader("Prevalence", anchor=False)
        prevalence_controls()
        data = state.current_film()
        if data is not None:
            st.subheader("Stability", anchor=False)
            stability_panel(data, analysis)
        st.subheader("Film and model", anchor=False)
        _film_facts(analysis)


def _evaluated(folder: Path) -> EvaluatedTable | None:
    """The model's test films; without them the page says why and goes on."""
    try:
        return evaluate_model(folder)
    except DataError as error:
        caption(str(error))
        return None


def _numbers_table(analysis: Analysis, evaluated: EvaluatedTable | None) -> None:
    header = ["Finding", "Raw logit", "Calibrated probability", "Flagged from (95 % interval)"]
    if analysis.has_bands:
        header.append("Unlikely below")
    rows = [_numbers(analysis, key) for key in KEYS]
    if site_prevalence():
        header.append("At your prevalence: probability, cut-off")
        for row, key in zip(rows, KEYS, strict=True):
            row.append(_at_site(analysis, key))
    header += ["Sensitivity on test (95 % interval)", "Specificity on test (95 % interval)"]
    for row, key in zip(rows, KEYS, strict=True):
        row += rates_on_test(evaluated, key, analysis.operating_points[key].threshold)
    films = "" if evaluated is None else f" of {evaluated.report.n_films:,} films"
    _show(
        header,
        rows,
        "The numbers behind the page. Cut-offs were chosen on validation films; the last "
        f"columns show what they achieved on the test set{films}.",
    )


def _show(header: Sequence[str], rows: Sequence[Sequence[str]], title: str) -> None:
    columns = [Column(name) for name in header]
    show_table(Table("details", title, columns, [Row(cells) for cells in rows]))


def _numbers(analysis: Analysis, key: str) -> list[str]:
    point = analysis.operating_points[key]
    low, high = percent(point.low, decimals=1), percent(point.high, decimals=1)
    cutoffs = analysis.cutoffs
    lower = [percent(cutoffs.lower(key), decimals=1)] if cutoffs and cutoffs.paired else []
    return [
        LABELS[key],
        with_minus_sign(f"{analysis.logits[key]:+.3f}"),
        percent(analysis.probabilities[key], decimals=1),
        f"{percent(point.threshold, decimals=1)} ({low} to {high})",
        *lower,
    ]


def _at_site(analysis: Analysis, key: str) -> str:
    numbers = display_values(analysis, key)
    if not numbers.note:
        return "as assumed"
    return ", ".join(percent(p, decimals=1) for p in (numbers.probability, numbers.cut_off))


def _film_facts(analysis: Analysis) -> None:
    radiograph = analysis.radiograph
    height, width = radiograph.pixels.shape
    steps = "".join(f"<li>{escape(step)}</li>" for step in radiograph.processing_log)
    view = f", view {escape(radiograph.view)}" if radiograph.view else ""
    st.html(
        f'<p class="quiet"><strong>Film</strong> {escape(radiograph.file_format)}, '
        f"{width} x {height} pixels{view}. Processing before the model:</p>"
        '<ul class="quiet">'
        f"{steps}<li>The whole film is resized to a square for the model; the map is resized "
        "back.</li></ul>"
        f'<p class="quiet"><strong>Film, SHA-256</strong> <code>{analysis.image_sha256}</code>'
        f"<br><strong>Model, SHA-256</strong> <code>{analysis.model_sha256}</code></p>"
    )
