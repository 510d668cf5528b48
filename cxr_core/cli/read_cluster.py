"""Films to rows on a Ray cluster (extra ``cluster``): the reader of one machine, on many.

Ray Data hands blocks of films to actors with an engine each, starts those anew whose process or
machine ended, and gives them their block again. Rows come back here, where the files are written
and the audit log is kept; so a block that is read twice is written once.
"""

import json
import logging
import os
import pickle
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

from cxr_core.audit.log import AUDIT_ENV_VAR
from cxr_core.cli.read_rows import AuditTrail, iter_blocks
from cxr_core.errors import CheckpointError, ConfigError, CXRError, EngineError
from cxr_core.evaluation.cutoffs import Setting
from cxr_core.evaluation.model_facts import read_model_facts_if_usable
from cxr_core.export.results_csv import Row, failed_row
from cxr_core.export.shards import Block
from cxr_core.model.metadata import load_metadata
from cxr_core.reading.analyzer import load_analyzer
from cxr_core.reading.approved import require_approved, require_approved_files
from cxr_core.reading.archive import FilmOpener, FilmPlace
from cxr_core.version import VERSION

# So many blocks are with Ray at a time: what is listed ahead stays bounded, and after each the
# readers are as many as the cluster has room for then.
WAVE_BLOCKS = 200
_ATTEMPTS = 5  # at a block whose reader's process or machine ends; Ray itself would never stop
_STARTS = 3  # of a cluster of one's own: a busy machine may not be ready in the time Ray gives it
_OWN_SETTINGS = "CXR_"  # variables that a reader has to have as this process has them
# What Ray tells of an error is a traceback, a chain of further ones, and advice.
_CHAINED = re.compile(r"\n\n(?:The above exception was|During handling of the above)")
_ERROR_LINE = re.compile(r"^[\w.]*(?:Error|Exception|Interrupt|Exit): \S.*", re.MULTILINE)


class Attempts:
    """How often each block was begun: an actor of its own, which outlives the readers.

    Were its own process to end, it would begin again at nothing: a block has a few attempts more.
    """

    def __init__(self) -> None:
        self._begun: Counter[str] = Counter()

    def begin(self, name: str) -> int:
        """Count an attempt at the block of this name, and say which it is."""
        self._begun[name] += 1
        return self._begun[name]


class Reader:
    """One engine and its decoders, in a process of the cluster."""

    def __init__(self, version: str, files: Any, attempts: Any, options: dict[str, Any]) -> None:
        """Load the model. Where that cannot be, each block is answered with the reason.

        Args:
            version: of the program that asks.
            files: reference to the model folder's files, bytes by name.
            attempts: the actor that counts them.
            options: ``workers``, ``setting``, ``correction``, and ``environment``.
        """
        self._options = {name: value for name, value in options.items() if name != "environment"}
        self._attempts, self._opener = attempts, FilmOpener()
        self._reason = b""
        try:
            self._load(version, files, options["environment"])
        except CXRError as error:  # raised here, it would reach nobody but as a traceback of Ray's
            self._reason = pickle.dumps(error)

    def _load(self, version: str, files: Any, environment: dict[str, str]) -> None:
        import ray

        if version != VERSION:
            raise ConfigError(
                "A machine of the cluster has another version of this program",
                value=f"{VERSION}, and {version} asks",
                remedy="Install the same one on all machines.",
            )
        os.environ.update(environment)
        with tempfile.TemporaryDirectory() as folder:
            for name, data in ray.get(files).items():
                (Path(folder) / name).write_bytes(data)
            self._analyzer = load_analyzer(folder)
            self._facts = read_model_facts_if_usable(Path(folder), self._analyzer.metadata)

    def __call__(self, item: dict[str, Any]) -> dict[str, Any]:
        """The rows of one block of films, both as JSON; or why this machine reads none, pickled."""
        import ray

        if self._reason:
            return {"name": item["name"], "rows": "", "reason": self._reason}
        films = tuple(FilmPlace(*cells) for cells in json.loads(item["films"]))
        if ray.get(self._attempts.begin.remote(item["name"])) > _ATTEMPTS:
            model = self._analyzer.metadata.model_sha256
            rows = [_lost_row(film, model) for film in films]
        else:
            ((_, rows),) = iter_blocks(
                self._analyzer, [Block(item["name"], films)], opener=self._opener,
                facts=self._facts, **self._options,
            )  # fmt: skip
        return {"name": item["name"], "rows": json.dumps(rows), "reason": b""}


