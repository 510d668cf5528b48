"""How a network is trained, as one frozen value."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args

from cxr_core.data.augmentation import Augmentation
from cxr_core.errors import ConfigError
from cxr_core.model.metadata import DEFAULT_ARCHITECTURE

Population = Literal["target-only", "all"]
Balance = Literal["none", "undersample", "redraw", "sampler", "pos-weight"]
Optimizer = Literal["adam", "adamw", "sgd"]
Schedule = Literal["constant", "one-cycle", "cosine", "plateau"]
Precision = Literal["auto", "float32", "bfloat16"]
SelectOn = Literal["validation", "validation_more", "both"]

# What earlier versions called a setting or a preset: run folders and habits still have these.
RENAMED = {
    "averaging": "ema_decay",
    "boxes": "box_loss_weight",
    "finish_epochs": "full_res_epochs",
    "other_findings": "auxiliary_loss_weight",
    "train_px": "low_res_px",
}
RENAMED_AUGMENTATION = {"shift": "translation", "turn": "rotation"}
RENAMED_PRESETS = {"seed": "baseline"}

# A mirrored chest is rare but a small turn, another distance or exposure is everyday.
MILD_AUGMENTATION = Augmentation(
    flip=0.0, rotation=5.0, scale=(0.9, 1.05), translation=0.03, brightness=0.08, contrast=0.15
)


@dataclass(frozen=True)
class TrainConfig:
    """Every choice that decides the weights, beside the data.

    Attributes:
        preset: the name this configuration started from.
        architecture: of the network, a name that ``architectures.build_model`` knows.
        weights: ``imagenet``, ``none``, or the path of a weights file or of a model folder.
        population: ``target-only`` keeps films with at least one of the four labels; ``all``
            keeps films with only other findings too, negative for all four.
        balance: of the training rows only; ``redraw`` undersamples anew in each epoch.
        epochs: passes over the training films.
        px: side of the served input in pixels, a multiple of 32.
        low_res_px: side during training until the last ``full_res_epochs``; 0 means ``px``.
        low_res_film_px: side to which all films are brought before ``low_res_px`` (before ``px``
            in a run of one size), so that smaller films take part and cannot be told by their
            blur; 0 means the training side.
        min_film_px: films with fewer pixels than that take part too, enlarged, down to this side;
            0 leaves them out.
        full_res_epochs: epochs at the end that train at ``px``.
        select_on: part of the split whose mean AUROC chooses the epoch that is kept; ``both``
            takes the mean of the two.
        early_stopping: epochs without a better one after which training ends; 0 never.
        batch_size: films a forward, over all processes.
        accumulate: batches a step.
        optimizer: ``adam`` (weight decay as L2), ``adamw`` or ``sgd``.
        momentum: of ``sgd``.
        learning_rate: constant, the highest of a one-cycle schedule, or the first of a plateau.
        weight_decay: as the optimizer means it.
        head_rate_factor: the linear layers learn at this many times ``learning_rate``.
        schedule: ``constant``, ``one-cycle`` (Smith and Topin, 2018), ``cosine`` down to 0
            (Loshchilov and Hutter, 2017), or ``plateau``: a tenth when the validation loss has
            not fallen for over ``patience`` epochs.
        clip_norm: largest norm of a step's gradient; 0 does not clip.
        precision: of the forward in training; ``auto`` is bfloat16 where the processor has it.
        label_smoothing: e moves the targets to e/2 and 1 - e/2.
        ema_decay: decay a step of the moving average of the weights that is validated and
            kept; 0 keeps the weights themselves.
        auxiliary_loss_weight: weight of the loss of NIH's other eleven findings, which are
            learnt beside the four on the same features and then thrown away; 0 leaves them out.
        box_loss_weight: weight of the loss that draws each finding's evidence into the boxes that
            radiologists drew on training films; 0 leaves it out.
        teachers: run folders whose averaged logits on the same augmented films are targets
            beside the labels (Hinton, Vinyals and Dean, 2015).
        distill_weight: share of the loss that the teachers have; the labels have the rest.
        distill_temperature: divides both logits before they are compared.
        feature_distill_weight: weight of the loss that draws the pooled features, through a linear
            layer that is thrown away, towards the teachers' (after Romero et al., 2015).
        mixup_alpha: films of a batch are blended in pairs, with shares of Beta(alpha, alpha), and
            their labels likewise (Zhang et al., 2018); teachers see the blends. 0 does not.
        seed: of initial weights, order and augmentation.
    """

    preset: str = "baseline"
    architecture: str = DEFAULT_ARCHITECTURE
    weights: str = "imagenet"
    population: Population = "target-only"
    balance: Balance = "undersample"
    epochs: int = 20
    px: int = 224
    low_res_px: int = 0
    low_res_film_px: int = 0
    min_film_px: int = 0
    full_res_epochs: int = 0
    select_on: SelectOn = "validation"
    early_stopping: int = 0
    batch_size: int = 32
    accumulate: int = 1
    optimizer: Optimizer = "adam"
    momentum: float = 0.0
    learning_rate: float = 1e-4
    head_rate_factor: float = 1.0
    weight_decay: float = 0.0
    schedule: Schedule = "one-cycle"
    patience: int = 0
    clip_norm: float = 0.0
    precision: Precision = "auto"
    label_smoothing: float = 0.0
    ema_decay: float = 0.0
    auxiliary_loss_weight: float = 0.0
    box_loss_weight: float = 0.0
    teachers: tuple[str, ...] = ()
    distill_weight: float = 0.7
    distill_temperature: float = 1.0
    feature_distill_weight: float = 0.0
    mixup_alpha: float = 0.0
    augmentation: Augmentation = field(default=MILD_AUGMENTATION)
    seed: int = 0

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ConfigError(
                    f"{name} has an unknown value",
                    value=getattr(self, name),
                    remedy=f"Choose one of {', '.join(allowed)}.",
                )
        for name in ("epochs", "batch_size", "accumulate"):
            if getattr(self, name) < 1:
                raise ConfigError(
                    f"{name} is too small", value=getattr(self, name), remedy="Use at least 1."
                )
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise ConfigError(
                    f"{name} is out of range",
                    value=getattr(self, name),
                    remedy=f"Use {low:g} to {high:g}.",
                )
        for name, least in (("px", 32), ("low_res_px", 0)):
            if getattr(self, name) % 32 or getattr(self, name) < least:
                raise ConfigError(
                    f"{name} is not a multiple of 32, as the network's input must be",
                    value=getattr(self, name),
                    remedy="Use 224, or another multiple of 32.",
                )
        if self.low_res_px not in (0, self.px) and not 1 <= self.full_res_epochs <= self.epochs:
            raise ConfigError(
                f"Training at {self.low_res_px} px must end with 1 to {self.epochs} epochs at "
                f"{self.px} px",
                value=f"full_res_epochs {self.full_res_epochs}",
                remedy="Set full_res_epochs, or leave low_res_px out.",
            )

    def epoch_px(self, epoch: int) -> int:
        """The training side in pixels of ``epoch``, which counts from 0."""
        if self.low_res_px == 0 or epoch >= self.epochs - self.full_res_epochs:
            return self.px
        return self.low_res_px

    def film_px(self, px: int) -> int:
        """The side to which films are brought before they are trained on at ``px``."""
        two_stages = self.low_res_px not in (0, self.px)
        return px if two_stages and px == self.px else self.low_res_film_px or px

    def least_film_px(self, px: int) -> int:
        """The shorter side that a film must have to take part in the training at ``px``."""
        return min(self.min_film_px or self.film_px(px), self.film_px(px))

    @property
    def stage_sizes(self) -> tuple[int, ...]:
        """The training sides in pixels, in the order in which they come."""
        return tuple(dict.fromkeys(self.epoch_px(epoch) for epoch in range(self.epochs)))

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainConfig":
        """The inverse of ``to_dict``, of earlier versions too; an unknown name raises."""
        values = current_names(values)
        unknown = sorted(set(values) - {item.name for item in fields(cls)})
        if unknown:
            raise ConfigError(
                "The configuration has settings that this version does not know",
                value=", ".join(unknown),
                remedy="Train again, or use the version that wrote it.",
            )
        augmentation: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values["augmentation"].items()
        }
        teachers = tuple(values.get("teachers", ()))
        return cls(**{**values, "augmentation": Augmentation(**augmentation), "teachers": teachers})


def current_names(values: dict[str, Any]) -> dict[str, Any]:
    """A configuration as plain values, under this version's names; others stay as they are."""
    named = {RENAMED.get(name, name): value for name, value in values.items()}
    if "preset" in named:
        named["preset"] = RENAMED_PRESETS.get(named["preset"], named["preset"])
    if "augmentation" in named:
        named["augmentation"] = {
            RENAMED_AUGMENTATION.get(name, name): value
            for name, value in named["augmentation"].items()
        }
    return named


