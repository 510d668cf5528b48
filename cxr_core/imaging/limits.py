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
# Of memory that a decoder fills: the largest films, of 16 bits, take about 0.9 GB.
MEMORY_BYTES = 2**30
WALL_SECONDS = 300
# GDCM's own process, where its computing time is limited and where it cannot be.
GDCM_WALL_SECONDS = 600 if HAS_CPU_LIMIT else 120


@dataclass(frozen=True)
class Limits:
    """What one film may cost in a process of its own.

    Attributes:
        cpu_seconds: of computing; the system counts whole seconds.
        memory_bytes: that the process fills, its program included.
        wall_seconds: from the moment it has the film.
    """

    cpu_seconds: int = CPU_SECONDS
    memory_bytes: int = MEMORY_BYTES
    wall_seconds: float = WALL_SECONDS


# The signal that ends a process at its limit of computing time; Windows has neither.
SIGXCPU = int(getattr(signal, "SIGXCPU", 24))
