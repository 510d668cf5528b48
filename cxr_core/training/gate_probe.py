"""The gate's probe: a linear classifier of a network's pooled features, film or no film.

The thumbnails' classifier sees shapes and no detail. The network that reads the film has made
features of its detail already, so asking them costs a product of C numbers (a linear probe, after
Alain and Bengio, 2016). Features tell the hospital as well: a probe whose cut was set on one
hospital's films stops the next one's (docs/gate.md). So the cut is set on hospitals that the probe
has not seen, each in turn, and without other hospitals' films there is no probe.
"""

import logging
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from threadpoolctl import threadpool_limits

from cxr_core.config import GateParameters, Preprocessing
from cxr_core.imaging.gate import LATERAL, NO_FILM, UPRIGHT
from cxr_core.imaging.preprocessing import normalise_tensor, to_square
from cxr_core.model.network import ChestNetwork
from cxr_core.training.drawn_laterals import drawn_lateral
from cxr_core.training.drawn_slices import SLICES
from cxr_core.training.gate_examples import jitter, letterboxed, non_film, old_contrast
from cxr_core.training.gate_films import GateFilms

logger = logging.getLogger(__name__)
MAX_FILMS = 1_800  # own films; each is read by the network, at 10 to 40 ms
MAX_REJECTED_UNSEEN = 0.01  # share of a hospital's films, when the probe has not seen it
MAX_REJECTED_OWN = 0.005  # of own patients that it has not seen
MIN_SOURCE_FILMS = 40  # of a hospital; fewer do not show a share of a few percent
_DRAWN_OF_EACH_KIND = 300
_BARS = 0.15  # of a side
_INVERSE_PENALTY = 0.001
_BATCH, _CV_FOLDS = 32, 3
Squares = NDArray[np.uint8]
Features = NDArray[np.float32]


def add_probe(
    gate: GateParameters,
    network: ChestNetwork,
    preprocessing: Preprocessing,
    own: tuple[Squares, NDArray[np.str_]],
    others: GateFilms,
    *,
    seed: int,
) -> GateParameters:
    """The gate with a probe of this network's features; as it was without another hospital's films.

    Args:
        own: uint8 (N, 224, 224) upright films and (N,) whose they are.
        others: pictures of other sources; those of at least ``MIN_SOURCE_FILMS`` films set the cut.
    """
    upright, rejected = others.of_kind(UPRIGHT), others.of_kind(LATERAL, NO_FILM)
    names, counts = np.unique(upright.sources, return_counts=True)
    if not (counts >= MIN_SOURCE_FILMS).any():
        logger.info(
            "No other hospital has %d films: the gate has no probe of the network's features.",
            MIN_SOURCE_FILMS,
        )
        return gate
    rng = np.random.default_rng(seed)
    squares, patients = own
    chosen = np.sort(rng.permutation(len(squares))[:MAX_FILMS])
    squares, patients = squares[chosen], patients[chosen]

    def read(pictures: list[Squares]) -> Features:
        return pooled_features(network, preprocessing, pictures)

    # Its own films, and copies that must pass as well.
    films = read(list(squares))  # (N, C)
    copies = [
        *(jitter(square, rng) for square in squares[::4]),
        *(letterboxed(square, _BARS, rng) for square in squares[1::6]),
        *(old_contrast(square, rng) for square in squares[2::6]),
    ]
    by_hospital = {
        str(name): read(list(upright.squares[upright.sources == name])) for name in names
    }
    draws = [*(draw for draw, _ in SLICES.values()), drawn_lateral]
    negatives = [draw(rng) for draw in draws for _ in range(_DRAWN_OF_EACH_KIND)]
    negatives += [non_film(square, rng) for square in squares[3::3]]
    negatives += list(rejected.squares)
    parameters, threshold = fit_probe(films, patients, read(copies), by_hospital, read(negatives))
    logger.info("Probe of the network's features: cut at %.2f.", threshold)
    return replace(gate, arrays=gate.arrays | parameters, probe_threshold=threshold)


def fit_probe(
    films: Features,
    patients: NDArray[np.str_],
    copies: Features,
    by_hospital: dict[str, Features],
    negatives: Features,
) -> tuple[dict[str, NDArray[np.float32]], float]:
    """The probe's arrays, and its cut.

    The cut stops at most ``MAX_REJECTED_UNSEEN`` of each large enough hospital's films, when it is
    judged by a probe that was fitted without that hospital, and ``MAX_REJECTED_OWN`` of ``films``
    in cross-validation over patients.

    Args:
        films: (N, C) features of own upright films.
        patients: (N,) whose each is.
        copies: (M, C) of altered ones that must pass.
        by_hospital: (n, C) of each other hospital's upright films.
        negatives: (K, C) of what is no frontal chest film.
    """
    with threadpool_limits(limits=1):
        cuts = []
        for name, held_out in by_hospital.items():
            if len(held_out) >= MIN_SOURCE_FILMS:
                rest = [other for key, other in by_hospital.items() if key != name]
                probe = _fit([films, copies, *rest], negatives)
                cuts.append(np.quantile(_scores(held_out, probe), MAX_REJECTED_UNSEEN))
        own = np.empty(len(films))
        for train, held_out_rows in GroupKFold(_CV_FOLDS).split(films, groups=patients):
            probe = _fit([films[train], copies, *by_hospital.values()], negatives)
            own[held_out_rows] = _scores(films[held_out_rows], probe)
        cuts.append(np.quantile(own, MAX_REJECTED_OWN))
        return _fit([films, copies, *by_hospital.values()], negatives), float(min(cuts))


def _fit(positives: list[Features], negatives: Features) -> dict[str, NDArray[np.float32]]:
    """Logistic regression; a source counts as the root of its films, so that small ones do too."""
    positive = np.concatenate(positives)
    weights = np.concatenate([np.full(len(part), len(part) ** -0.5) for part in positives])
    features = np.concatenate([positive, negatives])  # (N + K, C)
    mean, spread = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-6)
    labels = np.repeat([1, 0], [len(positive), len(negatives)])
    of_negatives = np.full(len(negatives), weights.sum() / len(negatives))
    model = LogisticRegression(C=_INVERSE_PENALTY, max_iter=1_000)
    # Weights of mean 1, so that the penalty means the same for any number of sources.
    sample_weight = np.concatenate([weights, of_negatives])
    model.fit((features - mean) / spread, labels, sample_weight / sample_weight.mean())
    return {
        "probe_mean": mean.astype(np.float32),
        "probe_weight": (model.coef_[0] / spread).astype(np.float32),
        "probe_bias": model.intercept_.astype(np.float32),
    }


def _scores(features: Features, probe: dict[str, NDArray[np.float32]]) -> Features:
    products = (features - probe["probe_mean"]) @ probe["probe_weight"]  # (N,)
    scores: Features = np.add(products, probe["probe_bias"])
    return scores


def pooled_features(
    network: ChestNetwork, preprocessing: Preprocessing, squares: list[Squares]
) -> Features:
    """Squares (S, S) -> float32 (N, C), as a film's are when it is read."""
    pooled = []
    with torch.inference_mode():
        for start in range(0, len(squares), _BATCH):
            batch = np.stack(
                [to_square(one, preprocessing.size) for one in squares[start : start + _BATCH]]
            )
            images = normalise_tensor(torch.from_numpy(batch), preprocessing)  # (B, 3, S, S)
            images = images.contiguous(memory_format=torch.channels_last)  # a quarter faster
            features = network.forward_features(images)  # (B, C, h, w)
            pooled.append(features.mean(dim=(2, 3)).numpy())  # (B, C)
    return np.concatenate(pooled)
