"""Whether what is given now is what a run was started with, and if not, what differs."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from cxr_core.data.csv_files import find_columns, first_few, read_columns, read_header
from cxr_core.errors import TrainingError
from cxr_core.evaluation.run_folder import SPLIT_FILE
from cxr_core.findings import LABEL_COLUMNS
from cxr_core.training.config import TrainConfig, differences
from cxr_core.training.dataset import FilmDataset
from cxr_core.training.run_record import read_fingerprint, read_run_config

# Settings that may grow when a run is resumed: more of the same.
GROWING = ("epochs", "full_res_epochs")
# Schedules that are laid out over all epochs, so that what was trained would have been otherwise.
_LAID_OUT = ("one-cycle", "cosine")


def check_same_settings(folder: Path, config: TrainConfig, *, resume: bool = False) -> None:
    """Refuse to continue or finish a run with other settings.

    Args:
        resume: more epochs are no other setting.

    Raises:
        TrainingError: what differs, with both values.
    """
    before = read_run_config(folder)
    changed = differences(before, config)
    if resume and changed and set(changed) <= set(GROWING):
        require_growth(before, config)
        return
    if changed:
        raise _differs(folder, _in_words(changed))


def check_same_films(folder: Path, films: FilmDataset) -> None:
    """Refuse to continue or finish a run with other films, labels or another split.

    Raises:
        TrainingError: what differs, with the films.
    """
    if read_fingerprint(folder) != films.fingerprint:
        raise _differs(folder, [_describe_dataset_change(folder / SPLIT_FILE, films.table)])


def require_growth(before: TrainConfig, now: TrainConfig) -> None:
    """Refuse more epochs where the first ones would have been others.

    Raises:
        TrainingError: fewer epochs, a schedule that is laid out over all of them, or epochs that
            would have trained at another side.
    """
    changed = "; ".join(_in_words(differences(before, now)))
    if now.epochs < before.epochs:
        raise TrainingError(
            "A run cannot be resumed with fewer epochs",
            value=changed,
            remedy="Give the same number or more, or use another --out.",
        )
    if now.schedule in _LAID_OUT:
        raise TrainingError(
            f"The schedule {now.schedule} is laid out over all epochs from the first, so a run "
            "that has it cannot be made longer",
            value=changed,
            remedy="Let it end, then train further with --weights RUN and another --out; or use "
            "the schedule constant or plateau for runs that may grow.",
        )
    done = range(before.epochs)
    if [before.epoch_px(epoch) for epoch in done] != [now.epoch_px(epoch) for epoch in done]:
        raise TrainingError(
            "With so many epochs, some would have trained at another side",
            value=changed,
            remedy=f"Use --full-res-epochs {before.full_res_epochs + now.epochs - before.epochs}.",
        )


def _differs(folder: Path, found: list[str]) -> TrainingError:
    return TrainingError(
        f"The run in {folder} was started with other settings or data",
        value="; ".join(found),
        remedy="Give the same settings, films and split, or use another --out.",
    )


def _in_words(changed: dict[str, tuple[object, object]]) -> list[str]:
    return [f"{name} was {was} and is {now}" for name, (was, now) in changed.items()]


def _describe_dataset_change(path: Path, table: pd.DataFrame) -> str:
    """In words, by comparing the run's own ``split.csv`` with the films of now."""
    if not path.is_file():
        return "the films differ (the run's split.csv, which would tell how, is missing)"
    columns = ["image", "patient", "split", *LABEL_COLUMNS]
    positions = find_columns(
        path, read_header(path), {name: (name,) for name in columns}, required=columns
    )
    before = read_columns(path, positions).set_index("image")
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
