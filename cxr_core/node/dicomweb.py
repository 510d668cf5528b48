"""A site's archive over DICOMweb: studies are found (QIDO-RS), films fetched (WADO-RS), reports
stored (STOW-RS).

Everything stays in memory, and nothing of a request or an answer reaches a log. The standard
library's own client, since all that this needs of one is small, and what it must not do is much: no
redirect (the query names a patient), no proxy of the environment, no retry, no log line, nothing
beyond a stated size and time.
"""

import base64
import http.client
import io
import json
import re
import secrets
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from email.message import Message
from typing import Any
from urllib.parse import quote, urlencode

import pydicom
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
)

from cxr_core.errors import ArchiveError
from cxr_core.imaging.decoded import MAX_FILE_BYTES
from cxr_core.node.dicomweb_query import (
    MODALITIES,
    Instance,
    Query,
    Study,
    fits,
    odd_answer,
    query_keys,
    study_of,
    text_of,
    uid_of,
)
from cxr_core.node.dicomweb_settings import PREFIX, ArchiveSettings
from cxr_core.version import PROGRAM

MAX_STUDIES = 100  # of one query; more are told to be narrowed
MAX_FILMS = 40  # of one study
AT_ONCE = 4  # requests of all readers together; each may hold a film
CONNECT_SECONDS = 10.0
_MAX_INSTANCES = 500  # of one study, of any kind
_MAX_JSON = 8 * 2**20
_CHUNK = 2**20
_FILM_CLASSES = (ComputedRadiographyImageStorage, DigitalXRayImageStorageForPresentation)
_JSON, _DICOM = "application/dicom+json", 'multipart/related; type="application/dicom"'
_LET_IN = "Whoever runs the app checks its user or token, and what they may do there."


_PLACES = threading.BoundedSemaphore(AT_ONCE)


