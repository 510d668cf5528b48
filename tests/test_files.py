"""A file is the old one or the new one, never half of one."""

from pathlib import Path

import pytest

from cxr_core.files import atomic_write, remove_temporary_files


def test_a_finished_block_replaces_the_file(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "table.csv"
    with atomic_write(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert [item.name for item in path.parent.iterdir()] == ["table.csv"]


def half_way(path: Path) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text("half")
        raise ValueError("half way")


def test_a_block_that_raises_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(ValueError, match="half way"):
        half_way(path)
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["table.csv"]


def test_leavings_of_killed_processes_go_and_nothing_else(tmp_path: Path) -> None:
    for name in (".resume.pt.77.tmp", "resume.pt", ".hidden"):
        (tmp_path / name).write_text("x")
    remove_temporary_files(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hidden", "resume.pt"]


def test_a_librarys_private_file_gets_the_modes_of_any_other(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("x")
    with atomic_write(tmp_path / "weights") as temporary:
        temporary.unlink()
        temporary.touch(mode=0o600)
    assert (tmp_path / "weights").stat().st_mode == (tmp_path / "plain").stat().st_mode
