"""The model card of the model in use."""

import streamlit as st

from cxr_core.ui.home import read_card
from cxr_core.ui.model import approved_folder
from cxr_core.ui.shell import begin_page, report_errors

begin_page("Model card")
with report_errors(), st.container(key="card", width=860):
    st.markdown(read_card(approved_folder()))
