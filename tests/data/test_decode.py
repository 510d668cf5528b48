import multiprocessing
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from PIL import Image

from cxr_core.data import decode as decode_module
from cxr_core.data.decode import DecodedOrReason, decode_film, decode_films
from cxr_core.errors import DataError


def _film(path: Path, gray: int) -> Path:
    Image.fromarray(np.full((80, 80), gray, dtype=np.uint8)).save(path)
    return path


def test_a_failure_becomes_its_reason(tmp_path: Path) -> None:
    empty = tmp_path / "empty.png"
    empty.write_bytes(b"")
    assert "empty" in str(decode_film(empty, 32))
    assert decode_film(tmp_path / "none.png", 32) == (
        "The file is no longer there: it was moved or deleted after the folder was read."
    )
    assert decode_film(tmp_path, 32) == "The file cannot be read: Is a directory."


def test_an_unforeseen_failure_is_a_reason_too_and_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: bytes) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(decode_module, "read_radiograph", fail)
    reason = decode_film(_film(tmp_path / "a.png", 5), 32)
    assert reason == "Unexpected decoding error: ZeroDivisionError: by zero."
    assert "Unexpected error while decoding a.png" in caplog.text


class _Now:
    """Starts the processes before anything else is done, where the real one does both at once."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def submit(self, work: Callable[..., object], *arguments: object) -> Future[object]:
        done: Future[object] = Future()
        done.set_result(work(*arguments))
        return done

    def shutdown(self) -> None:
        pass


def _noisy_films(folder: Path, count: int) -> list[Path]:
    rng = np.random.default_rng(0)
    paths = [folder / f"{i}.png" for i in range(count)]
    for path in paths:
        Image.fromarray(rng.integers(0, 255, (80, 80), dtype=np.uint8)).save(path)
    return paths


@pytest.mark.parametrize("workers", [2, None])
def test_several_processes_give_the_same_films_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int | None
) -> None:
    monkeypatch.setattr(decode_module, "ThreadPoolExecutor", _Now)
    monkeypatch.setattr(
        decode_module, "_MIN_PARALLEL_SECONDS", 0.0
    )  # seconds; so that None starts workers too
    monkeypatch.setattr(decode_module, "_usable_cores", lambda: 2)
    monkeypatch.setattr(decode_module, "_MAX_PENDING_PER_WORKER", 1)  # fewer than there are batches
    paths = _noisy_films(tmp_path, 70)
    paths[33].write_bytes(b"")
    alone = list(decode_films(paths, size=32, workers=1))
    together = list(decode_films(paths, size=32, workers=workers))
    assert len(alone) == len(together) == 70
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)
    assert isinstance(together[33], str)


def test_films_come_from_this_process_until_the_others_have_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = _noisy_films(tmp_path, 70)
    go_on, here = Event(), []

    def start(*_: object) -> None:
        go_on.wait(60)

    class Pool:
        def __init__(self, *_: object, **__: object) -> None:
            pass

        def submit(self, work: Callable[..., object], *arguments: object) -> Future[object]:
            here.append(len(films))
            done: Future[object] = Future()
            done.set_result(work(*arguments))
            return done

        def shutdown(self, **_: object) -> None:
            go_on.set()

    monkeypatch.setattr(decode_module, "_start_workers", start)
    monkeypatch.setattr(decode_module, "ProcessPoolExecutor", Pool)
    films: list[DecodedOrReason] = []
    for film in decode_films(paths, size=32, workers=2):
        films.append(film)
    assert here == []
    np.testing.assert_array_equal(films, list(decode_films(paths, size=32, workers=1)))


def test_few_films_start_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode_module, "ProcessPoolExecutor", None)
    monkeypatch.setattr(decode_module, "_usable_cores", lambda: 2)
    assert len(list(decode_films(_noisy_films(tmp_path, 20), size=32))) == 20
    assert list(decode_films([], size=32)) == []


def test_a_process_that_is_killed_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode_module, "ThreadPoolExecutor", _Now)
    paths = _noisy_films(tmp_path, 200)
    films = decode_films(paths, size=32, workers=2)
    next(films)
    for process in multiprocessing.active_children():
        process.kill()
    with pytest.raises(DataError, match=r"ended from outside: 2 processes. Perhaps memory ran"):
        list(films)


def test_stopping_early_ends_the_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode_module, "ThreadPoolExecutor", _Now)
    paths = [_film(tmp_path / f"{i}.png", i) for i in range(40)]
    films = decode_films(paths, size=32, workers=2)
    next(films)
    assert multiprocessing.active_children()
    films.close()
    assert list(films) == []
    assert not multiprocessing.active_children()
