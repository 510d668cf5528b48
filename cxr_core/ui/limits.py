"""What one session and the whole server may hold, and for how long: one place, one variable each.

Every limit is an environment variable of its own name in capitals after ``CXR_``
(``CXR_SESSION_MEGABYTES=300``); docs/deployment.md lists them.
"""

import os
from dataclasses import dataclass, fields

from cxr_core.errors import ConfigError

PREFIX = "CXR_"


@dataclass(frozen=True)
class Limits:
    """Attributes:
    session_megabytes: of films and zips as they came, in one session; 1 MB is 2**20 bytes.
    session_megapixels: of films that are decoded, in one session; 1 megapixel is 10**6.
    session_films: in one session's worklist.
    server_megabytes, server_megapixels, server_films: the same over all sessions.
    films_at_once: read at the same time; 0 for one a core, at most four.
    waiting_films: readings that may wait for their turn, over all sessions.
    upload_seconds: how long an uploaded file may lie before a page takes it.
    reconnect_seconds: how long a session outlives its connection.
    sessions: that the server serves at the same time.
    idle_minutes: without a click, after which a session is closed.
    """

    session_megabytes: int = 600
    session_megapixels: int = 200
    session_films: int = 4_000
    server_megabytes: int = 4_000
    server_megapixels: int = 1_000
    server_films: int = 40_000
    films_at_once: int = 0
    waiting_films: int = 200
    upload_seconds: int = 60
    reconnect_seconds: int = 30
    sessions: int = 100
    idle_minutes: int = 240

    @classmethod
    def from_environment(cls) -> "Limits":
        """The limits as the environment has them.

        Raises:
            ConfigError: one of them is no whole number of 1 or more (``films_at_once``: 0 or more).
        """
        stated = {
            field.name: _whole_number(PREFIX + field.name.upper(), at_least=int(field.default != 0))
            for field in fields(cls)
        }
        return cls(**{name: value for name, value in stated.items() if value is not None})

    @property
    def slots(self) -> int:
        """How many films are read at the same time."""
        return self.films_at_once or min(4, os.cpu_count() or 1)


def _whole_number(variable: str, *, at_least: int) -> int | None:
    stated = os.environ.get(variable, "").strip()
    if not stated:
        return None
    # Nine digits: no limit that anybody means is longer, and no text of digits is slow to read.
    if not (stated.isascii() and stated.isdigit() and len(stated) <= 9) or int(stated) < at_least:
        raise ConfigError(
            f"{variable} is no limit",
            value=repr(stated[:40]),
            remedy=f"Give a whole number of {at_least} or more, or do not set it.",
        )
    return int(stated)
