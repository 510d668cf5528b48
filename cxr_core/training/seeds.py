"""The same run from several seeds, and how far its figures move between them."""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from cxr_core.data.csv_files import write_csv
from cxr_core.errors import ConfigError
from cxr_core.evaluation.history import read_history
from cxr_core.evaluation.run_folder import HISTORY_FILE
from cxr_core.findings import LABELS
from cxr_core.training.config import TrainConfig
from cxr_core.training.dataset import DatasetPaths
from cxr_core.training.distributed import Distributed
from cxr_core.training.run import RunOptions, run
from cxr_core.training.run_record import kept_row
from cxr_core.training.trainer import SINGLE_PROCESS

SEEDS_FILE = "seeds.csv"
_COLUMN_TITLES = {
    **{f"auroc_{key}": label for key, label in LABELS.items()},
    "auroc_mean": "Mean",
    "auroc_abnormal_mean": "Not normal",  # the three, among films that are not No Finding
}


def run_seeds(
    config: TrainConfig,
    paths: DatasetPaths,
    folder: Path,
    options: RunOptions,
    *,
    n_seeds: int,
    distributed: Distributed = SINGLE_PROCESS,
) -> pd.DataFrame:
    """Train ``n_seeds`` models that differ in their seed alone, each in a folder of its own.

    The split does not move with the seed: all are compared on the films that the first
    one's seed, or a given split, sets apart.

    Returns:
        One row a seed, as in ``seeds.csv``: ``seed, epoch`` (the kept one), its validation
        ``auroc_effusion, …, auroc_mean, auroc_abnormal_mean``, and the run's ``seconds``.
    """
    if n_seeds < 2:
        raise ConfigError(
            "Several seeds means at least two",
            value=n_seeds,
            remedy=("Give --n-seeds 3, or leave it out."),
        )
    first = folder / f"seed-{config.seed}"
    rows = []
    for seed in range(config.seed, config.seed + n_seeds):
        seed_folder = folder / f"seed-{seed}"
        seed_paths = paths
        if seed > config.seed and paths.split is None and paths.test_list is None:
            seed_paths = replace(paths, split=first / "split.csv")
        run(replace(config, seed=seed), seed_paths, seed_folder, options, distributed=distributed)
        rows.append({"seed": seed, **_best_epoch(seed_folder)})
        if distributed.is_main:
            write_csv(pd.DataFrame(rows), folder / SEEDS_FILE)
    return pd.DataFrame(rows)


def spread_text(rows: pd.DataFrame) -> str:
    """Mean, standard deviation and range of the validation areas over the seeds."""
    lines = [f"Validation AUROC of {len(rows)} seeds: mean ± standard deviation (range)"]
    for column, name in _COLUMN_TITLES.items():
        values = rows[column]
        lines.append(
            f"  {name:<14}{values.mean():.3f} ± {values.std():.3f} "
            f"({values.min():.3f} to {values.max():.3f})"
        )
    return "\n".join(lines)


def _best_epoch(folder: Path) -> dict[str, float]:
    """The kept epoch of a run, from its history."""
    history = read_history(folder / HISTORY_FILE)
    best = kept_row(history)
    areas = {column: float(best[column]) for column in _COLUMN_TITLES}
    return {"epoch": int(best["epoch"]), **areas, "seconds": float(history["seconds"].sum())}
