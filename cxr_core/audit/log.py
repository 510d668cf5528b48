"""The audit log as it is written: to a file that several processes share, or to syslog.

What cannot be logged is not done: every failure to write is an ``AuditError``, which ends the
reading or the export that it belonged to.
"""

import os
import secrets
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from logging import INFO, LogRecord
from logging.handlers import SysLogHandler
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from cxr_core.audit.entry import (
    LOST_HASH,
    LOST_NUMBER,
    MAX_LINE_BYTES,
    Entry,
    Event,
    Link,
    chained_line,
    parse_line,
)
from cxr_core.errors import AuditError
from cxr_core.files import SAFE_FLAGS

AUDIT_ENV_VAR = "CXR_AUDIT_LOG"
SYSLOG = "syslog"
DEFAULT_SOCKET = "/dev/log"
LOCK_SECONDS = 20.0  # for which another process may keep the file to itself
_TAIL_BYTES = 8 * MAX_LINE_BYTES
_MODE = 0o640
_PROGRAM = "cxr-audit"  # who it is that writes of the log itself
_REMEDY = (
    "No film is read, shown or exported while it cannot be written. Whoever runs the app mends the "
    f"place that {AUDIT_ENV_VAR} names."
)


class AuditLog(Protocol):
    """A place that takes entries."""

    def record(self, entries: Sequence[Entry]) -> None:
        """Write entries, whole and in this order, before anything is done that they tell of.

        Raises:
            AuditError: they cannot be written; nothing of them was.
        """


def audit_log() -> AuditLog | None:
    """The log that ``CXR_AUDIT_LOG`` names, a file, ``syslog`` or ``syslog:SOCKET``; or None."""
    stated = os.environ.get(AUDIT_ENV_VAR, "").strip()
    if not stated:
        return None
    with _LOGS_LOCK:
        if stated not in _LOGS:
            _LOGS[stated] = _open(stated)
        return _LOGS[stated]


# One for all threads of the process, as a chain in syslog goes on where it stood.
_LOGS: dict[str, AuditLog] = {}
_LOGS_LOCK = threading.Lock()


def _open(stated: str) -> AuditLog:
    kind, _, place = stated.partition(":")
    if kind == SYSLOG:
        return SyslogLog(place or DEFAULT_SOCKET)
    return FileLog(Path(stated))


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class _Written:
    """The last line that this process has written, and where it ended in which file."""

    line: bytes
    link: Link
    file: tuple[int, int]
    end: int


