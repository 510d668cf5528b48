"""A node that is killed again and again, between an Orthanc that sends it films and takes results.

    python -m bench.node [--films 40] [--kills 3] [--seed 0] [--model models/default]

Needs Debian's ``orthanc``. Orthanc sends drawn films, each in a study of its own, to ``cxr-node``,
which is killed with ``kill -9`` at random moments while it takes, reads and sends, and started
again. In the end each study must hold its film, one report and one picture, and no more. What
Orthanc could not deliver (it was told nothing, as the node was dead) it sends again.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
from pydicom.uid import generate_uid

from cxr_core.phantom.draw import draw_phantom
from tests.helpers.dicom_files import film_dataset, to_bytes
from tests.helpers.node import Orthanc, free_port, running_orthanc, wait_for, write_settings


def draw_film(number: int, size: int) -> tuple[str, bytes]:
    """A phantom as a DX image, and the study that it is in."""
    pixels = np.ascontiguousarray(draw_phantom(number, size=size).pixels)
    study = generate_uid()
    tags = {
        "SOPInstanceUID": generate_uid(),
        "StudyInstanceUID": study,
        "SeriesInstanceUID": generate_uid(),
        "PatientID": f"BENCH-{number}",
        "PatientName": f"Phantom^{number}",
    }
    return study, to_bytes(film_dataset(pixels, **tags))


def start_node(settings: Path, log: Path) -> subprocess.Popen[bytes]:
    """A node as a process of its own."""
    environment = os.environ | {"CXR_AUDIT_LOG": str(settings.with_name("audit.jsonl"))}
    with log.open("ab") as stream:
        return subprocess.Popen(
            [sys.executable, "-m", "cxr_core.cli.node", str(settings)],
            stdout=stream, stderr=stream, env=environment,
        )  # fmt: skip


def entries(folder: Path) -> list[dict[str, str]]:
    """The lines of the audit log."""
    path = folder / "audit.jsonl"
    lines = path.read_bytes().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith(b"}")]


def events(folder: Path) -> Counter[str]:
    """How many lines of each event the audit log has."""
    return Counter(entry["event"] for entry in entries(folder))


def n_films(folder: Path, event: str) -> int:
    """How many films have come to this event; a kill can make it twice of one film."""
    return len({entry["image"] for entry in entries(folder) if entry["event"] == event})


def wait_until(folder: Path, event: str, n: int, seconds: float) -> None:
    """Wait until so many films have come to an event."""
    wait_for(lambda: n_films(folder, event) >= n, seconds=seconds)


def send_all(archive: Orthanc, films: list[str], done: threading.Event) -> None:
    """Send each film until the node has acknowledged it."""
    for film in films:
        while not archive.send([film]) and not done.is_set():
            time.sleep(1.0)


def main() -> int:
    """Run; returns 0 when every study holds what it must, else 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, default=40)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=512, help="side of a film, px")
    parser.add_argument("--model", type=Path, default=Path("models") / "default")
    parser.add_argument("--seconds", type=float, default=3600.0, help="for everything")
    args = parser.parse_args()
    program = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin")
    if program is None:
        parser.error("there is no Orthanc; install Debian's package orthanc")
    rng, port = random.Random(args.seed), free_port()
    films = dict(draw_film(n, args.size) for n in range(args.films))
    # Each kill comes when so many films were read, and a moment later.
    moments = sorted(rng.sample(range(1, args.films), args.kills))
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with running_orthanc(program, folder, node_port=port) as archive:
            settings = write_settings(
                folder, port=port, archive_port=archive.dicom_port, model=args.model.absolute()
            )
            named = [archive.upload(data) for data in films.values()]
            done = threading.Event()
            sender = threading.Thread(target=send_all, args=(archive, named, done))
            node = start_node(settings, folder / "node.log")
            sender.start()
            try:
                for moment in moments:
                    wait_until(folder, "film_read", moment, args.seconds)
                    time.sleep(rng.uniform(0.0, 1.0))
                    node.send_signal(signal.SIGKILL)
                    node.wait()
                    print(f"killed: {dict(events(folder))}", flush=True)
                    node = start_node(settings, folder / "node.log")
                wait_until(folder, "film_removed", args.films, args.seconds)
            finally:
                done.set()
                node.terminate()
                status = node.wait()
                sender.join()
                print((folder / "node.log").read_text()[-2000:], file=sys.stderr)
            held = [archive.held(study) for study in films]
        counts = events(folder)
        left = [path.name for path in (folder / "spool").rglob("*.dcm")]
    print(f"audit log: {dict(counts)}; the node ended with {status}; left in the spool: {left}")
    numbers = Counter(
        tuple(sorted((kind, len(uids)) for kind, uids in one.items())) for one in held
    )
    for found, number in numbers.items():
        print(f"{number} studies hold {dict(found)}")
    print(f"{time.monotonic() - began:.0f} s")
    right = numbers == {(("DX", 1), ("OT", 1), ("SR", 1)): args.films}
    return 0 if right and not left and status == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
