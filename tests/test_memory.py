"""What was freed is overwritten, so that nothing of a patient stays in it."""

import gc
import subprocess
import sys
import weakref

import pytest

from cxr_core.memory import set_program_aside
from tests.helpers import ROOT

# In a process of its own: it looks for a word in all of its memory.
_LOOK = """
import os
from cxr_core.memory import overwrite_on_free, release_memory
from tests.helpers.process_memory import memory_hits

word = os.urandom(8).hex().encode()
hits = lambda: memory_hits(os.getpid(), [word])[word]
overwrite_on_free()
before = hits()
large = [bytes(2000) + word for _ in range(100)]
del large
freed_large = hits() - before
small = [b"%d" % n + word for n in range(500)]
del small
freed_small = hits() - before
release_memory()
print(freed_large, freed_small, hits() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc and needs glibc")
def test_what_was_freed_is_overwritten() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _LOOK], cwd=ROOT, capture_output=True, text=True, check=True
    )
    freed_large, freed_small, left = map(int, ended.stdout.split())
    assert freed_large <= 1  # as it was freed
    assert freed_small > 100  # else there was nothing to overwrite
    assert left <= 1


def test_what_was_set_aside_is_not_searched_and_what_comes_later_is() -> None:
    class Node:
        def __init__(self) -> None:
            self.own = self

    before = Node()
    set_program_aside()
    try:
        assert not any(one is before for one in gc.get_objects())
        gone = weakref.ref(Node())
        assert gone() is not None
        gc.collect()
        assert gone() is None
    finally:
        gc.unfreeze()
