"""The settings on a model card are in words, a row for each that differs."""

from dataclasses import replace

from cxr_core.training.config import differences
from cxr_core.training.model_card import setting_rows
from cxr_core.training.presets import BASELINE


def test_each_part_of_the_augmentation_that_differs_has_a_row() -> None:
    augmentation = replace(BASELINE.augmentation, flip=0.5, scale=(0.75, 1.1))
    own = replace(BASELINE, augmentation=augmentation, teachers=("a", "b"), learning_rate=0.0003)
    usual = BASELINE.augmentation
    assert sorted(setting_rows(differences(BASELINE, own))) == [
        ("augmentation: flip", f"{usual.flip:g}", "0.5"),
        ("augmentation: scale", "{:g} to {:g}".format(*usual.scale), "0.75 to 1.1"),
        ("learning_rate", f"{BASELINE.learning_rate:g}", "0.0003"),
        ("teachers", "none", "a, b"),
    ]
