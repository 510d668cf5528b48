"""A model folder that was altered, as a reader meets it: one sentence, no result, no traceback."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cxr_core.model.checkpoint import load_checkpoint, save_metadata
from cxr_core.model.folder import save_gate
from cxr_core.phantom.draw import phantom_png
from cxr_core.reading.approved import APPROVED_ENV_VAR, APPROVED_FILES_ENV_VAR, files_sha256
from tests.helpers.gate import brightness_gate
from tests.helpers.pages import HOME, MODEL_CARD, PERFORMANCE, READ, WORKLIST, upload_film, view_of
from tests.helpers.tampering import FORGED, OF_GATE, OF_MODEL


@pytest.fixture(scope="module")
def gated(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model with an input check, as ``models/default`` has one."""
    folder = Path(shutil.copytree(model, tmp_path_factory.mktemp("gated") / "model"))
    metadata = load_checkpoint(folder).metadata
    save_metadata(folder, replace(metadata, gate=save_gate(folder, brightness_gate())))
    return folder


@pytest.fixture
def folder(gated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = Path(shutil.copytree(gated, tmp_path / "model"))
    monkeypatch.setenv("CXR_MODEL", str(copy))
    return copy


def the_error(session: AppTest) -> str:
    (error,) = session.error
    assert not session.exception
    assert "\n" not in error.value
    assert "Something went wrong" not in error.value
    return str(error.value)


@pytest.mark.parametrize("kind", [*OF_MODEL, *OF_GATE])
def test_no_film_is_read(open_page, folder, kind) -> None:
    change, words = (OF_MODEL | OF_GATE)[kind]
    change(folder)
    session = upload_film(open_page(READ), phantom_png(1, size=128))
    assert re.search(words, the_error(session))
    assert view_of(session) is None


def test_a_model_that_is_altered_while_the_app_runs_is_noticed(open_page, folder) -> None:
    session = upload_film(open_page(READ), phantom_png(1, size=128))
    assert view_of(session) is not None
    OF_GATE["gate, a bit flipped"][0](folder)
    assert "does not match model.json" in the_error(session.run())


@pytest.mark.parametrize("page", [HOME, MODEL_CARD, PERFORMANCE, READ, WORKLIST])
@pytest.mark.parametrize(
    ("variable", "kind"), [(APPROVED_ENV_VAR, "cut-off"), (APPROVED_FILES_ENV_VAR, "card")]
)
def test_no_page_tells_of_a_model_that_is_not_approved(
    open_page, folder, monkeypatch, page, variable, kind
) -> None:
    before = load_checkpoint(folder).metadata.model_sha256, files_sha256(folder)
    monkeypatch.setenv(variable, before[variable == APPROVED_FILES_ENV_VAR])
    session = open_page(page)
    if page in (READ, WORKLIST):
        session.file_uploader[0].upload("film.png", phantom_png(1, size=128))
        session.run()
    assert not session.error
    FORGED[kind][0](folder)
    session.run()
    assert re.search("that (was|were) approved here", the_error(session))
