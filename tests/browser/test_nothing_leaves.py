"""What the server does to the world outside its memory while films are read: nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, expect

from tests.browser.conftest import ServedApp, new_context
from tests.helpers.browser import download, press, upload
from tests.helpers.dicom_files import film_dataset, to_bytes
from tests.helpers.films import noisy_film
from tests.helpers.models import write_model_folder
from tests.helpers.pdf import read_pdf
from tests.helpers.system_calls import strangers, trace_command, written

pytestmark = pytest.mark.slow
MARK = "QXMARKERXQ"  # in every tag, in the file's name and in the note


@pytest.fixture
def traced(tmp_path: Path, strace: str) -> Iterator["Traced"]:
    """A server whose calls are written down, with folders of its own for all that it may keep."""
    traced = Traced(tmp_path, strace)
    traced.app.start()
    try:
        yield traced
    finally:
        traced.app.stop()


class Traced:
    """The server, what it calls, and its folders."""

    def __init__(self, folder: Path, strace: str) -> None:
        self.folder, self.calls, self.log = folder, folder / "calls.txt", folder / "server.log"
        self.own = folder / "own"
        for name in ("home", "temp"):
            (self.own / name).mkdir(parents=True)
        self.app = ServedApp(
            write_model_folder(folder / "model"),
            self.log,
            under=trace_command(strace, self.calls),
            HOME=str(self.own / "home"),
            TMPDIR=str(self.own / "temp"),
            XDG_CACHE_HOME="",
            PYTHONDONTWRITEBYTECODE="1",
            CI="",  # with it set, Streamlit asks for less
        )


def marked_film() -> bytes:
    """A DICOM film of over 1 MB, with the mark in its tags."""
    tags = {
        "PatientName": f"{MARK}^Jane", "PatientID": MARK, "AccessionNumber": MARK,
        "StudyDescription": MARK, "ReferringPhysicianName": MARK, "InstitutionName": MARK,
        "ImageComments": MARK,
    }  # fmt: skip
    film = to_bytes(film_dataset(noisy_film(side=800), **tags))
    assert len(film) > 2**20
    return film


def test_a_reading_reaches_nobody_and_leaves_nothing_behind(
    browser: Browser, traced: Traced, tmp_path: Path
) -> None:
    with new_context(browser, timeout=240_000) as context:
        page = context.new_page()
        page.goto(f"{traced.app.url}/Read")
        page.get_by_role("heading", name="Open one frontal chest radiograph").wait_for()
        film: FilePayload = {"name": f"{MARK}.dcm", "mimeType": "", "buffer": marked_film()}
        upload(page, film)
        expect(page.locator(".finding .probability")).to_have_count(4)
        expect(page.get_by_text(MARK).first).to_be_visible()  # over the film, where it belongs
        press(page, page.get_by_text("Export", exact=True))
        taken = [
            download(page, button, tmp_path)
            for button in (
                "Report (PDF",
                "Overlay (PNG)",
                "Result (CSV)",
                "Overlay (DICOM, new study)",
            )
        ]
        press(page, page.get_by_text("Your reading", exact=True))
        page.get_by_label("Note on this film").fill(f"{MARK}NOTE")
        page.get_by_label("Note on this film").press("Control+Enter")
    traced.app.stop()

    # Exports that did not ask name nobody.
    for path in taken:
        assert MARK.encode() not in path.read_bytes(), path.name
        assert MARK.encode("utf-16-be") not in path.read_bytes(), path.name
    assert MARK not in read_pdf(taken[0].read_bytes()).text
    # Nor does a log, or a file that the server left anywhere of its own.
    assert MARK not in traced.log.read_text(errors="replace")
    left = [path for path in traced.own.rglob("*") if path.is_file()]
    assert [path for path in left if MARK.encode() in path.read_bytes()] == []
    assert not any(MARK in str(path) for path in traced.own.rglob("*"))

    calls = traced.calls.read_text(errors="replace").splitlines()
    assert any("model.safetensors" in call for call in calls)  # the trace is of the server
    # Its telemetry would be on, as CI is unset; it is neither opened nor asked for anything.
    assert any("libopenvino" in call for call in calls)
    assert not any("openvino_telemetry/" in call for call in calls)
    assert strangers(calls) == []
    assert written(calls, traced.own / "home") == []
