"""Parquet, as pandas, pyarrow and Hugging Face's datasets write it, read in a process with limits.

What a file says of its own size binds nobody: a text that stands once in its dictionary can be the
cell of every row, and a page's header can state any length. So it is parsed where it can fill no
more memory and compute no longer than a table may, and what comes back is text, of a length that
is known before it is taken.
"""

import json
import re
import threading
from collections.abc import Mapping
from typing import Any

import pandas as pd

from cxr_core.errors import DataError, ImageError
from cxr_core.evaluation.list_cells import (
    INDEX,
    MAX_BYTES,
    parse_json,
    require_size,
    take_lists_apart,
    too_large,
    unique_names,
)
from cxr_core.imaging.limits import Limits
from cxr_core.imaging.workers.message import Header, MessageError, Receive
from cxr_core.imaging.workers.serve import Message, serve
from cxr_core.imaging.workers.worker import (
    IS_SUPPORTED,
    DecodeWorker,
    DecodingStoppedError,
    WorkerGoneError,
)

LIMITS = Limits(cpu_seconds=60, memory_bytes=2 * 2**30)
_KIND = "table"
_COSTS = {
    "cpu": ("takes too much computing", f"more than {LIMITS.cpu_seconds} s"),
    "memory": ("takes too much memory", f"more than {LIMITS.memory_bytes // 2**20:,} MB"),
    "wall": ("took too long to read", f"more than {LIMITS.wall_seconds:g} s"),
}
_one_at_a_time = threading.Lock()  # each may fill much memory


def read_parquet(data: bytes, limits: Limits = LIMITS) -> tuple[pd.DataFrame, list[str]]:
    """A Parquet file's cells.

    Args:
        limits: of the process that reads it. Where the system has no such process (Windows), only
            what the file says of its size is held against what is read.

    Returns:
        cells as ``str``, "" where missing, with unique column names; and whole sentences on how it
        was read.

    Raises:
        DataError: it cannot be read, is too large, or costs more than the limits.
    """
    if not IS_SUPPORTED:
        return parse_parquet(data)
    with _one_at_a_time:
        try:
            process = DecodeWorker(limits, module=__name__)
        except OSError as error:
            raise _not_started(error.strerror) from error
        try:
            process.submit(data)
            return process.answer(_KIND, _table_of)
        except WorkerGoneError as error:
            raise _not_started("somebody ended it") from error
        except DecodingStoppedError as error:
            problem, value = _COSTS.get(error.cause, ("cannot be read", error.value))
            raise DataError(
                f"The Parquet file {problem}",
                value=value,
                remedy="Write it again, or give image, labels and scores as CSV.",
            ) from error
        except ImageError as error:  # in the words of the DataError there
            raise DataError(error.problem, value=error.value, remedy=error.remedy) from error
        finally:
            process.kill()


def _not_started(why: str | None) -> DataError:
    return DataError(
        "The process that reads Parquet files could not be started",
        value=why,
        remedy="Open the table again in a while, or give it as CSV.",
    )


def main(cpu_seconds: int, memory_bytes: int) -> None:
    """Of the process: parse what comes."""
    serve(lambda n_bytes: cpu_seconds, memory_bytes, _message)


def _message(data: bytes) -> Message:
    cells, said = parse_parquet(data)
    columns = [cells[name].tolist() for name in cells]
    table = {"names": list(cells), "columns": columns, "said": said}
    text = json.dumps(table, ensure_ascii=False).encode()
    if len(text) > MAX_BYTES:
        raise too_large()
    return {"kind": _KIND, _KIND: {"size": len(text)}}, [memoryview(text)]


def _table_of(header: Header, receive: Receive) -> tuple[pd.DataFrame, list[str]]:
    """What ``_message`` was made of; nothing is believed that another program could have sent."""
    try:
        size = int(header["size"])
        if not 0 < size <= MAX_BYTES:
            raise ValueError(size)
        text = bytearray(size)
        receive(memoryview(text))
        sent = json.loads(text)
        names, columns, said = sent["names"], sent["columns"], sent["said"]
        texts = [*names, *said, *(cell for column in columns for cell in column)]
        if not all(isinstance(one, str) for one in texts) or len(set(names)) != len(names):
            raise TypeError("no texts")
        cells = {
            name: pd.Series(column, dtype="str")
            for name, column in zip(names, columns, strict=True)
        }
        if len({len(column) for column in columns}) > 1:
            raise ValueError("columns of different lengths")
        return pd.DataFrame(cells), said
    except (KeyError, TypeError, ValueError) as error:
        raise MessageError(f"a table that is none: {type(error).__name__}") from error


def parse_parquet(data: bytes) -> tuple[pd.DataFrame, list[str]]:
    """As ``read_parquet``, in this process and without its limits."""
    import pyarrow as pa  # late: only these tables need it
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        size = sum(
            file.metadata.row_group(k).total_byte_size for k in range(file.metadata.num_row_groups)
        )
        require_size(file.metadata.num_rows, len(file.schema_arrow.names), size)
        names = [one.name for one in file.schema_arrow if not _is_binary(one.type)]
        table = file.read(columns=names, use_threads=False)
        while any(pa.types.is_struct(one.type) for one in table.schema):
            table = table.flatten()  # image -> image.bytes, image.path
            table = table.select([one.name for one in table.schema if not _is_binary(one.type)])
        rows = table.to_pandas(ignore_metadata=True, use_threads=False)
        classes = _class_names(file.schema_arrow.metadata or {})
    except (pa.ArrowException, OSError, ValueError, KeyError, OverflowError) as error:
        cause = " ".join(str(error).split())[:200]
        raise DataError(
            "The Parquet file cannot be read",
            value=f"{len(data):,} bytes ({cause})",
            remedy="Write it again, or give the table as CSV.",
        ) from error
    rows.columns = unique_names(
        [re.sub(r"^__index_level_\d+__$", INDEX, str(name)) for name in rows]
    )
    said: list[str] = []
    return take_lists_apart(rows, classes, said), said


def _is_binary(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _class_names(metadata: Mapping[bytes, bytes]) -> dict[str, list[str]]:
    """Names of the classes of a column, as Hugging Face's datasets keep them in the schema."""
    try:
        features = parse_json(metadata[b"huggingface"])["info"]["features"]
        found = {}
        for name, feature in features.items():
            inner = feature.get("feature", feature)
            if inner.get("_type") == "ClassLabel":
                found[str(name)] = [str(one) for one in inner["names"]]
        return found
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}  # no dataset of theirs, or one that does not name its classes
