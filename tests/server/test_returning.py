"""A session goes to the browser that had it."""

import pytest
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from cxr_core.server.exports import COOKIE
from cxr_core.server.returning import ReturnGuard
from tests.helpers.run_async import run_async

OWNERS = {"s1": "word", "without": None}


def asked_for(protocols: str | None, cookie: str, kind: str = "websocket") -> str | None:
    """The protocols that the app is told of, where a browser with this cookie connects."""
    told: list[str | None] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        told.append(Headers(scope=scope).get("sec-websocket-protocol"))

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        raise AssertionError(message)

    raw = [(b"cookie", f"{COOKIE}={cookie}".encode())] if cookie else []
    if protocols is not None:
        raw.append((b"sec-websocket-protocol", protocols.encode()))
    scope = {"type": kind, "path": "/_stcore/stream", "headers": raw}
    run_async(ReturnGuard(app, browser_of=OWNERS.get)(scope, receive, send))
    assert scope["headers"] == raw
    return told[0]


@pytest.mark.parametrize(
    ("session", "cookie", "given"),
    [
        ("s1", "word", True),
        ("s1", "another", False),
        ("s1", "", False),
        ("without", "", False),
        ("without", "word", False),
        ("unknown", "word", False),
    ],
)
def test_a_session_is_given_to_its_own_browser(session: str, cookie: str, given: bool) -> None:
    left = f"streamlit, token, {session}" if given else "streamlit, token"
    assert asked_for(f"streamlit, token, {session}", cookie) == left


@pytest.mark.parametrize("protocols", [None, "", "streamlit", "streamlit, token", "streamlit, , "])
def test_who_asks_for_no_session_is_passed_on(protocols: str | None) -> None:
    assert asked_for(protocols, "word") == protocols


def test_a_request_that_is_no_web_socket_is_passed_on() -> None:
    assert asked_for("streamlit, token, s1", "another", "http") == "streamlit, token, s1"
