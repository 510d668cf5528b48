"""So many sessions are served, and those that are go on."""

import pytest
from streamlit.testing.v1 import AppTest

from cxr_core.errors import BudgetError
from cxr_core.ui import places as module
from cxr_core.ui.holdings import Held, Ledger
from cxr_core.ui.limits import Limits
from cxr_core.ui.places import FRESH_SECONDS, Place, Places
from tests.helpers import ROOT


class Server:
    """Places, and whose browsers are there."""

    def __init__(self) -> None:
        self.now, self.gone, self.ledger = 0.0, set[str](), Ledger()
        self.places = Places(
            ledger=self.ledger,
            is_connected=lambda session: session not in self.gone,
            clock=lambda: self.now,
        )
        self.held: list[object] = []

    def enter(self, *sessions: str, most: int = 2) -> Place:
        """The last one's place."""
        for session in sessions:
            self.held.append(self.places.take(session, most))
        last = self.held[-1]
        assert isinstance(last, Place)
        return last


@pytest.fixture
def server() -> Server:
    return Server()


def test_beyond_the_limit_a_sentence_says_what_to_do(server: Server) -> None:
    server.enter("a", "b")
    with pytest.raises(BudgetError) as caught:
        server.enter("c")
    assert str(caught.value) == (
        "The server has as many readers as it takes: 2 sessions. Try again in a few minutes, or "
        "ask whoever runs the server to raise CXR_SESSIONS. Other tabs and readers go on."
    )
    assert not server.places.has("c")


def test_a_closed_session_leaves_its_place(server: Server) -> None:
    server.enter("a", "b")
    server.held.clear()
    server.enter("c")
    assert server.places.has("c")
    assert not server.places.has("a")


def test_a_page_that_is_reloaded_finds_a_place_though_its_old_session_still_waits(
    server: Server,
) -> None:
    server.enter("a", "b")
    server.gone.add("b")
    server.enter("b again")
    with pytest.raises(BudgetError):
        server.enter("c")


def test_who_comes_and_goes_does_not_fill_the_server_with_sessions_that_wait(
    server: Server,
) -> None:
    for number in range(4):
        server.enter(str(number))
        server.gone.add(str(number))
    with pytest.raises(BudgetError):
        server.enter("one more")


def test_a_tab_without_a_film_that_nobody_uses_keeps_nobody_out(server: Server) -> None:
    server.enter("a")
    reads = server.enter("reads")
    holdings = server.ledger.new("reads")
    server.ledger.set(holdings, "film", Held(films=1), Limits())
    server.now = FRESH_SECONDS
    server.enter("c")
    with pytest.raises(BudgetError):  # who holds a film has the place
        server.enter("d")
    assert server.places.has(reads.session)


def test_use_is_noted(server: Server) -> None:
    server.enter("idle")
    used = server.enter("used")
    server.now = 100
    server.places.use(used)
    server.now = 150
    assert server.places.unused_for(100) == ("idle",)
    assert server.places.unused_for(200) == ()


def test_a_page_without_a_place_says_so_and_shows_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken = Places(is_connected=lambda session: True)
    other = taken.take("another", 1)
    monkeypatch.setattr(module, "PLACES", taken)
    monkeypatch.setenv("CXR_SESSIONS", "1")
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert "The server has as many readers as it takes: 1 sessions." in page.error[0].value
    assert not page.header
    assert [button.label for button in page.button] == ["Try again"]
    del other
    page.button[0].click().run()
    assert not page.error
    assert page.header[0].value == "What it is for"
