"""The input gate's fit, from the films of training and validation."""

import logging

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.model_selection import GroupKFold
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from cxr_core.config import GateParameters, Preprocessing
from cxr_core.findings import LABEL_COLUMNS
from cxr_core.imaging.dicom.tags import ADULT_AGE
from cxr_core.imaging.gate import (
    GATE_SIDE,
    LATERAL,
    NO_FILM,
    UPRIGHT,
    log_probabilities,
    thumbnails,
)
from cxr_core.imaging.preprocessing import to_square
from cxr_core.model.network import ChestNetwork
from cxr_core.training.dataset import FilmDataset
from cxr_core.training.drawn_laterals import drawn_lateral
from cxr_core.training.drawn_slices import drawn_slice
from cxr_core.training.gate_examples import invalid_copies, jitter, non_film, simulated_abdomen
from cxr_core.training.gate_films import GateFilms
from cxr_core.training.gate_probe import add_probe

logger = logging.getLogger(__name__)
MIN_FILMS = 200  # below it no share of 1 % can be told
MAX_FILMS = 3_000  # more teach thumbnails nothing new, and the fit stays within minutes
MAX_REJECTED, MAX_REJECTED_PER_GROUP = 0.01, 0.04  # shares of upright films that may be stopped
# Of these shares, where all films are one hospital's: the next one's are stopped more often.
ONE_SOURCE_FACTOR = 0.5
MIN_GROUP_FILMS = 40  # films; in a smaller group a share of 4 % cannot be told
_COMPONENTS, _HIDDEN_UNITS, _ENSEMBLE_SIZE, _CV_FOLDS = 128, 512, 4, 3
_WEIGHT_PENALTY = 0.1
_RARE_SHARE = 0.15  # groups below it are shown more often, lest the gate find them odd
_USUAL_COPIES, _RARE_COPIES = 2, 20
_NON_FILMS_PER_FILM, _SLICES_PER_FILM, _LATERALS_PER_FILM = 4, 3, 2  # made for each film
_SOURCE_PREFIX = "source "  # of the name of a group that is another source's films
_NO_FILM_INDEX = -1  # of examples that were made of no film and are in every fold's training


def fit_gate_on_dataset(
    films: FilmDataset, network: ChestNetwork, preprocessing: Preprocessing, *, seed: int
) -> GateParameters | None:
    """The gate of a run, from its films of training and validation; the test part is not met.

    Args:
        network: as stored; its features are probed where other hospitals' films are given.
    """
    table = films.table[films.table["split"].isin(("train", "validation"))]
    if len(table) > MAX_FILMS:  # before they are drawn from the cache: all of NIH would be 4 GB
        table = table.sample(MAX_FILMS, random_state=seed).sort_index()
    squares = np.stack([to_square(films.cache.images[row], GATE_SIDE) for row in table["row"]])
    groups = {f"view {view}": table["view"].eq(view) for view in ("PA", "AP")}
    groups["under 18"] = table["age"].lt(ADULT_AGE)
    groups |= {name: table[name].eq(1) for name in LABEL_COLUMNS}
    members = {name: member.to_numpy(dtype=bool) for name, member in groups.items()}
    patients = table["patient"].to_numpy(dtype=str)
    gate = fit_gate(squares, patients, members, others=films.gate_films, seed=seed)
    if gate is None or films.gate_films is None:
        return gate
    return add_probe(gate, network, preprocessing, (squares, patients), films.gate_films, seed=seed)


