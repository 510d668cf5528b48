"""One run from tables and images to a model folder: gather, balance, fit, finish."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from cxr_core.config import Preprocessing
from cxr_core.data.csv_files import first_few
from cxr_core.errors import TrainingError
from cxr_core.files import remove_temporary_files
from cxr_core.findings import KEYS, LABEL_COLUMNS
from cxr_core.model.architectures import build_model, require_architecture
from cxr_core.model.checkpoint import WEIGHTS_FILE, load_weights
from cxr_core.model.network import ChestNetwork
from cxr_core.training.config import TrainConfig, differences
from cxr_core.training.dataset import (
    DatasetPaths,
    FilmDataset,
    TrainingSet,
    load_dataset,
    make_loaders,
    prepare_training_set,
)
from cxr_core.training.device import Accelerator, select_accelerator
from cxr_core.training.distillation import (
    Teachers,
    load_teacher,
    save_auxiliary_head,
)
from cxr_core.training.distributed import Distributed
from cxr_core.training.finalize import FinalizeContext, RunResult, finalize
from cxr_core.training.initial_weights import (
    init_network,
    resolve_initial_weights,
)
from cxr_core.training.loop import SAVE_INTERVAL_SECONDS, RunLocation, fit
from cxr_core.training.run_record import (
    CONFIG_FILE,
    read_device_name,
    read_fingerprint,
    read_initial_weights,
    read_run_config,
    write_run_config,
)
from cxr_core.training.state import RESUME_FILE
from cxr_core.training.trainer import AUXILIARY_PREFIX, SINGLE_PROCESS, Trainer

logger = logging.getLogger(__name__)


# Whether what is given now is what a run was started with, and if not, what differs.


def check_same_run(folder: Path, config: TrainConfig, films: FilmDataset) -> None:
    """Refuse to continue or finish a run with other settings or other films.

    Raises:
        TrainingError: what differs, with both values or with the films.
    """
    changed = differences(read_run_config(folder), config)
    found = [f"{name} was {was} and is {now}" for name, (was, now) in changed.items()]
    if read_fingerprint(folder) != films.fingerprint:
        found.append(_describe_dataset_change(folder / "split.csv", films.table))
    if found:
        raise TrainingError(
            f"The run in {folder} was started with other settings or data",
            value="; ".join(found),
            remedy="Give the same settings, films and split, or use another --out.",
        )


def _describe_dataset_change(path: Path, table: pd.DataFrame) -> str:
    """In words, by comparing the run's own ``split.csv`` with the films of now."""
    if not path.is_file():
        return "the films differ (the run's split.csv, which would tell how, is missing)"
    columns = ["image", "patient", "split", *LABEL_COLUMNS]
    before = pd.read_csv(path, dtype=str)[columns].set_index("image")
    now = table[columns].astype(str).set_index("image")
    found = list(_added_and_removed(before.index, now.index))
    both = before.index.intersection(now.index)
    for name in columns[1:]:
        other = both[(before.loc[both, name] != now.loc[both, name]).to_numpy()]
        if len(other):
            found.append(f"{name} has changed for {len(other):,} films ({first_few(other)})")
    if not found and list(before.index) != list(now.index):
        found.append("the films are in another order")
    return "; ".join(found) or "the pixels of the films have changed"


def _added_and_removed(before: Iterable[str], now: Iterable[str]) -> Iterator[str]:
    gone, new = set(before) - set(now), set(now) - set(before)
    if gone:
        yield f"{len(gone):,} films of the run are missing ({first_few(gone)})"
    if new:
        yield f"{len(new):,} films are new ({first_few(new)})"


@dataclass(frozen=True)
class RunOptions:
    """How a run is carried out; nothing here decides what comes out of it.

    Attributes:
        resume: continue where the run was left.
        finalize_only: keep the weights, redo calibration, operating points, tables and card.
        skip_test: leave the test part unread, for a trial among others; no card is written.
            ``finalize_only`` reads it later.
        save_interval_seconds: the state is saved after each epoch, and within one this often.
        progress: show bars.
    """

    resume: bool = False
    finalize_only: bool = False
    skip_test: bool = False
    save_interval_seconds: float = SAVE_INTERVAL_SECONDS
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
    require_architecture(config.architecture)
    started = _run_exists(folder, distributed)
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
            f"This run has ended, and the {RESUME_FILE} to resume from is missing",
            value=folder,
            remedy="Redo its evaluation with --finalize, or train its weights further with "
            "--weights and another --out.",
        )
    with distributed.main_process_first():
        films = load_dataset(paths, config, progress=options.progress and distributed.is_main)
    for line in films.report_lines:
        logger.info("%s", line)
    _require_same_dataset(films, distributed)
    if started:
        check_same_run(folder, config, films)
    initial_weights = read_initial_weights(folder) if started else None
    initial_weights = initial_weights or resolve_initial_weights(config, films)
    training_sets = {px: prepare_training_set(config, films, px) for px in config.stage_sizes}
    if distributed.is_main:
        folder.mkdir(parents=True, exist_ok=True)
        remove_temporary_files(folder)
        films.write_tables(folder)
    if options.finalize_only:
        model = load_weights(folder, config.architecture)
    else:
        accelerator = select_accelerator(config.precision)
        if distributed.is_main:
            device_name = (
                f"{accelerator}, {distributed.world_size} processes"
                if distributed.world_size > 1
                else str(accelerator)
            )
            write_run_config(
                folder,
                config,
                initial_weights,
                fingerprint=films.fingerprint,
                device_name=device_name,
            )
        model = _fit(
            config,
            films,
            initial_weights.preprocessing,
            training_sets,
            accelerator,
            folder,
            options,
            distributed,
        )
    context = FinalizeContext(
        config=config,
        initial_weights=initial_weights,
        balance=_largest(training_sets).balance_counts,
        device_name=read_device_name(folder),
        weights_are_new=not options.finalize_only,
        skip_test=options.skip_test,
        other_films=paths.other_films,
        distributed=distributed,
        progress=options.progress and distributed.is_main,
    )
    return finalize(folder, model, films, context)


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
    teachers = [load_teacher(Path(name)) for name in config.teachers]
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
    location = RunLocation(folder, identity, options.resume, options.save_interval_seconds)
    state = fit(trainer, loaders, location, progress=options.progress)
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
