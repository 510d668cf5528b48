import math
from dataclasses import FrozenInstanceError, asdict, replace

import pytest

from cxr_core.config import Calibration, EvidenceScale, OperatingPoint, Preprocessing
from cxr_core.errors import ConfigError

POINT = OperatingPoint(
    threshold=0.31,
    low=0.24,
    high=0.38,
    criterion="sensitivity",
    target=0.8,
    sensitivity=0.81,
    specificity=0.67,
)


def test_preprocessing_is_imagenet_s_at_224_by_default() -> None:
    assert asdict(Preprocessing()) == {
        "size": 224,
        "mean": (0.485, 0.456, 0.406),
        "std": (0.229, 0.224, 0.225),
    }


def test_preprocessing_takes_the_smallest_side_the_network_can_use() -> None:
    assert Preprocessing(size=32).size == 32


def test_preprocessing_refuses_a_smaller_side() -> None:
    with pytest.raises(ConfigError) as caught:
        Preprocessing(size=31)
    assert caught.value.problem == "The input side is too small for the network"
    assert caught.value.value == "31 px"
    assert caught.value.remedy == "Use at least 32 px."


@pytest.mark.parametrize("third", [0.0, -0.2, 1e-40, 1e39])
def test_preprocessing_refuses_a_deviation_that_cannot_divide(third: float) -> None:
    with pytest.raises(ConfigError) as caught:
        Preprocessing(std=(0.2, 0.2, third))
    assert caught.value.problem.startswith("A channel's standard deviation is not positive")
    assert caught.value.value == (0.2, 0.2, third)
    assert caught.value.remedy == "Give three numbers from 1e-06 to 1e+06."


@pytest.mark.parametrize("third", [math.nan, 1e39, -1e39])
def test_preprocessing_refuses_a_mean_that_a_float32_does_not_hold(third: float) -> None:
    with pytest.raises(ConfigError, match="means are not three numbers near the scale 0 to 1"):
        Preprocessing(mean=(0.2, 0.2, third))


def test_calibration_is_the_identity_by_default() -> None:
    assert Calibration() == Calibration(scale=1.0, offsets=(0.0, 0.0, 0.0, 0.0))


@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan, math.inf])
def test_calibration_refuses_a_scale_that_breaks_the_ranking(scale: float) -> None:
    with pytest.raises(ConfigError) as caught:
        Calibration(scale=scale)
    assert caught.value.problem == "The calibration scale is not a positive number"
    assert caught.value.value is scale
    assert caught.value.remedy == "Fit the calibration again with train.py --finalize."


@pytest.mark.parametrize(
    "offsets", [(0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0, 0.0), (0.0, math.nan, 0.0, 0.0)]
)
def test_calibration_refuses_other_than_four_finite_offsets(offsets: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        Calibration(offsets=offsets)
    assert caught.value.problem == "The calibration needs one finite offset per finding"
    assert caught.value.value is offsets
    assert caught.value.remedy == "Fit the calibration again with train.py --finalize."


@pytest.mark.parametrize("threshold", [0.0, 0.5, 1.0])
def test_an_operating_point_is_any_probability(threshold: float) -> None:
    assert replace(POINT, threshold=threshold).threshold == threshold


@pytest.mark.parametrize("threshold", [-0.01, 1.01, math.nan, math.inf])
def test_an_operating_point_is_nothing_but_a_probability(threshold: float) -> None:
    with pytest.raises(ConfigError) as caught:
        replace(POINT, threshold=threshold)
    assert caught.value.problem == "A cut-off is not between 0 and 1"
    assert caught.value.value is threshold
    assert caught.value.remedy == "Fit the cut-offs again with train.py --finalize."


@pytest.mark.parametrize("maximum", [0.0, -3.0, math.nan, math.inf])
def test_the_evidence_scale_is_positive_and_finite(maximum: float) -> None:
    with pytest.raises(ConfigError) as caught:
        EvidenceScale(maximum=maximum)
    assert caught.value.problem == "The colour scale of the maps is not a positive number"
    assert caught.value.value is maximum
    assert caught.value.remedy == "Fit it again with train.py --finalize."


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (Preprocessing(), "size"),
        (Calibration(), "scale"),
        (POINT, "threshold"),
        (EvidenceScale(1.0), "maximum"),
    ],
)
def test_values_that_travel_with_the_weights_are_frozen(value: object, field: str) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(value, field, 0.5)
