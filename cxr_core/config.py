"""Values that travel with the weights: frozen, plain, stored in ``model.json``.

They are applied where they belong (``imaging.preprocessing``, ``evaluation.scoring``)
and fitted in one place, ``training.finalize``, from validation films only.
"""

import math
from dataclasses import dataclass
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from cxr_core.errors import ConfigError
from cxr_core.findings import KEYS

_MIN_SIDE, _MAX_SIDE = 32, 4096  # px; five halvings must leave something, and memory is finite
# Of mean and standard deviation on the scale 0 to 1: beyond these a float32 may overflow.
_MAX_MEAN, _MIN_STD, _MAX_STD = 1e3, 1e-6, 1e6
_QUOTED = 80  # characters of a value in an error
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def short(value: object) -> object:
    """A value as an error quotes it: itself, or what fits on a line where a file's is longer."""
    try:
        text = str(value)
        text.encode()
    except ValueError:  # half a character, or more digits than Python turns into text
        return "a text or a number that no model has"
    return value if len(text) <= _QUOTED else f"{text[: _QUOTED - 1]}…"


def is_finite(value: object) -> bool:
    """Whether a value is one finite number, of a size that float64 holds."""
    try:
        return isinstance(value, Real) and math.isfinite(value)
    except OverflowError:
        return False


def _is_share(value: object) -> bool:
    return is_finite(value) and 0.0 <= float(value) <= 1.0  # type: ignore[arg-type]


def _are_finite(values: object, count: int) -> bool:
    return isinstance(values, tuple | list) and len(values) == count and all(map(is_finite, values))


@dataclass(frozen=True)
class Preprocessing:
    """How a film's gray values become the network's input.

    Attributes:
        size: side of the square input in pixels; the whole film is squashed to it.
        mean: per channel, on the scale 0 to 1.
        std: per channel, on the scale 0 to 1, positive.
    """

    size: int = 224
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD

    def __post_init__(self) -> None:
        if isinstance(self.size, bool) or not isinstance(self.size, int):
            raise ConfigError(
                "The input side is not a whole number of pixels",
                value=short(self.size),
                remedy="Use a whole number, usually 224.",
            )
        if self.size < _MIN_SIDE:
            raise ConfigError(
                "The input side is too small for the network",
                value=f"{short(self.size)} px",
                remedy=f"Use at least {_MIN_SIDE} px.",
            )
        if self.size > _MAX_SIDE:
            raise ConfigError(
                "The input side is too large for the network",
                value=f"{short(self.size)} px",
                remedy=f"Use at most {_MAX_SIDE} px.",
            )
        if not _are_finite(self.mean, 3) or max(map(abs, self.mean)) > _MAX_MEAN:
            raise ConfigError(
                "The channels' means are not three numbers near the scale 0 to 1",
                value=short(self.mean),
                remedy="Give three numbers from 0 to 1.",
            )
        if not _are_finite(self.std, 3) or not all(_MIN_STD <= std <= _MAX_STD for std in self.std):
            raise ConfigError(
                "A channel's standard deviation is not positive, or far from the scale 0 to 1",
                value=short(self.std),
                remedy=f"Give three numbers from {_MIN_STD:g} to {_MAX_STD:g}.",
            )


@dataclass(frozen=True)
class Calibration:
    """Calibrated logit of finding k = ``scale`` * raw logit + ``offsets[k]``.

    One scale is shared by the findings, since a few hundred validation films do not
    support four; it is positive, so calibration never changes a ranking.
    """

    scale: float = 1.0
    offsets: tuple[float, ...] = (0.0,) * len(KEYS)

    def __post_init__(self) -> None:
        if not (is_finite(self.scale) and self.scale > 0):
            raise ConfigError(
                "The calibration scale is not a positive number",
                value=short(self.scale),
                remedy="Fit the calibration again with train.py --finalize.",
            )
        if not _are_finite(self.offsets, len(KEYS)):
            raise ConfigError(
                "The calibration needs one finite offset per finding",
                value=short(self.offsets),
                remedy="Fit the calibration again with train.py --finalize.",
            )


