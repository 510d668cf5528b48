"""Who is let in, and what is told to browsers."""

from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from cxr_core.server.guard import HostRule, RequestGuard
from cxr_core.server.health import HEALTH_PATH
from tests.helpers.run_async import run_async


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("localhost:8501", True),
        ("LOCALHOST.", True),
        ("127.0.0.1:8501", True),
        ("[::1]:8501", True),
        ("10.1.2.3", True),
        ("ward-pc", True),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("10.1.2.3.evil.example", False),
        ("user@localhost", False),
        ("localhost/evil", False),
        ("localhost:99999", False),
        ("", False),
        (None, False),
    ],
)
def test_without_a_list_only_addresses_and_own_names_are_let_in(
    host: str | None, allowed: bool
) -> None:
    assert HostRule(address="ward-pc").allows(host) is allowed


@pytest.mark.parametrize(
    ("names", "host", "allowed"),
    [
        (("cxr.example.org",), "cxr.example.org:443", True),
        (("cxr.example.org",), "localhost", False),
        (("cxr.example.org",), "10.1.2.3", False),
        (("*.example.org",), "cxr.example.org", True),
        (("*.example.org",), "evilexample.org", False),
        (("*",), "anything", True),
        (("CXR.example.org.",), "cxr.example.org", True),
        (("::1", "fe80::5"), "[FE80::5]:8501", True),
        (("::1", "fe80::5"), "[fe80::6]:8501", False),
    ],
)
def test_a_list_is_the_only_word(names: tuple[str, ...], host: str, allowed: bool) -> None:
    assert HostRule(names).allows(host) is allowed


SAID = "public"


async def _inner(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    said = [(b"cache-control", SAID.encode())] if SAID else []
    await send({"type": "http.response.start", "status": 200, "headers": said})
    await send({"type": "http.response.body", "body": b"film"})


def ask(kind: str, path: str = "/", **headers: str) -> list[Message]:
    """What the guard answers to one request."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": f"{kind}.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope: dict[str, Any] = {"type": kind, "path": path, "headers": raw, "method": "GET"}
    guard = RequestGuard(_inner, hosts=HostRule(), origins=["https://portal.example.org/"])
    run_async(guard(scope, receive, send))
    return sent


def told(answer: list[Message]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in answer[0]["headers"]}


def test_what_may_hold_a_film_is_not_stored_nor_framed() -> None:
    headers = told(ask("http", "/media/abc.pdf", host="localhost"))
    assert headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_the_programs_own_scripts_may_be_kept() -> None:
    assert told(ask("http", "/static/js/index.js", host="localhost"))["cache-control"] == "public"


@pytest.mark.parametrize("said", ["no-cache", "private", ""])
def test_a_page_in_the_place_of_a_script_may_not(said: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(f"{__name__}.SAID", said)
    headers = told(ask("http", "/static/js/none.js", host="localhost"))
    assert headers["cache-control"] == "no-store"


def test_a_strange_name_reaches_nothing() -> None:
    answer = ask("http", host="evil.example")
    assert answer[0]["status"] == 421
    assert b"server.allowedHosts" in answer[1]["body"]
    assert ask("websocket", host="evil.example")[0]["type"] == "websocket.close"


def test_whoever_watches_over_the_process_asks_under_any_name() -> None:
    assert ask("http", HEALTH_PATH, host="10.0.0.7.pods.example")[0]["status"] == 200
    assert ask("websocket", HEALTH_PATH, host="evil.example")[0]["type"] == "websocket.close"
    assert ask("http", f"{HEALTH_PATH}/more", host="evil.example")[0]["status"] == 421


@pytest.mark.parametrize("base", ["", "/ward"])
@pytest.mark.parametrize(
    "path", ["metrics", "metrics/", "metrics//", "agent/mcp", "agent/openapi.json", "agent/x/y"]
)
def test_metrics_and_the_agent_interface_are_closed(base: str, path: str) -> None:
    assert ask("http", f"{base}/_stcore/{path}", host="localhost")[0]["status"] == 404


@pytest.mark.parametrize(
    ("origin", "accepted"),
    [
        ("http://localhost:8501", True),
        ("https://portal.example.org", True),
        ("http://evil.example", False),
        ("http://localhost:9999", False),
        ("null", False),
        ("http://[", False),
        ("http://localhost:8501@evil.example", False),
        ("localhost:8501", False),
        ("", False),
    ],
)
def test_a_web_socket_of_another_origin_is_refused(origin: str, accepted: bool) -> None:
    answer = ask("websocket", host="localhost:8501", origin=origin)
    assert answer[0]["type"] == ("websocket.accept" if accepted else "websocket.close")


def test_a_program_that_is_no_browser_names_no_origin() -> None:
    assert ask("websocket", host="localhost:8501")[0]["type"] == "websocket.accept"
