"""What the node has in hand: films and results as files, and in SQLite how far each has come.

A film goes ``waiting`` -> ``read`` or ``unread`` -> ``removed``; a result of it, for each
destination, ``waiting`` -> ``sent`` or ``given_up``. A change is on the disk before anybody is told
of it, so a process that is killed at any moment goes on where it was: what was acknowledged is
there, and what was sent without its acknowledgement being noted is sent again as the same object.
"""

import hashlib
import logging
import math
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from cxr_core.node.config import Destination, Kind, NodeConfig
from cxr_core.node.spool_files import load_unaltered, require_private, spool_error, write_durably

# Seconds: by which a clock is set, and not kept right; of trying before anything is given up; for
# which a result that was refused is put off at most.
JUMP_SECONDS, TRIED_SECONDS, LONGEST_PUT_OFF = 60.0, 3600.0, 3600.0
MAX_ATTEMPTS = 5  # readings that ended with the process; then a film is left alone
logger = logging.getLogger(__name__)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS films (
    sha256 TEXT PRIMARY KEY, received REAL NOT NULL, bytes INTEGER NOT NULL, state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, ended REAL
) STRICT;
CREATE TABLE IF NOT EXISTS results (
    sha256 TEXT NOT NULL REFERENCES films ON DELETE CASCADE, kind TEXT NOT NULL,
    destination TEXT NOT NULL, model TEXT NOT NULL, state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL,
    PRIMARY KEY (sha256, kind, destination)
) STRICT;
CREATE TABLE IF NOT EXISTS digests (
    sha256 TEXT NOT NULL REFERENCES films ON DELETE CASCADE, kind TEXT NOT NULL,
    digest TEXT NOT NULL, PRIMARY KEY (sha256, kind)
) STRICT;
"""
Admission = Literal["new", "known", "full"]


@dataclass(frozen=True)
class Parcel:
    """One result on its way to one destination.

    Attributes:
        sha256: of the film.
        model: ``model_sha256`` of the model that read it.
        attempts: how often the destination has refused it.
    """

    sha256: str
    kind: Kind
    destination: str
    model: str
    attempts: int = 0


def steady_seconds() -> float:
    """Of a clock that nobody sets, and that goes on while the machine sleeps where there is one."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


