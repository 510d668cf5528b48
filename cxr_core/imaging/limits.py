"""How much one film may cost to decode. A damaged or hostile file costs that and no more.

Computing time is what counts: on a machine that is busy with other things an intact film may take
minutes. Waiting time is limited, too, for a decoder that computes nothing and never ends.
"""

import signal
from dataclasses import dataclass

try:
    import resource
except ImportError:  # Windows
    HAS_CPU_LIMIT = False
else:
    HAS_CPU_LIMIT = hasattr(resource, "RLIMIT_CPU")

# s of computing time. The largest films, 64 million pixels as JPEG 2000, take seven.
CPU_SECONDS = 10
# What a small file may take, and the bytes that give it a second more: a few kilobytes of JPEG-LS
# can keep their decoder in a loop without an end.
_FEW_SECONDS, _BYTES_A_SECOND = 2, 2**18
# Of memory that a decoder fills: the largest films, of 16 bits, take about 0.9 GB.
MEMORY_BYTES = 2**30
WALL_SECONDS = 300
# GDCM's own process, where its computing time is limited and where it cannot be.
GDCM_WALL_SECONDS = 600 if HAS_CPU_LIMIT else 120


def film_cpu_seconds(n_bytes: int, most: int = CPU_SECONDS) -> int:
    """Seconds of computing that a film of so many bytes may take, at most ``most``."""
    return min(most, _FEW_SECONDS + n_bytes // _BYTES_A_SECOND)


@dataclass(frozen=True)
class Limits:
    """What one film may cost in a process of its own.

    Attributes:
        cpu_seconds: of computing, for a small film less (``film_cpu_seconds``); the system counts
            whole seconds.
        memory_bytes: that the process fills, its program included.
        wall_seconds: from the moment it has the film.
    """

    cpu_seconds: int = CPU_SECONDS
    memory_bytes: int = MEMORY_BYTES
    wall_seconds: float = WALL_SECONDS


# The signal that ends a process at its limit of computing time; Windows has neither.
SIGXCPU = int(getattr(signal, "SIGXCPU", 24))
