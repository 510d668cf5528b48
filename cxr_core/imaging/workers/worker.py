"""One process with limits, seen from the app: started, asked, and ended where it misbehaves.

It decodes films, unless another module is named that does something else with the bytes.

A process of its own is the only thing that can be stopped: a decoder in C holds the interpreter,
takes memory and cannot be interrupted. It is started with subprocess, not with multiprocessing or
concurrent.futures: they import the main module anew, which is Streamlit here, and one dead process
breaks their whole pool (pebble's does not, but it is not permissively licensed).
"""

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

import cxr_core
from cxr_core.errors import ImageError
from cxr_core.imaging.decoded import DecodedFilm
from cxr_core.imaging.limits import SIGXCPU, Limits, film_cpu_seconds
from cxr_core.imaging.workers.message import (
    Header,
    MessageError,
    Receive,
    film_from,
    receive_header,
    receive_into,
    send_message,
)

T = TypeVar("T")
logger = logging.getLogger(__name__)
IS_SUPPORTED = os.name == "posix"
_ROOT = Path(cxr_core.__file__).resolve().parents[1]
# -P: what is imported must not depend on where the app was started.
_COMMAND = (
    "-P",
    "-c",
    "import importlib, sys; sys.path.insert(0, sys.argv[1]); "
    "importlib.import_module(sys.argv[2]).main(int(sys.argv[3]), int(sys.argv[4]))",
    str(_ROOT),
)
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # glibc's: arrays up to these sizes are taken again, not asked of the system for each film.
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(128 * 2**20),
    # Arrow's own allocator takes a gigabyte ahead, which counts as filled.
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}
DEFAULT_LIMITS = Limits()
FILMS = "cxr_core.imaging.workers.child"
_START_SECONDS = 600  # a starved machine may take long over the imports

Cause = Literal["cpu", "memory", "wall", "killed", "ended", "fault", "start"]


class DecodingStoppedError(ImageError):
    """A film whose decoder had to be ended, or ended by itself.

    Attributes:
        cause: of computing time, memory, waiting time; somebody else ended the process; it ended;
            an error that was not foreseen; or it could not be started.
    """

    def __init__(self, cause: Cause, problem: str, *, value: object, remedy: str) -> None:
        super().__init__(problem, value=value, remedy=remedy)
        self.cause = cause


class WorkerGoneError(Exception):
    """The process had ended before it was given a film: nothing speaks against the film."""


