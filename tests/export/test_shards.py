"""Folders of results: a block a file, gone on with by what is there, typed in Parquet."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cxr_core.errors import ConfigError
from cxr_core.export.results_csv import Row, analysis_row, failed_row, read_rows
from cxr_core.export.shards import Block, Kind, ShardFolder
from cxr_core.reading.archive import FilmPlace
from tests.helpers.object_store import object_store
from tests.helpers.records import export_analysis

KINDS: tuple[Kind, ...] = ("parquet", "csv")


def shard_folder(place: Path | str, kind: Kind = "parquet", **changes: Any) -> ShardFolder:
    model = export_analysis().model_sha256
    own = {"model_sha256": model, "setting": "standard", "correction": None}
    return ShardFolder(str(place), kind, **own | changes)


def films(*names: str) -> list[FilmPlace]:
    return [FilmPlace(number, name, None, name) for number, name in enumerate(names, 1)]


def rows_of(block: Block, *, failed: str = "") -> list[Row]:
    model = export_analysis().model_sha256
    return [
        failed_row(film.number, film.name, "Cut.", model_sha256=model)
        if film.name in failed
        else analysis_row(export_analysis(), film.name, row_number=film.number)
        for film in block.films
    ]


def names_in(folder: Path) -> list[str]:
    names: list[str] = []
    for path in sorted(folder.iterdir()):
        if path.suffix == ".parquet":
            names += pq.read_table(path)["file"].to_pylist()
        else:
            with path.open("rb") as stream:
                names += [row["file"] for row in read_rows(stream, path)]
    return names


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_was_stopped_goes_on_with_the_same_blocks(tmp_path: Path, kind: Kind) -> None:
    out = tmp_path / "new" / "out"
    first = shard_folder(out, kind)
    first.start(resume=False)
    planned = list(first.blocks(films(*"abcde"), 2))
    assert [[film.name for film in block.films] for block in planned] == [
        ["a", "b"], ["c", "d"], ["e"],
    ]  # fmt: skip
    first.write(planned[1], rows_of(planned[1]))
    again = shard_folder(out, kind)
    again.start(resume=True)
    assert list(again.blocks(films(*"abcde"), 2)) == [planned[0], planned[2]]
    for block in (planned[0], planned[1], planned[2], planned[0]):  # some a second time
        again.write(block, rows_of(block))
    assert names_in(out) == list("abcde")
    # The archive grew, in the middle as well.
    grown = shard_folder(out, kind)
    grown.start(resume=True)
    (more,) = grown.blocks(films(*"abxcdey"), 7)
    assert [(film.number, film.name) for film in more.films] == [(3, "x"), (7, "y")]


@pytest.mark.parametrize("kind", KINDS)
def test_what_failed_is_tried_again_and_is_there_once(tmp_path: Path, kind: Kind) -> None:
    first = shard_folder(tmp_path, kind)
    for block in first.blocks(films(*"abcd"), 2):
        first.write(block, rows_of(block, failed="bcd"))
    assert names_in(tmp_path) == list("abcd")
    for failed in ("c", ""):
        again = shard_folder(tmp_path, kind)
        again.start(resume=True)
        for block in again.blocks(films(*"abcd"), 2):
            again.write(block, rows_of(block, failed=failed))
        assert sorted(names_in(tmp_path)) == list("abcd")
    assert not list(again.blocks([], 2))
    last = shard_folder(tmp_path, kind)
    last.start(resume=True)
    assert list(last.blocks(films(*"abcd"), 2)) == []


def test_parquet_has_numbers_and_the_same_cells_as_the_csv(tmp_path: Path) -> None:
    (block,) = shard_folder(tmp_path).blocks(films("a", "b"), 2)
    rows = rows_of(block, failed="b")
    for kind in KINDS:
        shard_folder(tmp_path / kind, kind).write(block, rows)
    (path,) = (tmp_path / "parquet").iterdir()
    read, failed = pq.read_table(path).to_pylist()
    assert read["row"] == 1
    assert read["flagged_effusion"] is (rows[0]["flagged_effusion"] == "1")
    assert read["logit_effusion"] == float(rows[0]["logit_effusion"])
    assert (failed["status"], failed["logit_effusion"], failed["gate"]) == ("failed", None, None)
    (path,) = (tmp_path / "csv").iterdir()
    with path.open("rb") as stream:
        assert list(read_rows(stream, path)) == rows


def test_other_results_are_neither_mixed_nor_overwritten(tmp_path: Path) -> None:
    first = shard_folder(tmp_path)
    (block,) = first.blocks(films("a"), 2)
    first.write(block, rows_of(block))
    (before,) = tmp_path.iterdir()
    with pytest.raises(ConfigError, match="has results already"):
        shard_folder(tmp_path).start(resume=False)
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"model_sha256": "0" * 64}, "its model_sha256 is another"),
        ({"setting": "sensitive"}, "its setting is another"),
        ({"correction": "invert"}, "its correction is another"),
        ({"kind": "csv"}, "it is of the other kind"),
    )
    for changes, why in cases:
        with pytest.raises(ConfigError, match=why):
            shard_folder(tmp_path, **changes).start(resume=True)
    before.write_bytes(before.read_bytes()[:200])
    with pytest.raises(ConfigError, match="cannot be gone on with"):
        shard_folder(tmp_path).start(resume=True)


def test_a_folder_at_an_address(tmp_path: Path) -> None:
    first = shard_folder((tmp_path / "out").as_uri())
    first.start(resume=False)
    (block,) = first.blocks(films("a"), 2)
    first.write(block, rows_of(block))
    assert names_in(tmp_path / "out") == ["a"]


def test_a_place_that_cannot_be_written_is_told_before_films_are_read(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        shard_folder((tmp_path / "file" / "out").as_uri()).start(resume=False)
    with pytest.raises(OSError, match="file"):
        shard_folder(tmp_path / "file").start(resume=True)


def test_a_folder_in_a_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over S3's protocol: written at once, gone on with, and no bucket is told at the start."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with object_store("out") as store:
        first = shard_folder(f"s3://out/a/b?{store.place}")
        first.start(resume=False)
        for block, failed in zip(first.blocks(films("a", "b", "c"), 2), ("b", ""), strict=True):
            first.write(block, rows_of(block, failed=failed))
        again = shard_folder(f"s3://out/a/b?{store.place}")
        again.start(resume=True)
        (missing,) = again.blocks(films("a", "b", "c"), 2)
        assert [film.name for film in missing.films] == ["b"]
        written = [data for key, data in store.buckets["out"].items() if key.endswith(".parquet")]
        tables = [pq.read_table(pa.BufferReader(data)) for data in written]
        assert [table["file"].to_pylist() for table in tables] == [["a"], ["c"]]
        with pytest.raises(OSError, match="Bucket 'no' not found"):
            shard_folder(f"s3://no/a?{store.place}").start(resume=False)
