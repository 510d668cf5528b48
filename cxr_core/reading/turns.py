"""Who reads next: films of several sessions take turns, so that a long list holds up nobody.

Each session's readings wait in the order they came; of the sessions, the one whose last turn began
longest ago comes first.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cxr_core.errors import BudgetError

LOOK_SECONDS = 0.5  # between two looks of one that waits at its place
OnWait = Callable[[int], object]


@dataclass(eq=False)
class _Waiting:
    session: str
    number: int


class Turns:
    """Lets a few readings go on at the same time; thread-safe."""

    def __init__(self, slots: int, *, max_waiting: int) -> None:
        """No reading goes on yet.

        Args:
            slots: readings at the same time, 1 or more.
            max_waiting: readings that may wait.
        """
        self._slots, self._max_waiting = slots, max_waiting
        self._changed = threading.Condition()
        self._waiting: list[_Waiting] = []
        self._reading: list[str] = []
        self._count = 0
        self._last_turn: dict[str, int] = {}

    @contextmanager
    def turn(self, session: str, on_wait: OnWait | None = None) -> Iterator[None]:
        """Wait for a turn, and have it while the block lasts.

        Args:
            session: whose film it is.
            on_wait: told, while it waits, how many films are ahead: those being read and those
                that come first. Told again about every half second; what it raises ends the
                waiting.

        Raises:
            BudgetError: too many wait already.
        """
        place = self._line_up(session)
        try:
            self._wait(place, on_wait)
        except BaseException:
            with self._changed:
                self._leave(place)
            raise
        try:
            yield
        finally:
            with self._changed:
                self._reading.remove(session)
                self._forget_idle()
                self._changed.notify_all()

    def ahead(self, session: str) -> int:
        """How many films would be read before one of this session that came now."""
        with self._changed:
            newcomer = _Waiting(session, self._count + 1)
            return self._ahead_of(newcomer, [*self._waiting, newcomer])

    def _line_up(self, session: str) -> _Waiting:
        with self._changed:
            if len(self._waiting) >= self._max_waiting:
                raise BudgetError(
                    "The server has too much to read",
                    value=f"{len(self._waiting):,} films wait already",
                    remedy="Try again in a few minutes.",
                )
            self._count += 1
            place = _Waiting(session, self._count)
            self._waiting.append(place)
            return place

    def _wait(self, place: _Waiting, on_wait: OnWait | None) -> None:
        while True:
            with self._changed:
                if not self._is_next(place):
                    self._changed.wait(LOOK_SECONDS)
                if self._is_next(place):
                    self._waiting.remove(place)
                    self._reading.append(place.session)
                    self._count += 1
                    self._last_turn[place.session] = self._count
                    self._changed.notify_all()
                    return
                told = self._ahead_of(place, self._waiting)
            if on_wait is not None:
                on_wait(told)

    def _is_next(self, place: _Waiting) -> bool:
        if len(self._reading) >= self._slots:
            return False
        return next(self._order(self._waiting)) is place

    def _order(self, waiting: list[_Waiting]) -> Iterator[_Waiting]:
        """Those that wait, as their turns come if nobody else does."""
        rest, last, count = list(waiting), dict(self._last_turn), self._count
        while rest:
            first = min(rest, key=lambda one: (last.get(one.session, 0), one.number))
            rest.remove(first)
            count += 1
            last[first.session] = count
            yield first

    def _ahead_of(self, place: _Waiting, waiting: list[_Waiting]) -> int:
        before = 0
        for one in self._order(waiting):
            if one is place:
                break
            before += 1
        return len(self._reading) + before

    def _leave(self, place: _Waiting) -> None:
        self._waiting.remove(place)
        self._forget_idle()
        self._changed.notify_all()

    def _forget_idle(self) -> None:
        """Forget the last turns once nobody waits, so that no name of a session is kept."""
        if not self._waiting and not self._reading:
            self._last_turn.clear()
