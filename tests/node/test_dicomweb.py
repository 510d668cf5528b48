"""An archive over DICOMweb: found, fetched, stored; what it may not do, and what is said then."""

import json
import logging
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import DigitalXRayImageStorageForPresentation, generate_uid

from cxr_core.access.roles import Role
from cxr_core.errors import ArchiveError, ConfigError
from cxr_core.node import dicomweb
from cxr_core.node.dicomweb import DicomWeb
from cxr_core.node.dicomweb_query import Instance, Query
from cxr_core.node.dicomweb_settings import PREFIX, ArchiveSettings
from tests.helpers.dicom_files import patient_dicom, read_dicom
from tests.helpers.dicomweb import DicomWebArchive, dicomweb_archive
from tests.helpers.node import free_port, running_orthanc


def film(patient: str = "4711", accession: str = "A1", day: str = "20261120", **tags: Any) -> bytes:
    uids = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
    asked = {"PatientID": patient, "AccessionNumber": accession, "StudyDate": day}
    return patient_dicom(**(uids | asked | tags))


def client(url: str, monkeypatch: pytest.MonkeyPatch, **settings: str) -> DicomWeb:
    for name in ("URL", "NAME", "USER", "PASSWORD", "TOKEN", "CA", "SECONDS", "ROLE"):
        monkeypatch.setenv(PREFIX + name, ({"URL": url} | settings).get(name, ""))
    found = ArchiveSettings.from_environment()
    assert found is not None
    return DicomWeb(found)


@pytest.fixture
def archive() -> Iterator[DicomWebArchive]:
    with dicomweb_archive() as running:
        yield running