def fit_gate(
    squares: NDArray[np.uint8],
    patients: NDArray[np.str_],
    groups: dict[str, NDArray[np.bool_]],
    *,
    others: GateFilms | None = None,
    seed: int = 0,
) -> GateParameters | None:
    """Fit the classifier, and its threshold by cross-validation over patients.

    The threshold stops at most ``MAX_REJECTED`` of all upright films and
    ``MAX_REJECTED_PER_GROUP`` of each group and each source of ``others``, when each is judged by
    a classifier that has not seen its patient; half of these shares without films of others.

    Args:
        squares: uint8 (N, 224, 224), whole upright films.
        patients: (N,) whose film each is.
        groups: by name, which films (N,) belong to a group that must not be stopped more often,
            as children or one projection.
        others: pictures of other sources; the upright ones must pass as well.

    Returns:
        None with fewer than ``MIN_FILMS`` films or five patients.
    """
    if len(squares) < MIN_FILMS or len(np.unique(patients)) < _CV_FOLDS:
        logger.info("Too few films (%d) to fit an input gate.", len(squares))
        return None
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(len(squares))[:MAX_FILMS])
    squares, patients = squares[chosen], patients[chosen]
    groups = {name: member[chosen] for name, member in groups.items()}
    rejected = None
    if others is not None:
        squares, patients, groups = _with_upright(squares, patients, groups, others)
        rejected = others.of_kind(LATERAL, NO_FILM)
    with threadpool_limits(limits=1):  # such small products only wait for one another
        return _cross_validate_and_fit(squares, patients, groups, rejected, rng, seed)


def _with_upright(
    squares: NDArray[np.uint8],
    patients: NDArray[np.str_],
    groups: dict[str, NDArray[np.bool_]],
    others: GateFilms,
) -> tuple[NDArray[np.uint8], NDArray[np.str_], dict[str, NDArray[np.bool_]]]:
    """The films with the upright ones of other sources behind them, each source a group."""
    upright = others.of_kind(UPRIGHT)
    more = len(upright.squares)
    groups = {name: np.append(member, np.zeros(more, bool)) for name, member in groups.items()}
    for source in np.unique(upright.sources):
        member = np.append(np.zeros(len(squares), bool), upright.sources == source)
        groups[f"{_SOURCE_PREFIX}{source}"] = member
    return (
        np.concatenate([squares, upright.squares]),
        np.concatenate([patients, upright.patients]),
        groups,
    )


def _cross_validate_and_fit(
    squares: NDArray[np.uint8],
    patients: NDArray[np.str_],
    groups: dict[str, NDArray[np.bool_]],
    rejected: GateFilms | None,
    rng: np.random.Generator,
    seed: int,
) -> GateParameters:
    thumbs, kinds, film_index = _training_examples(
        squares, _in_rare_group(groups, len(squares)), rng
    )
    if rejected is not None and len(rejected.squares):
        more_thumbs, more_kinds = _rejected_examples(rejected, rng)
        thumbs, kinds = np.concatenate([thumbs, more_thumbs]), np.append(kinds, more_kinds)
        film_index = np.append(film_index, np.full(len(more_kinds), _NO_FILM_INDEX))
    scores = np.empty(len(squares))
    for train, held_out in GroupKFold(_CV_FOLDS).split(squares, groups=patients):
        in_training = np.isin(film_index, [*train, _NO_FILM_INDEX])
        networks = _fit_networks(thumbs[in_training], kinds[in_training], seed)
        scores[held_out] = log_probabilities(thumbs[held_out], networks)[:, 0]
    networks = _fit_networks(thumbs, kinds, seed)
    several = any(name.startswith(_SOURCE_PREFIX) for name in groups)
    threshold = _threshold(scores, groups, factor=1.0 if several else ONE_SOURCE_FACTOR)
    stopped = float((scores < threshold).mean())
    logger.info(
        "Input gate: rejects %.2f %% of %d upright films in cross-validation.",
        100 * stopped,
        len(squares),
    )
    for name, member in groups.items():
        logger.info("  %s: %d of %d", name, (scores[member] < threshold).sum(), member.sum())
    return GateParameters(networks.class_names, threshold, networks.arrays, len(squares), stopped)


def _in_rare_group(groups: dict[str, NDArray[np.bool_]], films: int) -> NDArray[np.bool_]:
    """Films (N,) of any rare group."""
    rare = [member for member in groups.values() if 0 < member.mean() < _RARE_SHARE]
    return np.any(rare, axis=0) if rare else np.zeros(films, dtype=bool)


