"""Two runs never write to one folder."""

import subprocess
import sys
from pathlib import Path

import pytest

from cxr_core.errors import TrainingError
from cxr_core.training.run_lock import LOCK_FILE, hold_run_folder
from cxr_core.training.trainer import SINGLE_PROCESS

# Takes the folder, says so, and never gives it back by itself.
HOLD = """
import sys, time
from pathlib import Path
from cxr_core.training.run_lock import hold_run_folder
from cxr_core.training.trainer import SINGLE_PROCESS
with hold_run_folder(Path(sys.argv[1]), SINGLE_PROCESS):
    print("held", flush=True)
    time.sleep(600)
"""


def take(folder: Path) -> None:
    with hold_run_folder(folder, SINGLE_PROCESS):
        assert (folder / LOCK_FILE).is_file()
        (folder / "config.json").write_text("{}")


def test_a_second_run_is_refused_until_the_first_process_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        with pytest.raises(TrainingError, match="Another run is writing to this folder"):
            take(folder)
        assert not (folder / "config.json").exists()
        first.kill()
        first.wait()
    take(folder)  # what a killed process left behind does not keep the folder
    assert [path.name for path in folder.iterdir()] == ["config.json"]


def test_a_folder_in_which_nothing_was_written_is_taken_away(tmp_path: Path) -> None:
    with hold_run_folder(tmp_path / "run", SINGLE_PROCESS):
        pass
    assert not list(tmp_path.iterdir())


def test_a_folder_that_was_there_stays(tmp_path: Path) -> None:
    with hold_run_folder(tmp_path, SINGLE_PROCESS):
        pass
    assert tmp_path.is_dir()
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TrainingError, match="cannot be written to"):
        take(tmp_path / "file" / "run")
