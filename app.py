"""Home: what this is for, which model is loaded, how good it measured, what it is not."""

import streamlit as st

from cxr_core.export.record import RESEARCH_TOOL
from cxr_core.findings import ALL_IN_WORDS, LABELS
from cxr_core.ui.administration import administration
from cxr_core.ui.home import TRAINING_COMMAND, model_summary
from cxr_core.ui.shell import APP_NAME, begin_page, report_errors
from cxr_core.wording import listed

_NAMES = listed([f"**{label}**" for label in LABELS.values()])

begin_page(APP_NAME)
left, right = st.columns([1, 1.1], gap="large")
with left:
    st.header("What it is for", anchor=False)
    st.markdown(
        f"Open one frontal chest radiograph and see {ALL_IN_WORDS} calibrated probabilities: "
        f"{_NAMES}. Each comes with its cut-off and a map of what pushed it up. Everything is "
        "computed on the machine that serves this page; no film is stored or logged."
    )
    with st.container(key="start"):
        st.page_link(
            "pages/1_Read.py", label="Read a film", icon=":material/radiology:", width="content"
        )
    st.header("What it is not", anchor=False)
    st.markdown(
        f"{RESEARCH_TOOL} It does not look for pneumothorax, nodules, fractures or anything else: "
        "a film with nothing flagged can still be abnormal. It was not tested on lateral films, "
        "nor on films of other hospitals or machines than those named here."
    )
with right:
    st.header("The model in use", anchor=False)
    with report_errors():
        model_summary()
    with report_errors():
        administration()
    st.header("Train a full model", anchor=False)
    st.markdown(
        "Starting from ImageNet weights, with NIH's tables and films in the current folder:"
    )
    st.code(TRAINING_COMMAND, language="bash", wrap_lines=True)