class DicomWeb:
    """The archive that the settings name. Thread-safe; a connection a request.

    Every method raises ``ArchiveError`` where the archive does not do what is asked: a sentence
    without anything of the request or of the answer but a status.
    """

    def __init__(self, settings: ArchiveSettings) -> None:
        self.settings = settings

    def find_studies(self, query: Query) -> tuple[list[Study], bool]:
        """Studies with CR or DX images, the latest first, and whether there may be more.

        Raises:
            ArchiveError: nothing is asked for, or a value that is no exact one.
        """
        asked = query_keys(query)
        found: dict[str, Study] = {}
        more = False
        for modality in MODALITIES:
            keys = asked | {
                "ModalitiesInStudy": modality,
                "includefield": "00081030",  # the study's description
                "limit": str(MAX_STUDIES + 1),
            }
            # A space as %20: not every server takes a plus for one.
            rows, is_cut = self._json(f"/studies?{urlencode(keys, quote_via=quote)}")
            more |= is_cut or len(rows) > MAX_STUDIES
            # An archive that passes over a key answers with other patients' studies.
            found |= {one.uid: one for one in map(study_of, rows) if fits(one, query)}
        newest = sorted(found.values(), key=lambda one: (one.day, one.uid), reverse=True)
        return newest[:MAX_STUDIES], more or len(newest) > MAX_STUDIES

    def films_of(self, study: str) -> tuple[list[Instance], bool]:
        """The CR and DX images of a study, at most ``MAX_FILMS``, and whether there may be more."""
        path = f"/studies/{study}/instances?{urlencode({'limit': str(_MAX_INSTANCES)})}"
        rows, is_cut = self._json(path)
        films = [
            Instance(study, uid_of(row, "0020000E"), uid_of(row, "00080018"))
            for row in rows
            if text_of(row, "00080016") in _FILM_CLASSES
        ]
        more = is_cut or len(rows) >= _MAX_INSTANCES or len(films) > MAX_FILMS
        return films[:MAX_FILMS], more

    def fetch(self, film: Instance) -> bytes:
        """A film as the archive has it, a DICOM file."""
        path = f"/studies/{film.study}/series/{film.series}/instances/{film.uid}"
        _, headers, body = self._request(
            "GET", path, accept=f"{_DICOM}; transfer-syntax=*", most=MAX_FILE_BYTES + 2**16
        )
        data = _only_part(headers.get("Content-Type", ""), body)
        if data is None or not _is_image(data, film):
            raise odd_answer("something else than the film")
        return data

    def store(self, study: str, uid: str, data: bytes) -> None:
        """Store a DICOM file in a study, and see that the archive says that it has it.

        Args:
            uid: the file's SOP Instance UID.
        """
        boundary = secrets.token_hex(16)
        body = (
            f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
            + data
            + f"\r\n--{boundary}--\r\n".encode()
        )
        status, _, answer = self._request(
            "POST",
            f"/studies/{study}",
            accept=_JSON,
            body=body,
            kind=f"{_DICOM}; boundary={boundary}",
            most=_MAX_JSON,
            good=(200, 202, 409),
        )
        try:
            told = json.loads(answer)
            kept = [text_of(one, "00081155") for one in told["00081199"]["Value"]]
        except (ValueError, KeyError, TypeError, RecursionError):
            kept = []
        if status == 409 or uid not in kept:
            raise ArchiveError(
                "The archive did not keep the report",
                value=f"status {status}",
                remedy="Whoever runs the archive sees why in its log.",
            )

    def _json(self, path: str) -> tuple[list[Mapping[str, Any]], bool]:
        """What fits, and whether the archive says that it has more."""
        status, headers, body = self._request("GET", path, accept=_JSON, most=_MAX_JSON)
        if status == 204 or not body.strip():
            return [], False
        try:
            rows = json.loads(body)
        except (ValueError, RecursionError):
            raise odd_answer("something else than JSON") from None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise odd_answer("something else than a list")
        # PS3.18 8.3.4.4: where it gives fewer than fit, whatever number was asked for.
        return rows, headers.get("Warning", "").startswith("299")

    def _request(
        self,
        method: str,
        path: str,
        *,
        accept: str,
        most: int,
        body: bytes | None = None,
        kind: str = "",
        good: tuple[int, ...] = (200, 204, 206),
    ) -> tuple[int, Message, bytes]:
        """Status, headers and body of an answer."""
        if not _PLACES.acquire(timeout=self.settings.seconds):
            raise ArchiveError(
                "The archive is busy with other readers' films",
                value=f"{AT_ONCE} requests at once",
                remedy="Try again in a minute.",
            )
        try:
            with self._connection() as connection:
                headers = self._headers(accept) | ({"Content-Type": kind} if kind else {})
                connection.request(method, self.settings.url.path + path, body, headers)
                with connection.getresponse() as answer:
                    if answer.status not in good:
                        raise _refused(answer.status)
                    if (answer.headers.get("Content-Encoding") or "identity") != "identity":
                        raise odd_answer("something compressed")
                    data = _read(answer, most)
                    return answer.status, answer.headers, data
        finally:
            _PLACES.release()

    def _headers(self, accept: str) -> dict[str, str]:
        headers = {"Accept": accept, "Accept-Encoding": "identity", "User-Agent": PROGRAM}
        if self.settings.token:
            headers["Authorization"] = f"Bearer {self.settings.token}"
        elif self.settings.user:
            pair = f"{self.settings.user}:{self.settings.password}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        return headers

    @contextmanager
    def _connection(self) -> Iterator[http.client.HTTPConnection]:
        """A connection for one request, cut when its time is over, whatever the archive sends."""
        seconds, over = self.settings.seconds, threading.Event()
        opened: list[http.client.HTTPConnection] = []
        sockets: list[socket.socket] = []  # which a connection forgets before its answer is read

        def cut() -> None:
            over.set()
            for sock in [*sockets, *(one.sock for one in opened if one.sock is not None)]:
                with suppress(OSError):  # closed already
                    # The plain one's, which wakes whoever waits for it.
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)

        timer = threading.Timer(seconds, cut)
        timer.daemon = True
        timer.start()
        try:
            opened.append(self._new_connection())
            opened[0].connect()
            sockets.append(opened[0].sock)
            sockets[0].settimeout(seconds)
            yield opened[0]
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _unreachable(error, over=over.is_set(), seconds=seconds) from None
        finally:
            timer.cancel()
            for one in opened:
                one.close()

    def _new_connection(self) -> http.client.HTTPConnection:
        url, limit = self.settings.url, min(CONNECT_SECONDS, self.settings.seconds)
        host = url.hostname or ""
        if url.scheme == "http":
            return http.client.HTTPConnection(host, url.port, timeout=limit)
        context = ssl.create_default_context(cafile=self.settings.certificates)
        return http.client.HTTPSConnection(host, url.port, timeout=limit, context=context)


