"""Named configurations, and single settings given as words."""

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any, get_type_hints

from cxr_core.data.augmentation import Augmentation
from cxr_core.errors import ConfigError
from cxr_core.training.config import (
    RENAMED,
    RENAMED_AUGMENTATION,
    RENAMED_PRESETS,
    TrainConfig,
)

STRONG_AUGMENTATION = Augmentation(
    flip=0.5, rotation=8.0, scale=(0.72, 1.05), translation=0.05, brightness=0.1, contrast=0.2
)
# The reference: ImageNet weights, Adam, binary cross-entropy, 20 epochs, balanced films.
BASELINE = TrainConfig()
SCRATCH = TrainConfig(
    preset="scratch",
    weights="none",
    population="all",
    balance="none",
    epochs=40,
    low_res_px=128,
    full_res_epochs=5,
    optimizer="adamw",
    learning_rate=1e-3,
    weight_decay=0.03,
    label_smoothing=0.03,
    ema_decay=0.995,
    augmentation=STRONG_AUGMENTATION,
)
# The second stage of the model that ships: what `scratch` learnt is taken further at the served
# size, with NIH's other findings and the boxes beside the four (docs/experiments.md).
BEST = replace(
    SCRATCH,
    preset="best",
    epochs=16,
    low_res_px=160,
    full_res_epochs=10,
    learning_rate=4e-4,
    ema_decay=0.99,
    auxiliary_loss_weight=1.0,
    box_loss_weight=0.3,
    augmentation=replace(STRONG_AUGMENTATION, scale=(0.75, 1.1)),
)
# A network from ImageNet that teaches: all films at the side that all of them have.
TEACHER = replace(
    SCRATCH,
    preset="teacher",
    architecture="timm/tf_efficientnet_lite2",
    weights="imagenet",
    balance="redraw",
    epochs=8,
    px=160,
    low_res_px=0,
    low_res_film_px=128,
    full_res_epochs=0,
    select_on="validation_more",
    learning_rate=7e-4,
    head_rate_factor=3.0,
    weight_decay=0.02,
    ema_decay=0.99,
    precision="float32",
    auxiliary_loss_weight=1.0,
    augmentation=replace(STRONG_AUGMENTATION, scale=(0.75, 1.05)),
)
# The same network from ImageNet again, on the same films at the sharpness that each has, half of
# them blurred, so that it reads sharp and small films alike; the first teacher steadies it.
TEACHER_MIXED = replace(
    TEACHER,
    preset="teacher-mixed",
    epochs=5,
    px=192,
    low_res_film_px=0,
    min_film_px=128,
    select_on="both",
    distill_weight=0.5,
    augmentation=replace(TEACHER.augmentation, min_resolution=0.5),
)
# DenseNet121 taught by the first, on the same films.
STUDENT = replace(
    TEACHER,
    preset="student",
    architecture="densenet121",
    weights="none",
    epochs=6,
    px=128,
    low_res_film_px=0,
    learning_rate=5e-4,
    head_rate_factor=1.0,
    precision="auto",
)
# And up to the served size, with the boxes, taught by the second: small films stay in, enlarged,
# as a step without them forgot what they had taught (docs/experiments.md).
STUDENT_MIXED = replace(
    STUDENT,
    preset="student-mixed",
    epochs=8,
    px=224,
    low_res_px=160,
    full_res_epochs=4,
    min_film_px=128,
    select_on="both",
    learning_rate=4e-4,
    box_loss_weight=0.3,
    augmentation=replace(STRONG_AUGMENTATION, scale=(0.75, 1.1), min_resolution=0.5),
)
# And once more, taught by both of the second kind, whose features it learns too.
STUDENT_FEATURES = replace(
    STUDENT_MIXED,
    preset="student-features",
    epochs=9,
    full_res_epochs=5,
    feature_distill_weight=2.0,
)
PHANTOM = replace(
    SCRATCH, preset="phantom", epochs=10, low_res_px=128, full_res_epochs=2, ema_decay=0.98
)
# The settings of github.com/zoogzog/chexnet (34d29ee), from scratch: crops as in ImageNet
# training, Adam, a tenth of the rate after five epochs without a lower validation loss.
CHEXNET = TrainConfig(
    preset="chexnet",
    weights="none",
    population="all",
    balance="none",
    epochs=40,
    batch_size=16,
    optimizer="adam",
    learning_rate=1e-4,
    weight_decay=1e-5,
    schedule="plateau",
    patience=5,
    augmentation=Augmentation(flip=0.5, crop_area=(0.08, 1.0)),
)
# The settings of github.com/jrzech/reproduce-chexnet (7b9d355), from scratch: mirror images
# only, SGD, a tenth of the rate as soon as the validation loss does not fall.
REPRODUCE_CHEXNET = replace(
    CHEXNET,
    preset="reproduce-chexnet",
    optimizer="sgd",
    momentum=0.9,
    learning_rate=0.01,
    weight_decay=1e-4,
    patience=0,
    augmentation=Augmentation(flip=0.5),
)
PRESETS: dict[str, TrainConfig] = {
    config.preset: config
    for config in (
        BASELINE,
        SCRATCH,
        BEST,
        TEACHER,
        TEACHER_MIXED,
        STUDENT,
        STUDENT_MIXED,
        STUDENT_FEATURES,
        PHANTOM,
        CHEXNET,
        REPRODUCE_CHEXNET,
    )
}
_AUGMENTATION_PREFIX = "augmentation."


