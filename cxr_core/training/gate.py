"""The input gate's fit, from the films of training and validation."""

import logging
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from sklearn.decomposition import PCA
from sklearn.model_selection import GroupKFold
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from cxr_core.config import GateParameters
from cxr_core.findings import LABEL_COLUMNS
from cxr_core.imaging.dicom.tags import ADULT_AGE
from cxr_core.imaging.gate import GATE_SIDE, UPRIGHT, log_probabilities, thumbnails
from cxr_core.imaging.preprocessing import to_square
from cxr_core.training.dataset import FilmDataset

Square = NDArray[np.uint8]
Generator = np.random.Generator
logger = logging.getLogger(__name__)
MIN_FILMS = 200  # below it no share of 1 % can be told
MAX_FILMS = 3_000  # more teach thumbnails nothing new, and the fit stays within minutes
MAX_REJECTED, MAX_REJECTED_PER_GROUP = 0.01, 0.04  # shares of upright films that may be stopped
MIN_GROUP_FILMS = 40  # films; in a smaller group a share of 4 % cannot be told
_COMPONENTS, _HIDDEN_UNITS, _ENSEMBLE_SIZE, _CV_FOLDS = 48, 128, 5, 3
_WEIGHT_PENALTY = 0.3
_RARE_SHARE = 0.15  # groups below it are shown more often, lest the gate find them odd
_USUAL_COPIES, _RARE_COPIES = 2, 20
_NON_FILMS_PER_FILM = 4  # made for each film


# What the input gate learns from: upright films, their wrong copies, and drawn non-films.
#
# All are squares of 224 px. Nothing comes from outside: a picture that is no film is noise, a drawn
# page or scene, or a film cut up, enlarged or pasted on a page.


def invalid_copies(film: Square, share: float = 0.5) -> dict[str, Square]:
    """A film (224, 224) as it should not come, by the gate's kinds.

    Args:
        share: how much of its side a part shows, 0 to 1.
    """
    part = round(GATE_SIDE * share)
    rest, edge = GATE_SIDE - part, (GATE_SIDE - part) // 2
    return {
        "inverted": 255 - film,
        "turned left": np.rot90(film, 1),
        "turned right": np.rot90(film, 3),
        "upside down": np.rot90(film, 2),
        "left part": to_square(film[:, :part], GATE_SIDE),
        "right part": to_square(film[:, rest:], GATE_SIDE),
        "lower part": to_square(film[rest:], GATE_SIDE),
        "upper part": to_square(film[:part], GATE_SIDE),
        "enlarged part": to_square(film[edge : edge + part, edge : edge + part], GATE_SIDE),
    }


def jitter(film: Square, rng: Generator) -> Square:
    """A film as another machine or technician could have made it, or a mirrored one.

    Mirrored films pass, which nothing in the pixels forbids (dextrocardia); in return twice as
    many builds of chest are learnt.
    """
    film = film[:, ::-1] if rng.random() < 0.5 else film
    scale, angle = rng.uniform(0.85, 1.08), np.deg2rad(rng.uniform(-10, 10))
    right, down = rng.uniform(-0.08, 0.08, 2) * GATE_SIDE
    cos, sin, middle = np.cos(angle) / scale, np.sin(angle) / scale, GATE_SIDE / 2
    moves = (
        *(cos, sin, middle - middle * (cos + sin) + right),
        *(-sin, cos, middle - middle * (cos - sin) + down),
    )
    moved = Image.fromarray(np.ascontiguousarray(film)).transform(
        (GATE_SIDE, GATE_SIDE), Image.Transform.AFFINE, moves, Image.Resampling.BILINEAR
    )
    gray = (np.asarray(moved) / 255.0) ** rng.uniform(0.7, 1.4) * rng.uniform(0.85, 1.15)
    exposed = np.asarray(np.clip(gray, 0, 1) * 255).astype(np.uint8)
    return _collimated(exposed, rng) if rng.random() < 0.3 else exposed


