"""Exports are handed to the browser whose session made them, and are gone with that.

Streamlit keeps a download under an address made of its content, and answers it to whoever asks
until the page is drawn twice more. Here an export gets a random address, is answered to the browser
that holds the session's connection and to no other, and is gone when it has been fetched; a second
click makes it anew.
"""

import hmac
import re
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.runtime.media_file_storage import MediaFileKind
from streamlit.runtime.memory_media_file_storage import (
    MemoryFile,
    MemoryMediaFileStorage,
    get_extension_for_mimetype,
)

from cxr_core.ui.shell import exporting_session

COOKIE = "cxr_browser"  # a random word of this browser; no script can read it
# Streamlit's page asks for an address to see whether it answers, and has the browser download it.
FETCHES = 2
KEEP_SECONDS = 60.0  # an export that is not fetched as often
_MEDIA = re.compile(r"/media/([^/]+)$")


@dataclass(frozen=True)
class _Export:
    file: MemoryFile
    session: str
    made: float
    fetches: int = FETCHES


class ExportStorage(MemoryMediaFileStorage):
    """Streamlit's storage of media, but that an export is gone when it has been fetched.

    Pictures that a page shows are kept as Streamlit keeps them; the app shows none that way.
    """

    def __init__(self, endpoint: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(endpoint)
        self._endpoint, self._clock = endpoint, clock
        self._lock = threading.Lock()
        self._exports: dict[str, _Export] = {}

    def load_and_get_id(
        self,
        path_or_data: str | bytes,
        mimetype: str,
        kind: MediaFileKind,
        filename: str | None = None,
    ) -> str:
        """Keep a file; an export under a random word, whatever its content."""
        if kind is not MediaFileKind.DOWNLOADABLE or isinstance(path_or_data, str):
            return super().load_and_get_id(path_or_data, mimetype, kind, filename)
        word = secrets.token_hex(24)
        made = _Export(
            MemoryFile(path_or_data, mimetype, kind, filename),
            exporting_session.get(),
            self._clock(),
        )
        with self._lock:
            self._exports[word] = made
        return word

    def get_url(self, file_id: str) -> str:
        """The address of a file; to be told it is no fetch."""
        with self._lock:
            made = self._exports.get(file_id)
        if made is None:
            return super().get_url(file_id)
        return f"{self._endpoint}/{file_id}{get_extension_for_mimetype(made.file.mimetype)}"

    def get_file(self, filename: str) -> MemoryFile:
        """A file by what follows ``/media/`` in its address; an export's last fetch ends it."""
        with self._lock:
            word, made = self._find(filename)
            if made is not None:
                del self._exports[word]
            if made is not None and made.fetches > 1:
                self._exports[word] = replace(made, fetches=made.fetches - 1)
        return super().get_file(filename) if made is None else made.file

    def delete_file(self, file_id: str) -> None:
        """Forget a file. Exports stay until they are fetched or too old: Streamlit wants them gone
        as soon as any two sessions' pages have been drawn, which may be before the fetch."""
        super().delete_file(file_id)

    def session_of(self, filename: str) -> str | None:
        """The session that an export belongs to; None when there is no such export."""
        with self._lock:
            _, made = self._find(filename)
        return None if made is None else made.session

    def _find(self, filename: str) -> tuple[str, _Export | None]:
        """An export by its exact name. Streamlit's route takes whatever follows ``/media/``, so
        that a name with more behind it (``WORD.pdf/x``) would pass by the guard."""
        word = filename.partition(".")[0]
        made = self._exports.get(word)
        if made is None or filename != word + get_extension_for_mimetype(made.file.mimetype):
            return word, None
        return word, made

    def drop(self, *, session: str | None = None) -> int:
        """Forget the exports that nobody fetched in time, or all of one session; returns how many
        they were."""
        now = self._clock()
        with self._lock:
            kept = {
                word: made
                for word, made in self._exports.items()
                if (now - made.made < KEEP_SECONDS if session is None else made.session != session)
            }
            n_dropped = len(self._exports) - len(kept)
            self._exports = kept
        return n_dropped

    def __len__(self) -> int:
        return len(self._exports)


class ExportGuard:
    """ASGI middleware: gives each browser a word of its own, and exports to their browser alone."""

    def __init__(
        self, app: ASGIApp, *, storage: ExportStorage, browser_of: Callable[[str], str | None]
    ) -> None:
        """Wrap ``app``.

        Args:
            browser_of: the word of the browser that holds a session's connection; None for none.
        """
        self.app, self.storage, self.browser_of = app, storage, browser_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        browser = browser_word(Headers(scope=scope))
        if (found := _MEDIA.search(scope["path"])) is not None:
            session = self.storage.session_of(found[1])
            if session is not None and not (
                scope["method"] == "GET" and self._is_theirs(session, browser)
            ):
                # As if there were nothing: whether there is an export is nobody else's business.
                await PlainTextResponse("Not found.", status_code=404)(scope, receive, send)
                return
        elif browser is None and _is_page(scope):
            send = _giving_word(send, secure=scope.get("scheme") == "https")
        await self.app(scope, receive, send)

    def _is_theirs(self, session: str, browser: str | None) -> bool:
        return is_same_browser(self.browser_of(session), browser)


def is_same_browser(word: str | None, other: str | None) -> bool:
    """Whether two requests come from one browser, by its word; nobody can tell without one."""
    return bool(word and other) and hmac.compare_digest(str(word).encode(), str(other).encode())


def browser_word(headers: Headers) -> str | None:
    """The word that a request's browser was given; None where it has none."""
    return cookie_parser(headers.get("cookie", "")).get(COOKIE) or None


def _is_page(scope: Scope) -> bool:
    """Whether a browser opens a page with it, which it does before anything else."""
    return scope["method"] == "GET" and "text/html" in Headers(scope=scope).get("accept", "")


def _giving_word(send: Send, *, secure: bool) -> Send:
    # Lax, not Strict: a browser that comes by a link of another site, or back from the sign-in,
    # would not show a strict one, and get a new word in place of the one of its other tabs.
    async def send_with_word(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).append(
                "Set-Cookie",
                f"{COOKIE}={secrets.token_hex(24)}; Path=/; HttpOnly; SameSite=Lax"
                + ("; Secure" if secure else ""),
            )
        await send(message)

    return send_with_word
