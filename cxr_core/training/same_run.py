"""Whether what is given now is what a run was started with, and if not, what differs."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from cxr_core.data.tables import examples
from cxr_core.errors import TrainingError
from cxr_core.findings import LABEL_COLUMNS
from cxr_core.training.config import TrainConfig, differences
from cxr_core.training.config_file import read_config, read_fingerprint
from cxr_core.training.films import Films


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
