"""The input gate's fit, from the films of training and validation."""

import logging

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.model_selection import GroupKFold
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from cxr_core.config import GateParameters
from cxr_core.findings import LABEL_COLUMNS
from cxr_core.imaging.gate_network import UPRIGHT, log_probabilities, thumbnails
from cxr_core.imaging.preprocessing import to_square
from cxr_core.training.films import Films
from cxr_core.training.gate_examples import SIDE, abdomen, jitter, no_film, wrong_copies

logger = logging.getLogger(__name__)

ADULT = 18  # years
LEAST_FILMS = 200  # below it no share of 1 % can be told
MOST_FILMS = 3_000  # more teach thumbnails nothing new, and the fit stays within minutes
OVERALL, WITHIN_GROUP = 0.01, 0.04  # shares of upright films that may be stopped
LEAST_GROUP = 40  # films; in a smaller group a share of 4 % cannot be told
_COMPONENTS, _HIDDEN, _NETWORKS, _FOLDS = 48, 128, 5, 3
_WEIGHT_PENALTY = 0.3
_RARE_SHARE = 0.15  # groups below it are shown more often, lest the gate find them odd
_USUAL_TIMES, _RARE_TIMES = 2, 20
_NO_FILMS = 4  # made for each film


def gate_of(films: Films, *, seed: int) -> GateParameters | None:
    """The gate of a run, from its films of training and validation; the test part is not met."""
    table = films.table[films.table["split"].isin(("train", "validation"))]
    if len(table) > MOST_FILMS:  # before they are drawn from the cache: all of NIH would be 4 GB
        table = table.sample(MOST_FILMS, random_state=seed).sort_index()
    squares = np.stack([to_square(films.cache.images[row], SIDE) for row in table["row"]])
    groups = {f"view {view}": table["view"].eq(view) for view in ("PA", "AP")}
    groups["under 18"] = table["age"].lt(ADULT)
    groups |= {name: table[name].eq(1) for name in LABEL_COLUMNS}
    members = {name: member.to_numpy(dtype=bool) for name, member in groups.items()}
    return fit_gate(squares, table["patient"].to_numpy(dtype=str), members, seed=seed)


def fit_gate(
    squares: NDArray[np.uint8],
    patients: NDArray[np.str_],
    groups: dict[str, NDArray[np.bool_]],
    *,
    seed: int = 0,
) -> GateParameters | None:
    """Fit the classifier, and its threshold by cross-validation over patients.

    The threshold stops at most ``OVERALL`` of all upright films and ``WITHIN_GROUP`` of each
    group, when each is judged by a classifier that has not seen its patient.

    Args:
        squares: uint8 (N, 224, 224), whole upright films.
        patients: (N,) whose film each is.
        groups: by name, which films (N,) belong to a group that must not be stopped more often,
            as children or one projection.

    Returns:
        None with fewer than ``LEAST_FILMS`` films or five patients.
    """
    if len(squares) < LEAST_FILMS or len(np.unique(patients)) < _FOLDS:
        logger.info("Too few films (%d) to fit an input gate.", len(squares))
        return None
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(len(squares))[:MOST_FILMS])
    squares, patients = squares[chosen], patients[chosen]
    groups = {name: member[chosen] for name, member in groups.items()}
    with threadpool_limits(limits=1):  # such small products only wait for one another
        return _fit_and_judge(squares, patients, groups, rng, seed)


def _fit_and_judge(
    squares: NDArray[np.uint8],
    patients: NDArray[np.str_],
    groups: dict[str, NDArray[np.bool_]],
    rng: np.random.Generator,
    seed: int,
) -> GateParameters:
    thumbs, kinds, films = _examples(squares, _rare(groups, len(squares)), rng)
    scores = np.empty(len(squares))
    for seen, unseen in GroupKFold(_FOLDS).split(squares, groups=patients):
        taught = np.isin(films, seen)
        networks = _fit_networks(thumbs[taught], kinds[taught], seed)
        scores[unseen] = log_probabilities(thumbs[unseen], networks)[:, 0]
    networks = _fit_networks(thumbs, kinds, seed)
    threshold = _threshold(scores, groups)
    stopped = float((scores < threshold).mean())
    logger.info("Input gate: stops %.2f %% of %d films unseen.", 100 * stopped, len(squares))
    return GateParameters(networks.kinds, threshold, networks.arrays, len(squares), stopped)


def _rare(groups: dict[str, NDArray[np.bool_]], films: int) -> NDArray[np.bool_]:
    """Films (N,) of any rare group."""
    rare = [member for member in groups.values() if 0 < member.mean() < _RARE_SHARE]
    return np.any(rare, axis=0) if rare else np.zeros(films, dtype=bool)


def _examples(
    squares: NDArray[np.uint8], rare: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.str_], NDArray[np.intp]]:
    """Thumbnails, their kinds, and the film each was made of; the N films as they are first."""
    thumbs = [thumbnails(squares)]
    kinds = [UPRIGHT] * len(squares)
    films = list(range(len(squares)))
    for index, square in enumerate(squares):
        made = [
            (UPRIGHT, jitter(square, rng))
            for _ in range(_RARE_TIMES if rare[index] else _USUAL_TIMES)
        ]
        made += wrong_copies(square).items()
        made += wrong_copies(jitter(square, rng), rng.uniform(0.3, 0.5)).items()
        made += [("lower part", abdomen(jitter(square, rng), rng)) for _ in range(2)]
        made += [("no film", no_film(square, rng)) for _ in range(_NO_FILMS)]
        # Reduced at once: all copies of all films at full size would not fit in memory.
        thumbs.append(thumbnails(np.stack([picture for _, picture in made])))
        kinds += [kind for kind, _ in made]
        films += [index] * len(made)
    return np.concatenate(thumbs), np.array(kinds), np.array(films)


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
            (_HIDDEN,),
            alpha=_WEIGHT_PENALTY,
            batch_size=512,
            early_stopping=True,
            n_iter_no_change=6,
            tol=3e-4,
            max_iter=200,
            random_state=seed + number,
        ).fit(whitened, kinds)
        for number in range(_NETWORKS)
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
        kinds=tuple(str(kind) for kind in names[order]),
        threshold=0.0,
        arrays={name: np.ascontiguousarray(a, dtype=np.float32) for name, a in arrays.items()},
        films=len(thumbs),
        wrongly_stopped=0.0,
    )


def _threshold(scores: NDArray[np.float64], groups: dict[str, NDArray[np.bool_]]) -> float:
    """The highest cut that keeps to both shares."""
    cuts = [np.quantile(scores, OVERALL)]
    for member in groups.values():
        if member.sum() >= LEAST_GROUP:
            cuts.append(np.quantile(scores[member], WITHIN_GROUP))
    return float(min(cuts))