class DecodeWorker:
    """A process that decodes one film at a time. Not thread-safe: one thread has it at a time.

    Starting it takes milliseconds; its imports go on by themselves until it is first asked.

    Attributes:
        usable: False once it was ended.
        n_films: films that it was given.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS, *, module: str = FILMS) -> None:
        """Start the process.

        Args:
            module: whose ``main`` runs in it, as ``workers.child`` has it.

        Raises:
            OSError: the system refuses another one.
        """
        self._limits = limits
        numbers = (str(limits.cpu_seconds), str(limits.memory_bytes))
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                # In a session of its own: Ctrl-C in a terminal is not for it, and its children
                # (GDCM) end with it.
                self._process: subprocess.Popen[bytes] = subprocess.Popen(
                    [sys.executable, *_COMMAND, module, *numbers],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    env=os.environ | _ENVIRONMENT,
                    start_new_session=True,
                )
            except OSError:
                ours.close()
                raise
        self._channel = ours
        self._ready = False
        self._n_bytes = 0  # of the film that it has
        self.usable = True
        self.n_films = 0

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def submit(self, data: bytes) -> None:
        """Give it a film; ``result`` has to follow.

        Raises:
            WorkerGoneError: somebody had ended it before.
            DecodingStoppedError: it could not be started.
        """
        deadline = time.monotonic() + _START_SECONDS
        self._wait_until_ready(deadline)
        self.n_films += 1
        self._n_bytes = len(data)
        self._deadline = time.monotonic() + self._limits.wall_seconds
        try:
            self._channel.settimeout(self._limits.wall_seconds)
            send_message(self._channel, {"size": len(data)})
            self._channel.sendall(data)
        except TimeoutError as error:
            self.kill()
            raise _wall_error(self._limits) from error
        except OSError as error:  # a broken pipe
            self.kill()
            raise WorkerGoneError from error

    def result(self) -> DecodedFilm:
        """The film that was submitted; raises as ``answer``."""
        return self.answer("film", film_from)

    def answer(self, kind: str, made_of: Callable[[Header, Receive], T]) -> T:
        """What became of the bytes that were submitted.

        Args:
            kind: of the message that is awaited; what stands under that name in its header, and
                what fills a view with the bytes behind it, are given to
            made_of: whose ``MessageError`` says that no program of ours has written it.

        Raises:
            ImageError: the bytes are not what they should be; each cause has its own words.
            DecodingStoppedError: it cost too much, or the process ended.
        """
        try:
            header = receive_header(self._channel, self._deadline)
            if header.get("kind") == kind:
                return made_of(
                    header[kind], lambda view: receive_into(self._channel, view, self._deadline)
                )
        except TimeoutError as error:
            self.kill()
            raise _wall_error(self._limits) from error
        except EOFError as error:
            raise _ended_error(self.kill(), self._limits, self._n_bytes) from error
        except MessageError as error:
            self.kill()
            raise _fault_error(str(error)) from error
        raise self._refusal(header)

    def kill(self) -> int:
        """End the process and its children.

        Returns:
            its exit status; below 0, the signal that ended it.
        """
        self.usable = False
        self._channel.close()
        if self._process.returncode is None:  # not waited for: the number is still its own
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        return self._process.wait()

    def has_ended(self) -> bool:
        """Whether the process ended by itself or was ended by somebody else."""
        return self._process.poll() is not None

    def _wait_until_ready(self, deadline: float | None = None) -> None:
        if self._ready:
            return
        try:
            limits = receive_header(self._channel, deadline).get("limits", [])
        except (EOFError, TimeoutError, MessageError) as error:
            timed_out, status = isinstance(error, TimeoutError), self.kill()
            if status == -signal.SIGKILL and not timed_out:
                raise WorkerGoneError from error
            raise start_error(f"exit status {status}") from error
        _tell_missing_limits(limits)
        self._ready = True

    def _refusal(self, header: Header) -> ImageError:
        kind = header.get("kind")
        if kind == "error":
            return ImageError(
                str(header.get("problem")),
                value=header.get("value"),
                remedy=str(header.get("remedy")),
            )
        self.kill()  # its memory is in pieces, or its state unknown
        if kind == "memory":
            return _memory_error(self._limits)
        return _fault_error(str(header.get("type", kind))[:80])


_told_limits: set[str] = set()


def _tell_missing_limits(limits: list[str]) -> None:
    """Say once, in the log, which limits this system does not have."""
    missing = {"cpu": "computing time", "memory": "memory"}
    for name, words in missing.items():
        if name not in limits and name not in _told_limits:
            _told_limits.add(name)
            logger.warning("This system cannot limit the %s of decoders.", words)


# What is said of a film whose decoder was ended. Its other films are not touched by it.


def _cpu_error(seconds: int) -> DecodingStoppedError:
    return DecodingStoppedError(
        "cpu",
        "This file takes too much computing to be a radiograph",
        value=f"more than {seconds} s to decode",
        remedy="It was not read. Export the film again, uncompressed or as PNG.",
    )


def _memory_error(limits: Limits) -> DecodingStoppedError:
    return DecodingStoppedError(
        "memory",
        "This file takes too much memory to be a radiograph",
        value=f"more than {limits.memory_bytes // 2**20:,} MB to decode",
        remedy="It was not read. Export the film again, in grayscale and uncompressed.",
    )


def _wall_error(limits: Limits) -> DecodingStoppedError:
    return DecodingStoppedError(
        "wall",
        "This file took too long to decode",
        value=f"more than {limits.wall_seconds:g} s",
        remedy="It was not read. Open it again when the machine is less busy, or export it again.",
    )


def _ended_error(status: int, limits: Limits, n_bytes: int) -> DecodingStoppedError:
    """The process ended over a film: by a limit, by a fault of a decoder, or by the system."""
    if status == -SIGXCPU:
        return _cpu_error(film_cpu_seconds(n_bytes, limits.cpu_seconds))
    name = signal.Signals(-status).name if status < 0 else f"exit status {status}"
    return DecodingStoppedError(
        # No decoder of its own ends so: a system without memory does it, or its administrator.
        "killed" if status == -signal.SIGKILL else "ended",
        "The decoder of this file ended unexpectedly",
        value=name,
        remedy="The file is damaged, or the machine ran out of memory. Export the film again.",
    )


def _fault_error(what: str) -> DecodingStoppedError:
    # An error's own words could hold something of a film, so only its type is told.
    logger.error("Unforeseen %s while a file was decoded", what)
    return DecodingStoppedError(
        "fault",
        "This file cannot be decoded",
        value=f"unexpected {what}",
        remedy="The file is damaged, or this is a fault of the program. Export the film again.",
    )


def start_error(what: str) -> DecodingStoppedError:
    """No process could be had for a film."""
    return DecodingStoppedError(
        "start",
        "The process that decodes films could not be started",
        value=what,
        remedy="Its own message is in the log of the app. Open the film again in a while.",
    )
