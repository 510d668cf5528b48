"""``kill -9``: a run that was killed goes on, and ends as if nobody had touched it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import ROOT
from tests.training.easy_films import EasyFilms
from tests.training.test_stopped import assert_same_run

SCRIPT = Path(__file__).parent / "run_apart.py"
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}


@pytest.mark.slow
def test_killed_three_times_it_ends_with_the_same_weights_and_history(
    finished_run: Path, easy_films: EasyFilms, tmp_path: Path
) -> None:
    command = [sys.executable, str(SCRIPT), str(easy_films.entries.parent), str(tmp_path / "run")]
    # In the first epoch before its third step, while a state is half written, and in a validation.
    for place in ("step:3", "save:4", "validation:1"):
        killed = subprocess.run(
            [*command, "--die-at", place], capture_output=True, timeout=300, env=ENVIRONMENT
        )
        assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
        assert not (tmp_path / "run" / "model.json").exists()
    subprocess.run(command, check=True, timeout=300, env=ENVIRONMENT)
    assert_same_run(tmp_path / "run", finished_run)
    assert {path.name for path in finished_run.iterdir()} == {
        path.name for path in (tmp_path / "run").iterdir()
    }