def _training_examples(
    squares: NDArray[np.uint8], rare: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.str_], NDArray[np.intp]]:
    """Thumbnails, their kinds, and the film each was made of; the N films as they are first."""
    thumbs = [thumbnails(squares)]
    kinds = [UPRIGHT] * len(squares)
    films = list(range(len(squares)))
    for index, square in enumerate(squares):
        made = [
            (UPRIGHT, jitter(square, rng))
            for _ in range(_RARE_COPIES if rare[index] else _USUAL_COPIES)
        ]
        made += invalid_copies(square).items()
        made += invalid_copies(jitter(square, rng), rng.uniform(0.3, 0.5)).items()
        made += [("lower part", simulated_abdomen(jitter(square, rng), rng)) for _ in range(2)]
        made += [(NO_FILM, non_film(square, rng)) for _ in range(_NON_FILMS_PER_FILM)]
        made += [(NO_FILM, drawn_slice(rng)) for _ in range(_SLICES_PER_FILM)]
        made += [(LATERAL, drawn_lateral(rng)) for _ in range(_LATERALS_PER_FILM)]
        # Reduced at once: all copies of all films at full size would not fit in memory.
        thumbs.append(thumbnails(np.stack([picture for _, picture in made])))
        kinds += [kind for kind, _ in made]
        films += [index] * len(made)
    return np.concatenate(thumbs), np.array(kinds), np.array(films)


def _rejected_examples(
    rejected: GateFilms, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    """Thumbnails and kinds of real laterals and non-films, and of copies of them."""
    copies = 1 + _RARE_COPIES
    thumbs = [  # reduced at once, since all copies at full size might not fit in memory
        thumbnails(np.stack([square, *(jitter(square, rng) for _ in range(_RARE_COPIES))]))
        for square in rejected.squares
    ]
    return np.concatenate(thumbs), np.repeat(rejected.kinds, copies)


def _fit_networks(
    thumbs: NDArray[np.float32], kinds: NDArray[np.str_], seed: int
) -> GateParameters:
    """The classifier with no threshold yet; ``upright`` is its first kind."""
    components = min(_COMPONENTS, len(thumbs) // 4)
    pca = PCA(components, whiten=True, svd_solver="randomized", random_state=seed)
    pca.fit(thumbs[::4])
    projection = pca.components_ / np.sqrt(pca.explained_variance_)[:, None]  # (k, S * S)
    whitened = (thumbs - pca.mean_) @ projection.T  # (N, k)
    networks = [
        MLPClassifier(
            (_HIDDEN_UNITS,),
            alpha=_WEIGHT_PENALTY,
            batch_size=512,
            early_stopping=True,
            n_iter_no_change=6,
            tol=3e-4,
            max_iter=200,
            random_state=seed + number,
        ).fit(whitened, kinds)
        for number in range(_ENSEMBLE_SIZE)
    ]
    names = networks[0].classes_
    order = np.argsort(names != UPRIGHT, kind="stable")
    arrays = {
        "mean": pca.mean_,
        "components": projection,
        "hidden": np.stack([network.coefs_[0] for network in networks]),
        "hidden_bias": np.stack([network.intercepts_[0] for network in networks]),
        "output": np.stack([network.coefs_[1][:, order] for network in networks]),
        "output_bias": np.stack([network.intercepts_[1][order] for network in networks]),
    }
    return GateParameters(
        class_names=tuple(str(kind) for kind in names[order]),
        threshold=0.0,
        arrays={name: np.ascontiguousarray(a, dtype=np.float32) for name, a in arrays.items()},
        n_films=len(thumbs),
        false_rejection_rate=0.0,
    )


def _threshold(
    scores: NDArray[np.float64], groups: dict[str, NDArray[np.bool_]], *, factor: float = 1.0
) -> float:
    """The highest cut that keeps to both shares, each times ``factor``."""
    thresholds = [np.quantile(scores, factor * MAX_REJECTED)]
    for member in groups.values():
        if member.sum() >= MIN_GROUP_FILMS:
            thresholds.append(np.quantile(scores[member], factor * MAX_REJECTED_PER_GROUP))
    return float(min(thresholds))
