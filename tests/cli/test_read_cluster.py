"""``cxr-read --ray`` on a real cluster of two readers, one of them killed in the middle."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cxr_core.cli.read import main
from cxr_core.findings import LOGIT_COLUMNS
from cxr_core.phantom.draw import phantom_png
from tests.helpers import ROOT
from tests.helpers.models import write_model_folder
from tests.helpers.process_memory import ray_readers

pytestmark = pytest.mark.slow  # Ray takes its time to start
SECONDS = 600  # patient; nothing is timed


def kill_one(out: Path, run: subprocess.Popen[str]) -> None:
    """Kill one of the two readers when the first block has been written."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and run.poll() is None:
        if out.is_dir() and any(out.glob("films-*")) and len(readers := ray_readers(run.pid)) > 1:
            os.kill(readers[0], signal.SIGKILL)
            return
        time.sleep(0.05)


def test_where_a_reader_is_killed_no_film_is_lost_and_none_is_there_twice(
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
    cores = str(max(1, (os.cpu_count() or 1) // 2))  # of each of two readers
    run = subprocess.Popen(
        [
            *(sys.executable, "-m", "cxr_core.cli.read", *arguments, "--out", str(out)),
            *("--shard-films", "2", "--jobs", cores, "--ray"),
        ],
        cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        kill_one(out, run)
        left = 16 - len(list(out.glob("films-*")))
        said, _ = run.communicate(timeout=SECONDS)
    finally:
        run.kill()
    assert run.returncode == 3, said
    assert left > 2, "the reader was killed too late to matter"
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
