"""One run from tables and images to a model folder: gather, balance, fit, finish."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from cxr_core.config import Preprocessing
from cxr_core.data.csv_files import examples
from cxr_core.errors import TrainingError
from cxr_core.files import remove_leavings
from cxr_core.findings import KEYS, LABEL_COLUMNS
from cxr_core.model.checkpoint import WEIGHTS_FILE, load_weights
from cxr_core.model.densenet import ChestDenseNet
from cxr_core.training.config import TrainConfig, differences
from cxr_core.training.dataset import (
    Films,
    Learning,
    Sources,
    gather,
    make_loaders,
    prepare_learning,
)
from cxr_core.training.device import Engine, choose_engine
from cxr_core.training.distributed import Team
from cxr_core.training.finalize import Ending, Finished, finish
from cxr_core.training.initial_weights import choose_start, starting_network
from cxr_core.training.loop import SECONDS_A_SAVE, Place, fit
from cxr_core.training.run_record import (
    CONFIG_FILE,
    read_config,
    read_engine,
    read_fingerprint,
    read_start,
    write_config,
)
from cxr_core.training.state import RESUME_FILE
from cxr_core.training.trainer import ALONE, Trainer

logger = logging.getLogger(__name__)


# Whether what is given now is what a run was started with, and if not, what differs.


def check_same_run(folder: Path, config: TrainConfig, films: Films) -> None:
    """Refuse to continue or finish a run with other settings or other films.

    Raises:
        TrainingError: what differs, with both values or with the films.
    """
    changed = differences(read_config(folder), config)
    found = [f"{name} was {was} and is {now}" for name, (was, now) in changed.items()]
    if read_fingerprint(folder) != films.fingerprint:
        found.append(_what_changed(folder / "split.csv", films.table))
    if found:
        raise TrainingError(
            f"The run in {folder} was started with other settings or data",
            value="; ".join(found),
            remedy="Give the same settings, films and split, or use another --out.",
        )


def _what_changed(path: Path, table: pd.DataFrame) -> str:
    """In words, by comparing the run's own ``split.csv`` with the films of now."""
    if not path.is_file():
        return "the films are others (the run's split.csv, which would tell which, is gone)"
    columns = ["image", "patient", "split", *LABEL_COLUMNS]
    before = pd.read_csv(path, dtype=str)[columns].set_index("image")
    now = table[columns].astype(str).set_index("image")
    found = list(_sets(before.index, now.index))
    both = before.index.intersection(now.index)
    for name in columns[1:]:
        other = both[(before.loc[both, name] != now.loc[both, name]).to_numpy()]
        if len(other):
            found.append(f"{name} is another for {len(other):,} films ({examples(other)})")
    if not found and list(before.index) != list(now.index):
        found.append("the films stand in another order")
    return "; ".join(found) or "the same films look different: their pixels have changed"


def _sets(before: Iterable[str], now: Iterable[str]) -> Iterator[str]:
    gone, new = set(before) - set(now), set(now) - set(before)
    if gone:
        yield f"{len(gone):,} films of the run are not here any more ({examples(gone)})"
    if new:
        yield f"{len(new):,} films are here that the run did not have ({examples(new)})"


@dataclass(frozen=True)
class Manner:
    """How a run is carried out; nothing here decides what comes out of it.

    Attributes:
        resume: continue where the run was left.
        finish_only: keep the weights, redo calibration, operating points, tables and card.
        hold_test: leave the test part unread, for a trial among others; no card is written.
            ``finish_only`` reads it later.
        seconds_a_save: the state is saved after each epoch, and within one this often.
        progress: show bars.
    """

    resume: bool = False
    finish_only: bool = False
    hold_test: bool = False
    seconds_a_save: float = SECONDS_A_SAVE
    progress: bool = False


