"""One run from tables and images to a model folder: gather, balance, fit, finish."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from cxr_core.config import Preprocessing
from cxr_core.errors import TrainingError
from cxr_core.evaluation.run_folder import HISTORY_FILE, SPLIT_FILE
from cxr_core.files import remove_temporary_files
from cxr_core.findings import KEYS
from cxr_core.model.architectures import build_model
from cxr_core.model.checkpoint import load_weights
from cxr_core.model.folder import WEIGHTS_FILE
from cxr_core.model.network import ChestNetwork
from cxr_core.training.config import TrainConfig
from cxr_core.training.dataset import REJECTED_FILE, DatasetPaths, FilmDataset, decode_tables
from cxr_core.training.device import Accelerator, select_accelerator
from cxr_core.training.distillation import Teacher, Teachers, save_auxiliary_head
from cxr_core.training.distributed import Distributed
from cxr_core.training.finalize import FinalizeContext, RunResult, finalize
from cxr_core.training.initial_weights import (
    InitialWeights,
    init_network,
    lineage_of,
    resolve_initial_weights,
)
from cxr_core.training.lineage import (
    LINEAGE_FILE,
    has_lineage,
    make_lineage,
    unknown_ancestors,
    write_lineage,
)
from cxr_core.training.logs import open_logs, require_logs
from cxr_core.training.loop import SAVE_INTERVAL_SECONDS, RunLocation, fit
from cxr_core.training.preflight import preflight
from cxr_core.training.run_lock import hold_run_folder
from cxr_core.training.run_paths import PATHS_FILE, write_run_paths
from cxr_core.training.run_record import (
    CONFIG_FILE,
    read_device_name,
    read_initial_weights,
    read_threads,
    write_run_config,
)
from cxr_core.training.same_run import GROWING, check_same_films, check_same_settings
from cxr_core.training.state import RESUME_FILE
from cxr_core.training.threads import batch_timer, choose_threads, require_threads, use_threads
from cxr_core.training.trainer import AUXILIARY_PREFIX, SINGLE_PROCESS, Trainer
from cxr_core.training.training_set import TrainingSet, make_loaders, prepare_training_set

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunOptions:
    """How a run is carried out; nothing here decides what comes out of it.

    Attributes:
        resume: continue where the run was left.
        finalize_only: keep the weights, redo calibration, operating points, tables and card.
        skip_test: leave the test part unread, for a trial among others; no card is written.
            ``finalize_only`` reads it later.
        skip_gate: fit no input check, for a step that only the next one uses.
        save_interval_seconds: the state is saved after each epoch, and within one this often.
        threads: of PyTorch's; None for those that the resumed run had, or all.
        measure_threads: without a number, time a batch and take fewer where that is faster.
        logs: tools that are told of each epoch too, of ``logs.LOGS``.
        command: the words the run was started with, to be kept beside its paths.
        progress: show bars.
    """

    resume: bool = False
    finalize_only: bool = False
    skip_test: bool = False
    skip_gate: bool = False
    save_interval_seconds: float = SAVE_INTERVAL_SECONDS
    threads: int | None = None
    measure_threads: bool = False
    logs: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    progress: bool = False


def run(
    config: TrainConfig,
    paths: DatasetPaths,
    folder: Path,
    options: RunOptions | None = None,
    *,
    distributed: Distributed = SINGLE_PROCESS,
) -> RunResult | None:
    """Train, or only redo what comes after the fit.

    Args:
        folder: the run folder; it must not hold another run unless resumed or finished.
        distributed: the processes that do this together; only its leader writes.

    Returns:
        None in the processes of a team that do not lead.

    Raises:
        CXRError: settings, data, weights or a state that cannot be used.
    """
    options = options or RunOptions()
    require_threads(options.threads)
    require_logs(options.logs)
    with hold_run_folder(folder, distributed):
        return _run_held(config, paths, folder, options, distributed)


def _run_held(
    config: TrainConfig,
    paths: DatasetPaths,
    folder: Path,
    options: RunOptions,
    distributed: Distributed,
) -> RunResult | None:
    """``run`` in a folder that no other run is writing to."""
    started = _run_exists(folder, distributed)
    _require_command_fits(folder, options, started=started)
    if started:
        check_same_settings(folder, config, resume=options.resume)
    trains = not options.finalize_only
    starts = trains and not (options.resume and (folder / RESUME_FILE).exists())
    with distributed.main_process_first():
        checked = preflight(config, paths, trains=trains, starts=starts)
        films = decode_tables(
            checked.tables, paths, config, progress=options.progress and distributed.is_main
        )
    for line in films.report_lines:
        logger.info("%s", line)
    _require_same_dataset(films, distributed)
    if started:
        check_same_films(folder, films)
    initial_weights = read_initial_weights(folder) if started else None
    initial_weights = initial_weights or resolve_initial_weights(config, films)
    training_sets = {px: prepare_training_set(config, films, px) for px in config.stage_sizes}
    accelerator = select_accelerator(config.precision)
    recorded = read_threads(folder) if started else None
    threads = _choose_threads(config, options, recorded, accelerator, distributed)
    with _leave_nothing_unbegun(folder, distributed, new=not started), use_threads(threads):
        if distributed.is_main:
            folder.mkdir(parents=True, exist_ok=True)
            remove_temporary_files(folder)
            films.write_tables(folder)
            write_run_paths(folder, paths, options.command)
            _keep_lineage(folder, config, films, initial_weights, started=started)
            if trains:
                write_run_config(
                    folder,
                    config,
                    initial_weights,
                    fingerprint=films.fingerprint,
                    device_name=_device_name(accelerator, distributed),
                    threads=threads,
                )
        if trains:
            model = _fit(
                config,
                films,
                initial_weights.preprocessing,
                training_sets,
                checked.teachers,
                accelerator,
                folder,
                options,
                distributed,
            )
        else:
            model = load_weights(folder, config.architecture)
        context = FinalizeContext(
            config=config,
            initial_weights=initial_weights,
            balance=_largest(training_sets).balance_counts,
            device_name=read_device_name(folder),
            weights_are_new=trains,
            skip_test=options.skip_test,
            skip_gate=options.skip_gate,
            other_films=paths.other_films,
            distributed=distributed,
            progress=options.progress and distributed.is_main,
        )
        result = finalize(folder, model, films, context)
    if distributed.is_main and not options.skip_test:
        # All that it could lead to has been written; a trial may still be made longer.
        (folder / RESUME_FILE).unlink(missing_ok=True)
    return result


def _require_command_fits(folder: Path, options: RunOptions, *, started: bool) -> None:
    """Refuse to begin where there is a run, and to go on where there is nothing to go on from."""
    if started and not (options.resume or options.finalize_only):
        raise TrainingError(
            "There is already a run in this folder",
            value=folder,
            remedy=(
                "Continue it with --resume, redo its evaluation with --finalize, or use another "
                "--out."
            ),
        )
    if options.resume and (folder / WEIGHTS_FILE).exists() and not (folder / RESUME_FILE).exists():
        raise TrainingError(
            f"This run has ended, and there is no {RESUME_FILE} any more to resume from",
            value=folder,
            remedy="Redo its evaluation with --finalize, or train its weights further with "
            "--weights and another --out.",
        )


@contextmanager
def _leave_nothing_unbegun(folder: Path, distributed: Distributed, *, new: bool) -> Iterator[None]:
    """Take away what a run wrote that failed before anything was worth keeping, so that the
    corrected command finds the folder as it was."""
    try:
        yield
    except BaseException:
        kept = (RESUME_FILE, HISTORY_FILE, WEIGHTS_FILE)
        if new and distributed.is_main and not any((folder / name).exists() for name in kept):
            for name in (CONFIG_FILE, PATHS_FILE, LINEAGE_FILE, SPLIT_FILE, REJECTED_FILE):
                (folder / name).unlink(missing_ok=True)
        raise


def _keep_lineage(
    folder: Path,
    config: TrainConfig,
    films: FilmDataset,
    initial_weights: InitialWeights,
    *,
    started: bool,
) -> None:
    """Write ``lineage.json`` once; of a run of an earlier version only names are left."""
    if not started:
        write_lineage(folder, lineage_of(config, films.table))
    elif not has_lineage(folder):
        ancestors = unknown_ancestors(initial_weights.source, config.teachers)
        write_lineage(folder, replace(make_lineage(films.table, []), ancestors=ancestors))


def _device_name(accelerator: Accelerator, distributed: Distributed) -> str:
    if distributed.world_size > 1:
        return f"{accelerator}, {distributed.world_size} processes"
    return str(accelerator)


def _choose_threads(
    config: TrainConfig,
    options: RunOptions,
    recorded: int | None,
    accelerator: Accelerator,
    distributed: Distributed,
) -> int:
    """Measured only where they matter and one process has the machine."""
    on_cpu, alone = accelerator.device.type == "cpu", distributed.world_size == 1
    measures = options.measure_threads and on_cpu and alone and not options.finalize_only
    needed = measures and options.threads is None and recorded is None
    recorded = recorded if alone and not options.finalize_only else None
    timer = batch_timer(config, accelerator) if needed else None
    return choose_threads(options.threads, recorded, timer)


def _run_exists(folder: Path, distributed: Distributed) -> bool:
    """Whether there is a run in ``folder`` already; all processes have to see the same."""
    found = distributed.all_gather((folder / CONFIG_FILE).exists())
    if len(set(found)) > 1:
        raise TrainingError(
            "Only some of the processes see the run in this folder",
            value=f"{folder}, {sum(found)} of {len(found)} processes",
            remedy="Put --out on a disk that all machines share.",
        )
    return found[0]


def _require_same_dataset(films: FilmDataset, distributed: Distributed) -> None:
    fingerprints = distributed.all_gather(films.fingerprint)
    if len(set(fingerprints)) > 1:
        raise TrainingError(
            "The processes do not see the same films",
            value=", ".join(sorted({text[:12] for text in fingerprints})),
            remedy="Give every machine the same tables, images and split.",
        )


def _fit(
    config: TrainConfig,
    films: FilmDataset,
    preprocessing: Preprocessing,
    training_sets: dict[int, TrainingSet],
    teachers: list[Teacher],
    accelerator: Accelerator,
    folder: Path,
    options: RunOptions,
    distributed: Distributed,
) -> ChestNetwork:
    torch.manual_seed(config.seed)
    resuming = options.resume and (folder / RESUME_FILE).exists()
    network = init_network(replace(config, weights="none") if resuming else config)
    loaders = {
        px: make_loaders(config, films, preprocessing, training_set, accelerator, distributed)
        for px, training_set in training_sets.items()
    }
    for px, stage in loaders.items():
        logger.info(
            "At %d px: %d films and %d batches an epoch, %s, %d process(es).",
            *(px, stage.train.n_films, len(stage.train), accelerator, distributed.world_size),
        )
    batches = [len(loaders[config.epoch_px(epoch)].train) for epoch in range(config.epochs)]
    training_set = _largest(training_sets)
    identity: dict[str, Any] = {"data": films.fingerprint, **config.to_dict()}
    trainer = Trainer(
        network,
        config,
        accelerator,
        sum(batches),
        distributed=distributed,
        n_auxiliary=training_set.labels.shape[1] - len(KEYS),
        pos_weight=training_set.pos_weight,
        teachers=Teachers(teachers, preprocessing, accelerator) if teachers else None,
    )
    location = RunLocation(
        folder, identity, options.resume, options.save_interval_seconds, may_differ=GROWING
    )
    with open_logs(options.logs if distributed.is_main else (), folder) as log:
        state = fit(trainer, loaders, location, log=log, progress=options.progress)
    own = {name: value.cpu() for name, value in state.items()}
    auxiliary = {
        name.removeprefix(AUXILIARY_PREFIX): own.pop(name)
        for name in list(own)
        if name.startswith(AUXILIARY_PREFIX)
    }
    if auxiliary and distributed.is_main:
        save_auxiliary_head(folder, auxiliary)
    model = build_model(config.architecture)
    model.load_state_dict(own)
    return model.eval()


def _largest(training_sets: dict[int, TrainingSet]) -> TrainingSet:
    """Of the stage with most films."""
    return max(training_sets.values(), key=lambda training_set: len(training_set.rows))
