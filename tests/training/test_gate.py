"""The gate learns upright chests from wrong ones; shown here on phantoms."""

import numpy as np
import pytest

from cxr_core.imaging.gate import (
    GATE_SIDE,
    LATERAL,
    NO_FILM,
    UPRIGHT,
    log_probabilities,
    thumbnails,
)
from cxr_core.imaging.preprocessing import to_square
from cxr_core.phantom.draw import draw_phantom
from cxr_core.training import gate as gate_fit
from cxr_core.training.gate import MIN_FILMS, fit_gate
from cxr_core.training.gate_examples import invalid_copies, jitter, non_film
from cxr_core.training.gate_films import GateFilms


@pytest.fixture(scope="module")
def phantoms() -> np.ndarray:
    films = [draw_phantom(seed, findings=[], size=128).pixels for seed in range(MIN_FILMS + 20)]
    return np.stack([to_square(film, GATE_SIDE) for film in films])


def test_wrong_copies_are_what_their_names_say(phantoms: np.ndarray) -> None:
    film = phantoms[0]
    copies = invalid_copies(film)
    assert (copies["inverted"] == 255 - film).all()
    assert (copies["turned left"][-1] == film[::1, 0]).all()  # the left edge lies at the bottom
    assert (copies["upside down"] == film[::-1, ::-1]).all()
    assert (copies["left part"] == to_square(film[:, :112], GATE_SIDE)).all()
    assert (copies["enlarged part"] == to_square(film[56:168, 56:168], GATE_SIDE)).all()


def test_made_pictures_are_squares_and_follow_from_the_seed(phantoms: np.ndarray) -> None:
    for make in (jitter, non_film):
        once, again = (
            [make(film, rng) for film in phantoms[:40]]
            for rng in (np.random.default_rng(4), np.random.default_rng(4))
        )
        assert {(picture.shape, picture.dtype.name) for picture in once} == {((224, 224), "uint8")}
        assert all((a == b).all() for a, b in zip(once, again, strict=True))


def test_a_fitted_gate_tells_phantoms_from_their_wrong_copies(
    phantoms: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("_ENSEMBLE_SIZE", 1), ("_CV_FOLDS", 2), ("_RARE_COPIES", 4)):
        monkeypatch.setattr(gate_fit, name, value)
    seen, unseen = phantoms[:MIN_FILMS], phantoms[MIN_FILMS:]
    patients = np.arange(MIN_FILMS).astype(str)
    children = np.arange(MIN_FILMS) < 20
    nobody = np.zeros(MIN_FILMS, dtype=bool)
    gate = fit_gate(seen, patients, {"children": children, "under 18": nobody})
    assert gate is not None
    assert gate.class_names[0] == UPRIGHT
    assert gate.n_films == MIN_FILMS
    assert gate.false_rejection_rate <= 0.015
    passed = log_probabilities(thumbnails(unseen), gate)[:, 0] >= gate.threshold
    assert passed.mean() >= 0.9
    for name in ("inverted", "upside down", "turned left", "left part"):
        copies = np.stack([invalid_copies(film)[name] for film in unseen])
        found = log_probabilities(thumbnails(copies), gate)[:, 0] >= gate.threshold
        assert found.mean() <= 0.1, name


def test_too_few_films_give_no_gate(phantoms: np.ndarray) -> None:
    few = phantoms[:50]
    assert fit_gate(few, np.arange(50).astype(str), {}) is None


def test_the_threshold_keeps_to_both_shares() -> None:
    scores = np.arange(1000.0)
    everyone = gate_fit._threshold(scores, {})
    assert everyone == pytest.approx(np.quantile(scores, 0.01))
    low = np.zeros(1000, bool)
    low[:100] = True  # the group holds the hundred lowest
    assert gate_fit._threshold(scores, {"low": low}) == pytest.approx(
        np.quantile(scores[low], 0.04)
    )
    halved = gate_fit._threshold(scores, {"low": low}, factor=0.5)
    assert halved == pytest.approx(np.quantile(scores[low], 0.02))
    low[30:] = False  # too few to tell a share
    assert gate_fit._threshold(scores, {"low": low}) == everyone


def test_films_of_other_sources_join_with_a_group_of_their_own(phantoms: np.ndarray) -> None:
    others = GateFilms(
        squares=phantoms[:4],
        kinds=np.array([UPRIGHT, LATERAL, UPRIGHT, NO_FILM]),
        sources=np.array(["a", "a", "b", "b"]),
        patients=np.array(["a/1", "a/2", "b/1", "b/2"]),
    )
    squares, patients, groups = gate_fit._with_upright(
        phantoms[4:7], np.array(["1", "2", "3"]), {"view PA": np.array([True, False, True])}, others
    )
    assert (squares == phantoms[[4, 5, 6, 0, 2]]).all()
    assert patients.tolist() == ["1", "2", "3", "a/1", "b/1"]
    assert {name: np.flatnonzero(member).tolist() for name, member in groups.items()} == {
        "view PA": [0, 2],
        "source a": [3],
        "source b": [4],
    }


def test_rejected_pictures_of_other_sources_are_learnt_under_their_kinds(
    phantoms: np.ndarray,
) -> None:
    others = GateFilms(
        phantoms[:2], np.array([LATERAL, NO_FILM]), np.array(["a", "b"]), np.array(["1", "2"])
    )
    thumbs, kinds = gate_fit._rejected_examples(others, np.random.default_rng(0))
    each = 1 + gate_fit._RARE_COPIES
    assert kinds.tolist() == [LATERAL] * each + [NO_FILM] * each
    assert (thumbs[[0, each]] == thumbnails(phantoms[:2])).all()
