"""Prior shift: by hand, and that no decision ever changes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxr_core.errors import ConfigError
from cxr_core.evaluation.metrics.at_threshold import adjust_for_prevalence, assumed_prevalence
from cxr_core.evaluation.predictions import labels_of, probabilities_of, read_predictions
from cxr_core.findings import KEYS
from cxr_core.model.metadata import load_metadata
from tests.helpers import DEFAULT_MODEL

PROBABILITIES = st.floats(0.0, 1.0)
PREVALENCES = st.floats(0.0005, 0.9995)


def test_a_hand_example() -> None:
    # Odds 1 at a prevalence with odds 1/4; at odds 1/9 they become 4/9, so p = 4/13.
    assert adjust_for_prevalence(0.5, from_prevalence=0.2, to_prevalence=0.1) == pytest.approx(
        4 / 13
    )
    assert adjust_for_prevalence(0.2, from_prevalence=0.2, to_prevalence=0.1) == pytest.approx(0.1)


@given(PROBABILITIES, PROBABILITIES, PREVALENCES, PREVALENCES)
def test_no_decision_changes(p: float, cut_off: float, assumed: float, site: float) -> None:
    moved, moved_cut_off = (
        adjust_for_prevalence(v, from_prevalence=assumed, to_prevalence=site) for v in (p, cut_off)
    )
    assert 0.0 <= moved <= 1.0
    if p >= cut_off:
        assert moved >= moved_cut_off
    else:
        assert moved <= moved_cut_off


@given(PROBABILITIES, PREVALENCES, PREVALENCES)
def test_there_and_back(p: float, assumed: float, site: float) -> None:
    there = adjust_for_prevalence(p, from_prevalence=assumed, to_prevalence=site)
    assert adjust_for_prevalence(
        p, from_prevalence=assumed, to_prevalence=assumed
    ) == pytest.approx(p)
    assert adjust_for_prevalence(
        there, from_prevalence=site, to_prevalence=assumed
    ) == pytest.approx(p, abs=1e-6)


def test_never_and_always_stay() -> None:
    assert adjust_for_prevalence(0.0, from_prevalence=0.2, to_prevalence=0.05) == 0.0
    assert adjust_for_prevalence(1.0, from_prevalence=0.2, to_prevalence=0.05) == 1.0


@pytest.mark.parametrize(("assumed", "site"), [(0.2, 0.0), (0.2, 1.0), (0.0, 0.2), (1.0, 0.2)])
def test_a_prevalence_of_never_or_always_is_refused(assumed: float, site: float) -> None:
    with pytest.raises(ConfigError, match="between 0 and 100 %"):
        adjust_for_prevalence(0.5, from_prevalence=assumed, to_prevalence=site)


@pytest.mark.parametrize("probability", [-0.1, 1.2, float("nan")])
def test_what_is_no_probability_is_refused(probability: float) -> None:
    with pytest.raises(ConfigError, match="not logits"):
        adjust_for_prevalence(probability, from_prevalence=0.2, to_prevalence=0.1)


def test_the_assumed_prevalence_is_the_labels_share() -> None:
    labels = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 1]])
    assert assumed_prevalence(labels) == {
        "effusion": 0.5, "atelectasis": 0.25, "infiltration": 0.0, "no_finding": 0.5,
    }  # fmt: skip


def test_the_shipped_probabilities_assume_the_validation_films_shares() -> None:
    """The identity that the name rests on: mean calibrated probability = share of the label."""
    table = read_predictions(DEFAULT_MODEL / "predictions_val.csv")
    means = probabilities_of(table, load_metadata(DEFAULT_MODEL).calibration).mean(axis=0)
    shares = assumed_prevalence(labels_of(table))
    assert dict(zip(KEYS, means, strict=True)) == pytest.approx(shares, abs=1e-3)
