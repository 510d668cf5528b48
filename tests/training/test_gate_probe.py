"""The gate's probe: fitted on clouds of features, cut by hospitals that it has not seen."""

import logging
from dataclasses import replace

import numpy as np
import pytest
import torch

from cxr_core.config import Preprocessing
from cxr_core.imaging.gate import UPRIGHT, probe_scores
from cxr_core.imaging.preprocessing import normalise_tensor
from cxr_core.model.densenet import build_densenet121
from cxr_core.training.gate_films import GateFilms
from cxr_core.training.gate_probe import (
    MAX_REJECTED_UNSEEN,
    MIN_SOURCE_FILMS,
    Features,
    add_probe,
    fit_probe,
    pooled_features,
)
from tests.helpers.gate import brightness_gate

CHANNELS = 6
PREPROCESSING = Preprocessing(size=64)


def cloud(n: int, seed: int, **shifts: float) -> Features:
    """Standard normal features, some of them shifted: ``c0=2.0`` is the first by 2."""
    features = np.random.default_rng(seed).standard_normal((n, CHANNELS))
    for name, shift in shifts.items():
        features[:, int(name[1:])] += shift
    return features.astype(np.float32)


def fitted(by_hospital: dict[str, Features]) -> tuple[dict[str, Features], float]:
    films, copies = cloud(300, 0), cloud(80, 1)
    patients = np.arange(300).astype(str)
    return fit_probe(films, patients, copies, by_hospital, cloud(300, 2, c0=-6.0))


def stopped(features: Features, arrays: dict[str, Features], threshold: float) -> float:
    whole = brightness_gate().arrays | arrays
    gate = replace(brightness_gate(), arrays=whole, probe_threshold=threshold)
    return float((probe_scores(features, gate) < threshold).mean())


def test_it_tells_what_is_no_film_and_passes_a_hospital_that_it_has_not_seen() -> None:
    arrays, threshold = fitted({"near": cloud(100, 3, c1=1.0), "far": cloud(100, 4, c1=3.0)})
    assert stopped(cloud(500, 5), arrays, threshold) <= 0.02
    assert stopped(cloud(500, 6, c1=2.0), arrays, threshold) <= 0.02
    assert stopped(cloud(500, 7, c0=-6.0), arrays, threshold) >= 0.98


def test_a_hospital_that_is_like_no_film_moves_the_cut_until_it_passes_unseen() -> None:
    odd = cloud(200, 8, c0=-4.0)
    _, cut_without = fitted({"near": cloud(100, 3)})
    arrays, cut = fitted({"near": cloud(100, 3), "odd": odd})
    assert cut < cut_without
    # Judged with it in the fit, no more of it is stopped than when it was left out.
    assert stopped(odd, arrays, cut) <= MAX_REJECTED_UNSEEN


def test_a_few_films_of_a_hospital_set_no_cut() -> None:
    _, with_few = fitted({"near": cloud(100, 3), "few": cloud(MIN_SOURCE_FILMS - 1, 8, c0=-4.0)})
    _, with_many = fitted({"near": cloud(100, 3), "many": cloud(MIN_SOURCE_FILMS, 8, c0=-4.0)})
    assert with_many < with_few


def test_pooled_features_are_those_of_a_film_that_is_read() -> None:
    network = build_densenet121(4, "none").eval().requires_grad_(False)
    squares = list(np.random.default_rng(0).integers(0, 256, (3, 64, 64), dtype=np.uint8))
    found = pooled_features(network, PREPROCESSING, squares)
    images = normalise_tensor(torch.from_numpy(np.stack(squares)), PREPROCESSING)  # (3, 3, 64, 64)
    expected = network.forward_features(images).mean(dim=(2, 3))  # (3, 1024)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)


def test_without_enough_films_of_another_hospital_there_is_no_probe(
    caplog: pytest.LogCaptureFixture,
) -> None:
    few = MIN_SOURCE_FILMS - 1
    others = GateFilms(
        squares=np.zeros((few, 224, 224), np.uint8),
        kinds=np.full(few, UPRIGHT),
        sources=np.full(few, "small hospital"),
        patients=np.arange(few).astype(str),
    )
    own = np.zeros((300, 224, 224), np.uint8), np.arange(300).astype(str)
    gate = brightness_gate()
    with caplog.at_level(logging.INFO):
        assert (
            add_probe(gate, build_densenet121(4, "none"), PREPROCESSING, own, others, seed=0)
            is gate
        )
    assert "No other hospital has 40 films" in caplog.text