class FileLog:
    """A file that is only ever added to; any number of threads and processes may share it.

    Each addition takes a lock beside the file, reads where the chain stands, adds its lines and
    waits until they are on the disk. Half a line that a power cut left is closed and stays to be
    seen. Where the last line of this process is no longer there, since the end was cut off or the
    file taken away, an entry says so: the chain alone would not tell.
    """

    def __init__(self, path: Path, *, clock: Callable[[], datetime] = _now) -> None:
        self.path, self._clock, self._lock = path.absolute(), clock, threading.Lock()
        self._written: _Written | None = None

    def record(self, entries: Sequence[Entry]) -> None:
        """As ``AuditLog.record``."""
        with self._held():
            self._append(entries)

    def head(self) -> Link | None:
        """Where the chain stands; None where nothing was written yet.

        Raises:
            AuditError: it cannot be read, or is no audit log.
        """
        try:
            file = os.open(self.path, os.O_RDONLY | SAFE_FLAGS)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._error(error.strerror) from error
        try:
            return self._last(file)[0]
        except OSError as error:
            raise self._error(error.strerror) from error
        finally:
            os.close(file)

    def rotate(self) -> Path:
        """Put the file aside under a name with the time, and go on in a new one, whose first line
        hangs on the last of the old. Returns where the old one is.

        Raises:
            AuditError: there is nothing to put aside, or it cannot be done; then all is as it was.
        """
        with self._held():
            link = self.head()
            if link is None:
                raise self._error("there is no such file")
            aside = self.path.with_name(
                f"{self.path.stem}.{self._clock():%Y%m%dT%H%M%S%fZ}{self.path.suffix}"
            )
            try:
                os.rename(self.path, aside)
            except OSError as error:
                raise self._error(error.strerror) from error
            try:
                self._append([Entry(Event.LOG_CONTINUED, _PROGRAM)], link)
            except AuditError:
                with suppress(OSError):
                    self.path.unlink(missing_ok=True)
                    os.rename(aside, self.path)
                raise
        return aside

    @contextmanager
    def _held(self) -> Iterator[None]:
        lock = FileLock(self.path.with_name(f"{self.path.name}.lock"), timeout=LOCK_SECONDS)
        with self._lock:
            if not self.path.parent.is_dir():  # which the lock would make: a disk that is not there
                raise self._error("its folder is not there")
            try:
                lock.acquire()
            except Timeout as error:
                raise self._error("another process keeps it locked") from error
            except OSError as error:
                raise self._error(error.strerror) from error
            try:
                yield
            finally:
                lock.release()

    def _append(self, entries: Sequence[Entry], link: Link | None = None) -> None:
        """Add lines; the lock is held.

        Args:
            link: where the chain stands, for a new file that goes on with another's.
        """
        try:
            file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | SAFE_FLAGS, _MODE)
        except OSError as error:
            raise self._error(error.strerror) from error
        try:
            last, torn = self._last(file)
            lost = self._lost(file, last or link)
            link = last or link or Link(secrets.token_hex(8))
            lines = [b"\n"] if torn else []
            for entry in [*lost, *entries]:
                line, link = chained_line(entry, link, self._clock())
                lines.append(line)
            status = os.fstat(file)
            size, data = status.st_size, b"".join(lines)
            try:
                _write_all(file, data)
                os.fsync(file)
            except OSError:
                # Nothing of what was not done may stand there. A file that can only be added to
                # (chattr +a) keeps its half line, which `verify` shows.
                with suppress(OSError):
                    os.ftruncate(file, size)
                raise
            place = status.st_dev, status.st_ino
            self._written = _Written(lines[-1], link, place, size + len(data))
        except OSError as error:
            raise self._error(error.strerror) from error
        finally:
            os.close(file)

    def _lost(self, file: int, last: Link | None) -> list[Entry]:
        """What is to be said where this process's last line is no longer there."""
        own, status = self._written, os.fstat(file)
        if own is None:
            return []
        if (status.st_dev, status.st_ino) == own.file:
            os.lseek(file, own.end - len(own.line), os.SEEK_SET)
            is_there = os.read(file, len(own.line)) == own.line
        else:  # put aside by ``rotate``, in this process or another, where the chain goes on
            is_there = (
                last is not None and last.chain == own.link.chain and last.number >= own.link.number
            )
        details = ((LOST_NUMBER, own.link.number), (LOST_HASH, own.link.head))
        return [] if is_there else [Entry(Event.LOG_CUT, _PROGRAM, details=details)]

    def _last(self, file: int) -> tuple[Link | None, bool]:
        """Where the chain stands, and whether the file ends within a line."""
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            raise self._error("it is no regular file")
        if status.st_size == 0:
            return None, False
        os.lseek(file, max(0, status.st_size - _TAIL_BYTES), os.SEEK_SET)
        tail = os.read(file, _TAIL_BYTES)
        *lines, rest = tail.split(b"\n")
        for line in reversed(lines):
            if (found := parse_line(line)) is not None:
                return found.link, bool(rest)
        if status.st_size == len(rest) <= MAX_LINE_BYTES and rest.startswith(b'{"chain":'):
            return None, True  # the very first line was cut short
        raise self._error("it holds something else than an audit log")

    def _error(self, reason: str | None) -> AuditError:
        return AuditError(
            "The audit log cannot be used", value=f"{self.path} ({reason})", remedy=_REMEDY
        )


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


class SyslogLog:
    """The machine's syslog: each process has a chain of its own, whose lines the daemon keeps."""

    def __init__(self, socket: str = DEFAULT_SOCKET) -> None:
        self._socket, self._lock = socket, threading.Lock()
        self._link = Link(secrets.token_hex(8))

    def record(self, entries: Sequence[Entry]) -> None:
        """As ``AuditLog.record``, but for entries before one that the daemon did not take."""
        with self._lock:
            for entry in entries:
                line, link = chained_line(entry, self._link, _now())
                try:
                    self._send(line.decode().rstrip("\n"))
                except OSError as error:
                    raise AuditError(
                        "The audit log cannot be used",
                        value=f"syslog at {self._socket} ({error.strerror or error})",
                        remedy=_REMEDY,
                    ) from error
                self._link = link

    def _send(self, line: str) -> None:
        # Opened anew each time: a daemon that was restarted is found again.
        handler = _StrictSysLog(self._socket, SysLogHandler.LOG_AUTHPRIV)
        handler.ident = "cxr-audit: "
        try:
            handler.emit(LogRecord("audit", INFO, "", 0, "%s", (line,), None))
        finally:
            handler.close()


class _StrictSysLog(SysLogHandler):
    def handleError(self, record: LogRecord) -> None:
        """Logging swallows what it cannot send; an audit log must not. It is called where the error
        is being handled."""
        raise