@dataclass(frozen=True)
class OperatingPoint:
    """The cut-off of one finding, on the calibrated probability.

    A film is flagged when its calibrated probability is >= ``threshold``.

    Attributes:
        threshold: calibrated probability, 0 to 1.
        low, high: 95 % interval of ``threshold``, validation patients resampled.
        criterion: what was held, ``sensitivity`` or ``specificity``.
        target: the least value of the criterion on validation, 0 to 1.
        sensitivity, specificity: reached on validation, 0 to 1.
    """

    threshold: float
    low: float
    high: float
    criterion: str
    target: float
    sensitivity: float
    specificity: float

    def __post_init__(self) -> None:
        remedy = "Fit the cut-offs again with train.py --finalize."
        if not _is_share(self.threshold):
            raise ConfigError(
                "A cut-off is not between 0 and 1", value=short(self.threshold), remedy=remedy
            )
        if self.criterion not in ("sensitivity", "specificity"):
            raise ConfigError(
                "A cut-off holds neither sensitivity nor specificity",
                value=short(self.criterion),
                remedy=remedy,
            )
        reached = {"target": self.target, "sensitivity": self.sensitivity}
        reached |= {"specificity": self.specificity}
        interval = {"low": self.low, "high": self.high}  # nan where no resample gave one
        for name, value in (reached | interval).items():
            absent = name in interval and isinstance(value, float) and math.isnan(value)
            if not (absent or _is_share(value)):
                raise ConfigError(
                    f"A cut-off's {name} is not between 0 and 1", value=short(value), remedy=remedy
                )


@dataclass(frozen=True)
class EvidenceScale:
    """The one fixed colour scale of all maps that are shown (``evaluation.scoring.margin_maps``).

    Attributes:
        maximum: 99th percentile of |margin map| over validation films and findings, calibrated
            logit units, positive.
    """

    maximum: float

    def __post_init__(self) -> None:
        if not (is_finite(self.maximum) and self.maximum > 0):
            raise ConfigError(
                "The colour scale of the maps is not a positive number",
                value=short(self.maximum),
                remedy="Fit it again with train.py --finalize.",
            )


@dataclass(frozen=True, eq=False)
class GateParameters:
    """A small classifier of thumbnails that knows an upright chest film from what it is not.

    A thumbnail of S x S standardised gray values is projected on k principal components and goes
    through m networks of one hidden layer of h units; the mean of their log probabilities of c
    kinds comes out (``imaging.gate``). A linear probe on the C pooled features of the network that
    reads the film may stand beside it.

    Attributes:
        class_names: names of the c outputs; the first is the upright chest film.
        threshold: a film whose log probability of the first kind is below it is stopped.
        arrays: float32: ``mean`` (S*S,), ``components`` (k, S*S), whitening included,
            ``hidden`` (m, k, h), ``hidden_bias`` (m, h), ``output`` (m, h, c), ``output_bias``
            (m, c); and of the probe ``probe_mean``, ``probe_weight`` (C,) and ``probe_bias`` (1,).
        n_films: how many films it was fitted on.
        false_rejection_rate: share of them below the threshold in cross-validation, 0 to 1.
        probe_threshold: a film whose probe score is below it is stopped; None without a probe.
    """

    class_names: tuple[str, ...]
    threshold: float
    arrays: dict[str, NDArray[np.float32]]
    n_films: int
    false_rejection_rate: float
    probe_threshold: float | None = None

    def __post_init__(self) -> None:
        shapes = {name: array.shape for name, array in self.arrays.items()}
        pixels, (m, k, h), c = shapes["mean"][0], shapes["hidden"], len(self.class_names)
        expected = {
            "mean": (math.isqrt(pixels) ** 2,),
            "components": (k, pixels),
            "hidden": (m, k, h),
            "hidden_bias": (m, h),
            "output": (m, h, c),
            "output_bias": (m, c),
        }
        thresholds = [self.threshold]
        if self.probe_threshold is not None:
            thresholds.append(self.probe_threshold)
            channels = shapes["probe_mean"]
            expected |= {"probe_mean": channels, "probe_weight": channels, "probe_bias": (1,)}
        if shapes != expected or not all(math.isfinite(cut) for cut in thresholds):
            raise ConfigError(
                "The input gate's arrays have inconsistent shapes",
                value=shapes,
                remedy="Fit it again with train.py --finalize.",
            )
        if not all(np.isfinite(array).all() for array in self.arrays.values()):
            raise ConfigError(
                "The input gate holds values that are not numbers",
                value=", ".join(n for n, a in self.arrays.items() if not np.isfinite(a).all()),
                remedy="Fit it again with train.py --finalize.",
            )
