"""Sessions without a connection wait for their browser, and are closed when it does not come."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from streamlit.runtime import Runtime
from streamlit.runtime.session_manager import SessionInfo

from cxr_core.server import sessions
from cxr_core.server.sessions import WaitingSessions, close_overdue, sweep_for_ever
from tests.helpers.run_async import run_async


class Session:
    """What is asked of Streamlit's session."""

    def __init__(self, name: str) -> None:
        self.id, self.session_state = name, {"film_bytes": b"film"}
        self.queue, self._fragment_storage = ["a picture"], {"panel": b"film"}

    def flush_browser_queue(self) -> None:
        self.queue.clear()


def waits(name: str) -> SessionInfo:
    return SessionInfo(client=None, session=cast(Any, Session(name)))


class FakeRuntime:
    def __init__(self, waiting: WaitingSessions) -> None:
        self.waiting, self.closed = waiting, list[str]()

    def close_session(self, name: str) -> None:
        self.closed.append(name)
        self.waiting.delete(name)


@pytest.fixture
def clock() -> SimpleNamespace:
    return SimpleNamespace(now=0.0)


@pytest.fixture
def waiting(clock: SimpleNamespace) -> WaitingSessions:
    return WaitingSessions(30, clock=lambda: clock.now)


def test_a_browser_that_comes_back_in_time_finds_its_films(
    waiting: WaitingSessions, clock: SimpleNamespace
) -> None:
    info = waits("a")
    waiting.save(info)
    clock.now = 29.9
    assert close_overdue(cast(Runtime, FakeRuntime(waiting)), waiting) == ()
    assert waiting.get("a") is info
    assert waiting.list() == [info]
    waiting.delete("a")  # it has come back
    clock.now = 100
    assert waiting.overdue() == ()


def test_a_session_waits_for_the_browser_that_had_it() -> None:
    connected = {"a": "word"}
    waiting = WaitingSessions(30, browser_of=connected.get)
    waiting.save(waits("a"))
    connected.clear()
    assert waiting.browser_of("a") == "word"
    assert waiting.browser_of("b") is None
    waiting.delete("a")
    assert waiting.browser_of("a") is None


def test_a_session_nobody_comes_back_to_is_closed_and_emptied(
    waiting: WaitingSessions, clock: SimpleNamespace
) -> None:
    old, young = waits("old"), waits("young")
    waiting.save(old)
    clock.now = 10
    waiting.save(young)
    clock.now = 30
    runtime = FakeRuntime(waiting)
    assert close_overdue(cast(Runtime, runtime), waiting) == ("old",)
    assert runtime.closed == ["old"]
    gone = cast(Any, old.session)
    assert (gone.session_state, gone.queue, gone._fragment_storage) == ({}, [], {})
    assert cast(Any, young.session).session_state
    assert waiting.list() == [young]


def test_waiting_begins_anew_with_each_lost_connection(
    waiting: WaitingSessions, clock: SimpleNamespace
) -> None:
    waiting.save(waits("a"))
    clock.now = 20
    waiting.delete("a")
    waiting.save(waits("a"))
    clock.now = 49
    assert waiting.overdue() == ()


def test_a_session_without_a_page_is_not_kept(clock: SimpleNamespace) -> None:
    waiting = WaitingSessions(30, has_page={"page"}.__contains__, clock=lambda: clock.now)
    waiting.save(waits("page"))
    waiting.save(waits("none"))
    assert waiting.overdue() == ("none",)


def test_a_session_nobody_uses_is_closed_before_its_connection(
    waiting: WaitingSessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []

    class WebSocket:
        async def close(self, code: int) -> None:
            order.append(f"connection {code}")

    class Client:
        _websocket = WebSocket()

    class Connected(FakeRuntime):
        session = Session("used no more")
        _session_mgr = SimpleNamespace(
            get_active_session_info=lambda name: (
                SimpleNamespace(session=Connected.session) if name == "used no more" else None
            )
        )

        def get_client(self, name: str) -> Client:
            return Client()

        def close_session(self, name: str) -> None:
            order.append(name)

    monkeypatch.setattr(sessions, "StarletteSessionClient", Client)

    async def close() -> tuple[str, ...]:
        unused = ("used no more", "its browser has gone")
        closed = sessions.close_unused(cast(Runtime, Connected(waiting)), unused)
        await asyncio.sleep(0)
        return closed

    assert run_async(close()) == ("used no more",)
    assert order == ["used no more", "connection 1001"]
    assert Connected.session.session_state == {}


def test_a_failed_sweep_is_told_without_its_words_and_does_not_end_the_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sessions, "SWEEP_SECONDS", 0.0)
    swept = 0

    async def sweep_three_times() -> None:
        done = asyncio.Event()

        def sweep() -> bool:
            nonlocal swept
            swept += 1
            if swept == 1:
                raise RuntimeError("Doe^Jane")
            if swept == 3:
                done.set()
            return False

        task = asyncio.create_task(sweep_for_ever(sweep))
        await done.wait()
        task.cancel()

    run_async(sweep_three_times())
    assert swept >= 3
    assert "RuntimeError" in caplog.text
    assert "Doe" not in caplog.text
