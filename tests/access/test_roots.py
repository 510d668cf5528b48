"""What may be opened by its path, and that a refusal tells nothing."""

import os
from pathlib import Path

import pytest

from cxr_core.access.roots import FILMS_ENV_VAR, RUNS_ENV_VAR, Roots, roots_from_environment
from cxr_core.errors import DataError, one_line


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """``root/run/film.png`` and ``secret/film.png``, and ways from one to the other."""
    root, secret = tmp_path / "root", tmp_path / "secret"
    (root / "run").mkdir(parents=True)
    secret.mkdir()
    (root / "run" / "film.png").write_bytes(b"mine")
    (secret / "film.png").write_bytes(b"theirs")
    (root / "out").symlink_to(secret)
    (root / "inside").symlink_to(root / "run")
    (root / "run" / "linked.png").symlink_to(secret / "film.png")
    os.mkfifo(root / "run" / "pipe.png")
    return tmp_path


def roots_of(place: Path) -> Roots:
    return Roots((place / "root",), RUNS_ENV_VAR)


@pytest.mark.parametrize("typed", ["run", "./run", "inside", "run/../run", "{}/root/run", "."])
def test_what_lies_below_a_root_is_opened(place: Path, typed: str) -> None:
    found = roots_of(place).resolve(typed.format(place))
    assert found in (place / "root" / "run", place / "root")


REFUSED = [
    "{}/secret", "{}/root/../secret", "{}/nowhere", "../secret", "out", "{}/root/out", "nothing",
    "run/film.png", "run/pipe.png", "/", "/etc", "~", "\0", "run\0", "x" * 5000, "{}/rooted",
]  # fmt: skip


@pytest.mark.parametrize("typed", REFUSED)
def test_all_else_is_refused_in_the_same_words(place: Path, typed: str) -> None:
    typed = typed.format(place)
    (place / "rooted").mkdir()
    with pytest.raises(DataError) as refused:
        roots_of(place).resolve(typed)
    assert str(refused.value) == (
        f"Nothing that may be opened here has this path: {one_line(typed[:200])}. Give a folder "
        "below one of those that whoever runs the app has opened (CXR_RUNS)."
    )


def test_a_path_elsewhere_is_not_even_looked_at(place: Path, monkeypatch) -> None:
    def asked(*_: object) -> str:
        raise AssertionError("the disk was asked")

    roots = roots_of(place)
    monkeypatch.setattr(os.path, "realpath", asked)
    with pytest.raises(DataError):
        roots.resolve(str(place / "secret"))


def test_a_film_is_read_and_no_link_out_and_no_pipe(place: Path) -> None:
    roots, run = roots_of(place), place / "root" / "run"
    assert roots.read_film(run / "film.png") == b"mine"
    assert roots.read_film(place / "root" / "inside" / "film.png") == b"mine"
    with pytest.raises(DataError, match="Nothing that may be opened"):
        roots.read_film(run / "linked.png")
    with pytest.raises(OSError, match="no regular file"):
        roots.read_film(run / "pipe.png")
    with pytest.raises(OSError, match="no regular file"):
        Roots(None, FILMS_ENV_VAR).read_film(run / "pipe.png")
    assert Roots(None, FILMS_ENV_VAR).read_film(run / "linked.png") == b"theirs"


def test_a_folder_that_is_moved_away_meanwhile_is_not_followed(place: Path, monkeypatch) -> None:
    roots, run = roots_of(place), place / "root" / "run"
    real = os.path.realpath

    def then_swapped(path: object) -> str:
        found = real(str(path))
        run.rename(place / "root" / "gone")
        run.symlink_to(place / "secret")
        return found

    monkeypatch.setattr(os.path, "realpath", then_swapped)
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        roots.read_film(run / "film.png")


@pytest.mark.parametrize(
    ("stated", "is_local", "limited", "closed"),
    [("", True, False, False), ("", False, True, True), ("{}", True, True, False),
     ("{}", False, True, False)],
)  # fmt: skip
def test_without_a_setting_others_open_nothing(
    place: Path, monkeypatch, stated: str, is_local: bool, limited: bool, closed: bool
) -> None:
    monkeypatch.setenv(RUNS_ENV_VAR, stated.format(place))
    roots = roots_from_environment(RUNS_ENV_VAR, is_local=is_local)
    assert (roots.is_limited, roots.is_closed) == (limited, closed)


def test_several_roots_are_separated_as_in_path(place: Path, monkeypatch) -> None:
    monkeypatch.setenv(RUNS_ENV_VAR, f"{place}/root{os.pathsep}{place}/secret")
    assert roots_from_environment(RUNS_ENV_VAR, is_local=False).resolve("run").name == "run"
    assert roots_from_environment(RUNS_ENV_VAR, is_local=False).resolve(f"{place}/secret")
