import errno
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from cxr_core.data import cache as cache_build
from cxr_core.data.cache import open_cache
from cxr_core.data.decode import DecodedOrReason, decode_films
from cxr_core.errors import DataError


def _films(tmp_path: Path, count: int) -> list[Path]:
    paths = [tmp_path / "in" / f"{i:03d}.png" for i in range(count)]
    paths[0].parent.mkdir()
    for gray, path in enumerate(paths):
        Image.fromarray(np.full((96, 96), gray, dtype=np.uint8)).save(path)
    return paths


def test_more_than_five_percent_rejected_stops_and_leaves_nothing(tmp_path: Path) -> None:
    paths = _films(tmp_path, 40)
    for path in paths[:3]:
        path.write_bytes(b"")
    with pytest.raises(DataError) as caught:
        open_cache(paths, size=32, folder=tmp_path / "cache")
    assert caught.value.problem == "More than 5% of the films cannot be decoded"
    assert str(caught.value.value).startswith(f"3 of 40 films so far, such as {paths[0].name}: ")
    assert "Check the image folder" in caught.value.remedy
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_killed_runs_leavings_go_after_a_day(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    old, new = folder / ".films_32px_x.npy.1.tmp", folder / ".films_32px_y.npy.2.tmp"
    for path in (old, new):
        path.write_bytes(b"x")
    os.utime(old, (time.time() - 90_000,) * 2)
    open_cache(_films(tmp_path, 2), size=32, folder=folder)
    assert not old.exists()
    assert new.exists()


def test_a_full_disk_is_told_before_decoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = _films(tmp_path, 2)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=100))
    monkeypatch.setattr(cache_build, "decode_films", None)
    with pytest.raises(
        DataError, match=r"too little space .*: 0\.0 GiB needed in .*, 0\.0 GiB free"
    ):
        open_cache(paths, size=32, folder=tmp_path)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="This system reserves no blocks.")
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fills_is_one_sentence_and_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    paths = _films(tmp_path, 40)
    folder = tmp_path / "cache"
    open_cache(paths[:20], size=32, folder=folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(DataError) as caught:
        open_cache(paths, size=32, folder=folder)
    assert str(caught.value) == (
        "The disk has too little space for the decoded films: 0.0 GiB needed in "
        f"{folder}, {os.strerror(code).lower()}. Free some space or choose another cache folder."
    )
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_all_blocks_are_taken_before_the_first_film(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = _films(tmp_path, 3)
    taken: list[tuple[int, int]] = []

    def reserve(_: int, offset: int, length: int) -> None:
        taken.append((offset, length))
        raise OSError(errno.EOPNOTSUPP, "some file systems cannot")

    monkeypatch.setattr(os, "posix_fallocate", reserve, raising=False)
    cache = open_cache(paths, size=32, folder=tmp_path / "cache")
    array = next((tmp_path / "cache").glob("*.npy"))
    assert taken == [(0, array.stat().st_size)]
    assert array.stat().st_size == 128 + 3 * 32 * 32  # NumPy's header is 128 bytes
    assert len(cache.names) == 3


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(DataError, match=r"cannot be written: .*/file/cache: Not a dir.*\. Choose"):
        open_cache(_films(tmp_path, 2), size=32, folder=tmp_path / "file" / "cache")


def test_a_film_that_vanishes_is_left_out_in_clear_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = _films(tmp_path, 40)

    def decode(paths: Sequence[Path], *, size: int) -> Iterator[DecodedOrReason]:
        paths[1].unlink()  # after the folder was listed and the file was there
        yield from decode_films(paths, size=size)

    monkeypatch.setattr(cache_build, "decode_films", decode)
    cache = open_cache(paths, size=32, folder=tmp_path / "cache")
    assert cache.rejected.to_numpy().tolist() == [
        [
            paths[1].name,
            "The file is no longer there: it was moved or deleted after the folder was read.",
        ]
    ]
    assert cache.names == tuple(path.name for path in paths if path != paths[1])
