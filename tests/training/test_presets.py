"""Presets by name, and single settings given as words."""

import pytest
import torch

from cxr_core.data.augmentation import Augmentation
from cxr_core.errors import ConfigError
from cxr_core.model.architectures import build_model
from cxr_core.training.device import Accelerator
from cxr_core.training.presets import (
    BASELINE,
    CHEXNET,
    PRESETS,
    REPRODUCE_CHEXNET,
    SCRATCH,
    apply_settings,
    from_preset,
    parse_settings,
)
from cxr_core.training.trainer import Trainer


def test_every_preset_bears_its_name() -> None:
    teaching = {"teacher", "teacher-mixed", "student", "student-mixed", "student-features"}
    assert {
        "baseline",
        "scratch",
        "best",
        "chexnet",
        "reproduce-chexnet",
        "phantom",
        *teaching,
    } == set(PRESETS)
    assert all(name == config.preset for name, config in PRESETS.items())


def test_the_published_settings_train_from_nothing_on_the_films_of_the_others() -> None:
    for config in (CHEXNET, REPRODUCE_CHEXNET):
        assert (config.weights, config.population, config.balance) == ("none", "all", "none")
        assert (config.px, config.low_res_px, config.batch_size) == (224, 0, 16)
        assert config.epochs == SCRATCH.epochs  # the same number of films seen
        assert config.schedule == "plateau"
    assert CHEXNET.augmentation == Augmentation(flip=0.5, crop_area=(0.08, 1.0))
    assert REPRODUCE_CHEXNET.augmentation == Augmentation(flip=0.5)


def test_the_plateau_lowers_the_rate_as_the_repositories_do() -> None:
    engine = Accelerator(torch.device("cpu"), bf16=False)

    def rates(config_losses: tuple[str, list[float]]) -> list[float]:
        name, losses = config_losses
        trainer = Trainer(build_model(), PRESETS[name], engine, 1)
        found = []
        for loss in losses:
            trainer.end_epoch(loss)
            found.append(trainer.optimizer.param_groups[0]["lr"])
        return found

    # reproduce-chexnet: at the first epoch that is no better.
    assert rates(("reproduce-chexnet", [0.5, 0.4, 0.4, 0.3])) == pytest.approx(
        [0.01, 0.01, 0.001, 0.001]
    )
    # chexnet: after more than five such epochs.
    assert rates(("chexnet", [0.5, *[0.6] * 6])) == pytest.approx([1e-4] * 6 + [1e-5])


def test_words_become_values_of_the_fields_types() -> None:
    words = [
        "box_loss_weight=0.1",
        "batch-size=8",
        "optimizer=sgd",
        "augmentation.rotation=3",
        "augmentation.scale=0.8,1.2",
    ]
    settings = parse_settings(words)
    config = apply_settings(BASELINE, settings)
    assert (config.box_loss_weight, config.batch_size, config.optimizer) == (0.1, 8, "sgd")
    assert (config.augmentation.rotation, config.augmentation.scale) == (3.0, (0.8, 1.2))
    assert config.augmentation.contrast == BASELINE.augmentation.contrast
    assert apply_settings(BASELINE, {}) == BASELINE


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("boxes", "needs a name and a value: boxes"),
        ("colour=1", "no such setting: colour=1.*augmentation.rotation"),
        ("preset=best", "no such setting: preset=best"),
        ("epochs=many", "epochs must be a whole number: many"),
        ("box_loss_weight=much", "box_loss_weight must be a number: much"),
        ("augmentation.scale=1", r"augmentation.scale must be two numbers, low,high: 1"),
    ],
)
def test_words_that_do_not_fit_are_refused(word: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parse_settings([word])


def test_a_value_that_cannot_be_is_refused_as_anywhere() -> None:
    with pytest.raises(ConfigError, match="optimizer has an unknown value: lion"):
        apply_settings(from_preset("baseline"), parse_settings(["optimizer=lion"]))