def test_films_are_found_fetched_and_a_report_is_kept(
    archive: DicomWebArchive, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    films = [film(), film(day="20261121", StudyDescription="Chest"), film("OTHER", "A2")]
    studies = [archive.add(one) for one in films]
    archive.add(film(Modality="CT"))
    web = client(archive.url, monkeypatch, TOKEN="s3cret")

    def found(**asked: Any) -> list[str]:
        return [study.uid for study in web.find_studies(Query(**asked))[0]]

    assert found(accession="A2") == [studies[2]]
    name = str(read_dicom(films[0]).PatientName)
    assert sorted(found(patient_name=name[:3].lower())) == sorted(studies)
    assert found(patient_name=name, accession="A2") == [studies[2]]
    assert found(patient_name="Nobody") == []
    assert found(patient_id="4711", first_day=date(2026, 11, 21)) == [studies[1]]
    assert found(last_day=date(2026, 11, 20), patient_id=" OTHER ") == [studies[2]]
    assert found(first_day=date(2026, 11, 21), last_day=date(2026, 11, 21)) == [studies[1]]
    (told, *_), more = web.find_studies(Query(patient_id="4711"))
    assert (told.day, told.description, told.modalities, more) == (
        "20261121", "Chest", ("DX",), False,
    )  # fmt: skip
    assert "^" not in told.patient_name

    ((image,), cut) = web.films_of(studies[0])
    assert not cut
    assert web.fetch(image) == films[0]
    uid = generate_uid()
    web.store(studies[0], uid, patient_dicom(SOPInstanceUID=uid, StudyInstanceUID=studies[0]))
    assert uid in archive.held
    assert {headers["authorization"] for _, _, headers in archive.asked} == {"Bearer s3cret"}
    assert caplog.text == ""  # nobody's number, whatever the level
    raw = generate_uid()
    archive.add(film(SOPClassUID="1.2.840.10008.5.1.4.1.1.1.1.1", StudyInstanceUID=raw))
    assert web.films_of(raw) == ([], False)  # for processing, not for presentation


@pytest.mark.parametrize(
    ("asked", "finds"),
    [
        ("Müll", {"Müller^Anna", "MÜLLER^Ben"}),
        ("muller, anna", {"Müller^Anna"}),
        ("Müller^B", {"MÜLLER^Ben"}),
        ("van der Berg", {"van der Berg^Jo"}),
        ("Berg", set()),
        ("李", {"Li^Wei=李^伟"}),
        ("Li, We", {"Li^Wei=李^伟"}),
    ],
)
def test_a_patient_is_found_by_name(
    archive: DicomWebArchive, monkeypatch: pytest.MonkeyPatch, asked: str, finds: set[str]
) -> None:
    """Also where the archive passes over the name and answers with all."""
    names = ("Müller^Anna", "MÜLLER^Ben", "Millner^Cy", "van der Berg^Jo", "Li^Wei=李^伟")
    rows = [
        {
            "0020000D": {"vr": "UI", "Value": [f"1.2.{number}"]},
            "00100010": {
                "vr": "PN",
                "Value": [dict(zip(("Alphabetic", "Ideographic"), name.split("="), strict=False))],
            },
        }
        for number, name in enumerate(names)
    ]
    archive.answer = lambda method, path: (200, "application/json", json.dumps(rows).encode())
    found, _ = client(archive.url, monkeypatch).find_studies(Query(patient_name=asked))
    assert {names[int(study.uid.removeprefix("1.2."))] for study in found} == finds


def test_what_nobody_may_ask_is_not_asked(
    archive: DicomWebArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = client(archive.url, monkeypatch)
    for asked in (
        Query(), Query(patient_id="*"), Query(accession="A?"), Query(patient_id="a\\b"),
        Query(patient_name="*"), Query(patient_name="D"), Query(patient_name=", Jane"),
        Query(patient_name="Doe^*"), Query(patient_name="a" * 65),
    ):  # fmt: skip
        with pytest.raises(ArchiveError):
            web.find_studies(asked)
    assert archive.asked == []


def test_other_patients_studies_are_not_shown(
    archive: DicomWebArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An archive that passes over a key that it does not know answers with everything."""
    archive.add(film("SOMEBODY"))
    everything = archive.respond("GET", "/dicom-web/studies?limit=9&ModalitiesInStudy=DX", {}, b"")
    archive.answer = lambda method, path: everything
    web = client(archive.url, monkeypatch)
    assert web.find_studies(Query(patient_id="4711")) == ([], False)
    assert web.find_studies(Query(accession="B1")) == ([], False)
    assert web.find_studies(Query(patient_name="Smith")) == ([], False)
    assert web.find_studies(Query(first_day=date(2026, 12, 1))) == ([], False)
    assert len(web.find_studies(Query(patient_id="SOMEBODY"))[0]) == 1


def rows(count: int, uid: str = "1.2.{}") -> bytes:
    values = [{"0020000D": {"vr": "UI", "Value": [uid.format(n)]}} for n in range(count)]
    return json.dumps(values).encode()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, "text/plain", b"4711"), r"does not let this server in: status 401\."),
        (
            (302, "text/plain", b""),
            "sends this server elsewhere, which is not followed: status 302",
        ),
        ((404, "text/plain", b""), "does not have this: status 404"),
        ((500, "text/html", b"<b>DOE"), "refuses this: status 500"),
        ((200, "text/html", b"<html>DOE"), "something else than JSON"),
        ((200, "application/json", b'{"a": 1}'), "something else than a list"),
        ((200, "application/json", b"[" * 100_000), "something else than JSON"),
        ((200, "application/json", rows(1, "../x")), "without a valid UID"),
        ((200, "application/json", b"[" + b" " * (8 * 2**20)), "too large: more than 8 MB"),
    ],
)
def test_every_odd_answer_is_one_sentence_without_its_words(
    archive: DicomWebArchive,
    monkeypatch: pytest.MonkeyPatch,
    answer: tuple[int, str, bytes],
    said: str,
) -> None:
    archive.answer = lambda method, path: answer
    with pytest.raises(ArchiveError, match=said) as caught:
        client(archive.url, monkeypatch).find_studies(Query(patient_id="4711"))
    assert not any(word in str(caught.value) for word in ("4711", "DOE"))


def test_more_studies_than_are_shown_are_told(
    archive: DicomWebArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.answer = lambda method, path: (200, "application/json", rows(dicomweb.MAX_STUDIES + 1))
    found, more = client(archive.url, monkeypatch).find_studies(Query(accession=""  , patient_id="",
        first_day=None, last_day=date(2026, 1, 1)))  # fmt: skip
    assert (len(found), more) == (dicomweb.MAX_STUDIES, True)


def test_what_is_cut_off_is_told(archive: DicomWebArchive, monkeypatch: pytest.MonkeyPatch) -> None:
    web = client(archive.url, monkeypatch)
    row = {
        "00080016": {"vr": "UI", "Value": [DigitalXRayImageStorageForPresentation]},
        "0020000E": {"vr": "UI", "Value": ["1.3"]},
        "00080018": {"vr": "UI", "Value": ["1.4"]},
    }
    for count, kept, cut in ((40, 40, False), (41, 40, True), (500, 40, True)):
        body = json.dumps([row] * count).encode()
        archive.answer = partial(lambda body, *asked: (200, "application/json", body), body)
        films, more = web.films_of("1.2")
        assert (len(films), more) == (kept, cut)
    # Instances of other kinds, beyond which nobody has looked.
    archive.answer = lambda method, path: (200, "application/json", b"[" + b"{}," * 499 + b"{}]")
    assert web.films_of("1.2") == ([], True)
    # The archive's own limit is lower, which it says in a header.
    archive.headers = {"Warning": '299 archive: "There are 9 additional results"'}
    archive.answer = lambda method, path: (200, "application/json", rows(3))
    found, more = web.find_studies(Query(patient_name="Do", last_day=date(2026, 1, 1)))
    assert (found, more) == ([], True)


@pytest.mark.parametrize("kind", ["another", "cut", "no part", "large"])
def test_a_film_that_is_not_the_one_is_refused(
    archive: DicomWebArchive, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    study = archive.add(film())
    web = client(archive.url, monkeypatch)
    ((image,), _) = web.films_of(study)
    _, content, whole = archive.respond("GET", f"/x/{image.uid}", {}, b"")
    answers = {
        "another": (200, content, whole.replace(image.uid.encode(), generate_uid()[:-1].encode())),
        "cut": (200, content, whole[:-20]),
        "no part": (200, "application/dicom", whole),
        "large": (200, content, whole),
    }
    if kind == "large":
        monkeypatch.setattr(dicomweb, "MAX_FILE_BYTES", 100)
    archive.answer = lambda method, path: answers[kind]
    with pytest.raises(ArchiveError, match="too large" if kind == "large" else "than the film"):
        web.fetch(image)


def test_a_report_that_is_not_kept_is_told(
    archive: DicomWebArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = client(archive.url, monkeypatch)
    answers = ((409, "application/json", b"{}"), (200, "text/xml", b"<a/>"), (202, "", b"{}"))
    for answer in answers:
        archive.answer = partial(lambda given, method, path: given, answer)
        with pytest.raises(ArchiveError, match=f"did not keep the report: status {answer[0]}"):
            web.store("1.2", "1.3", b"x")


def test_an_archive_that_stalls_or_is_not_there_is_given_up(
    archive: DicomWebArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def stall(*_asked: str) -> None:
        go_on.wait(60)

    web = client(archive.url, monkeypatch, SECONDS="1")
    for place in ("answer", "pause"):  # before the answer, and in the midst of it
        setattr(archive, place, stall)
        with pytest.raises(ArchiveError, match="did not answer in time: 1 s"):
            web.films_of("1.2")
        go_on.set()
        archive.answer = lambda method, path: (200, "application/json", b"[ ]")
        go_on = threading.Event()
    go_on.set()
    nowhere = client(f"http://127.0.0.1:{free_port()}/x", monkeypatch)
    with pytest.raises(ArchiveError, match="cannot be reached: Connection refused"):
        nowhere.films_of("1.2")
    for _ in range(dicomweb.AT_ONCE):
        assert dicomweb._PLACES.acquire(timeout=5)
    try:
        with pytest.raises(ArchiveError, match="busy with other readers"):
            web.films_of("1.2")
    finally:
        dicomweb._PLACES.release(dicomweb.AT_ONCE)


def test_a_connection_that_breaks_is_told_from_a_wrong_address(
    archive: DicomWebArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.headers = {"Content-Length": "100"}
    archive.answer = lambda method, path: (200, "application/json", b"[]")
    with pytest.raises(ArchiveError, match="broke off in the midst of its answer"):
        client(archive.url, monkeypatch).films_of("1.2")
    secure = archive.url.replace("http:", "https:")
    with pytest.raises(ArchiveError, match="over TLS: [A-Z_]+[.] .*whether it is https"):
        client(secure, monkeypatch).films_of("1.2")


def test_an_unknown_certificate_is_not_trusted(
    archive: DicomWebArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(_self: object) -> None:
        raise ssl.SSLCertVerificationError(1, "self-signed certificate")

    monkeypatch.setattr("http.client.HTTPSConnection.connect", connect)
    with pytest.raises(ArchiveError, match="certificate is not trusted"):
        client("https://archive.test/x", monkeypatch).films_of("1.2")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"URL": "http://10.0.0.9/dicom-web"}, "URL is not an https address"),
        ({"URL": "https://me:pw1@archive.test"}, "URL is not .*: not shown"),
        ({"URL": "https://archive.test/?a=1"}, "URL is not"),
        ({"URL": "https://archive.test:99999"}, "URL is not"),
        ({"URL": "ftp://localhost/"}, "URL is not"),
        ({"USER": "me"}, "do not go together"),
        ({"USER": "me", "PASSWORD": "pw1", "TOKEN": "t"}, "do not go together"),
        ({"TOKEN": "a\nb"}, "is not text without line ends"),
        ({"TOKEN": "Bearer x"}, "TOKEN is not a token of ASCII letters without a space: not shown"),
        ({"TOKEN": "t\u00f6ken"}, "TOKEN is not a token of ASCII letters"),
        ({"CA": "/nowhere.pem"}, "CA is not a PEM file"),
        ({"CA": __file__}, "CA is not a PEM file of certificates"),
        ({"SECONDS": "soon"}, "SECONDS is not a whole number"),
        ({"ROLE": "boss"}, "ROLE is not reader or reviewer or admin: boss"),
    ],
)
def test_settings_that_cannot_work_are_one_sentence(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        client(url="https://archive.test/x", monkeypatch=monkeypatch, **settings)
    assert "pw1" not in str(caught.value)


def test_without_an_address_there_is_no_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PREFIX + "URL", "")
    assert ArchiveSettings.from_environment() is None
    web = client(
        "http://[::1]:8042/dicom-web/", monkeypatch, USER="me", PASSWORD="pw", ROLE="admin"
    )
    assert (web.settings.url.path, web.settings.role) == ("/dicom-web", Role.ADMIN)
    assert "pw" not in repr(replace(web.settings, name="x"))
    assert web._headers("")["Authorization"] == "Basic bWU6cHc="


def test_with_a_real_archive(orthanc: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"
    if not Path(plugin).exists():
        pytest.skip("Orthanc's DICOMweb plugin is not installed")
    with running_orthanc(orthanc, tmp_path, node_port=1, plugins=[plugin]) as running:
        films = [film(), film("OTHER", day="20261122")]
        for one in films:
            running.upload(one)
        web = client(running.dicomweb_url, monkeypatch)
        studies, more = web.find_studies(Query(patient_id="4711", first_day=date(2026, 1, 1)))
        wanted = read_dicom(films[0])
        assert ([one.uid for one in studies], more) == ([wanted.StudyInstanceUID], False)
        assert (studies[0].day, studies[0].modalities) == ("20261120", ("DX",))
        ((image,), _) = web.films_of(studies[0].uid)
        fetched = web.fetch(image)
        assert read_dicom(fetched).PixelData == wanted.PixelData
        uid = generate_uid()
        again = film(SOPInstanceUID=uid, StudyInstanceUID=image.study)
        web.store(image.study, uid, again)
        assert len(web.films_of(image.study)[0]) == 2
        with pytest.raises(ArchiveError, match="does not have this"):
            web.fetch(Instance(image.study, image.series, "1.2.3"))
