"""Several runs in a row that make one model, each learning from the ones before."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from cxr_core.errors import ConfigError
from cxr_core.model.metadata import METADATA_FILE
from cxr_core.training.config import TrainConfig
from cxr_core.training.dataset import DatasetPaths
from cxr_core.training.distributed import Distributed
from cxr_core.training.finalize import RunResult
from cxr_core.training.presets import from_preset
from cxr_core.training.run import RunOptions, run
from cxr_core.training.run_record import CONFIG_FILE
from cxr_core.training.trainer import SINGLE_PROCESS

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Step:
    """One run of a recipe.

    Attributes:
        name: of its folder below the recipe's.
        preset: what it is trained with.
        weights: the step whose model it goes on from; None for the preset's own weights.
        teachers: the steps that teach it.
        seed_offset: added to the recipe's seed, so that two steps of one preset differ.
    """

    name: str
    preset: str
    weights: str | None = None
    teachers: tuple[str, ...] = ()
    seed_offset: int = 0


# docs/experiments.md says what each step gained.
RECIPES: Mapping[str, tuple[Step, ...]] = MappingProxyType(
    {
        "best": (
            Step("teacher", "teacher"),
            Step("teacher-mixed", "teacher-mixed", teachers=("teacher",)),
            Step("teacher-mixed-2", "teacher-mixed", teachers=("teacher",), seed_offset=1),
            Step("scratch", "scratch"),
            Step("boxes", "best", weights="scratch"),
            Step("student", "student", weights="boxes", teachers=("teacher",)),
            Step("student-again", "student", weights="student", teachers=("teacher",)),
            Step(
                "student-mixed",
                "student-mixed",
                weights="student-again",
                teachers=("teacher-mixed",),
            ),
            Step(
                "student-features",
                "student-features",
                weights="student-mixed",
                teachers=("teacher-mixed", "teacher-mixed-2"),
            ),
            # What DenseNet121 knows by now teaches networks from ImageNet, and they teach it.
            Step("teacher-again", "teacher-mixed", teachers=("student-features",)),
            Step("teacher-again-2", "teacher-mixed", teachers=("student-features",), seed_offset=1),
            Step("teacher-again-3", "teacher-mixed", teachers=("student-features",), seed_offset=2),
            Step(
                "best",
                "student-features",
                weights="student-features",
                teachers=("teacher-again", "teacher-again-2", "teacher-again-3"),
                seed_offset=1,
            ),
        )
    }
)


def steps_of(name: str) -> tuple[Step, ...]:
    """The steps of a recipe.

    Raises:
        ConfigError: there is no such recipe.
    """
    if name not in RECIPES:
        raise ConfigError(
            "There is no such recipe", value=name, remedy=f"Choose one of {', '.join(RECIPES)}."
        )
    return RECIPES[name]


def step_config(
    step: Step, folder: Path, *, seed: int, max_epochs: int | None = None
) -> TrainConfig:
    """The configuration of a step whose recipe is carried out in ``folder``.

    Args:
        max_epochs: no step trains for more; None leaves each its own.
    """
    config = from_preset(step.preset, seed=seed + step.seed_offset)
    if max_epochs is not None:
        config = from_preset(step.preset, seed=config.seed, epochs=min(max_epochs, config.epochs))
    if step.weights is not None:
        config = replace(config, weights=str(folder / step.weights))
    return replace(config, teachers=tuple(str(folder / name) for name in step.teachers))


def run_recipe(
    name: str,
    paths: DatasetPaths,
    folder: Path,
    options: RunOptions,
    *,
    seed: int = 0,
    max_epochs: int | None = None,
    distributed: Distributed = SINGLE_PROCESS,
) -> RunResult | None:
    """Carry out the steps that are not done yet; an interrupted one is continued.

    The test part is read by the last step alone, and not by it either with
    ``options.skip_test``; only the last step has an input check.

    Args:
        max_epochs: no step trains for more, as a rehearsal that all steps can be carried out.

    Returns:
        Of the last step; None in the processes of a team that do not lead.

    Raises:
        ConfigError: there is no such recipe.
        CXRError: as ``run``.
    """
    steps = steps_of(name)
    result: RunResult | None = None
    for number, step in enumerate(steps, start=1):
        is_last = number == len(steps)
        target = folder / step.name
        started, done = (target / CONFIG_FILE).exists(), (target / METADATA_FILE).exists()
        if done and not is_last:
            logger.info("Step %d of %d, %s: done before.", number, len(steps), step.name)
            continue
        logger.info("Step %d of %d, %s.", number, len(steps), step.name)
        own = replace(
            options,
            resume=started and not done,
            finalize_only=done,
            skip_test=options.skip_test or not is_last,
            skip_gate=not is_last,
        )
        config = step_config(step, folder, seed=seed, max_epochs=max_epochs)
        result = run(config, paths, target, own, distributed=distributed)
    return result
