"""The site's archive on the Worklist: found, read, opened, reported; and who does not see it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import generate_uid
from streamlit.testing.v1 import AppTest

from cxr_core.access.roles import Role, Visitor
from cxr_core.audit.log import AUDIT_ENV_VAR
from cxr_core.errors import AccessError
from cxr_core.node.dicomweb_query import Instance
from cxr_core.node.dicomweb_settings import PREFIX
from cxr_core.phantom.draw import draw_phantom
from cxr_core.ui.limits import Limits
from cxr_core.ui.worklist import archive as archive_module
from tests.helpers.dicom_files import PATIENT, film_dataset, read_dicom, to_bytes
from tests.helpers.dicomweb import DicomWebArchive, dicomweb_archive
from tests.helpers.pages import READ, WORKLIST, page_text

OpenPage = Callable[..., AppTest]


def film(seed: int, **tags: str) -> bytes:
    uids = {
        name: generate_uid() for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    }
    pixels = np.ascontiguousarray(draw_phantom(seed, size=256).pixels)
    identity = {"SpecificCharacterSet": "ISO_IR 192", **PATIENT}
    return to_bytes(film_dataset(pixels, **(identity | uids | tags)))


@pytest.fixture
def audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(AUDIT_ENV_VAR, str(tmp_path / "audit.jsonl"))
    return tmp_path / "audit.jsonl"


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch) -> Iterator[DicomWebArchive]:
    with dicomweb_archive() as running:
        monkeypatch.setenv(PREFIX + "URL", running.url)
        monkeypatch.setenv(PREFIX + "NAME", "the ward's PACS")
        yield running


def search(session: AppTest, **fields: str) -> AppTest:
    for name, value in fields.items():
        session.text_input(key=f"archive_{name}").set_value(value)
    press(session, "Search")
    return session


def press(session: AppTest, label: str) -> None:
    (button,) = [one for one in session.button if one.label.startswith(label)]
    button.click().run()
    assert not session.exception


def read_all(session: AppTest) -> None:
    while session.session_state["worklist"].running:
        session.run()
    session.run()


def errors(session: AppTest) -> str:
    return " ".join(one.value for one in (*session.error, *session.warning))


def test_films_are_found_read_opened_and_reported_once(
    open_page: OpenPage, archive: DicomWebArchive, audit: Path
) -> None:
    films = [film(1), film(2), film(3, PatientID="OTHER")]
    studies = [archive.add(one) for one in films]
    session = search(open_page(WORKLIST), patient="PAT-4711")
    labels = [box.label for box in session.checkbox]
    assert len(labels) == 2
    assert all("PAT-4711" in label and "2024-02-29" in label for label in labels)
    session.checkbox[0].check()
    press(session, "Add the chosen")
    read_all(session)
    worklist = session.session_state["worklist"]
    assert [row.status for row in worklist.rows.values()] == ["read"]
    assert worklist.held.n_bytes == 0  # nothing of a film stays

    archive.headers = {"Warning": '299 archive "There are 9 additional results"'}
    search(session, patient="PAT-4711")
    assert "More than 2 studies fit; give a narrower search." in page_text(session)
    press(session, "Add all 2")  # the one that is there is not there twice
    assert "2 studies have more than was looked through" in page_text(session)
    archive.headers = {}
    read_all(session)
    assert len(worklist.rows) == 2

    session.button(key="open_2").click().run()
    session = open_page(READ, session)
    assert session.session_state["film_bytes"] in films[:2]
    session = open_page(WORKLIST, session)

    press(session, "Send 2 now")
    reports = archive.reports()
    assert sorted(str(one.StudyInstanceUID) for one in reports) == sorted(studies[:2])
    assert {str(one.PatientID) for one in reports} == {"PAT-4711"}
    session.run()
    assert not [one for one in session.button if one.key == "archive_send"]

    lines = [json.loads(line) for line in audit.read_bytes().splitlines()]
    events = [line["event"] for line in lines]
    assert events.count("archive_queried") == 2
    assert events.count("film_fetched") == 5  # read, opened, reported
    assert [line["kind"] for line in lines if line["event"] == "exported"] == 2 * [
        "structured_report_archive"
    ]
    assert events.count("result_sent") == 2
    text = audit.read_text()
    assert not any(word in text for word in ("4711", "Jörg", *studies))


def test_what_fails_is_a_sentence_and_nothing_is_sent_twice(
    open_page: OpenPage, archive: DicomWebArchive
) -> None:
    session = open_page(WORKLIST)
    search(session)
    assert "Nothing to look for" in errors(session)
    archive.add(film(1))
    search(session, accession="A0815")
    press(session, "Add all 1")
    read_all(session)
    worklist = session.session_state["worklist"]

    archive.answer = lambda method, path: (503, "text/plain", b"DOE") if method == "POST" else None
    press(session, "Send 1 now")
    assert "did not" in errors(session) or "refuses this: status 503" in errors(session)
    archive.answer = lambda method, path: None
    press(session, "Send 1 now")
    (report,) = archive.reports()

    worklist.sent.clear()  # a session that knows nothing of it sends the same object
    session.run()
    press(session, "Send 1 now")
    assert [one.SOPInstanceUID for one in archive.reports()] == [report.SOPInstanceUID]

    archive.answer = lambda method, path: (500, "text/plain", b"DOE")
    session.button(key="open_1").click().run()
    assert "The archive refuses this: status 500" in errors(session)
    assert "film_bytes" not in session.session_state or not session.session_state["film_bytes"]
    worklist.rows.clear()
    worklist.resume()
    session.run()
    read_all(session)
    assert "The archive refuses this: status 500" in page_text(session)  # as the film's own row


def test_a_film_that_changed_meanwhile_gets_no_report(
    open_page: OpenPage, archive: DicomWebArchive
) -> None:
    study = archive.add(film(1))
    (uid,) = archive.held
    session = search(open_page(WORKLIST), patient="PAT-4711")
    press(session, "Add all 1")
    read_all(session)
    read = read_dicom(archive.held[uid])
    uids = {"StudyInstanceUID": study, "SeriesInstanceUID": str(read.SeriesInstanceUID)}
    archive.add(film(2, SOPInstanceUID=uid, **uids))
    press(session, "Send 1 now")
    assert "another than was read" in errors(session)
    assert archive.reports() == []


def test_more_films_than_a_session_may_hold_are_refused(
    open_page: OpenPage, archive: DicomWebArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in (1, 2):
        archive.add(film(seed))
    monkeypatch.setattr(Limits, "from_environment", lambda: Limits(session_films=1))
    session = search(open_page(WORKLIST), patient="PAT-4711")
    press(session, "Add all 2")
    assert "This session is full" in errors(session)
    assert session.session_state["worklist"].sources == {}


def test_only_those_who_are_known_and_may_see_the_archive(
    open_page: OpenPage, archive: DicomWebArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offered() -> bool:
        session = open_page(WORKLIST)
        assert not session.exception
        return bool(session.text_input)

    assert offered()
    monkeypatch.setattr(archive_module, "is_local_page", lambda: False)
    assert not offered()  # somebody from elsewhere whom nobody asked
    monkeypatch.setenv(PREFIX + "ROLE", "reviewer")
    for role in (Role.READER, Role.REVIEWER):
        visitor = Visitor("7", role, sign_in="s", expires=0)
        monkeypatch.setattr(archive_module, "require_visitor", lambda given=visitor: given)
        assert offered() == (role is Role.REVIEWER)
    web = archive_module.site_archive()
    assert web is not None
    with pytest.raises(AccessError):  # a sign-in that has ended, while the list reads on
        archive_module.fetch_film(web, Instance("1.2", "1.3", "1.4"), visitor, "")
    monkeypatch.setenv(PREFIX + "URL", "")
    assert not offered()
    monkeypatch.setenv(PREFIX + "URL", "http://10.1.1.1/x")
    assert "is not an https address" in errors(open_page(WORKLIST))
    assert archive.asked == []
