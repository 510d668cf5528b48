"""A small DICOMweb archive in this process, over HTTP: what is stored is found, and fetched."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.helpers.dicom_files import read_dicom
from tests.helpers.loopback import served

Answer = tuple[int, str, bytes]
_STUDY_TAGS = {
    "0020000D": "StudyInstanceUID",
    "00100020": "PatientID",
    "00100010": "PatientName",
    "00080020": "StudyDate",
    "00080050": "AccessionNumber",
    "00081030": "StudyDescription",
}
_IMAGE_TAGS = {
    "0020000E": "SeriesInstanceUID",
    "00080016": "SOPClassUID",
    "00080018": "SOPInstanceUID",
}


class DicomWebArchive:
    """What it holds and was asked.

    Attributes:
        held: files by SOP Instance UID.
        asked: method, path with query, and headers by small names, of each request.
        answer: asked before anything else; what it returns is answered, if not None.
        headers: further ones of each answer, and others for those that it would have.
        pause: called after the first byte of each answer's body.
    """

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.answer: Callable[[str, str], Answer | None] = lambda method, path: None
        self.pause: Callable[[], object] = lambda: None
        self.headers: dict[str, str] = {}
        self.url = ""

    def add(self, film: bytes) -> str:
        """Store a file; returns its study."""
        found = read_dicom(film)
        self.held[str(found.SOPInstanceUID)] = film
        return str(found.StudyInstanceUID)

    def reports(self) -> list[Any]:
        """The Structured Reports that it was given."""
        return [one for one in map(read_dicom, self.held.values()) if one.Modality == "SR"]

    def respond(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        self.asked.append((method, path, headers))
        if (forced := self.answer(method, path)) is not None:
            return forced
        parts = urlsplit(path)
        steps = [step for step in parts.path.split("/") if step][1:]
        query = dict(parse_qsl(parts.query))
        if method == "POST":
            return self._store(headers["content-type"], body)
        if steps == ["studies"]:
            return self._studies(query)
        if steps[-1] == "instances":
            rows = [_row(one, _IMAGE_TAGS) for one in self._all() if _study(one) == steps[1]]
            return _json(rows)
        part = b"--XX\r\nContent-Type: application/dicom\r\n\r\n" + self.held[steps[-1]]
        kind = 'multipart/related; type="application/dicom"; boundary=XX'
        return 200, kind, part + b"\r\n--XX--\r\n"

    def _all(self) -> list[Any]:
        return [read_dicom(film) for film in self.held.values()]

    def _studies(self, query: dict[str, str]) -> Answer:
        rows = {}
        for one in self._all():
            day = str(one.get("StudyDate", ""))
            first, dash, last = query.get("StudyDate", "-").partition("-")
            if (
                query.get("PatientID", one.PatientID) == one.PatientID
                and _begins(str(one.PatientName), query.get("PatientName", "*"))
                and query.get("AccessionNumber") in (None, one.get("AccessionNumber"))
                and query["ModalitiesInStudy"] == one.Modality
                and first <= day <= (last or ("9" if dash else first))
            ):
                rows[_study(one)] = _row(one, _STUDY_TAGS) | {
                    "00080061": {"vr": "CS", "Value": [one.Modality]}
                }
        return _json(list(rows.values())[: int(query["limit"])])

    def _store(self, kind: str, body: bytes) -> Answer:
        (boundary,) = re.findall(r"boundary=(\w+)", kind)
        _, part, end = body.split(f"--{boundary}".encode())
        assert end == b"--\r\n"
        head, _, film = part.removesuffix(b"\r\n").partition(b"\r\n\r\n")
        assert head.strip() == b"Content-Type: application/dicom"
        self.add(film)
        kept = {"00081155": {"vr": "UI", "Value": [str(read_dicom(film).SOPInstanceUID)]}}
        return _json({"00081199": {"vr": "SQ", "Value": [kept]}})


def _begins(name: str, pattern: str) -> bool:
    assert pattern.endswith("*")
    return name.casefold().startswith(pattern[:-1].casefold())


def _study(one: Any) -> str:
    return str(one.StudyInstanceUID)


def _row(one: Any, tags: dict[str, str]) -> dict[str, Any]:
    row = {}
    for tag, keyword in tags.items():
        value: Any = one.get(keyword)
        if value in (None, ""):
            continue
        kind = one[keyword].VR
        told = {"Alphabetic": str(value)} if kind == "PN" else str(value)
        row[tag] = {"vr": kind, "Value": [told]}
    return row


def _json(document: Any) -> Answer:
    return 200, "application/dicom+json", json.dumps(document).encode()


@contextmanager
def dicomweb_archive() -> Iterator[DicomWebArchive]:
    """An archive that answers at ``url`` for as long as the block lasts."""
    archive = DicomWebArchive()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, kind, data = archive.respond(self.command, self.path, headers, body)
            self.send_response(status)
            told = {"Content-Type": kind, "Content-Length": str(len(data))} | archive.headers
            for name, value in told.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):  # who asked has gone
                self.wfile.write(data[:1])
                archive.pause()
                self.wfile.write(data[1:])

        do_GET = do_POST = _answer

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with served(Handler) as port:
        archive.url = f"http://127.0.0.1:{port}/dicom-web"
        yield archive