def iter_blocks_on_ray(
    blocks: Iterable[Block],
    *,
    address: str,
    model: Path,
    cores: int,
    setting: Setting,
    correction: str | None,
    trail: AuditTrail | None,
) -> Iterator[tuple[Block, list[Row]]]:
    """The blocks with their rows, in the order in which they are done.

    Args:
        address: of the cluster; ``local`` for one that is started here and ends with the reading.
        model: its folder, which is sent to the readers.
        cores: of each reader, which decodes as many films at once.

    Raises:
        ConfigError: Ray is not installed, or the cluster cannot be reached, or has no room, or a
            machine of it has another version of the program.
        CheckpointError: the model cannot be read with.
        EngineError: the cluster cannot go on, what was written stays for ``--resume``; or a machine
            of it has not the engine that is asked for.
    """
    if find_spec("ray") is None:
        raise ConfigError(
            "Reading on a cluster needs a package that is not installed",
            value="ray",
            remedy="Install requirements-cluster.lock, or the package's extra `cluster`, on every "
            "machine.",
        )
    model_sha256 = load_metadata(model).model_sha256
    require_approved_files(model)
    require_approved(model_sha256, model)
    # Ray would send statistics to its makers, and its own process lines to the terminal. It is told
    # before its first import.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    import ray
    import ray.data

    _quieten(ray)
    try:
        _connect(ray, address)
        options = {
            "workers": cores, "setting": setting, "correction": correction,
            "environment": _environment(),
        }  # fmt: skip
        arguments = (VERSION, ray.put(_files(model)), _count_attempts(ray), options)
        pending = iter(blocks)
        while wave := list(islice(pending, WAVE_BLOCKS)):
            for block, rows in _read_wave(ray, wave, cores, arguments):
                if trail is not None:
                    for row in rows:
                        trail.row(row, read=True)
                yield block, rows
    finally:
        ray.shutdown()


def _quieten(ray: Any) -> None:
    """Leave the terminal to the program; Ray keeps logs of its own."""
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False


def _connect(ray: Any, address: str) -> None:
    own = address == "local"
    here: dict[str, Any] = {"include_dashboard": False} if own else {}
    for left in reversed(range(_STARTS if own else 1)):
        try:
            ray.init(address, log_to_driver=False, logging_level=logging.CRITICAL, **here)
            return
        except Exception as error:  # Ray raises plain ones too
            if not left:
                raise ConfigError(
                    f"The Ray cluster cannot be reached or started ({error})",
                    value=address,
                    remedy="Start it with `ray start --head`, and give auto or its HOST:PORT.",
                ) from error


def _count_attempts(ray: Any) -> Any:
    """The actor that counts, on this machine: any other may end, and this one's end is all's."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = ray.get_runtime_context().get_node_id()
    return (
        ray.remote(Attempts)
        .options(
            num_cpus=0,
            max_restarts=-1,
            max_task_retries=-1,
            scheduling_strategy=NodeAffinitySchedulingStrategy(here, soft=False),
        )
        .remote()
    )


def _environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith(_OWN_SETTINGS) and name != AUDIT_ENV_VAR
    }


def _files(folder: Path) -> dict[str, bytes]:
    """What reading takes of a model folder, and what its hash is of (``reading.approved``)."""
    try:
        return {
            path.name: path.read_bytes()
            for path in folder.iterdir()
            if path.is_file() and not path.name.startswith(".")
        }
    except OSError as error:
        raise CheckpointError(
            f"The model folder cannot be read ({error.strerror})",
            value=folder,
            remedy="Check the path, and that its files may be read.",
        ) from error


def _read_wave(
    ray: Any, wave: list[Block], cores: int, arguments: tuple[Any, ...]
) -> Iterator[tuple[Block, list[Row]]]:
    readers = int(ray.cluster_resources().get("CPU", 0)) // cores
    if readers < 1:
        raise ConfigError(
            "No machine of the cluster has room for a reader",
            value=f"{cores} cores for each",
            remedy="Give fewer with --jobs.",
        )
    items = [{"name": block.name, "films": json.dumps(block.films)} for block in wave]
    dataset = ray.data.from_items(items, override_num_blocks=len(items)).map(
        Reader,
        fn_constructor_args=arguments,
        compute=ray.data.ActorPoolStrategy(size=min(readers, len(wave))),
        num_cpus=cores,
    )
    left = {block.name: block for block in wave}
    try:
        for item in dataset.iter_rows():
            # A block that comes twice is told of once.
            if item["reason"]:
                raise pickle.loads(item["reason"])
            if (block := left.pop(item["name"], None)) is not None:
                yield block, json.loads(item["rows"])
    except CXRError:
        raise
    except Exception as error:  # Ray raises plain ones too
        raise _ended_error(first_cause(error)) from error
    if left:
        raise _ended_error(f"{len(left)} blocks of films did not come back")


def first_cause(error: Exception) -> str:
    """What first went wrong, of all that Ray tells of it."""
    told = _CHAINED.split(str(error))[0].strip()
    causes = _ERROR_LINE.findall(told)
    cause = causes[-1] if causes else (told.splitlines() or [type(error).__name__])[0]
    return cause.rstrip(".")


def _ended_error(value: str) -> EngineError:
    return EngineError(
        "The Ray cluster cannot go on",
        value=value,
        remedy="See its logs, then go on with --resume.",
    )


def _lost_row(film: FilmPlace, model_sha256: str) -> Row:
    reason = (
        f"The reader of this block of films ended {_ATTEMPTS} times. Run it again with --resume, "
        "or read the film on its own."
    )
    return failed_row(film.number, film.name, reason, model_sha256=model_sha256)