def run(
    config: TrainConfig,
    sources: Sources,
    folder: Path,
    manner: Manner | None = None,
    *,
    team: Team = ALONE,
) -> Finished | None:
    """Train, or only redo what comes after the fit.

    Args:
        folder: the run folder; it must not hold another run unless resumed or finished.
        team: the processes that do this together; only its leader writes.

    Returns:
        None in the processes of a team that do not lead.

    Raises:
        CXRError: settings, data, weights or a state that cannot be used.
    """
    manner = manner or Manner()
    started = _started(folder, team)
    if started and not (manner.resume or manner.finish_only):
        raise TrainingError(
            "There is already a run in this folder",
            value=folder,
            remedy="Continue it with --resume, redo its end with --finish, or use another --out.",
        )
    if manner.resume and (folder / WEIGHTS_FILE).exists() and not (folder / RESUME_FILE).exists():
        raise TrainingError(
            f"This run has ended, and its {RESUME_FILE} to go on from is gone",
            value=folder,
            remedy="Redo its end with --finish, or take its weights further with --weights and "
            "another --out.",
        )
    with team.one_first():
        films = gather(sources, config, progress=manner.progress and team.leads)
    for line in films.report:
        logger.info("%s", line)
    _require_same_films(films, team)
    if started:
        check_same_run(folder, config, films)
    start = read_start(folder) if started else None
    start = start or choose_start(config, films)
    learning = prepare_learning(config, films)
    if team.leads:
        folder.mkdir(parents=True, exist_ok=True)
        remove_leavings(folder)
        films.write_tables(folder)
    if manner.finish_only:
        model = load_weights(folder)
    else:
        engine = choose_engine()
        if team.leads:
            described = f"{engine}, {team.size} processes" if team.size > 1 else str(engine)
            write_config(folder, config, start, fingerprint=films.fingerprint, engine=described)
        model = _fit(config, films, start.preprocessing, learning, engine, folder, manner, team)
    ending = Ending(
        config=config,
        start=start,
        balance=learning.counts,
        engine=read_engine(folder),
        fresh=not manner.finish_only,
        hold_test=manner.hold_test,
        team=team,
        progress=manner.progress and team.leads,
    )
    return finish(folder, model, films, ending)


def _started(folder: Path, team: Team) -> bool:
    """Whether there is a run in ``folder`` already; all processes have to see the same."""
    found = team.gather((folder / CONFIG_FILE).exists())
    if len(set(found)) > 1:
        raise TrainingError(
            "Only some of the processes see the run in this folder",
            value=f"{folder}, {sum(found)} of {len(found)} processes",
            remedy="Put --out on a disk that all machines share.",
        )
    return found[0]


def _require_same_films(films: Films, team: Team) -> None:
    prints = team.gather(films.fingerprint)
    if len(set(prints)) > 1:
        raise TrainingError(
            "The processes do not see the same films",
            value=", ".join(sorted({text[:12] for text in prints})),
            remedy="Give every machine the same tables, images and split.",
        )


def _fit(
    config: TrainConfig,
    films: Films,
    preprocessing: Preprocessing,
    learning: Learning,
    engine: Engine,
    folder: Path,
    manner: Manner,
    team: Team,
) -> ChestDenseNet:
    torch.manual_seed(config.seed)
    continued = manner.resume and (folder / RESUME_FILE).exists()
    network = starting_network("none" if continued else config.weights)
    sizes = {config.epoch_px(epoch) for epoch in range(config.epochs)}
    loaders = {
        size: make_loaders(config, films, replace(preprocessing, size=size), learning, engine, team)
        for size in sizes
    }
    steps = len(loaders[config.px][0])
    logger.info(
        "Training on %d films, %d batches an epoch, %s, %d process(es).",
        *(len(learning.rows), steps, engine, team.size),
    )
    identity: dict[str, Any] = {"data": films.fingerprint, **config.to_dict()}
    trainer = Trainer(
        network,
        config,
        engine,
        steps,
        team=team,
        n_others=learning.labels.shape[1] - len(KEYS),
        pos_weight=learning.pos_weight,
    )
    place = Place(folder, identity, manner.resume, manner.seconds_a_save)
    fitted = fit(trainer, loaders, place, names=learning.names, progress=manner.progress)
    model = ChestDenseNet()
    model.load_state_dict({key: value.cpu() for key, value in fitted.state.items()})
    return model.eval()
