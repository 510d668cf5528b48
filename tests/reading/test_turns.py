"""Whose film is read next, and what those that wait are told."""

import threading
from collections.abc import Callable

import pytest

from cxr_core.errors import BudgetError
from cxr_core.reading.turns import Turns

PATIENCE = 60  # seconds, for slow machines


class Queue:
    """Readings of several sessions in threads, each of which goes on when it is told to."""

    def __init__(self, turns: Turns) -> None:
        self.turns, self.order = turns, list[str]()
        self._threads: list[threading.Thread] = []
        self._go_on: dict[str, threading.Event] = {}
        self._began: dict[str, threading.Event] = {}

    def line_up(self, session: str, name: str) -> None:
        """A reading lines up; returns once it waits or reads."""
        self._go_on[name], self._began[name] = threading.Event(), threading.Event()
        told = threading.Event()
        thread = threading.Thread(target=self._read, args=(session, name, told), daemon=True)
        self._threads.append(thread)
        thread.start()
        while not (told.wait(0.01) or self._began[name].is_set()):
            pass

    def _read(self, session: str, name: str, told: threading.Event) -> None:
        with self.turns.turn(session, lambda ahead: told.set()):
            self.order.append(name)
            self._began[name].set()
            assert self._go_on[name].wait(PATIENCE)

    def finish(self, name: str) -> None:
        """Let a reading end, once it has begun."""
        assert self._began[name].wait(PATIENCE)
        self._go_on[name].set()

    def finish_all(self) -> list[str]:
        """Let all end as they come; returns the order in which they began."""
        for event in self._go_on.values():
            event.set()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        return self.order


@pytest.fixture
def queue() -> Queue:
    return Queue(Turns(1, max_waiting=10))


def test_a_newcomer_comes_before_the_rest_of_a_long_list(queue: Queue) -> None:
    for number in range(1, 4):
        queue.line_up("list", f"list {number}")
    queue.line_up("other", "other 1")
    queue.line_up("third", "third 1")
    queue.line_up("other", "other 2")
    order = queue.finish_all()
    assert order == ["list 1", "other 1", "third 1", "list 2", "other 2", "list 3"]


def test_one_that_waits_is_told_how_many_films_are_ahead(queue: Queue) -> None:
    queue.line_up("one", "one 1")
    queue.line_up("two", "two 1")
    assert queue.turns.ahead("three") == 2
    heard: list[int] = []
    arrived = threading.Event()

    def hear(ahead: int) -> None:
        heard.append(ahead)
        arrived.set()

    def read() -> None:
        with queue.turns.turn("three", hear):
            pass

    third = threading.Thread(target=read, daemon=True)
    third.start()
    assert arrived.wait(PATIENCE)
    queue.finish("one 1")
    queue.finish("two 1")
    third.join(PATIENCE)
    assert heard[0] == 2
    assert heard == sorted(heard, reverse=True)
    assert queue.turns.ahead("four") == 0


def test_two_slots_are_two_readings_at_once() -> None:
    queue = Queue(Turns(2, max_waiting=10))
    queue.line_up("one", "one 1")
    queue.line_up("two", "two 1")
    assert queue.order == ["one 1", "two 1"]
    queue.finish_all()


def test_who_gives_up_waiting_is_ahead_of_nobody(queue: Queue) -> None:
    class GoneError(Exception):
        pass

    def leave(ahead: int) -> None:
        raise GoneError

    queue.line_up("one", "one 1")
    with pytest.raises(GoneError), queue.turns.turn("two", leave):
        pytest.fail("it had no turn")
    assert queue.turns.ahead("three") == 1
    queue.finish_all()


def test_a_reading_that_fails_gives_its_turn_back(queue: Queue) -> None:
    with pytest.raises(ZeroDivisionError), queue.turns.turn("one"):
        _ = 1 / 0
    queue.line_up("two", "two 1")
    assert queue.finish_all() == ["two 1"]


def test_too_many_that_wait_are_refused_in_one_sentence() -> None:
    queue = Queue(Turns(1, max_waiting=1))
    queue.line_up("one", "one 1")
    queue.line_up("two", "two 1")
    refused: Callable[[], object] = lambda: queue.turns.turn("three").__enter__()  # noqa: E731
    with pytest.raises(BudgetError, match="1 films wait already. Try again"):
        refused()
    queue.finish_all()