def simulated_abdomen(film: Square, rng: Generator) -> Square:
    """What an abdominal film shows: at most the lungs' bases at its top, and trunk below them.

    The trunk is the film's own lowest part, drawn out; beside a narrow trunk the detector is dark.
    """
    bases = film[GATE_SIDE - int(GATE_SIDE * rng.uniform(0.1, 0.35)) :]
    trunk = bases[len(bases) // 2 :][::-1]
    share = rng.uniform(0.15, 0.5)  # of the height that the bases take
    top = Image.fromarray(bases).resize((GATE_SIDE, int(GATE_SIDE * share)))
    below = Image.fromarray(np.ascontiguousarray(trunk)).resize((GATE_SIDE, GATE_SIDE - top.height))
    whole = np.concatenate([np.asarray(top), np.asarray(below)])
    return _collimated(whole, rng) if rng.random() < 0.5 else whole


def _collimated(film: Square, rng: Generator) -> Square:
    """A small field on a large detector, as children are taken: the border is black or white."""
    left, top, right, bottom = (rng.uniform(0, 0.2, 4) * GATE_SIDE).astype(int).tolist()
    border = 255 if rng.random() < 0.5 else int(rng.integers(0, 40))
    framed = Image.new("L", (GATE_SIDE, GATE_SIDE), border)
    field = Image.fromarray(film).resize((GATE_SIDE - left - right, GATE_SIDE - top - bottom))
    framed.paste(field, (left, top))
    return np.asarray(framed)


def non_film(film: Square, rng: Generator) -> Square:
    """A picture that is no single upright film, made from nothing or from a film."""
    makers: tuple[Callable[[Square, Generator], Square], ...] = (
        _noise, _page, _scene, _photograph, _desktop, _jigsaw, _fragment, _screenshot, _askew,
    )  # fmt: skip
    return makers[rng.integers(len(makers))](film, rng)


def _noise(film: Square, rng: Generator) -> Square:
    """Noise whose spectrum falls as that of natural pictures does, from white to smooth."""
    frequencies = np.fft.fftfreq(64)
    radius = np.hypot(frequencies[:, None], frequencies[None]) + 1 / 64
    spectrum = np.fft.fft2(rng.normal(size=(64, 64))) / radius ** rng.uniform(0, 3)
    field = np.real(np.fft.ifft2(spectrum))
    gray = (field - field.min()) / (np.ptp(field) + 1e-9) * 255
    return to_square(gray.astype(np.uint8), GATE_SIDE)


def _page(film: Square, rng: Generator) -> Square:
    ground = int(rng.choice([rng.integers(0, 60), rng.integers(190, 256)]))
    page = Image.new("L", (GATE_SIDE, GATE_SIDE), ground)
    left, top, right, bottom = rng.integers(0, 40, 4)
    _draw_text_lines(page, (left, top, GATE_SIDE - right, GATE_SIDE - bottom), 255 - ground, rng)
    return np.asarray(page)


def _draw_text_lines(
    page: Image.Image, box: tuple[float, float, float, float], ink: int, rng: Generator
) -> None:
    """Bars in place of words, line under line."""
    pen, height, y = ImageDraw.Draw(page), float(rng.uniform(1.5, 12)), box[1]
    while y + height < box[3]:
        x, end = box[0], box[0] + (box[2] - box[0]) * rng.uniform(0.3, 1)
        while x < end:
            width = rng.uniform(2, 5) * height * 0.6
            pen.rectangle((x, y, min(x + width, end), y + height / 2), fill=ink)
            x += width + height * 0.4
        y += height * rng.uniform(1.3, 2)


def _scene(film: Square, rng: Generator) -> Square:
    """Discs, boxes and triangles before a gradient."""
    down, across = (np.linspace(0, rng.uniform(-1, 1), GATE_SIDE) for _ in range(2))
    ground = (down[:, None] + across[None]) * 128 + 128 + rng.uniform(-80, 80)
    scene = Image.fromarray(np.clip(ground, 0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(scene)
    for _ in range(rng.integers(1, 16)):
        (x, y), (wide, high) = rng.integers(-20, 244, 2).tolist(), rng.integers(8, 90, 2).tolist()
        box, gray = (x - wide, y - high, x + wide, y + high), int(rng.integers(0, 256))
        shape = rng.integers(3)
        if shape == 0:
            pen.ellipse(box, fill=gray)
        elif shape == 1:
            pen.rectangle(box, fill=gray)
        else:
            pen.polygon([tuple(corner) for corner in rng.integers(0, GATE_SIDE, (3, 2))], fill=gray)
    return np.asarray(scene)


def _photograph(film: Square, rng: Generator) -> Square:
    """A scene with the grain and the shading of noise, as a photograph has."""
    share = rng.uniform(0.2, 0.8)
    mixed = share * _scene(film, rng).astype(float) + (1 - share) * _noise(film, rng)
    return mixed.astype(np.uint8)


def _desktop(film: Square, rng: Generator) -> Square:
    """A bar, and panels of nearly the ground's gray with lines of text."""
    ground = int(rng.choice([rng.integers(0, 70), rng.integers(180, 256)]))
    screen = Image.new("L", (GATE_SIDE, GATE_SIDE), ground)
    pen, ink = ImageDraw.Draw(screen), 255 - ground
    pen.rectangle((0, 0, GATE_SIDE, int(rng.integers(4, 24))), fill=int(rng.integers(0, 256)))
    for _ in range(rng.integers(1, 5)):
        left, top, width, height = rng.uniform((0, 8, 30, 30), (150, 150, 130, 150)).tolist()
        panel = int(np.clip(ground + rng.integers(-30, 31), 0, 255))
        pen.rectangle((left, top, left + width, top + height), fill=panel, outline=ink)
        box = (left + 3, top + 3, left + width - 3, top + height - 3)
        _draw_text_lines(screen, box, ink, rng)
    return np.asarray(screen)


def _jigsaw(film: Square, rng: Generator) -> Square:
    """The film's tiles in another order."""
    n = int(rng.choice([2, 3, 4, 6, 8]))
    side = GATE_SIDE // n
    grid = film[: n * side, : n * side].reshape(n, side, n, side).swapaxes(1, 2)
    tiles = grid.reshape(n * n, side, side)
    order = rng.permutation(n * n)
    if (order == np.arange(n * n)).mean() > 0.3:  # hardly mixed
        order = np.roll(np.arange(n * n), 1)
    mixed = tiles[order].reshape(n, n, side, side).swapaxes(1, 2).reshape(n * side, n * side)
    return to_square(mixed, GATE_SIDE)


def _fragment(film: Square, rng: Generator) -> Square:
    """A small part, in any direction, sometimes inverted."""
    side = int(GATE_SIDE * rng.uniform(0.15, 0.42))
    top, left = rng.integers(0, GATE_SIDE - side, 2)
    part = np.rot90(film[top : top + side, left : left + side], int(rng.integers(4)))
    return to_square(255 - part if rng.random() < 0.4 else part, GATE_SIDE)


def _screenshot(film: Square, rng: Generator) -> Square:
    """A film small on a page or a desktop."""
    ground = int(rng.integers(0, 256))
    page = Image.new("L", (GATE_SIDE, GATE_SIDE), ground)
    if rng.random() < 0.8:
        _draw_text_lines(page, (4, 4, GATE_SIDE - 4, GATE_SIDE - 4), 255 - ground, rng)
    width, height = (int(side) for side in rng.uniform(0.3, 0.65, 2) * GATE_SIDE)
    corner = (int(rng.integers(0, GATE_SIDE - width)), int(rng.integers(0, GATE_SIDE - height)))
    page.paste(Image.fromarray(film).resize((width, height)), corner)
    return np.asarray(page)


def _askew(film: Square, rng: Generator) -> Square:
    """Turned and inverted, far from upright, or two films side by side."""
    way = rng.integers(3)
    if way == 0:
        return np.rot90(255 - film, int(rng.integers(1, 4)))
    if way == 1:
        angle = float(rng.choice([-1, 1]) * rng.uniform(35, 145))
        ground = int(rng.choice([0, int(film.mean())]))
        return np.asarray(Image.fromarray(film).rotate(angle, fillcolor=ground))
    return to_square(np.concatenate([film, film[:, ::-1]], axis=1), GATE_SIDE)


def fit_gate_on_dataset(films: FilmDataset, *, seed: int) -> GateParameters | None:
    """The gate of a run, from its films of training and validation; the test part is not met."""
    table = films.table[films.table["split"].isin(("train", "validation"))]
    if len(table) > MAX_FILMS:  # before they are drawn from the cache: all of NIH would be 4 GB
        table = table.sample(MAX_FILMS, random_state=seed).sort_index()
    squares = np.stack([to_square(films.cache.images[row], GATE_SIDE) for row in table["row"]])
    groups = {f"view {view}": table["view"].eq(view) for view in ("PA", "AP")}
    groups["under 18"] = table["age"].lt(ADULT_AGE)
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

    The threshold stops at most ``MAX_REJECTED`` of all upright films and
    ``MAX_REJECTED_PER_GROUP`` of each
    group, when each is judged by a classifier that has not seen its patient.

    Args:
        squares: uint8 (N, 224, 224), whole upright films.
        patients: (N,) whose film each is.
        groups: by name, which films (N,) belong to a group that must not be stopped more often,
            as children or one projection.

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
    with threadpool_limits(limits=1):  # such small products only wait for one another
        return _cross_validate_and_fit(squares, patients, groups, rng, seed)


def _cross_validate_and_fit(
    squares: NDArray[np.uint8],
    patients: NDArray[np.str_],
    groups: dict[str, NDArray[np.bool_]],
    rng: np.random.Generator,
    seed: int,
) -> GateParameters:
    thumbs, kinds, film_index = _training_examples(
        squares, _in_rare_group(groups, len(squares)), rng
    )
    scores = np.empty(len(squares))
    for train, held_out in GroupKFold(_CV_FOLDS).split(squares, groups=patients):
        in_training = np.isin(film_index, train)
        networks = _fit_networks(thumbs[in_training], kinds[in_training], seed)
        scores[held_out] = log_probabilities(thumbs[held_out], networks)[:, 0]
    networks = _fit_networks(thumbs, kinds, seed)
    threshold = _threshold(scores, groups)
    rejected = float((scores < threshold).mean())
    logger.info(
        "Input gate: rejects %.2f %% of %d upright films in cross-validation.",
        100 * rejected,
        len(squares),
    )
    return GateParameters(networks.class_names, threshold, networks.arrays, len(squares), rejected)


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
        made += [("no film", non_film(square, rng)) for _ in range(_NON_FILMS_PER_FILM)]
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


def _threshold(scores: NDArray[np.float64], groups: dict[str, NDArray[np.bool_]]) -> float:
    """The highest cut that keeps to both shares."""
    thresholds = [np.quantile(scores, MAX_REJECTED)]
    for member in groups.values():
        if member.sum() >= MIN_GROUP_FILMS:
            thresholds.append(np.quantile(scores[member], MAX_REJECTED_PER_GROUP))
    return float(min(thresholds))
