"""A clock that a test sets."""

from dataclasses import dataclass


@dataclass
class Clock:
    """Called, it tells ``now``, in seconds."""

    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now
