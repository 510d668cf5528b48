"""``cxr-read --ray`` on a real cluster of two machines, one of them killed in the middle."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest

from cxr_core.cli import read_cluster
from cxr_core.cli.read import main
from cxr_core.cli.read_cluster import Attempts, Reader, first_cause
from cxr_core.errors import ConfigError
from cxr_core.findings import LOGIT_COLUMNS
from cxr_core.phantom.draw import phantom_png
from cxr_core.reading.archive import FilmPlace
from cxr_core.version import VERSION
from tests.helpers import ROOT
from tests.helpers.models import write_model_folder
from tests.helpers.process_memory import processes_named, ray_readers
from tests.helpers.ray_cluster import two_workers

SECONDS = 600  # patient; nothing is timed


def kill_when_begun(out: Path, run: subprocess.Popen[str], kill: Callable[[], None]) -> None:
    """Kill when the first block has been written."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and run.poll() is None:
        if out.is_dir() and any(out.glob("films-*")) and len(ray_readers(os.getpid())) > 1:
            kill()
            return
        time.sleep(0.05)


@pytest.mark.slow  # Ray takes its time to start
def test_where_a_machine_is_killed_no_film_is_lost_and_none_is_there_twice(
    tmp_path: Path, ray_package: None
) -> None:
    model, films, out = write_model_folder(tmp_path / "model"), tmp_path / "films", tmp_path / "out"
    films.mkdir()
    for seed in range(6):
        data = phantom_png(seed, size=256)
        for copy in range(5):
            (films / f"{seed}_{copy}.png").write_bytes(data)
    (films / "broken.png").write_bytes(b"no picture")
    arguments = [str(films), "--model", str(model)]
    with two_workers() as (cluster, machines):
        run = subprocess.Popen(
            [
                *(sys.executable, "-m", "cxr_core.cli.read", *arguments, "--out", str(out)),
                *("--shard-films", "2", "--jobs", "1", "--ray", cluster.address),
            ],
            cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

        def kill() -> None:
            # With all that runs on it; and, wherever it is, the process that counts attempts.
            for counter in processes_named(os.getpid(), b"ray::Attempts"):
                os.kill(counter, signal.SIGKILL)
            cluster.remove_node(machines[0], allow_graceful=False)

        try:
            kill_when_begun(out, run, kill)
            left = 16 - len(list(out.glob("films-*")))
            said, _ = run.communicate(timeout=SECONDS)
        finally:
            run.kill()
    assert run.returncode == 3, said
    assert left > 2, "the machine was killed too late to matter"
    assert said.splitlines()[-1] == f"31 films: 1 failed, 30 read. The rows are in {out}."

    rows = [row for path in sorted(out.iterdir()) for row in pq.read_table(path).to_pylist()]
    names = [f"{seed}_{copy}.png" for seed in range(6) for copy in range(5)] + ["broken.png"]
    assert [row["file"] for row in rows] == [str(films / name) for name in names]
    assert [row["row"] for row in rows] == list(range(1, 32))
    assert "cannot be read" in rows[-1]["reason"]

    # The same reader as on one machine, which goes on by what the cluster wrote: with the failed.
    alone = tmp_path / "alone"
    some = [str(films / "3_1.png"), "--model", str(model), "--shards", "parquet"]
    assert main([*some, "--out", str(alone)]) == 0
    (row,) = pq.read_table(alone).to_pylist()
    for column in LOGIT_COLUMNS:
        assert rows[16][column] == pytest.approx(row[column], abs=1e-4)
    assert rows[16]["image_sha256"] == row["image_sha256"]
    assert main([*arguments, "--shards", "parquet", "--resume", "--out", str(out)]) == 3
    assert sum(pq.read_metadata(path).num_rows for path in out.iterdir()) == 31


class _Ray:
    """As much of Ray as a reader asks for."""

    def get(self, reference: Any) -> Any:
        return reference


def test_a_block_at_which_readers_end_again_and_again_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", _Ray())
    folder = write_model_folder(tmp_path / "model")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    (tmp_path / "a.png").write_bytes(phantom_png(1, size=208))
    begun = Attempts()
    attempts = SimpleNamespace(begin=SimpleNamespace(remote=begun.begin))
    options = {"workers": 1, "setting": "standard", "correction": None, "environment": {}}
    reader = Reader(VERSION, files, attempts, options)
    films = json.dumps([FilmPlace(7, str(tmp_path / "a.png"), None, "a.png")])
    answers = [reader({"name": "one", "films": films}) for _ in range(6)]
    answers.append(reader({"name": "another", "films": films}))
    rows = [json.loads(answer["rows"]) for answer in answers]
    assert [row["status"] for (row,) in rows] == ["read"] * 5 + ["failed", "read"]
    ((lost,),) = rows[5:6]
    assert (lost["row"], lost["file"]) == ("7", "a.png")
    assert lost["reason"].startswith("The reader of this block of films ended 5 times.")


def test_a_machine_with_another_version_says_so_instead_of_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "ray", _Ray())
    options = {"workers": 1, "setting": "standard", "correction": None, "environment": {}}
    reader = Reader("0.0", {}, None, options)
    answer = reader({"name": "one", "films": "[]"})
    error = pickle.loads(answer["reason"])
    assert isinstance(error, ConfigError)
    assert str(error).startswith("A machine of the cluster has another version of this program: ")


# As Ray 2.60 tells of them.
_CHAIN = """\x1b[36mray::MapWorker(Map(R)).submit()\x1b[39m (pid=12707, repr=MapWorker(Map(R)))
  File "/one.py", line 13, in __call__
    raise ValueError("bad\\nsecond line")
          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
ValueError: bad
second line

The above exception was the direct cause of the following exception:

\x1b[36mray::MapWorker(Map(R)).submit()\x1b[39m (pid=12707, repr=MapWorker(Map(R)))
ray.exceptions.UserCodeException: UDF failed to process a data block.
To change retry attempts, configure `ray.data.DataContext`: if you believe this to be transient."""
_ENDED = """The actor died because of an error raised in its creation task, repr=MapWorker(Map(R))
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/one.py", line 13, in __init__
    raise MemoryError("no room")
MemoryError: no room"""


@pytest.mark.parametrize(
    ("told", "cause"),
    [
        (_CHAIN, "ValueError: bad"),
        (_ENDED, "MemoryError: no room"),
        ("Worker lost.\nSee the logs.", "Worker lost"),
        ("", "RuntimeError"),
    ],
)
def test_of_what_ray_tells_the_first_error_is_given(told: str, cause: str) -> None:
    assert first_cause(RuntimeError(told)) == cause


def test_without_ray_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(read_cluster, "find_spec", lambda name: None)
    model = write_model_folder(tmp_path / "model")
    words = ["a.png", "--model", str(model), "--out", str(tmp_path / "out")]
    assert main([*words, "--ray"]) == 2
    assert "the package's extra `cluster`" in capsys.readouterr().err
