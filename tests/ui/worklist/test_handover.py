"""Tickets for worklists: good once, for a session without a browser, as long as the list lives."""

import gc

import pytest
from streamlit import runtime

from cxr_core.ui.worklist.handover import Owner, Tickets
from cxr_core.ui.worklist.session import Worklist


class FakeRuntime:
    """Sessions with a browser, by Streamlit's name."""

    def __init__(self, *active: str) -> None:
        self.active = set(active)

    def is_active_session(self, session: str) -> bool:
        return session in self.active


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FakeRuntime:
    fake = FakeRuntime("old")
    monkeypatch.setattr(runtime, "exists", lambda: True)
    monkeypatch.setattr(runtime, "get_instance", lambda: fake)
    return fake


def test_a_ticket_is_good_once(server: FakeRuntime) -> None:
    tickets, films = Tickets(), Worklist()
    ticket = tickets.give(films, Owner("old"))
    server.active.clear()
    assert tickets.take(ticket, seconds=0) == (films, Owner("old"))
    assert tickets.take(ticket, seconds=0) is None


def test_a_list_whose_tab_is_open_stays_with_it(server: FakeRuntime) -> None:
    tickets, films = Tickets(), Worklist()
    ticket = tickets.give(films, Owner("old"))
    assert tickets.take(ticket, seconds=0) is None  # a duplicated tab asks
    server.active.clear()
    assert tickets.take(ticket, seconds=0) == (
        films,
        Owner("old"),
    )  # and its own, reloaded, still can


def test_a_ticket_cannot_be_guessed(server: FakeRuntime) -> None:
    tickets, films = Tickets(), Worklist()
    given = [tickets.give(films, Owner("gone")) for _ in range(50)]
    assert len(set(given)) == 50
    assert all(len(ticket) >= 43 for ticket in given)  # 256 bits
    for guess in ("", given[0][:-1], given[0] + "A", "gone"):
        assert tickets.take(guess, seconds=0) is None


def test_a_ticket_keeps_no_list_alive(server: FakeRuntime) -> None:
    tickets, films = Tickets(), Worklist()
    ticket = tickets.give(films, Owner("gone"))
    del films  # as when its session is freed
    gc.collect()
    assert tickets.take(ticket, seconds=0) is None
    tickets.give(kept := Worklist(), Owner("old"))
    assert ticket not in tickets._owners
    assert not kept.sources


def test_a_ticket_is_not_good_for_whoever_signed_in_since(server: FakeRuntime) -> None:
    server.active.clear()
    tickets, films = Tickets(), Worklist()
    owner = Owner("old", sign_in="hers")
    ticket = tickets.give(films, owner)
    assert tickets.take(ticket, "his", seconds=0) is None
    assert tickets.take(ticket, seconds=0) is None  # or nobody
    assert tickets.take(ticket, "hers", seconds=0) == (films, owner)
