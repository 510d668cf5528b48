"""Memory that was freed: overwritten, so that no name and no pixel stays in it, and given back.

Python and the C library keep freed memory for the next use, with all that stood in it. Nothing can
be read there but by whoever may read the process itself, or gets a dump of it.
"""

import ctypes
import gc
import os
import time
from collections.abc import Callable
from typing import Any

_M_PERTURB = -6  # glibc's malloc.h
_FREED = 0xFF  # what freed bytes become
# Of Python's own small objects: sizes in steps of 16 bytes, the larger ones are the C library's.
_STEP, _LARGEST = 16, 512
_BYTES_HEADER = 33  # of a ``bytes`` object
# Of the C library: each thread keeps up to 7 pieces of each size up to 1032 bytes, which it hands
# out again before all others and does not overwrite.
_CACHED_SIZES, _N_CACHED = range(24, 1033, 16), 7
_BATCH = 4096


def _function(name: str, result: Any, *arguments: Any) -> Callable[..., Any] | None:
    """A function of the C library; None where it has no such function."""
    try:
        found = ctypes.CDLL(None)[name]
    except (OSError, AttributeError, TypeError):
        return None
    found.restype, found.argtypes = result, arguments
    return found


_mallopt = _function("mallopt", ctypes.c_int, ctypes.c_int, ctypes.c_int)
_malloc_trim = _function("malloc_trim", ctypes.c_int, ctypes.c_size_t)
_malloc = _function("malloc", ctypes.c_void_p, ctypes.c_size_t)
_free = _function("free", None, ctypes.c_void_p)


def overwrite_on_free(on: bool = True) -> None:
    """Have the C library overwrite what it frees from now on; nothing where it cannot (not glibc).

    It costs a pass over each piece of memory that is taken or freed.
    """
    if _mallopt is not None:
        _mallopt(_M_PERTURB, _FREED if on else 0)


def overwrite_cached() -> None:
    """Overwrite the small pieces that the C library keeps for this thread; a millisecond."""
    if _malloc is None or _free is None or _mallopt is None:
        return
    for size in _CACHED_SIZES:
        pieces = [_malloc(size) for _ in range(_N_CACHED)]
        for piece in filter(None, pieces):
            ctypes.memset(piece, _FREED, size)
            _free(piece)


def release_memory(most: int = 2**24) -> None:
    """Break the circles that nobody refers to, overwrite what small objects have left, and give
    free memory back to the system; half a second of another thread's time.

    Args:
        most: free bytes of each size of small objects that are overwritten.
    """
    gc.collect()
    if not os.environ.get("PYTHONMALLOC", "").startswith("malloc"):  # as a site may have set it
        for size in range(_STEP, _LARGEST + 1, _STEP):
            _overwrite_small(size, most)
    overwrite_cached()
    if _malloc_trim is not None:
        _malloc_trim(0)


def set_program_aside() -> None:
    """Leave what is there now out of every later search for circles: it is the program, and stays.

    Streamlit searches after each run of a page, with the interpreter held; most of that time is
    spent on modules. To be called before there is any session: nothing that is there now, and in a
    circle, is ever freed.
    """
    gc.collect()
    gc.freeze()


def _overwrite_small(size: int, most: int) -> None:
    """Fill the free places of one size: they are taken before new memory is."""
    # A bytearray holds its content in a piece of its own; a ``bytes`` object of these sizes does
    # not exist.
    make, length = (bytearray, size - 1) if size <= _BYTES_HEADER else (bytes, size - _BYTES_HEADER)
    kept: list[list[bytes | bytearray]] = []
    for _ in range(max(1, most // size // _BATCH)):
        kept.append([make(length) for _ in range(_BATCH)])
        time.sleep(0)  # others may go on
