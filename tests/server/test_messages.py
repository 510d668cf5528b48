"""What is let through of a web socket's messages, and how fast."""

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnected
from streamlit.proto.BackMsg_pb2 import BackMsg

from cxr_core.server.messages import (
    GAP_SECONDS,
    MOST_SECONDS,
    PATIENCE,
    Allowance,
    MessageGuard,
    Pace,
    is_of_a_page,
)
from tests.helpers.run_async import run_async

CLICK = BackMsg()
CLICK.rerun_script.query_string = "a"


def operation(name: str) -> bytes:
    message = BackMsg()
    getattr(message.backend_operation_request, name).SetInParent()
    return message.SerializeToString()


@pytest.mark.parametrize(
    ("message", "taken"),
    [
        (CLICK.SerializeToString(), True),
        (BackMsg(stop_script=True).SerializeToString(), True),
        (BackMsg(app_heartbeat=True).SerializeToString(), True),
        (operation("deferred_file"), True),
        (operation("dataframe_chunk"), True),
        (BackMsg(clear_cache=True).SerializeToString(), False),
        (BackMsg(set_run_on_save=True).SerializeToString(), False),
        (BackMsg(load_git_info=True).SerializeToString(), False),
        (BackMsg(debug_shutdown_runtime=True).SerializeToString(), False),
        (operation("install_skills"), False),
        (operation("dismiss_skills_nudge"), False),
        (b"", False),
    ],
)
def test_pages_messages_are_known(message: bytes, taken: bool) -> None:
    assert is_of_a_page(message) is taken


@pytest.mark.parametrize("message", [None, b"\xff" * 9, CLICK.SerializeToString()[:-1]])
def test_what_is_no_message_is_an_error(message: bytes | None) -> None:
    with pytest.raises(ValueError, match="text|no message"):
        is_of_a_page(message)


def test_some_come_at_once_and_then_so_many_a_second() -> None:
    now = 0.0
    allowance = Allowance(3, 2.0, clock=lambda: now)
    assert [allowance.take() for _ in range(5)] == [0.0, 0.0, 0.0, 0.5, 1.0]
    now = 1.0  # the two that waited have gone through
    assert allowance.take() == 0.5
    now = 60.0  # a pause gives back what may come at once, and no more
    assert [allowance.take() for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]


@pytest.mark.parametrize(
    ("late", "waits"), [(0.0, 0.0), (0.01, 0.01 * PATIENCE), (9.0, MOST_SECONDS)]
)
def test_the_next_message_waits_as_the_server_is_late(late: float, waits: float) -> None:
    now, slept = 100.0, list[float]()

    async def sleep(seconds: float) -> None:
        nonlocal now
        slept.append(seconds)
        now += seconds + late

    run_async(Pace(clock=lambda: now, sleep=sleep).turn())
    assert slept == pytest.approx([GAP_SECONDS, waits])


class Socket:
    """A web socket whose browser has sent so much and waits."""

    def __init__(self, *sent: bytes | str) -> None:
        self.queue: asyncio.Queue[Message] = asyncio.Queue()
        for one in sent:
            kind = "text" if isinstance(one, str) else "bytes"
            self.queue.put_nowait({"type": "websocket.receive", kind: one})
        self.answers: list[Message] = []

    async def send(self, message: Message) -> None:
        self.answers.append(message)


async def take(guard: MessageGuard, socket: Socket) -> None:
    await guard({"type": "websocket"}, socket.queue.get, socket.send)


def test_a_message_of_no_page_is_dropped_and_the_next_is_taken() -> None:
    taken: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        taken.append(await receive())

    drop = BackMsg(clear_cache=True).SerializeToString()
    socket = Socket(drop, drop, CLICK.SerializeToString())
    run_async(take(MessageGuard(app), socket))
    assert taken == [{"type": "websocket.receive", "bytes": CLICK.SerializeToString()}]
    assert socket.answers == []


@pytest.mark.parametrize("sent", ["text", b"\xff" * 9])
def test_what_is_no_message_ends_its_connection(
    sent: bytes | str,
) -> None:
    taken: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        taken.append(await receive())
        await send({"type": "websocket.send", "bytes": b"page"})

    socket = Socket(sent)
    run_async(take(MessageGuard(app), socket))
    assert [message["type"] for message in taken] == ["websocket.disconnect"]
    assert socket.answers == [{"type": "websocket.close", "code": 1002}]


def test_a_browser_that_has_gone_while_it_was_answered_is_no_error() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        socket = WebSocket(scope, receive, send)
        await socket.accept()
        await socket.close()
        await socket.send_bytes(b"page")

    async def connect() -> Message:
        return {"type": "websocket.connect"}

    socket = Socket()
    with pytest.raises(WebSocketDisconnected):
        run_async(app({"type": "websocket"}, connect, socket.send))
    run_async(MessageGuard(app)({"type": "websocket"}, connect, socket.send))


def test_others_are_served_while_one_sends_without_end() -> None:
    order: list[str] = []

    def app_of(name: str, most: int) -> Any:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            for _ in range(most):
                await receive()
                order.append(name)

        return app

    async def both() -> None:
        click = CLICK.SerializeToString()
        flood = take(MessageGuard(app_of("flood", 40), burst=100), Socket(*[click] * 40))
        one = take(MessageGuard(app_of("one", 3), burst=100), Socket(*[click] * 3))
        await asyncio.gather(flood, one)

    run_async(both())
    assert max(place for place, name in enumerate(order) if name == "one") < 8
