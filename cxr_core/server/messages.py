"""Messages of web sockets: only those that a page of the app sends, and no more of them than a
reader's clicks make.

Streamlit obeys whatever comes on a page's connection: one message drops every session's cached
model, another writes files into the checkout of whoever serves it on their own machine. And it
handles all that has come before anybody else gets a word in: each message begins a run of the page
in a thread of its own, so a few hundred, some kilobytes, kept the whole server busy for minutes.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnected
from streamlit.proto.BackMsg_pb2 import BackMsg

# A reader clicks and types; a slider that is drawn along sends five a second.
BURST, PER_SECOND = 20, 5.0
# What a page sends, and of what it asks of the server those that the app's pages have in use.
_OF_A_PAGE = ("rerun_script", "stop_script", "app_heartbeat", "file_urls_request")
_OPERATION, _OPERATIONS = "backend_operation_request", ("deferred_file", "dataframe_chunk")
_PROTOCOL_ERROR = 1002
# Between two messages of any connections; and so many times what the loop was late meanwhile.
GAP_SECONDS, PATIENCE, MOST_SECONDS = 0.005, 4.0, 0.25
_TOLD_EVERY = 60.0  # seconds between two lines in the log
logger = logging.getLogger(__name__)


class Allowance:
    """How many messages one connection may send: some at once, then so many a second."""

    def __init__(
        self,
        burst: int = BURST,
        per_second: float = PER_SECOND,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is used up.

        Args:
            burst: at once, after a pause.
            per_second: after that.
        """
        self._burst, self._per_second, self._clock = float(burst), per_second, clock
        self._left, self._looked = self._burst, clock()

    def take(self) -> float:
        """Use up one; returns the seconds that it has to wait."""
        now = self._clock()
        grown = self._left + (now - self._looked) * self._per_second
        self._left, self._looked = min(self._burst, grown) - 1.0, now
        return max(0.0, -self._left / self._per_second)


class Pace:
    """One message after the other, over all connections in turn, and while the server has its hands
    full no more of them than leave it time for other things."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._lock = asyncio.Lock()  # which those that wait get in the order they came

    async def turn(self) -> None:
        """Return when the next message may be handled."""
        async with self._lock:
            began = self._clock()
            await self._sleep(GAP_SECONDS)
            late = self._clock() - began - GAP_SECONDS
            await self._sleep(min(MOST_SECONDS, PATIENCE * max(0.0, late)))


class MessageGuard:
    """ASGI middleware: what no page sends is dropped, what is no message ends its connection, and
    what comes too fast waits, on its sender's side, while others are served."""

    def __init__(self, app: ASGIApp, *, burst: int = BURST, per_second: float = PER_SECOND) -> None:
        """Wrap ``app``.

        Args:
            burst, per_second: of one connection, as ``Allowance``.
        """
        self.app, self.burst, self.per_second = app, burst, per_second
        self._pace, self._told = Pace(), float("-inf")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        allowance, is_closed = Allowance(self.burst, self.per_second), False

        async def receive_of_a_page() -> Message:
            nonlocal is_closed
            while True:
                message = await receive()
                if message["type"] != "websocket.receive":
                    return message
                await asyncio.sleep(allowance.take())
                await self._pace.turn()
                try:
                    if is_of_a_page(message.get("bytes")):
                        return message
                except ValueError:
                    self._tell("closed: they send what is no message")
                    is_closed = True
                    await send({"type": "websocket.close", "code": _PROTOCOL_ERROR})
                    return {"type": "websocket.disconnect", "code": _PROTOCOL_ERROR}
                self._tell("held to what pages send: other messages are dropped")

        async def send_while_open(message: Message) -> None:
            nonlocal is_closed
            if not is_closed:  # the page's run may not have heard of it yet
                is_closed = message["type"] == "websocket.close"
                await send(message)

        # Streamlit takes a browser that went while it was answered for one that sent text.
        with suppress(WebSocketDisconnected):
            await self.app(scope, receive_of_a_page, send_while_open)

    def _tell(self, what: str) -> None:
        if time.monotonic() - self._told >= _TOLD_EVERY:
            self._told = time.monotonic()
            logger.warning("Web sockets are %s", what)


def is_of_a_page(data: bytes | None) -> bool:
    """Whether a page of the app sends such a message.

    Args:
        data: None where it came as text.

    Raises:
        ValueError: it is no message of Streamlit's.
    """
    if data is None:
        raise ValueError("text")
    message = BackMsg()
    try:
        message.ParseFromString(data)
    except Exception as error:  # of protobuf's own, which has no types
        raise ValueError("no message") from error
    kind = message.WhichOneof("type")
    if kind == _OPERATION:
        return message.backend_operation_request.WhichOneof("payload") in _OPERATIONS
    return kind in _OF_A_PAGE
