"""Connections that ask for nothing, ask too slowly, or do not take their answer are closed, and
there are no more of them than the process has room for.

Uvicorn waits for ever for a request's head, and for a browser to take its answer: a few hundred
silent connections would use up the process's file descriptors. What stands in a request's body is
``uploads``'s; web sockets are pinged by uvicorn, and closed where nobody answers.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, Protocol, cast

import uvicorn

try:
    import resource
except ImportError:  # Windows, where sockets are no file descriptors
    resource = None  # type: ignore[assignment]

# From the connection's start, or from the end of the answer before, until a request's head is
# there. Of an idle connection uvicorn ends the wait sooner.
HEAD_SECONDS = 15.0
# Within which so much of an answer has to be taken: no reader's line is slower.
WRITE_SECONDS, WRITE_BYTES = 30.0, 2**16
MAX_CONNECTIONS = 1_000
# For what is no connection: decoders, files, sessions that wait for their browser.
_OTHER_DESCRIPTORS = 256
_DESCRIPTORS_EACH = 4  # its socket, and Streamlit's event loop of a session
_ENOUGH_DESCRIPTORS = 2**14
_TOLD_EVERY = 60.0  # seconds between two lines in the log
logger = logging.getLogger(__name__)


class HttpProtocol(Protocol):
    """What is used of uvicorn's ``H11Protocol`` and ``HttpToolsProtocol``.

    Attributes:
        cycle: of the request whose head is there, with its answer; None before the first.
    """

    transport: asyncio.Transport
    loop: asyncio.AbstractEventLoop
    cycle: Any

    def connection_made(self, transport: asyncio.Transport) -> None: ...
    def connection_lost(self, exc: Exception | None) -> None: ...
    def data_received(self, data: bytes) -> None: ...
    def on_response_complete(self) -> None: ...
    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...


def take_descriptors() -> None:
    """Take as many file descriptors as the system lets this process have, and connections need."""
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _ENOUGH_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def most_connections() -> int:
    """How many connections may be open: ``MAX_CONNECTIONS``, or fewer where the system gives this
    process too few file descriptors."""
    if resource is None:
        return MAX_CONNECTIONS
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    room = (descriptors - _OTHER_DESCRIPTORS) // _DESCRIPTORS_EACH
    return max(32, min(MAX_CONNECTIONS, room))


class Connections:
    """The connections of one server; used on its event loop's thread alone."""

    def __init__(
        self,
        most: int | None = None,
        *,
        head_seconds: float = HEAD_SECONDS,
        write_seconds: float = WRITE_SECONDS,
    ) -> None:
        """None is open.

        Args:
            most: open at the same time, web sockets among them; None for ``most_connections()``
                as it is when the server starts.
            head_seconds: until the head of a request has come.
            write_seconds: within which ``WRITE_BYTES`` of an answer have to be taken.
        """
        self.most, self.head_seconds, self.write_seconds = most, head_seconds, write_seconds
        self._told = float("-inf")
        self._open: dict[asyncio.Transport, None] = {}
        # Those that have asked for nothing yet, the oldest first.
        self._silent: dict[asyncio.Transport, asyncio.TimerHandle] = {}
        self.installed = False

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, transport: asyncio.Transport) -> bool:
        """Whether there is room for a new connection. Where there is none, the one that has been
        silent for longest makes room."""
        if self.most is None:
            self.most = most_connections()
        if len(self._open) >= self.most:
            self._forget_closed()
        if len(self._open) >= self.most and self._silent:
            self.close(next(iter(self._silent)))
        if len(self._open) >= self.most:
            self._tell_full()
            return False
        self._open[transport] = None
        return True

    def _tell_full(self) -> None:
        if time.monotonic() - self._told >= _TOLD_EVERY:
            self._told = time.monotonic()
            logger.warning("Connections are refused: %d are open", len(self._open))

    def await_request(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        """The head of a request has to come from now on."""
        self.has_request(transport)
        self._silent[transport] = loop.call_later(self.head_seconds, self.close, transport)

    def has_request(self, transport: asyncio.Transport) -> None:
        """It has come."""
        if (timer := self._silent.pop(transport, None)) is not None:
            timer.cancel()

    def close(self, transport: asyncio.Transport) -> None:
        """Close a connection at once, whatever it still has to send."""
        self.forget(transport)
        transport.abort()

    def forget(self, transport: asyncio.Transport) -> None:
        """A connection is closed."""
        self.has_request(transport)
        self._open.pop(transport, None)

    def _forget_closed(self) -> None:
        """Of a connection that became a web socket nobody tells us its end."""
        for transport in [one for one in self._open if one.is_closing()]:
            self.forget(transport)


def limited(protocol: type[HttpProtocol], connections: Connections) -> type[HttpProtocol]:
    """Uvicorn's protocol of one connection, held to the limits of ``connections``."""

    class Limited(protocol):  # type: ignore[valid-type, misc]
        _write_timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            if connections.admit(transport):
                connections.await_request(transport, self.loop)
            else:
                transport.abort()

        def connection_lost(self, exc: Exception | None) -> None:
            self._end_write_timer()
            connections.forget(self.transport)
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            # A web socket has another protocol from here on.
            upgraded = self.transport.get_protocol() is not self
            if upgraded or (self.cycle is not None and not self.cycle.response_complete):
                connections.has_request(self.transport)

        def on_response_complete(self) -> None:
            if not self.transport.is_closing():
                connections.await_request(self.transport, self.loop)
            super().on_response_complete()
            # The next request may have come before.
            if self.cycle is not None and not self.cycle.response_complete:
                connections.has_request(self.transport)

        def pause_writing(self) -> None:
            super().pause_writing()
            self._watch_writing()

        def resume_writing(self) -> None:
            self._end_write_timer()
            super().resume_writing()

        def _watch_writing(self) -> None:
            left = self.transport.get_write_buffer_size()
            self._write_timer = self.loop.call_later(
                connections.write_seconds, self._look_at_writing, left
            )

        def _look_at_writing(self, before: int) -> None:
            if before - self.transport.get_write_buffer_size() < WRITE_BYTES:
                connections.close(self.transport)
            else:
                self._watch_writing()

        def _end_write_timer(self) -> None:
            if self._write_timer is not None:
                self._write_timer.cancel()
                self._write_timer = None

    return Limited


def install(connections: Connections, *, max_message_bytes: int) -> None:
    """Have the uvicorn server that starts next in this process keep to these limits.

    Streamlit makes the server and takes no protocol for it. It is put in where the server starts,
    before it listens; ``connections.installed`` tells that it was. Messages of web sockets would be
    taken whole, up to 200 MB and from whoever connects, before anybody looks at their length.

    Args:
        max_message_bytes: of one message that comes on a web socket.
    """
    start: Callable[..., Any] = uvicorn.Server.startup

    async def startup(server: uvicorn.Server, *args: Any, **kwargs: Any) -> None:
        uvicorn.Server.startup = start  # type: ignore[method-assign]
        config = server.config
        config.http_protocol_class = cast(
            Any, limited(cast(Any, config.http_protocol_class), connections)
        )
        config.ws_max_size = max_message_bytes
        connections.installed = True
        await start(server, *args, **kwargs)

    uvicorn.Server.startup = startup  # type: ignore[method-assign, assignment]
