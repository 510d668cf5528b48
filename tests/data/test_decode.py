from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxr_core.data import decode as decode_module
from cxr_core.data.decode import decode_film, decode_films


def _film(path: Path, gray: int) -> Path:
    Image.fromarray(np.full((80, 80), gray, dtype=np.uint8)).save(path)
    return path


def test_a_failure_becomes_its_reason(tmp_path: Path) -> None:
    empty = tmp_path / "empty.png"
    empty.write_bytes(b"")
    assert "empty" in str(decode_film(empty, 32))
    assert decode_film(tmp_path / "none.png", 32) == (
        "The file cannot be read: No such file or directory."
    )


def test_an_unforeseen_failure_is_a_reason_too_and_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: bytes) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(decode_module, "read_radiograph", fail)
    reason = decode_film(_film(tmp_path / "a.png", 5), 32)
    assert reason == "Decoding failed in an unforeseen way: ZeroDivisionError: by zero."
    assert "Decoding a.png failed" in caplog.text


def test_several_processes_give_the_same_films_in_order(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    paths = []
    for i in range(70):  # more batches than may be under way with one worker's share
        paths.append(tmp_path / f"{i}.png")
        Image.fromarray(rng.integers(0, 255, (80, 80), dtype=np.uint8)).save(paths[-1])
    paths[33].write_bytes(b"")
    alone = list(decode_films(paths, size=32, workers=1))
    together = list(decode_films(paths, size=32, workers=2))
    assert len(alone) == len(together) == 70
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)
    assert isinstance(together[33], str)


def test_stopping_early_ends_the_processes(tmp_path: Path) -> None:
    paths = [_film(tmp_path / f"{i}.png", i) for i in range(40)]
    films = decode_films(paths, size=32, workers=2)
    next(films)
    films.close()
    assert list(films) == []