def _read(answer: http.client.HTTPResponse, most: int) -> bytes:
    data = io.BytesIO()
    while chunk := answer.read(_CHUNK):
        data.write(chunk)
        if data.tell() > most:
            raise ArchiveError(
                "The archive's answer is too large",
                value=f"more than {most // 2**20} MB",
                remedy=f"Narrow the search; a film takes at most {MAX_FILE_BYTES // 2**20} MB.",
            )
    if answer.length:  # it said that there was more
        raise http.client.IncompleteRead(b"")
    return data.getvalue()


def _only_part(kind: str, body: bytes) -> bytes | None:
    """The first part of a multipart body; None where there is none."""
    found = re.search(r'boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))', kind, re.IGNORECASE)
    if found is None or not kind.lower().startswith("multipart/related"):
        return None
    mark = b"--" + (found[1] or found[2]).encode()
    start = body.find(mark)
    head_end = body.find(b"\r\n\r\n", start + len(mark)) if start >= 0 else -1
    end = body.find(b"\r\n" + mark, head_end + 2) if head_end >= 0 else -1
    return body[head_end + 4 : end] if end >= 0 else None


def _is_image(data: bytes, film: Instance) -> bool:
    """Whether a file says of itself that it is the image that was asked for."""
    tags = ["StudyInstanceUID", "SOPInstanceUID"]
    try:
        found = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True, specific_tags=tags)
    except Exception:  # whatever a broken file makes of the parser
        return False
    told = (found.get("StudyInstanceUID"), found.get("SOPInstanceUID"))
    return told == (film.study, film.uid)


# What is said when it does not work.


def _refused(status: int) -> ArchiveError:
    if status in (401, 403):
        what, remedy = "The archive does not let this server in", _LET_IN
    elif status == 404:
        what, remedy = "The archive does not have this", "Search again: it may have been removed."
    elif 300 <= status < 400:
        what = "The archive sends this server elsewhere, which is not followed"
        remedy = f"Whoever runs the app sets {PREFIX}URL to where its services are."
    else:
        what, remedy = "The archive refuses this", "Whoever runs the archive sees why in its log."
    return ArchiveError(what, value=f"status {status}", remedy=remedy)


def _unreachable(error: Exception, *, over: bool, seconds: float) -> ArchiveError:
    if over or isinstance(error, TimeoutError):
        return ArchiveError(
            "The archive did not answer in time",
            value=f"{seconds:g} s",
            remedy=f"Try again later; whoever runs the app can raise {PREFIX}SECONDS.",
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        return ArchiveError(
            "The archive's certificate is not trusted",
            value=getattr(error, "verify_message", "") or "it cannot be verified",
            remedy=f"Whoever runs the app sets {PREFIX}CA to the certificate of its authority.",
        )
    if isinstance(error, ssl.SSLError):
        return ArchiveError(
            "The archive cannot be spoken to over TLS",
            value=error.reason or type(error).__name__,
            remedy=f"Whoever runs the app checks {PREFIX}URL: its port, and whether it is https.",
        )
    if isinstance(error, OSError):
        why = error.strerror or type(error).__name__
        return ArchiveError(
            "The archive cannot be reached", value=why, remedy="Try again in a few minutes."
        )
    if isinstance(error, http.client.IncompleteRead):
        return ArchiveError(
            "The archive broke off in the midst of its answer",
            value="less came than it had said",
            remedy="Try again in a few minutes.",
        )
    return odd_answer("something that is not HTTP")
