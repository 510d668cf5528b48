"""Sessions whose browser has gone: kept for a moment, in case it comes back, then freed.

Streamlit forgets them when the next visitor comes, which may be tomorrow, and leaves what they held
to the garbage collector.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from streamlit.runtime import Runtime
from streamlit.runtime.session_manager import SessionInfo, SessionStorage

from cxr_core.memory import overwrite_cached, release_memory

SWEEP_SECONDS = 5.0
logger = logging.getLogger(__name__)


class WaitingSessions(SessionStorage):
    """Streamlit's storage of sessions without a connection. A browser that comes back within
    ``seconds`` finds its films; after that ``overdue`` names the session until it is closed."""

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds, self._clock = seconds, clock
        self._waiting: dict[str, tuple[SessionInfo, float]] = {}

    def get(self, session_id: str) -> SessionInfo | None:
        """The session, as long as it waits."""
        found = self._waiting.get(session_id)
        return None if found is None else found[0]

    def save(self, session_info: SessionInfo) -> None:
        """Let a session wait, from now on."""
        self._waiting[session_info.session.id] = (session_info, self._clock())

    def delete(self, session_id: str) -> None:
        """Forget a session, which has come back or is closed."""
        self._waiting.pop(session_id, None)

    def list(self) -> list[SessionInfo]:
        """All that wait."""
        return [info for info, _ in self._waiting.values()]

    def overdue(self) -> tuple[str, ...]:
        """Those that have waited long enough."""
        now = self._clock()
        return tuple(
            name for name, (_, since) in self._waiting.items() if now - since >= self.seconds
        )


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
            info.session.flush_browser_queue()
            info.session.session_state.clear()
            info.session._fragment_storage.clear()
    return closed


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
