"""What a recipe would do, and how long it would take, before its first hour is spent."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from cxr_core.config import Preprocessing
from cxr_core.data.labels import AUXILIARY_LABELS
from cxr_core.model.architectures import imagenet_mean_std
from cxr_core.training.config import TrainConfig
from cxr_core.training.dataset import DatasetPaths, decoded_sizes
from cxr_core.training.distillation import Teacher
from cxr_core.training.dry_run import Plan, duration, make_plan
from cxr_core.training.initial_weights import init_network
from cxr_core.training.recipe import Step, step_config, steps_of

# Configuration of a step and of its teachers, without what does not change how long it takes.
_Kind = tuple[TrainConfig, tuple[TrainConfig, ...]]


def make_recipe_plan(
    name: str, paths: DatasetPaths, *, max_epochs: int | None = None
) -> list[tuple[Step, Plan]]:
    """The plan of each step, timed with untrained networks where earlier steps would be taken.

    Steps that differ by their seed or their initial weights alone are timed once.

    Raises:
        CXRError: as the steps themselves would before they decode films; there is no such recipe.
    """
    steps = steps_of(name)
    folder = Path()  # of nothing that is read: what lies in it is left out below
    kinds = {
        step.name: replace(
            step_config(step, folder, seed=0, max_epochs=max_epochs), teachers=(), seed=0
        )
        for step in steps
    }
    timed: dict[_Kind, Plan] = {}
    plans = []
    for step in steps:
        config = kinds[step.name]
        if step.weights is not None:
            config = replace(config, weights="none")
        teachers = tuple(replace(kinds[teacher], weights="none") for teacher in step.teachers)
        if (config, teachers) not in timed:
            untrained = [_untrained_teacher(teacher) for teacher in teachers]
            timed[config, teachers] = make_plan(config, paths, teachers=untrained)
        plans.append((step, timed[config, teachers]))
    return plans


def _untrained_teacher(config: TrainConfig) -> Teacher:
    """A network that takes as long as the one which that step would make."""
    network = init_network(config).eval().requires_grad_(False)
    preprocessing = Preprocessing(config.px, *imagenet_mean_std(config.architecture))
    n_others = len(AUXILIARY_LABELS)
    auxiliary = torch.zeros(n_others, network.n_channels), torch.zeros(n_others)
    return Teacher(network, preprocessing, config.px, auxiliary)


def recipe_plan_text(plans: list[tuple[Step, Plan]]) -> str:
    """The plans as lines to be printed: what was found, a line a step, and the sum."""
    first = plans[0][1]
    return "\n".join([*first.report_lines, "", *_lines(plans)])


def _lines(plans: list[tuple[Step, Plan]]) -> Iterator[str]:
    for number, (step, plan) in enumerate(plans, start=1):
        stages = ", then ".join(
            f"{stage.epochs} at {stage.px} px of {stage.films:,} films" for stage in plan.stages
        )
        yield (
            f"Step {number} of {len(plans)}, {step.name}: {plan.config.architecture}, "
            f"{_from_steps(step)}epochs: {stages}; about {duration(plan.train_seconds)}."
        )
    training = sum(plan.train_seconds for _, plan in plans)
    decoding = {
        side: plan.decode_seconds * len(plan.films)
        for _, plan in plans
        for side in decoded_sizes(plan.config)
    }
    yield (
        f"In all about {duration(training)} of training ({plans[0][1].accelerator}), and after "
        "each step what follows its fit. Decoding the films the first time takes about "
        f"{duration(sum(decoding.values()))} on one core. Nothing was written."
    )


def _from_steps(step: Step) -> str:
    goes_on = "" if step.weights is None else f"going on from {step.weights}, "
    taught = "" if not step.teachers else f"taught by {' and '.join(step.teachers)}, "
    return goes_on + taught
