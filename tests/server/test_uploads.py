"""Files are taken where a page asked for them and there is room; else refused, or dropped."""

import asyncio
from typing import Any

import pytest
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from cxr_core.server.uploads import ExpectedUploads, UploadGuard
from cxr_core.ui.holdings import Held, Ledger
from cxr_core.ui.limits import Limits
from tests.helpers.run_async import run_async

MB = 2**20
LIMITS = Limits(session_megabytes=10, server_megabytes=15, session_films=3, upload_seconds=60)


class Server:
    """An upload guard before a route that keeps what comes, as Streamlit's does."""

    def __init__(self) -> None:
        self.now, self.ledger = 0.0, Ledger()
        self.uploads = ExpectedUploads(
            "/_stcore/upload_file", LIMITS, ledger=self.ledger, clock=lambda: self.now
        )
        self.sessions = {name: self.ledger.new(name) for name in ("s1", "s2")}
        for session in self.sessions.values():
            session.uploader_page = "read"
        self.n_read = 0

    def ask(self, session: str = "s1", count: int = 1) -> list[str]:
        """The addresses that a page gets for files that it is about to send."""
        names = ["film.dcm"] * count
        return [told.upload_url for told in self.uploads.get_upload_urls(session, names)]

    async def _keep(self, scope: Scope, receive: Receive, send: Send) -> None:
        session, file = scope["path"].split("/")[-2:]
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        self.uploads.add_file(session, UploadedFileRec(file, "film.dcm", "", body))
        await send({"type": "http.response.start", "status": 204, "headers": []})

    async def _put(self, path: str, size: int, method: str, length: str | None) -> int:
        sent: list[Message] = []

        async def receive() -> Message:
            self.n_read += 1
            return {"type": "http.request", "body": bytes(size), "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        stated = str(size) if length is None else length
        headers = [(b"content-length", stated.encode())] if stated else []
        scope: dict[str, Any] = {
            "type": "http", "path": path, "method": method, "headers": headers,
        }  # fmt: skip
        await self.guard()(scope, receive, send)
        return int(sent[0]["status"])

    def guard(self, **further: float) -> UploadGuard:
        return UploadGuard(self._keep, uploads=self.uploads, max_bytes=12 * MB, **further)

    def put(
        self, path: str, size: int = 10, *, method: str = "PUT", length: str | None = None
    ) -> int:
        """The status that a file of so many bytes gets."""
        return run_async(self._put(path, size, method, length))

    def kept(self, session: str = "s1") -> int:
        return len(self.uploads.file_storage.get(session, {}))


@pytest.fixture
def server() -> Server:
    return Server()


def test_a_file_that_a_page_asked_for_is_taken_once(server: Server) -> None:
    (path,) = server.ask()
    assert server.put(path) == 204
    assert server.kept() == 1
    assert server.put(path) == 403


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("session", ["s1", "made-up"])
def test_a_file_that_nobody_asked_for_is_refused_unread(
    server: Server, session: str, method: str
) -> None:
    server.ask()
    assert server.put(f"/_stcore/upload_file/{session}/made-up", method=method) == 403
    assert (server.kept(session), server.n_read) == (0, 0)


def test_an_address_is_no_other_sessions(server: Server) -> None:
    (path,) = server.ask("s1")
    assert server.put(path.replace("/s1/", "/s2/")) == 403
    assert server.put(path) == 204


def test_a_page_without_an_uploader_gets_no_address(server: Server) -> None:
    server.sessions["s1"].uploader_page = ""
    assert server.ask("s1") == []
    assert server.ask("nobody") == []


def test_the_oldest_addresses_lapse(server: Server) -> None:
    (oldest,) = server.ask()
    assert len(server.ask(count=50)) == LIMITS.session_films
    assert server.put(oldest) == 403


@pytest.mark.parametrize("length", ["", "ten", "-1", "1" * 20])
def test_a_file_that_does_not_say_its_length_is_refused(server: Server, length: str) -> None:
    (path,) = server.ask()
    assert server.put(path, length=length) == 411
    assert server.n_read == 0


def test_a_file_without_room_is_read_to_its_end_and_its_page_is_told(server: Server) -> None:
    for path in server.ask(count=2):
        assert server.put(path, 6 * MB) == 204
    assert (server.kept(), server.n_read) == (1, 2)
    own = server.sessions["s1"]
    assert own.n_dropped == 1
    assert own.dropped_because.startswith("This session is full: it holds at most 10 MB of files.")


def test_what_the_session_and_the_others_hold_counts_too(server: Server) -> None:
    server.ledger.set(server.sessions["s1"], "worklist", Held(1, 9 * MB), LIMITS)
    (path,) = server.ask("s1")
    server.put(path, 2 * MB)
    assert server.kept("s1") == 0
    (path,) = server.ask("s2")
    server.put(path, 7 * MB)
    assert server.kept("s2") == 0
    assert server.sessions["s2"].dropped_because.startswith("The server is full")
    (path,) = server.ask("s2")
    server.put(path, 5 * MB)
    assert server.kept("s2") == 1


class Line:
    """A connection on which a file comes, or stops coming."""

    def __init__(self, server: Server, path: str, *bodies: bytes, length: int, ends: bool) -> None:
        self.bodies, self.ends, self.told = list(bodies), ends, list[Message]()
        headers = [(b"content-length", str(length).encode())]
        scope: dict[str, Any] = {"type": "http", "path": path, "method": "PUT", "headers": headers}
        self.run = server.guard(stall_seconds=0.05)(scope, self.receive, self.send)

    async def receive(self) -> Message:
        if not self.bodies:
            await asyncio.Event().wait()
        body = self.bodies.pop(0)
        more = bool(self.bodies) or not self.ends
        return {"type": "http.request", "body": body, "more_body": more}

    async def send(self, message: Message) -> None:
        self.told.append(message)


def test_a_file_that_stops_coming_keeps_no_room_that_it_only_asked_for(server: Server) -> None:
    async def both() -> list[Line]:
        stops, comes = server.ask(count=2)
        first = Line(server, stops, b"x", length=8 * MB, ends=False)
        second = Line(server, comes, bytes(4 * MB), bytes(4 * MB), length=8 * MB, ends=True)
        await asyncio.gather(first.run, second.run)
        return [first, second]

    stopped, came = run_async(both())
    assert [line.told[0]["status"] for line in (stopped, came)] == [408, 204]
    assert (b"connection", b"close") in stopped.told[0]["headers"]
    assert server.kept() == 1
    (path,) = server.ask()
    assert server.put(path, MB) == 204  # nothing of the first is still counted
    assert server.kept() == 2


def test_a_file_that_comes_byte_by_byte_is_given_up(server: Server) -> None:
    class Trickle(Line):
        async def receive(self) -> Message:
            await asyncio.sleep(0.01)
            return {"type": "http.request", "body": b"x", "more_body": True}

    async def one() -> Line:
        (path,) = server.ask()
        line = Trickle(server, path, length=8 * MB, ends=False)
        await line.run
        return line

    assert run_async(one()).told[0]["status"] == 408
    assert server.kept() == 0


def test_a_tab_that_is_closed_while_a_file_comes_is_no_error_and_keeps_no_room(
    server: Server,
) -> None:
    (path,) = server.ask()

    async def route(scope: Scope, receive: Receive, send: Send) -> None:
        async for _ in Request(scope, receive).stream():
            pass

    messages: list[Message] = [
        {"type": "http.request", "body": b"x" * MB, "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        raise AssertionError(message)

    headers = [(b"content-length", str(9 * MB).encode())]
    scope: dict[str, Any] = {"type": "http", "path": path, "method": "PUT", "headers": headers}
    run_async(UploadGuard(route, uploads=server.uploads, max_bytes=10 * MB)(scope, receive, send))
    for path in server.ask():
        assert server.put(path, 9 * MB) == 204
    assert server.kept() == 1


def test_files_that_come_at_once_are_counted_as_they_come(server: Server) -> None:
    async def both() -> None:
        lines = [
            Line(server, path, bytes(3 * MB), bytes(3 * MB), length=6 * MB, ends=True)
            for path in server.ask(count=2)
        ]
        await asyncio.gather(*(line.run for line in lines))

    run_async(both())
    assert server.kept() < 2
    assert server.sessions["s1"].dropped_because.startswith("This session is full")


def test_more_than_one_file_may_have_is_refused_unread(server: Server) -> None:
    (path,) = server.ask()
    assert server.put(path, 1, length=str(13 * MB)) == 413
    assert server.n_read == 0


def test_files_that_no_page_takes_are_dropped(server: Server) -> None:
    first, second = server.ask(count=2)
    server.put(first)
    server.now = 50
    server.put(second)
    server.now = 60  # several files are taken together: the first is not too old yet
    assert server.uploads.drop_untaken() == 0
    server.uploads.get_files("s1", [second.rpartition("/")[2]])
    server.now = 110
    assert server.uploads.drop_untaken() == 1
    assert list(server.uploads.file_storage["s1"]) == [second.rpartition("/")[2]]


def test_no_file_is_too_old_while_another_is_on_its_way(server: Server) -> None:
    first, second = server.ask(count=2)
    server.put(first)
    coming = second.rpartition("/")[2]
    server.uploads.begin("s1", coming, 100)
    server.now = 1000
    assert server.uploads.drop_untaken() == 0
    server.uploads.end("s1", coming)
    server.now = 1060
    assert server.uploads.drop_untaken() == 1


def test_nothing_is_left_of_a_closed_session(server: Server) -> None:
    waiting, sent = server.ask(count=2)
    server.put(sent)
    server.uploads.remove_session_files("s1")
    assert server.kept() == 0
    assert server.put(waiting) == 403
