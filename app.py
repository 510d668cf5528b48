"""Home: what this is for, which model is loaded, how good it measured, what it is not."""

import streamlit as st

from cxr_core.findings import ABNORMAL_IN_WORDS, ALL_IN_WORDS, LABELS
from cxr_core.ui.home import TRAINING_COMMAND, model_summary
from cxr_core.ui.shell import APP_NAME, begin_page, report_errors
from cxr_core.ui.words import RESEARCH_TOOL

*_FIRST, _LAST = (f"**{label}**" for label in LABELS.values())
_NAMES = f"{', '.join(_FIRST)} and {_LAST}"

begin_page(APP_NAME)
left, right = st.columns([1, 1.1], gap="large")
with left:
    st.header("What it is for", anchor=False)
    st.markdown(
        f"Open one frontal chest radiograph and see {ALL_IN_WORDS} calibrated probabilities: "
        f"{_NAMES}. Each comes with its operating point "
        "and with a map of the regions that raised it. Everything is computed on the machine that "
        "serves this page; a film is never stored or logged."
    )
    with st.container(key="start"):
        st.page_link(
            "pages/1_Read.py", label="Read a film", icon=":material/radiology:", width="content"
        )
    st.header("What it is not", anchor=False)
    st.markdown(
        f"{RESEARCH_TOOL} It names {ALL_IN_WORDS} things and knows no others; a film without the "
        f"{ABNORMAL_IN_WORDS} findings can still show something else. It was not measured on "
        "lateral films, or on other hospitals' films than those it learnt from."
    )
with right:
    st.header("The model in use", anchor=False)
    with report_errors():
        model_summary()
    st.header("Train a full one", anchor=False)
    st.markdown("From ImageNet weights, with NIH's tables and films in the current folder:")
    st.code(TRAINING_COMMAND, language="bash", wrap_lines=True)
