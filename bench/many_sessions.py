"""Many readers at once, each in a browser of its own: nothing is mixed up, and how long they wait.

    python -m bench.many_sessions [--sessions 16] [--side 1024] [--model models/default]

Serves the app, and draws two films a session with a patient's name of their own. First one reader
alone opens films, for comparison, and again at the end; between them all sessions at once open
their first film, then their second. A page must show its own patient's name, no other's, and the
numbers that ``cxr-read`` gives for that file. Before the end all browsers are closed, and the
server's memory is measured for a minute; ``/proc`` is needed for that. Browsers and server share
this machine's cores, so the times are those of a machine that does both; the server's own
computing a film is told beside them. A film that is not shown within ``--patience`` counts as a
fault, and the others go on.

Returns 1 when anything was mixed up.
"""

import argparse
import asyncio
import contextlib
import csv
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from playwright.async_api import (
    Browser,
    BrowserContext,
    FilePayload,
    Page,
    TimeoutError,
    async_playwright,
)

from bench.served import wait_for
from cxr_core.cli.read import main as cxr_read
from cxr_core.findings import PROBABILITY_COLUMNS
from cxr_core.phantom.draw import draw_phantom
from cxr_core.ui.words import percent
from tests.helpers.dicom_files import film_dataset, to_bytes
from tests.helpers.process_memory import (
    memory_hits,
    process_tree,
    resident_megabytes,
    tree_megabytes,
)

OPENS_WITHIN = 10_000  # ms
ALONE = 8  # films that one session opens by itself
_TICKS = os.sysconf("SC_CLK_TCK")
AFTER_CLOSING = (10, 20, 30, 45, 60)  # seconds
FINDINGS = ((), ("effusion",), ("atelectasis",), ("infiltration",), ("effusion", "infiltration"))
AT_REST = "[data-testid=stApp][data-test-script-state=notRunning]"
# The page is at rest, and the line over its film names the file that was sent. That line alone: the
# field that took the file lists its name before the page has begun to read it.
SHOWN = """
(name) => document.querySelector('[data-testid=stApp][data-test-script-state=notRunning]')
    && document.querySelector('.viewer .stated')?.innerText.includes(name)
    && document.querySelectorAll('.finding .probability').length === 4
"""


@dataclass(frozen=True)
class Film:
    """One patient's film; the name stands in the file and in the file's name."""

    patient: str
    data: bytes

    @property
    def file(self) -> str:
        return f"{self.patient}.dcm"


@dataclass
class Seen:
    """What the pages showed."""

    seconds: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def draw(number: int, side: int) -> Film:
    """A drawn DICOM film of 12 bit with a made-up patient."""
    drawn = draw_phantom(number, findings=FINDINGS[number % len(FINDINGS)], size=side).pixels
    noise = np.random.default_rng(number).integers(0, 16, drawn.shape, dtype=np.uint16)
    patient = f"QX{number:03d}ZQ"
    tags = {"PatientName": patient, "PatientID": f"{patient}ID", "BitsStored": 12, "HighBit": 11}
    return Film(patient, to_bytes(film_dataset(drawn.astype(np.uint16) * 16 + noise, **tags)))


def numbers_of_cxr_read(films: list[Film], model: Path, folder: Path) -> dict[str, list[str]]:
    """By patient, the four probabilities as a page writes them."""
    for film in films:
        folder.joinpath(film.file).write_bytes(film.data)
    out = folder / "read.csv"
    if status := cxr_read([str(folder), "--model", str(model), "--out", str(out)]):
        raise SystemExit(f"cxr-read ended with status {status}")
    with out.open(newline="") as stream:
        rows = {Path(row["file"]).stem: row for row in csv.DictReader(stream)}
    return {
        film.patient: [percent(float(rows[film.patient][column])) for column in PROBABILITY_COLUMNS]
        for film in films
    }


