"""A Ray cluster of several machines, as far as one machine can be several: one of them can end."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_STORE = 100 * 2**20  # bytes of each machine's store of objects
_STARTS = 5  # a busy machine may not be ready in the time that Ray gives it


@contextmanager
def two_workers() -> Iterator[tuple[Any, list[Any]]]:
    """A head without cores and two workers of one core each: the cluster, and the two."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    cluster, workers = _started()
    try:
        yield cluster, workers
    finally:
        cluster.shutdown()


def _started() -> tuple[Any, list[Any]]:
    from ray.cluster_utils import Cluster

    node: dict[str, Any] = {"object_store_memory": _STORE, "include_dashboard": False}
    for left in reversed(range(_STARTS)):
        cluster = Cluster()
        try:
            return cluster, [cluster.add_node(num_cpus=cores, **node) for cores in (0, 1, 1)][1:]
        except Exception:  # a plain one is raised where a machine is late
            cluster.shutdown()
            if not left:
                raise
    raise AssertionError
