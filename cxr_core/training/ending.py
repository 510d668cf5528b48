"""What the end of a run is told of the run, and what it passes on as the weights' provenance."""

import platform
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import pandas as pd

from cxr_core.data.balance import balance_counts
from cxr_core.training.config import TrainConfig
from cxr_core.training.films import PARTS, Films
from cxr_core.training.start import Start
from cxr_core.training.team import Team
from cxr_core.training.trainer import ALONE

FULL_TRAINING = (
    20_000  # films; below it, or with nothing learnt elsewhere, a model is a demonstration
)
_PACKAGES = ("torch", "torchvision", "numpy", "pandas", "pillow", "grad-cam")


@dataclass(frozen=True)
class Ending:
    """What the end of a run is told of it.

    Attributes:
        config, start: what it was trained with and from.
        balance: counts of the training rows before and after balancing.
        engine: what it was trained on, in words.
        fresh: store the model's weights; otherwise those in the folder stay as they are.
        hold_test: leave the test part unread; then there is no card.
        team: the processes that read the films together; only its leader writes.
    """

    config: TrainConfig
    start: Start
    balance: dict[str, dict[str, int]]
    engine: str
    fresh: bool
    hold_test: bool = False
    team: Team = ALONE
    progress: bool = False


def provenance(films: Films, ending: Ending, history: pd.DataFrame) -> dict[str, Any]:
    """Where the weights come from, for ``model.json`` and the card, as plain values."""
    config = ending.config
    served = history[history["px"] == config.px]
    best = served.nlargest(1, "auroc_mean").iloc[0]
    few = ending.balance["after"]["films"] < FULL_TRAINING
    return {
        "created": datetime.now(UTC).strftime("%Y-%m-%d"),
        "config": replace(config, weights=ending.start.weights).to_dict(),
        "data_fingerprint": films.fingerprint,
        "counts": {
            part: {
                **balance_counts(films.part(part)),
                "patients": int(films.part(part)["patient"].nunique()),
            }
            for part in PARTS
        },
        "balance": ending.balance,
        "best_epoch": int(best["epoch"]),
        "best_validation_auroc": round(float(best["auroc_mean"]), 4),
        "training_seconds": round(float(history["seconds"].sum())),
        "engine": ending.engine,
        "outside_weights": ending.start.outside,
        "demonstration": few or not ending.start.outside,
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in _PACKAGES},
    }