_CHOICES: dict[str, tuple[str, ...]] = {
    "population": get_args(Population),
    "balance": get_args(Balance),
    "optimizer": get_args(Optimizer),
    "schedule": get_args(Schedule),
    "precision": get_args(Precision),
    "select_on": get_args(SelectOn),
}

# Widest values that make sense at all; nan lies in none of them.
_RANGES: dict[str, tuple[float, float]] = {
    "momentum": (0, 0.9999),
    "learning_rate": (1e-12, 10),
    "weight_decay": (0, 10),
    "patience": (0, 1000),
    "early_stopping": (0, 1000),
    "head_rate_factor": (0, 1000),
    "clip_norm": (0, 1000),
    "distill_weight": (0, 1),
    "distill_temperature": (0.1, 100),
    "feature_distill_weight": (0, 1000),
    "mixup_alpha": (0, 100),
    "low_res_film_px": (0, 4096),
    "min_film_px": (0, 4096),
    "seed": (0, 2**31 - 1),
    "label_smoothing": (0, 0.9),
    "ema_decay": (0, 0.99999),
    "auxiliary_loss_weight": (0, 100),
    "box_loss_weight": (0, 100),
}


def differences(config: TrainConfig, other: TrainConfig) -> dict[str, tuple[Any, Any]]:
    """Fields that differ, as name -> (value in ``config``, value in ``other``)."""
    return {
        item.name: (getattr(config, item.name), getattr(other, item.name))
        for item in fields(TrainConfig)
        if getattr(config, item.name) != getattr(other, item.name)
    }