async def enter(browser: Browser, address: str, patience: float) -> tuple[BrowserContext, Page]:
    """A browser of its own on the Read page, at rest."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(1000 * patience)
    page = await context.new_page()
    await page.goto(f"{address}/Read")
    await page.get_by_role("button", name="Try the phantom").wait_for()
    await page.locator(AT_REST).wait_for(state="attached")
    return context, page


async def open_film(page: Page, film: Film, expected: list[str], seen: Seen) -> None:
    """Send a film and compare what the page shows of it."""
    try:
        await _open_film(page, film, expected, seen)
    except TimeoutError:
        seen.faults.append(f"{film.patient}: not shown in time")


async def _open_film(page: Page, film: Film, expected: list[str], seen: Seen) -> None:
    field_of_files = page.locator("input[type=file]").first
    while not await field_of_files.count():
        # A click that comes while the page is drawn anew is lost, so it is repeated.
        await page.get_by_role("button", name="Open film").click()
        with contextlib.suppress(TimeoutError):
            await field_of_files.wait_for(state="attached", timeout=OPENS_WITHIN)
    # What is sent while the page is drawn anew is lost, too.
    await page.locator(AT_REST).wait_for(state="attached")
    payload: FilePayload = {"name": film.file, "mimeType": "", "buffer": film.data}
    started = time.perf_counter()
    await field_of_files.set_input_files(payload)
    await page.wait_for_function(SHOWN, arg=film.patient)
    seen.seconds.append(time.perf_counter() - started)
    shown = await page.locator(".finding").all_inner_texts()
    text = await page.inner_text("body")
    others = set(re.findall(r"QX\d{3}ZQ", text)) - {film.patient}
    if others:
        seen.faults.append(f"{film.patient}: the page names {', '.join(sorted(others))}")
    for number in expected:
        if not any(number in one for one in shown):
            seen.faults.append(f"{film.patient}: {number} is not on the page, but {shown}")


async def measure(
    address: str, pid: int, films: list[Film], numbers: dict[str, list[str]], patience: float
) -> int:
    """All of it, printed; returns how much was mixed up."""
    half = len(films) // 2
    alone, together = Seen(), Seen()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )

        print(f"memory at start: {_memory(pid)}", flush=True)
        peak = asyncio.create_task(_watch_memory(pid))

        async def one_reader(first: bool) -> None:
            context, page = await enter(browser, address, patience)
            if first:  # the first film of a server loads the model; it is not counted
                # Another than comes next: that it is shown would say nothing.
                await open_film(page, films[-1], numbers[films[-1].patient], Seen())
            began, before = _computing(pid), len(alone.seconds)
            for film in films[:ALONE]:
                await open_film(page, film, numbers[film.patient], alone)
            await context.close()
            told = _times(alone.seconds[before:], _computing(pid) - began)
            print(f"one session alone: {told}", flush=True)

        await one_reader(first=True)
        await asyncio.sleep(AFTER_CLOSING[-1])
        print(f"memory with one session closed: {_memory(pid)}", flush=True)

        entered = []
        for _ in range(half):
            entered.append(await enter(browser, address, patience))
            print(f"{len(entered)} sessions", end="\r", flush=True)
        began = _computing(pid)
        for first in (0, half):
            await asyncio.gather(
                *(
                    open_film(page, film, numbers[film.patient], together)
                    for (_, page), film in zip(entered, films[first : first + half], strict=True)
                )
            )
        told = _times(together.seconds, _computing(pid) - began)
        print(f"{half} sessions at once: {told}", flush=True)
        marks = [film.patient.encode() for film in films]
        print(f"memory with {half} sessions open: {_memory(pid)}", flush=True)
        print(f"names in memory: {_named(pid, marks)}", flush=True)
        peak.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await peak
        for context, _ in entered:
            await context.close()
        closed = time.monotonic()
        for seconds in AFTER_CLOSING:
            await asyncio.sleep(max(0.0, closed + seconds - time.monotonic()))
            print(
                f"{seconds:3d} s after closing: {_memory(pid)}, "
                f"names in memory: {_named(pid, marks)}",
                flush=True,
            )
        await one_reader(first=False)
        await browser.close()
    faults = alone.faults + together.faults
    p95 = [np.percentile(seen.seconds, 95) for seen in (alone, together) if seen.seconds]
    if len(p95) == 2:
        print(f"p95 of {half} sessions beside one's: {p95[1] / p95[0]:.1f} times")
    print(f"mixed up, other than cxr-read or not shown: {len(faults)} of {len(films)} films")
    for fault in faults:
        print(f"  {fault}")
    return len(faults)


async def _watch_memory(pid: int) -> None:
    """Prints the most memory that the server had, once it is cancelled."""
    most, told = 0.0, ""
    try:
        while True:
            now, _ = tree_megabytes(pid)
            if now > most:
                most, told = now, _memory(pid)
            await asyncio.sleep(0.5)
    finally:
        print(f"memory at its peak: {told}", flush=True)


def _named(pid: int, marks: list[bytes]) -> str:
    """How many of the names stand in the memory of the server, and in that of the processes that it
    decodes in, and in how many places."""
    told = []
    for where, pids in (("server", [pid]), ("others", process_tree(pid)[1:])):
        hits = Counter[bytes]()
        for one in pids:
            with contextlib.suppress(OSError):  # ended meanwhile
                hits.update(memory_hits(one, marks))
        told.append(f"{sum(map(bool, hits.values()))} ({hits.total()} places) in the {where}")
    return f"{', '.join(told)}, of {len(marks)}"


def _memory(pid: int) -> str:
    megabytes, n_processes = tree_megabytes(pid)
    own = resident_megabytes(pid)
    return f"{megabytes:.0f} MB in {n_processes} processes, the server's {own:.0f}"


def _computing(pid: int) -> float:
    """Seconds that the server has computed so far, without the processes that decode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _times(seconds: list[float], computing: float) -> str:
    if not seconds:
        return "no film was shown"
    middle, late = np.percentile(seconds, [50, 95])
    each = f"{computing / len(seconds):.2f} s of computing each"
    return f"median {middle:.2f} s, p95 {late:.2f} s over {len(seconds)} films, {each}"


def main() -> int:
    """Serve, measure and print; returns 1 when anything was mixed up."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=16)
    parser.add_argument("--side", type=int, default=1024, help="of the films, pixels")
    parser.add_argument("--model", type=Path, default=Path("models/default"))
    parser.add_argument("--patience", type=float, default=300.0, help="s for anything on a page")
    arguments = parser.parse_args()
    films = [draw(number, arguments.side) for number in range(2 * arguments.sessions)]
    with tempfile.TemporaryDirectory() as folder:
        numbers = numbers_of_cxr_read(films, arguments.model, Path(folder))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "serve.py", "--server.headless", "true"]
    served = subprocess.Popen(
        [*command, "--server.port", str(port)],
        env={**os.environ, "CXR_MODEL": str(arguments.model.resolve())},
        stdout=subprocess.DEVNULL,
    )
    try:
        address = f"http://localhost:{port}"
        wait_for(f"{address}/_stcore/health")
        reading = measure(address, served.pid, films, numbers, arguments.patience)
        return int(asyncio.run(reading) > 0)
    finally:
        served.terminate()
        served.wait(timeout=60)


if __name__ == "__main__":
    sys.exit(main())
