"""An export is handed to the browser of its session, and is gone when it has been fetched."""

import contextvars
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send
from streamlit.runtime.media_file_storage import MediaFileKind, MediaFileStorageError

from cxr_core.server.exports import COOKIE, FETCHES, KEEP_SECONDS, ExportGuard, ExportStorage
from cxr_core.ui.shell import exporting_session
from tests.helpers.clock import Clock
from tests.helpers.run_async import run_async

PDF = b"%PDF of a patient"


@pytest.fixture
def clock() -> Clock:
    return Clock(0.0)


@pytest.fixture
def storage(clock: Clock) -> ExportStorage:
    return ExportStorage("/media", clock=clock)


def made(storage: ExportStorage, session: str = "s1", content: bytes = PDF) -> str:
    """The address of a new export."""

    def make() -> str:
        exporting_session.set(session)
        word = storage.load_and_get_id(
            content, "application/pdf", MediaFileKind.DOWNLOADABLE, "report.pdf"
        )
        return storage.get_url(word)

    return contextvars.copy_context().run(make)


async def _fetched(storage: ExportStorage, path: str, method: str, cookie: str) -> int:
    sent: list[Message] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            # As Streamlit's route has it: all that follows.
            storage.get_file(scope["path"].partition("/media/")[2])
            status = 200
        except MediaFileStorageError:
            status = 404
        await send({"type": "http.response.start", "status": status, "headers": []})

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http", "path": path, "method": method,
        "headers": [(b"cookie", cookie.encode())] if cookie else [],
    }  # fmt: skip
    browsers = {"s1": "word-1", "s2": "word-2"}
    await ExportGuard(inner, storage=storage, browser_of=browsers.get)(scope, receive, send)
    return int(sent[0]["status"])


def fetch(storage: ExportStorage, path: str, cookie: str = "", method: str = "GET") -> int:
    return run_async(_fetched(storage, path, method, cookie))


OWN = f"other=1; {COOKIE}=word-1"


@pytest.mark.parametrize(
    ("cookie", "method"),
    [
        ("", "GET"),
        (f"{COOKIE}=word-2", "GET"),
        (f"{COOKIE}=", "GET"),
        (f"{COOKIE}=wörd", "GET"),
        (OWN, "HEAD"),
    ],
)
def test_nobody_else_is_told_of_an_export(storage: ExportStorage, cookie: str, method: str) -> None:
    path = made(storage)
    assert fetch(storage, path, cookie, method) == 404
    assert fetch(storage, path, OWN) == 200  # and it was not used up by that


@pytest.mark.parametrize("cookie", ["", f"{COOKIE}=word-2", OWN])
@pytest.mark.parametrize("more", ["/", "/x", "/../x", ".pdf", "x", "/media/none.pdf"])
def test_an_export_has_one_address(storage: ExportStorage, more: str, cookie: str) -> None:
    path = made(storage)
    assert fetch(storage, path + more, cookie) == 404
    assert fetch(storage, path.removesuffix(".pdf"), cookie) == 404
    assert fetch(storage, path, OWN) == 200


def test_an_export_is_gone_when_it_has_been_fetched(storage: ExportStorage) -> None:
    path = made(storage)
    answers = [fetch(storage, path, OWN) for _ in range(FETCHES + 1)]
    assert answers == [200] * FETCHES + [404]
    assert len(storage) == 0
    assert fetch(storage, made(storage), OWN) == 200  # a second click


def test_an_address_tells_nothing_of_the_content(storage: ExportStorage) -> None:
    assert made(storage) != made(storage)


def test_a_session_whose_connection_is_gone_gets_nothing(storage: ExportStorage) -> None:
    assert fetch(storage, made(storage, "s9"), f"{COOKIE}=word-9") == 404
    assert fetch(storage, made(storage, ""), OWN) == 404


def test_what_nobody_fetches_is_dropped(storage: ExportStorage, clock: Clock) -> None:
    old = made(storage)
    clock.now = KEEP_SECONDS - 1
    young = made(storage)
    assert storage.drop() == 0
    clock.now = KEEP_SECONDS
    assert storage.drop() == 1
    assert (fetch(storage, old, OWN), fetch(storage, young, OWN)) == (404, 200)


def test_a_closed_sessions_exports_are_dropped(storage: ExportStorage) -> None:
    first, second = made(storage, "s1"), made(storage, "s2")
    assert storage.drop(session="s1") == 1
    assert fetch(storage, first, OWN) == 404
    assert fetch(storage, second, f"{COOKIE}=word-2") == 200


def test_streamlits_own_tidying_does_not_take_an_export_before_it_is_fetched(
    storage: ExportStorage,
) -> None:
    path = made(storage)
    storage.delete_file(path.rpartition("/")[2].partition(".")[0])
    assert fetch(storage, path, OWN) == 200


def test_pictures_of_a_page_stay_for_its_next_drawing(storage: ExportStorage) -> None:
    word = storage.load_and_get_id(b"png", "image/png", MediaFileKind.MEDIA)
    for _ in range(5):
        assert fetch(storage, storage.get_url(word)) == 200


@pytest.mark.parametrize(
    ("headers", "given"),
    [
        ({"accept": "text/html"}, True),
        ({"accept": "text/html", "cookie": OWN}, False),
        ({"accept": "*/*"}, False),
    ],
)
def test_a_browser_is_given_a_word_once_with_its_page(
    storage: ExportStorage, headers: dict[str, str], given: bool
) -> None:
    sent: list[Message] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "path": "/Read", "method": "GET", "headers": raw, "scheme": "https"}
    guard = ExportGuard(inner, storage=storage, browser_of=lambda session: None)
    run_async(guard(scope, receive, send))
    told = dict(sent[0]["headers"]).get(b"set-cookie", b"").decode()
    assert bool(told) is given
    if given:
        assert all(f"; {word}" in told for word in ("HttpOnly", "SameSite=Lax", "Secure"))
