"""A run that is killed ten times at random moments, beside the same run left alone.

    python -m bench.killed_runs [--kills 10] [--seed 0]

Both train on the same drawn phantoms with ``train.py`` itself, saving at every batch. Each kill
is a ``kill -9`` after a random time, counted from the moment when the process has begun to
train. At the end the weights and the history of both are compared bit for bit.
"""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from cxr_core.phantom.dataset import PhantomDataset, write_phantom_dataset

SMALL_RUN = (
    "--preset scratch --px 64 --low-res-px 32 --epochs 12 --full-res-epochs 6 --batch-size 16"
)
MAX_SECONDS = 6.0  # seconds of training between two kills


def command(data: PhantomDataset, run: Path) -> list[str]:
    """The words of a run that saves at every batch and goes on where it was left."""
    files = f"--entries {data.entries} --images {data.images} --cache {run.parent / 'cache'}"
    more = f"--out {run} --resume --save-minutes 0 --quiet"
    return [sys.executable, "train.py", *files.split(), *SMALL_RUN.split(), *more.split()]


def kill_after(words: list[str], state: Path, seconds: float) -> bool:
    """Start, wait until a state is saved anew, then kill; False when it was done before."""
    before = state.stat().st_mtime_ns if state.exists() else 0
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and (state.stat().st_mtime_ns if state.exists() else 0) == before:
        time.sleep(0.05)
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def main() -> int:
    """Compare; returns 0 when both runs are equal, else 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        uninterrupted, killed = Path(folder) / "alone", Path(folder) / "killed"
        data = write_phantom_dataset(Path(folder) / "data", 160)
        subprocess.run(command(data, uninterrupted), check=True, capture_output=True)
        kills = 0
        while kills < args.kills:
            seconds = rng.uniform(0, MAX_SECONDS)
            if not kill_after(command(data, killed), killed / "resume.pt", seconds):
                break
            kills += 1
            history = killed / "history.csv"
            epochs = len(pd.read_csv(history)) if history.exists() else 0
            print(f"kill {kills} after {seconds:.1f} s: {epochs} epochs done", flush=True)
        subprocess.run(command(data, killed), check=True, capture_output=True)
        weights = [(run / "model.safetensors").read_bytes() for run in (uninterrupted, killed)]
        tables = [
            pd.read_csv(run / "history.csv").drop(columns=["seconds", "waiting"])
            for run in (uninterrupted, killed)
        ]
    same_weights, same_history = weights[0] == weights[1], tables[0].equals(tables[1])
    print(f"{kills} kills; weights equal: {same_weights}; history equal: {same_history}")
    return 0 if same_weights and same_history else 1


if __name__ == "__main__":
    sys.exit(main())
