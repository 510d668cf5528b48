"""Two processes train as one would: real ones, started by torchrun, that talk over gloo."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import torch

from cxr_core.training.dataset import DatasetPaths
from cxr_core.training.distributed import Distributed, init_distributed
from cxr_core.training.run import RunOptions, run
from tests.helpers import ROOT
from tests.training.easy_films import CONFIG, EasyFilms

SCRIPT = Path(__file__).parent / "run_apart.py"
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


def two_processes(*words: object) -> str:
    command = [sys.executable, *TORCHRUN, str(SCRIPT), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, env=ENVIRONMENT)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As each of the two processes has."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_without_torchrun_a_team_is_one() -> None:
    with init_distributed() as team:
        assert team == Distributed(0, 1, 0)
        assert team.is_main
        assert team.all_gather("x") == ["x"]
        assert team.all_reduce_sum(torch.tensor([2.0])).item() == 2
        with team.main_process_first():
            team.barrier()


@pytest.mark.slow
def test_a_steps_gradients_are_those_of_both_halves_added_up(tmp_path: Path) -> None:
    two_processes("--gradients", tmp_path / "gradients.pt")
    found = torch.load(tmp_path / "gradients.pt", weights_only=True)
    names = [name.removeprefix("team.") for name in found if name.startswith("team.")]
    assert len(names) == 364  # every parameter
    for name in names:
        team, alone = found[f"team.{name}"], found[f"alone.{name}"]
        torch.testing.assert_close(team, alone, rtol=0, atol=1e-5)
        assert team.abs().max() > 0


@pytest.mark.slow
def test_two_processes_write_one_run_and_its_tables_are_one_processs(
    easy_films: EasyFilms,
    sources: DatasetPaths,
    tmp_path: Path,
    finished_run: Path,
    one_thread: None,
) -> None:
    folder = tmp_path / "run"
    two_processes(easy_films.entries.parent, folder)  # fails where the second process writes a file
    assert {path.name for path in folder.iterdir()} == {
        path.name for path in finished_run.iterdir()
    }
    assert "2 processes" in (folder / "config.json").read_text()
    again = Path(shutil.copytree(folder, tmp_path / "again"))
    run(CONFIG, sources, again, RunOptions(finalize_only=True))
    for name in ("predictions_val.csv", "predictions_test.csv", "localisation.csv", "marks.csv"):
        assert (again / name).read_text() == (folder / name).read_text()


@pytest.mark.slow
def test_a_run_of_two_processes_goes_on_with_one(
    easy_films: EasyFilms, sources: DatasetPaths, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    said = two_processes(easy_films.entries.parent, folder, "--stop-at", 6)
    assert "in epoch 2/4: after batch 2 of 4; the state is saved" in said.replace("\n", " ")
    run(CONFIG, sources, folder, RunOptions(resume=True))
    history = pd.read_csv(folder / "history.csv")
    assert history["epoch"].tolist() == [1, 2, 3, 4]
    losses = history["train_loss"].tolist()
    assert losses[-1] < 0.8 * losses[0]  # it learnt on, though not without a step back