class Spool:
    """The spool of one node; thread-safe, and for one process at a time."""

    def __init__(
        self,
        config: NodeConfig,
        *,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = steady_seconds,
    ) -> None:
        """Open it, making it where it is not there, and clear what a killed process left half done.

        Args:
            clock: the time of day, which somebody may set; stored times are its.
            steady: goes on whatever the time of day does.

        Raises:
            ConfigError: it cannot be used, is not private, or another node uses it.
        """
        self._config, self._clock, self._lock = config, clock, threading.RLock()
        self._steady, self._opened = steady, steady()
        self._ahead = clock() - self._opened  # of the steady clock
        self.folder = config.spool
        self._films, self._results = self.folder / "films", self.folder / "results"
        try:
            for folder in (self.folder, self._films, self._results):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            require_private(self.folder)
            self._alone = FileLock(self.folder / "lock", mode=0o600)
            self._alone.acquire(blocking=False)
            self._database = sqlite3.connect(
                self.folder / "spool.sqlite", isolation_level=None, check_same_thread=False
            )
            for setting in (
                "journal_mode = WAL",
                "synchronous = FULL",
                "secure_delete = ON",
                "foreign_keys = ON",
            ):
                self._database.execute(f"PRAGMA {setting}")
            self._database.executescript(_SCHEMA)
            self._sweep()
            self._pull_back()
        except Timeout as error:
            raise spool_error(self.folder, "another node uses it") from error
        except (OSError, sqlite3.Error) as error:
            raise spool_error(self.folder, str(error)) from error

    def close(self) -> None:
        """Let another process use it."""
        with self._lock:
            try:
                self.excuse_films()
            except sqlite3.Error as error:  # a full disk; the films are read all the same
                logger.warning("The spool was closed as it is: %s", error)
            self._database.close()
        self._alone.release()

    # Films come in.

    def admit(self, data: bytes, before: Callable[[str], object]) -> Admission:
        """Take a film: when this returns "new", it is on the disk.

        Args:
            before: called with its hash before it counts; what it raises keeps the film out.

        Returns:
            "known" where it is there or was there already, "full" where there is no room.

        Raises:
            OSError, sqlite3.Error: it cannot be written; then it is not in the spool.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        path = self._film_path(sha256)
        with self._lock:
            if self._one("SELECT count(*) FROM films WHERE sha256 = ?", sha256):
                return "known"
            number = self._one("SELECT count(*) FROM films WHERE state != 'removed'")
            held = self._one("SELECT total(bytes) FROM films WHERE state != 'removed'")
            room = self._config.max_megabytes * 10**6
            if number >= self._config.max_films or held + len(data) > room:
                return "full"
            try:
                write_durably(path, data)
                before(sha256)
                self._database.execute(
                    "INSERT INTO films (sha256, received, bytes, state) "
                    "VALUES (?, ?, ?, 'waiting')",
                    (sha256, self._clock(), len(data)),
                )
            except BaseException:
                path.unlink(missing_ok=True)
                raise
        return "new"

    def waiting_films(self, most: int) -> list[str]:
        """Hashes of films that are yet to be read, the oldest first."""
        with self._lock:
            rows = self._database.execute(
                "SELECT sha256 FROM films WHERE state = 'waiting' ORDER BY received LIMIT ?",
                (most,),
            )
            return [row[0] for row in rows]

    def load_film(self, sha256: str, *, attempt: bool = False) -> bytes:
        """A film's bytes.

        Args:
            attempt: it is about to be read: counted, in case that ends the process.

        Raises:
            OSError: its file cannot be read, or was altered.
        """
        if attempt:
            with self._lock:
                self._database.execute(
                    "UPDATE films SET attempts = attempts + 1 WHERE sha256 = ?", (sha256,)
                )
        return load_unaltered(self._film_path(sha256), sha256)

    def exhausted_films(self) -> list[str]:
        """Films whose reading ended the process as often as is borne."""
        with self._lock:
            rows = self._database.execute(
                "SELECT sha256 FROM films WHERE state = 'waiting' AND attempts >= ?",
                (MAX_ATTEMPTS,),
            )
            return [row[0] for row in rows]

    def excuse_films(self) -> None:
        """Note that no film is to blame for the readings that did not end."""
        with self._lock:
            self._database.execute("UPDATE films SET attempts = 0 WHERE state = 'waiting'")

    # A film was read.

    def add_results(
        self,
        sha256: str,
        model: str,
        results: Mapping[Kind, bytes],
        destinations: tuple[Destination, ...],
    ) -> None:
        """Note that a film was read, with the results that are to be sent of it.

        Raises:
            OSError, sqlite3.Error: they cannot be written; then the film still waits.
        """
        now = self._clock()
        parcels = [
            (sha256, kind, one.name, model, now)
            for one in destinations
            for kind in one.send
            if kind in results
        ]
        for kind, data in results.items():
            write_durably(self.result_path(sha256, kind), data)
        with self._lock, self._transaction():
            self._database.executemany(
                "INSERT INTO results (sha256, kind, destination, model, state, due) "
                "VALUES (?, ?, ?, ?, 'waiting', ?) ON CONFLICT DO UPDATE "
                "SET model = excluded.model WHERE state = 'waiting'",
                parcels,
            )
            self._database.executemany(
                "INSERT OR REPLACE INTO digests (sha256, kind, digest) VALUES (?, ?, ?)",
                [
                    (sha256, kind, hashlib.sha256(made).hexdigest())
                    for kind, made in results.items()
                ],
            )
            self._database.execute(
                "UPDATE films SET bytes = bytes + ? WHERE sha256 = ?",
                (sum(map(len, results.values())), sha256),
            )
            self._end(sha256, "read", now)

    def mark_unread(self, sha256: str) -> None:
        """Note that a film cannot be read; nothing is sent of it."""
        with self._lock:
            self._end(sha256, "unread", self._clock())

    def _end(self, sha256: str, state: str, now: float) -> None:
        self._database.execute(
            "UPDATE films SET state = ?, ended = ? WHERE sha256 = ?", (state, now, sha256)
        )

    # Results go out.

    def due(self, destination: str, most: int) -> list[Parcel]:
        """What is to be sent there now, the oldest film first; but last what was refused most, as a
        result that ends each association would keep all others back."""
        with self._lock:
            rows = self._database.execute(
                "SELECT sha256, kind, destination, model, results.attempts FROM results "
                "JOIN films USING (sha256) WHERE destination = ? AND results.state = 'waiting' "
                "AND due <= ? ORDER BY results.attempts, received LIMIT ?",
                (destination, self._clock(), most),
            )
            return [Parcel(*row) for row in rows]

    def load_result(self, parcel: Parcel) -> bytes:
        """A result's bytes.

        Raises:
            OSError: its file cannot be read, or was altered.
        """
        with self._lock:
            row = self._database.execute(
                "SELECT digest FROM digests WHERE sha256 = ? AND kind = ?",
                (parcel.sha256, parcel.kind),
            ).fetchone()
        return load_unaltered(self.result_path(parcel.sha256, parcel.kind), row[0] if row else "")

    def read_again(self, sha256: str) -> None:
        """Have a film's results made anew; what was sent of them stays sent."""
        path = self._film_path(sha256)
        size = path.stat().st_size if path.exists() else 0
        with self._lock:
            self._database.execute(
                "UPDATE films SET state = 'waiting', bytes = ? WHERE sha256 = ? AND state = 'read'",
                (size, sha256),
            )

    def result_path(self, sha256: str, kind: str) -> Path:
        """Where a result lies."""
        return self._results / f"{sha256}.{kind}.dcm"

    def mark_sent(self, parcel: Parcel) -> None:
        """Note that a destination has acknowledged a result."""
        self._settle(parcel, "sent")

    def postpone(self, parcel: Parcel, seconds: float) -> None:
        """Note that a destination has refused a result, which is tried again later."""
        with self._lock:
            self._database.execute(
                "UPDATE results SET attempts = attempts + 1, due = ? "
                "WHERE sha256 = ? AND kind = ? AND destination = ?",
                (self._clock() + seconds, parcel.sha256, parcel.kind, parcel.destination),
            )

    def overdue(self) -> list[Parcel]:
        """Results that were tried long enough, and those that no destination is to get any more.

        None is given up within an hour of the start: a machine that was off, or came up with a
        wrong date, has not tried.
        """
        tried = self._steady() - self._opened >= TRIED_SECONDS
        latest = self._clock() - 3600 * self._config.give_up_hours if tried else -math.inf
        wanted = [f"{kind} {one.name}" for one in self._config.destinations for kind in one.send]
        marks = ",".join("?" * len(wanted))
        with self._lock:
            rows = self._database.execute(
                "SELECT sha256, kind, destination, model, results.attempts FROM results "
                "JOIN films USING (sha256) WHERE results.state = 'waiting' "
                f"AND (received < ? OR kind || ' ' || destination NOT IN ({marks}))",
                (latest, *wanted),
            )
            return [Parcel(*row) for row in rows]

    def give_up(self, parcel: Parcel) -> None:
        """Note that a result is not tried any more."""
        self._settle(parcel, "given_up")

    def _settle(self, parcel: Parcel, state: str) -> None:
        with self._lock, self._transaction():
            self._database.execute(
                "UPDATE results SET state = ?, due = ? "
                "WHERE sha256 = ? AND kind = ? AND destination = ?",
                (state, self._clock(), parcel.sha256, parcel.kind, parcel.destination),
            )
            self._database.execute(
                "UPDATE films SET ended = ? WHERE sha256 = ?", (self._clock(), parcel.sha256)
            )

    # What is done with is removed.

    def finished_films(self) -> list[str]:
        """Films of which nothing is to be done any more, for as long as they are to be kept."""
        with self._lock:
            rows = self._database.execute(
                "SELECT sha256 FROM films WHERE state IN ('read', 'unread') AND ended <= ? "
                "AND NOT EXISTS (SELECT 1 FROM results WHERE results.sha256 = films.sha256 "
                "AND results.state = 'waiting')",
                (self._clock() - 3600 * self._config.keep_hours,),
            )
            return [row[0] for row in rows]

    def remove(self, sha256: str) -> None:
        """Delete a film and its results; that it was here stays known, by its hash."""
        for path in (self._film_path(sha256), *self._results.glob(f"{sha256}.*")):
            path.unlink(missing_ok=True)
        with self._lock:
            self._database.execute(
                "UPDATE films SET state = 'removed', ended = ? WHERE sha256 = ?",
                (self._clock(), sha256),
            )

    def forget(self) -> None:
        """Forget films that were removed long enough ago."""
        with self._lock:
            self._database.execute(
                "DELETE FROM films WHERE state = 'removed' AND ended < ?",
                (self._clock() - 86_400 * self._config.remember_days,),
            )

    # The time of day, when somebody sets it.

    def follow_clock(self) -> None:
        """Move the stored times along where the time of day has jumped, or that would give results
        up, or put them off."""
        with self._lock, self._transaction():
            jump = self._clock() - self._steady() - self._ahead
            if abs(jump) >= JUMP_SECONDS:
                logger.warning("The clock was set by %+.0f s; the spool's times go along", jump)
                self._database.execute(
                    "UPDATE films SET received = received + ?, ended = ended + ?", (jump, jump)
                )
                self._database.execute("UPDATE results SET due = due + ?", (jump,))
                self._ahead += jump
        self._pull_back()

    def _pull_back(self) -> None:
        """No film came in the future, and no result is put off for longer than any is."""
        now = self._clock()
        with self._lock:
            for column, latest in (("received", now), ("ended", now)):
                self._database.execute(
                    f"UPDATE films SET {column} = ? WHERE {column} > ?", (latest, latest)
                )
            self._database.execute(
                "UPDATE results SET due = ? WHERE due > ?", (now, now + LONGEST_PUT_OFF)
            )

    def counts(self) -> dict[str, int]:
        """How many films, and how many results, are in each state."""
        with self._lock:
            return {
                f"{table} {state}": number
                for table in ("films", "results")
                for state, number in self._database.execute(
                    f"SELECT state, count(*) FROM {table} GROUP BY state ORDER BY state"
                )
            }

    def _film_path(self, sha256: str) -> Path:
        return self._films / f"{sha256}.dcm"

    def _sweep(self) -> None:
        """Delete files that no row stands for: their senders were told nothing."""
        rows = self._database.execute("SELECT sha256 FROM films WHERE state != 'removed'")
        held = {row[0] for row in rows}
        for path in (*self._films.iterdir(), *self._results.iterdir()):
            if path.name.startswith(".") or path.name.split(".")[0] not in held:
                path.unlink()

    def _one(self, query: str, *values: object) -> float:
        return float(self._database.execute(query, values).fetchone()[0])

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")
