"""Files on their way to a page: only those that a page asked for, and only while there is room.

Streamlit takes any number of files from whoever has opened a session, whether or not its page has
an uploader, and keeps them until the session ends.
"""

import asyncio
import re
import threading
import time
from collections.abc import Callable, Sequence

from starlette.datastructures import Headers
from starlette.formparsers import MultiPartParser
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec, UploadFileUrlInfo

from cxr_core.errors import BudgetError
from cxr_core.ui.holdings import BYTES, LEDGER, Ledger
from cxr_core.ui.limits import Limits

_FRAMING = 2**20  # what stands around a file in its request is far less
_STEP = 2**20  # bytes that may come between two looks for room, each of which counts all files
STALL_SECONDS = 60.0  # without a byte of a file that is on its way
SLOWEST = 10_000  # bytes a second, over all of a file but its first minute
_UPLOAD = re.compile(r"/_stcore/upload_file/([^/]+)/([^/]+)$")


class ExpectedUploads(MemoryUploadedFileManager):
    """Streamlit's store of uploaded files, but that it knows which were asked for and taken."""

    def __init__(
        self,
        endpoint: str,
        limits: Limits,
        *,
        ledger: Ledger = LEDGER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(endpoint)
        self._limits, self._ledger, self._clock = limits, ledger, clock
        self._guard = threading.Lock()
        self._asked: dict[str, dict[str, None]] = {}  # by session: addresses, the oldest first
        self._untaken: dict[str, set[str]] = {}  # by session: files that no page has looked at
        self._coming: dict[str, dict[str, int]] = {}  # by session and file: bytes that have come
        self._unchecked = 0  # bytes of any session's that have come since room was looked for
        self._last: dict[str, float] = {}  # by session: when something happened

    def get_upload_urls(
        self, session_id: str, file_names: Sequence[str]
    ) -> list[UploadFileUrlInfo]:
        """Addresses for files that a page is about to send; none where no page has an uploader."""
        known = self._ledger.of(session_id)
        if known is None or not known.uploader_page:
            return []
        addresses = super().get_upload_urls(session_id, file_names[: self._limits.session_films])
        with self._guard:
            asked = self._asked.setdefault(session_id, {})
            asked |= dict.fromkeys(address.file_id for address in addresses)
            for oldest in list(asked)[: -self._limits.session_films]:
                del asked[oldest]
        return addresses

    def begin(self, session_id: str, file_id: str, n_bytes: int) -> None:
        """A file is about to come: its address is used up. What it says of its length holds no room
        against others, its bytes do, from ``came`` to ``end``.

        Raises:
            KeyError: nobody asked for it.
            BudgetError: there is no room for it.
        """
        with self._guard:
            del self._asked.get(session_id, {})[file_id]
            self._require(session_id, n_bytes)
            self._coming.setdefault(session_id, {})[file_id] = 0

    def came(self, session_id: str, file_id: str, n_bytes: int) -> None:
        """So many further bytes of a file have come.

        Raises:
            BudgetError: there is no room for them.
        """
        with self._guard:
            self._coming[session_id][file_id] += n_bytes
            self._unchecked += n_bytes
            if self._unchecked >= _STEP:
                self._unchecked = 0
                self._require(session_id, 0)

    def _require(self, session_id: str, n_bytes: int) -> None:
        known = self._ledger.of(session_id)
        held = 0 if known is None else known.total.n_bytes
        here = held + self._lying(session_id) + sum(self._coming.get(session_id, {}).values())
        everywhere = (
            self._ledger.total.n_bytes
            + sum(self._lying(session) for session in list(self.file_storage))
            + sum(sum(files.values()) for files in self._coming.values())
        )
        BYTES.require("session", here + n_bytes, self._limits)
        BYTES.require("server", everywhere + n_bytes, self._limits)

    def end(self, session_id: str, file_id: str) -> None:
        """A file that was on its way has come, or will not."""
        with self._guard:
            self._last[session_id] = self._clock()
            del self._coming[session_id][file_id]
            if not self._coming[session_id]:
                del self._coming[session_id]

    def _lying(self, session_id: str) -> int:
        files = self.file_storage.get(session_id, {})
        return sum(len(file.data) for file in list(files.values()))

    def tell_dropped(self, session_id: str, error: BudgetError) -> None:
        """Leave word for the session's page that a file found no room."""
        known = self._ledger.of(session_id)
        if known is not None:
            known.n_dropped += 1
            known.dropped_because = str(error)

    def add_file(self, session_id: str, file: UploadedFileRec) -> None:
        """Keep a file that has come."""
        with self._guard:
            self._untaken.setdefault(session_id, set()).add(file.file_id)
            self._last[session_id] = self._clock()
        super().add_file(session_id, file)

    def get_files(self, session_id: str, file_ids: Sequence[str]) -> list[UploadedFileRec]:
        """The files, for a page: they are taken."""
        with self._guard:
            self._untaken.get(session_id, set()).difference_update(file_ids)
        return super().get_files(session_id, file_ids)

    def remove_session_files(self, session_id: str) -> None:
        """Forget all of a session."""
        super().remove_session_files(session_id)
        with self._guard:
            self._asked.pop(session_id, None)
            self._untaken.pop(session_id, None)
            self._last.pop(session_id, None)

    def drop_untaken(self) -> int:
        """Forget files that no page has taken in time; returns how many there were.

        A page takes several files when the last of them has come, so none is too old while
        another is on its way.
        """
        now, late = self._clock(), []
        with self._guard:
            for session, files in self._untaken.items():
                since = now - self._last.get(session, now)
                if session not in self._coming and since >= self._limits.upload_seconds:
                    late += [(session, file) for file in files]
                    files.clear()
        for session, file in late:
            self.remove_file(session, file)
        return len(late)


class UploadGuard:
    """ASGI middleware: refuses files that no page asked for, drops those that find no room, and
    ends those that stop coming.

    A dropped file is read to its end, or its browser would tell of a broken connection and not of
    a full server; nothing of it is kept, and its page says why.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        uploads: ExpectedUploads,
        max_bytes: int,
        stall_seconds: float = STALL_SECONDS,
        slowest: float = SLOWEST,
    ) -> None:
        """Wrap ``app``.

        Args:
            max_bytes: of one file, with what stands around it in its request.
            stall_seconds: without a byte, after which a file is given up.
            slowest: bytes a second; a file that takes ``stall_seconds`` longer is given up, too.
        """
        self.app, self.uploads, self.max_bytes = app, uploads, max_bytes
        self.stall_seconds, self.slowest = stall_seconds, slowest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        found = _UPLOAD.search(scope["path"]) if scope["type"] == "http" else None
        if found is None or scope["method"] not in ("PUT", "POST"):
            await self.app(scope, receive, send)
            return
        session, file = found.groups()
        length = Headers(scope=scope).get("content-length", "")
        if not (length.isascii() and length.isdigit() and len(length) <= 12):
            answer: Response | None = PlainTextResponse("A length is needed.", status_code=411)
        elif int(length) > self.max_bytes:
            answer = PlainTextResponse("The file is too large.", status_code=413)
        else:
            answer = await self._take(session, file, int(length), scope, receive, send)
        if answer is not None:
            await answer(scope, receive, send)

    async def _take(
        self, session: str, file: str, n_bytes: int, scope: Scope, receive: Receive, send: Send
    ) -> Response | None:
        """Have the app take a file; the answer where it does not get it, or not all of it."""
        coming = _Coming(receive, self.stall_seconds, self.slowest)

        async def counted() -> Message:
            message = await coming.next()
            self.uploads.came(session, file, len(message.get("body", b"")))
            return message

        try:
            self.uploads.begin(session, file, n_bytes)
        except KeyError:
            return PlainTextResponse("No page asked for this file.", status_code=403)
        except BudgetError as error:
            full = error
        else:
            try:
                await self.app(scope, counted, send)
                return None
            except BudgetError as error:
                full = error
            except _StalledError:
                return _stalled()
            except ClientDisconnect:  # a tab that was closed: no error of the server's
                return None
            finally:
                self.uploads.end(session, file)
        try:
            while coming.more:
                await coming.next()
        except _StalledError:
            return _stalled()
        self.uploads.tell_dropped(session, full)
        return Response(status_code=204)


class _StalledError(Exception):
    """A file stopped coming."""


class _Coming:
    """A request's body, message by message: none may be waited for too long, nor all of them."""

    def __init__(self, receive: Receive, seconds: float, slowest: float) -> None:
        self._receive, self._seconds, self._slowest = receive, seconds, slowest
        self._came, self._began = 0, time.monotonic()
        self.more = True

    async def next(self) -> Message:
        spent = time.monotonic() - self._began
        left = self._seconds + self._came / self._slowest - spent
        try:
            message = await asyncio.wait_for(self._receive(), min(left, self._seconds))
        except TimeoutError:
            raise _StalledError from None
        self.more = message.get("more_body", False)
        self._came += len(message.get("body", b""))
        return message


def _stalled() -> Response:
    # The connection is closed, or its rest would be waited for.
    return PlainTextResponse("The file stopped coming.", 408, headers={"Connection": "close"})


def keep_uploads_in_memory(max_bytes: int) -> None:
    """Have Starlette take whole files in memory; else it puts all beyond 1 MB into a file on disk.

    Args:
        max_bytes: of one file.
    """
    MultiPartParser.spool_max_size = max(MultiPartParser.spool_max_size, max_bytes + _FRAMING)
