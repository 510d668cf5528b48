"""A process with limits, from inside: bytes in, an answer out, until its parent is gone.

It is started by ``worker`` with its channel, a socket, as standard input. What is done with the
bytes is the caller's: this module needs no decoder.
"""

import math
import os
import select
import socket
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from cxr_core.errors import CXRError
from cxr_core.imaging.workers.message import (
    Header,
    receive_header,
    send_message,
)
from cxr_core.memory import overwrite_on_free, release_memory

try:
    import resource
except ImportError:  # not reached: without it no worker is started
    resource = None  # type: ignore[assignment]

# Without a film for so long, what earlier ones left in memory is given back.
QUIET_SECONDS = 0.5
# Kept ready for the next film: the copies of a film of a few million pixels.
_BLOCK_BYTES, _N_BLOCKS = 4 * 2**20, 10

Message = tuple[Header, Sequence[Any]]  # and the buffers that follow the header


def serve(
    cpu_seconds: Callable[[int], int], memory_bytes: int, make: Callable[[bytes], Message]
) -> None:
    """Answer what comes; the end of the channel is the end of the process.

    Args:
        cpu_seconds: of computing that so many bytes may take.
        memory_bytes: as in ``Limits``.
        make: the answer to what came; its ``CXRError`` is one, too.
    """
    channel = _take_channel()
    limits = _limit_memory(memory_bytes)
    begin_one = _cpu_budget()
    _take_blocks()
    send_message(channel, {"limits": [*limits, *(["cpu"] if begin_one else [])]})
    while True:
        try:
            size = int(receive_header(channel)["size"])
            data = _receive(channel, size)
            if begin_one:
                begin_one(cpu_seconds(size))
            send_message(channel, *_answer(make, data))
        except (EOFError, ConnectionError):
            return
        # Its first page, where a file names its patient, can outlast the rest of it.
        overwrite_on_free()
        del data
        overwrite_on_free(False)
        if not select.select([channel], [], [], QUIET_SECONDS)[0]:
            _forget()


def _answer(make: Callable[[bytes], Message], data: bytes) -> Message:
    """What was made of the bytes, or why it was not."""
    try:
        return make(data)
    except MemoryError:
        return {"kind": "memory"}, ()
    except CXRError as error:
        if _ran_out_of_memory(error):
            return {"kind": "memory"}, ()
        words = {"problem": error.problem, "value": str(error.value), "remedy": error.remedy}
        return {"kind": "error"} | words, ()
    except Exception as error:  # one bad file must not end the others
        return {"kind": "fault", "type": type(error).__name__}, ()


def _ran_out_of_memory(error: BaseException) -> bool:
    """Whether a refusal comes from memory that was not to be had, whoever asked for it."""
    seen: BaseException | None = error
    while seen is not None:
        # libjpeg and Pillow say it in words.
        if isinstance(seen, MemoryError) or "memory" in str(seen).lower().split(" ")[:3]:
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _take_channel() -> socket.socket:
    """The socket that came as standard input; what decoders print goes nowhere from here on."""
    channel = socket.socket(fileno=os.dup(0))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)
    return channel


def _receive(channel: socket.socket, size: int) -> bytes:
    """So many bytes, in most cases without a copy."""
    data = channel.recv(size, socket.MSG_WAITALL) if size else b""
    while len(data) < size:
        more = channel.recv(size - len(data), socket.MSG_WAITALL)
        if not more:
            raise EOFError("the parent is gone")
        data += more
    return data


# Limits. Each is named where the system has it, so that the parent can say which are missing.


def _limit_memory(most: int) -> list[str]:
    """Limit what this process and each of its children may fill, and keep it off the disk."""
    if resource is None:
        return []
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not sys.platform.startswith("linux"):
        return []  # macOS takes the number and does not hold anything to it
    # Not RLIMIT_AS: that counts what libraries map and never fill.
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]  # the site's own may be lower
    allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, allowed))
    return ["memory"]


def _cpu_budget() -> Callable[[int], None] | None:
    """What gives the next film its seconds of computing; None where it cannot be limited.

    The system counts whole seconds from the start of the process, and ends it by SIGXCPU.
    """
    if resource is None or not hasattr(resource, "RLIMIT_CPU"):
        return None
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]

    def begin(seconds: int) -> None:
        most = math.ceil(time.process_time()) + seconds
        soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))

    return begin


def _forget() -> None:
    """Give the memory of earlier films back to the system, their bytes with it."""
    release_memory(most=2**20)
    _take_blocks()


def _take_blocks() -> None:
    """Take empty memory, so that the next film need not wait for it (10 to 20 ms)."""
    for block in [b"\0" * _BLOCK_BYTES for _ in range(_N_BLOCKS)]:
        del block
