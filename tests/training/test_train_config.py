"""The configuration of a run: presets, refusals, the round trip through JSON."""

import json
from dataclasses import replace

import pytest

from cxr_core.errors import ConfigError
from cxr_core.training.config import (
    RENAMED,
    RENAMED_AUGMENTATION,
    TrainConfig,
    differences,
)
from cxr_core.training.presets import BASELINE, PRESETS, from_preset


def test_the_baseline_is_the_usual_recipe() -> None:
    assert (BASELINE.weights, BASELINE.optimizer, BASELINE.epochs, BASELINE.px) == (
        "imagenet",
        "adam",
        20,
        224,
    )
    assert (BASELINE.population, BASELINE.balance) == ("target-only", "undersample")
    assert BASELINE.label_smoothing == 0
    assert BASELINE.ema_decay == 0


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_json_round_trip(name: str) -> None:
    config = from_preset(name)
    assert config.preset == name
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_the_names_of_an_earlier_version_are_read() -> None:
    now = replace(from_preset("best"), preset="baseline", weights="none")
    values = json.loads(json.dumps(now.to_dict()))
    values["preset"] = "seed"
    for old, new in RENAMED.items():
        values[old] = values.pop(new)
    for old, new in RENAMED_AUGMENTATION.items():
        values["augmentation"][old] = values["augmentation"].pop(new)
    assert TrainConfig.from_dict(values) == now


def test_overrides_leave_out_none_and_say_what_differs() -> None:
    config = from_preset("baseline", epochs=3, seed=None)
    assert config == replace(BASELINE, epochs=3)
    assert differences(BASELINE, config) == {"epochs": (20, 3)}


def test_epoch_sizes_finish_at_the_served_size() -> None:
    config = from_preset("scratch", epochs=4, full_res_epochs=1, low_res_px=64)
    assert [config.epoch_px(epoch) for epoch in range(4)] == [64, 64, 64, 224]
    assert [BASELINE.epoch_px(epoch) for epoch in (0, 19)] == [224, 224]


def test_fewer_epochs_than_the_preset_finishes_with_still_fit() -> None:
    assert from_preset("scratch", epochs=2).full_res_epochs == 2


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            {"balance": "even"},
            r"balance has an unknown value: even\. Choose one of none, undersample",
        ),
        ({"population": "everyone"}, r"population.*: everyone\. Choose one of target-only, all"),
        ({"box_loss_weight": -0.1}, r"box_loss_weight is out of range: -0.1\. Use 0 to 100"),
        ({"learning_rate": 0.0}, r"learning_rate is out of range: 0.0"),
        ({"ema_decay": float("nan")}, r"ema_decay is out of range: nan"),
        ({"epochs": 0}, r"epochs is too small: 0\. Use at least 1"),
        ({"px": 200}, r"px is not a multiple of 32.*: 200\. Use 224"),
        (
            {"low_res_px": 128, "full_res_epochs": 0},
            r"must end with 1 to 20 epochs.*full_res_epochs 0",
        ),
    ],
)
def test_impossible_values_are_refused(values: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        replace(BASELINE, **values)  # type: ignore[arg-type]


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"does not know: nesterov"):
        TrainConfig.from_dict({**BASELINE.to_dict(), "nesterov": True})
    with pytest.raises(ConfigError, match=r"no such preset: fast\. Choose one of"):
        from_preset("fast")
