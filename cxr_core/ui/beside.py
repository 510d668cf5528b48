"""The small print under the four rows: what is no alert, and what must not be overlooked."""

from html import escape

import streamlit as st

from cxr_core.reading.analyzer import Analysis
from cxr_core.ui.cautions import quiet_sentences
from cxr_core.ui.prevalence import site_sentence
from cxr_core.ui.stability import borderline_sentence


def beside_numbers(analysis: Analysis, *, shown: str) -> None:
    """Borderline findings, a prevalence in force, No Finding and Infiltration in words.

    Args:
        shown: key of the finding in the large view.
    """
    found = [borderline_sentence(analysis), site_sentence()]
    found += quiet_sentences(analysis, shown=shown)
    lines = [escape(sentence) for sentence in found if sentence]
    if lines:
        st.html(f'<p class="quiet">{"<br>".join(lines)}</p>')
