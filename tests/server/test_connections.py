"""A uvicorn server that closes what asks for nothing, and has room for so many connections."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from cxr_core.server import connections as module
from cxr_core.server.connections import Connections, install, most_connections
from tests.helpers.run_async import run_async

WAITS_LONG = 3600.0
GET = b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n"
HANDSHAKE = (
    b"GET /stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
ANSWER_BYTES = 2**24  # more than sockets hold on their way
MESSAGE_BYTES = 2**10


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers in short, at length, or not before it was told to end; takes web sockets."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        return
    if scope["path"] == "/waits":
        await receive()
        await receive()  # until the other side is gone
        return
    body = b"x" * ANSWER_BYTES if scope["path"] == "/long" else b"ok"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


Talk = Callable[["Server"], Awaitable[None]]


class Server:
    """Where it listens, and who has come."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.writers: list[asyncio.StreamWriter] = []

    async def connect(self, says: bytes = b"") -> asyncio.StreamReader:
        """Say something; the other side's end is the reader's."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        writer.write(says)
        await writer.drain()
        return reader

    async def answers(self) -> bool:
        """Whether a new connection gets an answer."""
        reader = await self.connect(GET % b"")
        try:
            return (await reader.read(15)).startswith(b"HTTP/1.1 200")
        except ConnectionResetError:
            return False
        finally:
            await self.leave(-1)

    async def leave(self, which: int) -> None:
        """Close a connection."""
        writer = self.writers.pop(which)
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


def served(limits: Connections, talk: Talk) -> None:
    """Have somebody talk to a server that keeps to these limits."""

    async def serve() -> None:
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            config = uvicorn.Config(app, http="h11", lifespan="off", log_config=None)
            install(limits, max_message_bytes=MESSAGE_BYTES)
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            while not server.started:
                await asyncio.sleep(0.01)
            assert limits.installed
            guests = Server(listening.getsockname()[1])
            try:
                await talk(guests)
            finally:
                while guests.writers:
                    await guests.leave(-1)
                server.should_exit = server.force_exit = True
                await serving

    run_async(serve())


async def ends(reader: asyncio.StreamReader) -> None:
    """Wait until the other side has closed the connection."""
    with suppress(ConnectionResetError):
        while await reader.read(2**16):
            pass


@pytest.mark.parametrize(
    "says",
    [b"", b"GET / HT", b"GET / HTTP/1.1\r\nX-Slow: ", GET % b"" + b"GET / HTTP/1.1\r\n"],
    ids=["nothing", "half a line", "half a head", "half a second head"],
)
def test_a_request_whose_head_does_not_come_is_given_up(says: bytes) -> None:
    limits = Connections(10, head_seconds=0.2)

    async def talk(server: Server) -> None:
        await ends(await server.connect(says))

    served(limits, talk)


def test_who_has_asked_may_wait_for_the_answer() -> None:
    limits = Connections(10, head_seconds=0.5)

    async def talk(server: Server) -> None:
        asked = await server.connect(GET % b"waits")
        upgraded = await server.connect(HANDSHAKE)
        await ends(await server.connect())  # it came last, so the others' time was over, too
        assert len(limits) == 2
        assert not asked.at_eof()
        assert not upgraded.at_eof()

    served(limits, talk)


def test_the_longest_silent_makes_room_and_who_has_asked_does_not() -> None:
    limits = Connections(3, head_seconds=WAITS_LONG)

    async def talk(server: Server) -> None:
        asked = await server.connect(HANDSHAKE)
        assert (await asked.readline()).startswith(b"HTTP/1.1 101")
        first = await server.connect(b"GET ")
        await server.connect(b"GET ")
        while len(limits) < 3:
            await asyncio.sleep(0.01)
        assert await server.answers()
        await ends(first)
        assert not asked.at_eof()

    served(limits, talk)


def test_beyond_the_limit_nobody_comes_in_until_a_place_is_free() -> None:
    limits = Connections(2, head_seconds=WAITS_LONG)

    async def talk(server: Server) -> None:
        for _ in range(2):
            reader = await server.connect(HANDSHAKE)
            assert (await reader.readline()).startswith(b"HTTP/1.1 101")
        assert not await server.answers()
        await server.leave(0)
        while not await server.answers():
            await asyncio.sleep(0.01)

    served(limits, talk)


def test_an_answer_that_nobody_takes_is_given_up_and_one_that_is_taken_is_whole() -> None:
    limits = Connections(10, write_seconds=0.2)

    async def talk(server: Server) -> None:
        reader = await server.connect(GET % b"long")
        taken = 0
        while taken < ANSWER_BYTES:
            taken += len(await reader.read(2**20))
        await server.connect(GET % b"long")  # and no more than a little of it is read
        while len(limits) > 1:
            await asyncio.sleep(0.01)

    served(limits, talk)


def test_there_are_fewer_connections_than_file_descriptors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resource = pytest.importorskip("resource")
    for descriptors, most in ((1024, 192), (100, 32), (2**20, module.MAX_CONNECTIONS)):
        monkeypatch.setattr(
            resource, "getrlimit", lambda kind, n=descriptors: (n, resource.RLIM_INFINITY)
        )
        assert most_connections() == most


@pytest.mark.parametrize(
    ("n_bytes", "is_closed"), [(MESSAGE_BYTES, False), (MESSAGE_BYTES + 1, True)]
)
def test_a_message_that_is_too_long_is_not_waited_for(n_bytes: int, is_closed: bool) -> None:
    why = (1009).to_bytes(2)  # "too big", in a web socket's last frame

    async def talk(server: Server) -> None:
        reader = await server.connect(HANDSHAKE)
        await reader.readuntil(b"\r\n\r\n")
        # Its head alone: binary, masked, a length of two bytes.
        server.writers[-1].write(b"\x82\xfe" + n_bytes.to_bytes(2) + bytes(4))
        if not is_closed:
            server.writers[-1].write(bytes(n_bytes))  # which the app takes, and ends
        frame = await reader.read(4)
        assert (frame[2:] == why) is is_closed

    served(Connections(10), talk)
