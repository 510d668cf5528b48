"""Sessions whose browser has gone: kept for a moment, in case it comes back, then freed.

Streamlit forgets them when the next visitor comes, which may be tomorrow, and leaves what they held
to the garbage collector.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from streamlit.runtime import Runtime
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.session_manager import SessionInfo, SessionStorage
from streamlit.web.server.starlette.starlette_websocket import StarletteSessionClient

from cxr_core.memory import overwrite_cached, release_memory

SWEEP_SECONDS = 5.0
_closing: set[asyncio.Future[None]] = set()
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Waiting:
    info: SessionInfo
    since: float
    browser: str | None


class WaitingSessions(SessionStorage):
    """Streamlit's storage of sessions without a connection. A browser that comes back within
    ``seconds`` finds its films; after that ``overdue`` names the session until it is closed. One
    that no page was drawn for is overdue at once: each keeps file descriptors."""

    def __init__(
        self,
        seconds: float,
        *,
        has_page: Callable[[str], bool] = lambda session: True,
        browser_of: Callable[[str], str | None] = lambda session: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.seconds, self._has_page, self._clock = seconds, has_page, clock
        self._browser_of = browser_of
        self._waiting: dict[str, _Waiting] = {}

    def get(self, session_id: str) -> SessionInfo | None:
        """The session, as long as it waits."""
        found = self._waiting.get(session_id)
        return None if found is None else found.info

    def browser_of(self, session_id: str) -> str | None:
        """The word of the browser that a session waits for (``server.exports.COOKIE``)."""
        found = self._waiting.get(session_id)
        return None if found is None else found.browser

    def save(self, session_info: SessionInfo) -> None:
        """Let a session wait, from now on; its connection is still known."""
        name = session_info.session.id
        self._waiting[name] = _Waiting(session_info, self._clock(), self._browser_of(name))

    def delete(self, session_id: str) -> None:
        """Forget a session, which has come back or is closed."""
        self._waiting.pop(session_id, None)

    def list(self) -> list[SessionInfo]:
        """All that wait."""
        return [one.info for one in self._waiting.values()]

    def overdue(self) -> tuple[str, ...]:
        """Those that have waited long enough."""
        now = self._clock()
        return tuple(
            name
            for name, one in self._waiting.items()
            if now - one.since >= self.seconds or not self._has_page(name)
        )


def close_unused(runtime: Runtime, unused: Sequence[str]) -> tuple[str, ...]:
    """Close sessions whose browsers are there, but that nobody has used for long; on the event
    loop's thread. Their pages are told to connect anew, and find a session without films.

    Returns:
        the sessions that were closed.
    """
    closed = []
    for name in unused:
        client = runtime.get_client(name)
        info = runtime._session_mgr.get_active_session_info(name)
        if info is None:  # its browser has gone: ``close_overdue`` is for it
            continue
        # First, or its browser would find it again.
        runtime.close_session(name)
        _empty(info.session)
        if isinstance(client, StarletteSessionClient):
            # Held, or it could be collected before it has run.
            task = asyncio.ensure_future(client._websocket.close(code=1001))  # going away
            _closing.add(task)
            task.add_done_callback(_closing.discard)
        closed.append(name)
    return tuple(closed)


def close_overdue(runtime: Runtime, waiting: WaitingSessions) -> tuple[str, ...]:
    """Close the sessions that have waited long enough; on the event loop's thread.

    What a session held is dropped here and not when its last reference goes: a thread that is still
    at work for it would keep all of it alive, and Streamlit's own loop keeps the last session that
    it served until it serves another. Fragments hold what they were drawn with, a film among it.

    Returns:
        the sessions that were closed.
    """
    closed = waiting.overdue()
    for name in closed:
        info = waiting.get(name)
        runtime.close_session(name)
        if info is not None:
            _empty(info.session)
    return closed


def _empty(session: AppSession) -> None:
    session.flush_browser_queue()
    session.session_state.clear()
    session._fragment_storage.clear()


async def sweep_for_ever(sweep: Callable[[], bool]) -> None:
    """Sweep every few seconds, until cancelled; a failed sweep does not end the others.

    Args:
        sweep: frees what is to be freed; says whether there was any session among it.
    """
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        try:
            if sweep():
                await asyncio.to_thread(release_memory)
                overwrite_cached()  # of this thread, through which all messages go
        except Exception as error:
            # Its words could hold something of a film.
            logger.error("Unforeseen %s while closed sessions were freed", type(error).__name__)
