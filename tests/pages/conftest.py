"""Pages run by Streamlit's AppTest on a small random model."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cxr_core.evaluation.evaluated import evaluate_with_model
from cxr_core.ui import evaluated as measured
from cxr_core.ui.model import MODEL_ENV_VAR
from tests.helpers import ROOT
from tests.helpers.models import write_model_folder
from tests.helpers.pages import HOME

SECONDS = 120  # a patient limit for slow machines; nothing here is timed


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a random model with its tables."""
    return write_model_folder(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="package", autouse=True)
def _own_caches() -> Iterator[None]:
    """What Streamlit keeps, the loaded model and its measures, stays from test to test.

    It is kept by the files that it came from. Other folders' tests measure with more resamples.
    """
    yield
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture(autouse=True)
def _model_in_use(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The random model."""
    monkeypatch.setenv(MODEL_ENV_VAR, str(model))
    # A tenth of the resamples: here it is told that there is an interval, not how wide it is.
    fewer = partial(evaluate_with_model, n_resamples=200)
    monkeypatch.setattr(measured, "evaluate_with_model", fewer)


@pytest.fixture(autouse=True)
def _places_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests of one process begin hundreds of sessions, and no server closes them."""
    monkeypatch.setenv("CXR_SESSIONS", "10000")


@pytest.fixture
def open_page() -> Callable[..., AppTest]:
    """A new session on a page, or the same session moved to one: ``open_page(file, session)``."""

    def open_page(file: str, session: AppTest | None = None) -> AppTest:
        if session is None:
            session = AppTest.from_file(str(ROOT / HOME), default_timeout=SECONDS)
        return session.switch_page(file).run()

    return open_page
