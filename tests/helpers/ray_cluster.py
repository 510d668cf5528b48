"""A Ray cluster of several machines, as far as one machine can be several: one of them can end."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_STORE = 100 * 2**20  # bytes of each machine's store of objects
_STARTS = 5  # of one machine: a busy one may not be ready in the time that Ray gives it


@contextmanager
def two_workers() -> Iterator[tuple[Any, list[Any]]]:
    """A head without cores and two workers of one core each: the cluster, and the two."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    cluster = Cluster()
    try:
        _patiently(cluster, num_cpus=0)
        yield cluster, [_patiently(cluster, num_cpus=1) for _ in range(2)]
    finally:
        cluster.shutdown()


def _patiently(cluster: Any, num_cpus: int) -> Any:
    for left in reversed(range(_STARTS)):
        try:
            return cluster.add_node(num_cpus=num_cpus, object_store_memory=_STORE)
        except Exception:  # a plain one is raised where a machine is late
            if not left:
                raise
    raise AssertionError
