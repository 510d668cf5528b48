import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxr_core.data import cache as cache_build
from cxr_core.data.cache import cache_fingerprint, open_cache
from cxr_core.errors import DataError
from cxr_core.imaging.preprocessing import to_square
from cxr_core.imaging.radiograph import read_radiograph


def _film(path: Path, gray: int, *, side: int = 96) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.tile(np.linspace(0, gray, side), (side, 1)).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def _films(tmp_path: Path, count: int) -> list[Path]:
    # Not in sorted order, so that an order kept is not an order sorted.
    return [_film(tmp_path / "in" / f"{(7 * i) % count:03d}.png", 160 + i) for i in range(count)]


def _forbid_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr(cache_build, "decode_films", fail)


def test_rows_are_what_an_upload_would_be_in_the_order_given(tmp_path: Path) -> None:
    paths = _films(tmp_path, 5)
    cache = open_cache(paths, size=32, folder=tmp_path / "new" / "cache")
    assert cache.images.shape == (5, 32, 32)
    assert cache.images.dtype == np.uint8
    assert isinstance(cache.images, np.memmap)
    assert not cache.images.flags.writeable
    assert cache.names == tuple(path.name for path in paths)
    assert cache.rejected.empty
    for path in paths:
        expected = to_square(read_radiograph(path.read_bytes()).pixels, 32)
        np.testing.assert_array_equal(cache.images[cache.index(path.name)], expected)
    assert cache.indices([paths[3].name, paths[0].name]).tolist() == [3, 0]


def test_the_second_opening_decodes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = _films(tmp_path, 4)
    first = open_cache(paths, size=32, folder=tmp_path)
    _forbid_decoding(monkeypatch)
    second = open_cache(paths, size=32, folder=tmp_path)
    np.testing.assert_array_equal(first.images, second.images)
    assert second.names == first.names
    assert list(second.rejected.columns) == ["image", "reason"]


def test_another_size_order_or_file_is_another_cache(tmp_path: Path) -> None:
    paths = _films(tmp_path, 4)
    key = cache_fingerprint(paths, size=32)
    assert cache_fingerprint(paths, size=32) == key
    assert cache_fingerprint(paths, size=64) != key
    assert cache_fingerprint(paths[::-1], size=32) != key
    assert cache_fingerprint(paths[:3], size=32) != key
    os.utime(paths[0], ns=(1, 1))
    assert cache_fingerprint(paths, size=32) != key


def test_a_changed_film_is_decoded_again(tmp_path: Path) -> None:
    paths = _films(tmp_path, 4)
    before = open_cache(paths, size=32, folder=tmp_path).images[1].copy()
    _film(paths[1], 255, side=100)
    after = open_cache(paths, size=32, folder=tmp_path).images[1]
    assert after.max() > before.max()


def test_a_changed_decoder_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    paths = _films(tmp_path, 4)
    open_cache(paths, size=32, folder=tmp_path)
    monkeypatch.setattr("cxr_core.data.decode.to_square", lambda p, s: 255 - to_square(p, s))
    inverted = open_cache(paths, size=32, folder=tmp_path)
    assert inverted.images[0, 0, 0] >= 250
    assert "Films decode differently now" in caplog.text


def test_films_that_cannot_be_decoded_are_left_out_with_their_reason(tmp_path: Path) -> None:
    paths = _films(tmp_path, 40)
    paths[2].write_bytes(b"")
    paths[30].write_text("no film")
    cache = open_cache(paths, size=32, folder=tmp_path)
    assert len(cache.images) == len(cache.names) == 38
    assert cache.rejected["image"].tolist() == [paths[2].name, paths[30].name]
    assert "empty" in cache.rejected["reason"][0]
    assert cache.names == tuple(p.name for i, p in enumerate(paths) if i not in (2, 30))
    expected = to_square(read_radiograph(paths[39].read_bytes()).pixels, 32)
    np.testing.assert_array_equal(cache.images[cache.index(paths[39].name)], expected)
    again = open_cache(paths, size=32, folder=tmp_path)
    assert again.rejected.to_dict() == cache.rejected.to_dict()
    with pytest.raises(DataError, match=rf"not among the decoded ones: {paths[2].name}. Leave"):
        cache.index(paths[2].name)


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        (".json", "{"),
        (".json", "[]"),
        (".json", '{"names": [], "rejected": []}'),
        (".npy", "x"),
        (".json", '{"names": [], "rejected": [["a"], ["b", "broken"]]}'),
    ],
)
def test_a_damaged_cache_is_made_again(tmp_path: Path, suffix: str, content: str) -> None:
    paths = _films(tmp_path, 4)
    folder = tmp_path / "cache"
    expected = np.array(open_cache(paths, size=32, folder=folder).images)
    next(folder.glob(f"*{suffix}")).write_text(content)
    np.testing.assert_array_equal(open_cache(paths, size=32, folder=folder).images, expected)


def test_paths_that_cannot_make_a_cache_have_their_own_words(tmp_path: Path) -> None:
    paths = _films(tmp_path, 2)
    twin = _film(tmp_path / "else" / paths[0].name, 9)
    with pytest.raises(
        DataError, match=rf"Some file names occur twice: 1 names: {twin.name}. Give"
    ):
        open_cache([*paths, twin], size=32, folder=tmp_path)
    with pytest.raises(DataError, match="There are no films to decode: 0 paths. Check"):
        open_cache([], size=32, folder=tmp_path)
    with pytest.raises(DataError, match="An image file cannot be found: .*gone.png. Check"):
        open_cache([tmp_path / "gone.png"], size=32, folder=tmp_path)


def test_the_shared_films(shared: Path, tmp_path: Path) -> None:
    paths = sorted((shared / "nih" / "images").glob("*.png"))[:50]
    cache = open_cache(paths, size=64, folder=tmp_path)
    assert cache.images.shape == (50, 64, 64)
    assert 60 < cache.images.mean() < 190