def from_preset(name: str, **overrides: Any) -> TrainConfig:
    """A preset with some fields replaced; a None override is left out.

    Raises:
        ConfigError: no such preset, or a value that cannot be.
    """
    name = RENAMED_PRESETS.get(name, name)
    if name not in PRESETS:
        raise ConfigError(
            "There is no such preset", value=name, remedy=f"Choose one of {', '.join(PRESETS)}."
        )
    config = PRESETS[name]
    given = {key: value for key, value in overrides.items() if value is not None}
    if "epochs" in given and "full_res_epochs" not in given and config.full_res_epochs:
        given["full_res_epochs"] = min(config.full_res_epochs, given["epochs"])
    return replace(config, **given)


def parse_settings(assignments: Iterable[str]) -> dict[str, Any]:
    """Settings such as ``box_loss_weight=0.1`` or ``augmentation.scale=0.8,1.1``, by name.

    The value is read as the type of the field. The parts of the augmentation stay under their
    dotted names; ``apply_settings`` puts them together.

    Raises:
        ConfigError: no ``=``, no such field, or a value of another type.
    """
    settings: dict[str, Any] = {}
    types = _setting_types()
    for assignment in assignments:
        name, equals, text = (part.strip() for part in assignment.partition("="))
        name = _current_name(name.replace("-", "_"))
        if not equals or name not in types:
            raise ConfigError(
                "There is no such setting" if equals else "A setting needs a name and a value",
                value=assignment,
                remedy=f"Write name=value with one of {', '.join(sorted(types))}.",
            )
        settings[name] = _parse_value(name, text, types[name])
    return settings


def apply_settings(config: TrainConfig, settings: dict[str, Any]) -> TrainConfig:
    """``config`` with ``parse_settings``'s value applied."""
    plain = {name: value for name, value in settings.items() if "." not in name}
    parts = {
        name.removeprefix(_AUGMENTATION_PREFIX): value
        for name, value in settings.items()
        if "." in name
    }
    return replace(config, **plain, augmentation=replace(config.augmentation, **parts))


def _current_name(name: str) -> str:
    part = name.removeprefix(_AUGMENTATION_PREFIX)
    if part != name:
        return _AUGMENTATION_PREFIX + RENAMED_AUGMENTATION.get(part, part)
    return RENAMED.get(name, name)


def _setting_types() -> dict[str, Any]:
    """Type by name of every field that one word can set."""
    own, augmentation = get_type_hints(TrainConfig), get_type_hints(Augmentation)
    kinds = {item.name: own[item.name] for item in fields(TrainConfig)}
    del kinds["augmentation"], kinds["preset"], kinds["teachers"]
    return kinds | {
        _AUGMENTATION_PREFIX + item.name: augmentation[item.name] for item in fields(Augmentation)
    }


def _parse_value(name: str, text: str, kind: Any) -> Any:
    try:
        if kind in (int, float):
            return kind(text)
        if kind == tuple[float, float]:
            low, high = (float(part) for part in text.strip("()[]").split(","))
            return (low, high)
    except ValueError as error:
        wanted = {int: "a whole number", float: "a number"}.get(kind, "two numbers, low,high")
        raise ConfigError(
            f"{name} must be {wanted}", value=text, remedy=f"Write for example {name}=1."
        ) from error
    return text
