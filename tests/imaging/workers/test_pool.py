"""Films decoded in processes of their own: the same pixels, and what happens to a bad one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.hostile_bombs import endless_jpeg_ls, png, rle
from cxr_core.errors import ImageError
from cxr_core.imaging.decoded import MAX_FILE_BYTES
from cxr_core.imaging.limits import Limits, film_cpu_seconds
from cxr_core.imaging.radiograph import Radiograph, read_radiograph
from cxr_core.imaging.workers import pool as module
from cxr_core.imaging.workers.pool import WorkerPool, read_radiograph_in_worker
from cxr_core.imaging.workers.worker import DecodeWorker, DecodingStoppedError, WorkerGoneError
from cxr_core.phantom.draw import phantom_png
from tests.helpers.dicom_files import film_dataset, lut_sequence, patient_dicom, ramp, to_bytes
from tests.helpers.films import encode, noise, smooth_film

pytestmark = pytest.mark.skipif(os.name != "posix", reason="there are no decoding processes here")
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has this")
FILM = phantom_png(1, size=128)
MEGABYTE = 2**20


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    shared = WorkerPool(1)
    yield shared
    shared.close()


def one_worker(pool: WorkerPool) -> DecodeWorker:
    """The worker of a pool of one, which stays in the pool."""
    worker = pool._idle.get_nowait()
    assert worker is not None
    pool._idle.put(worker)
    return worker


def windowed() -> bytes:
    """A DICOM film that has all that a film may have."""
    return to_bytes(
        film_dataset(
            ramp(np.uint16, 9, 9, 9),
            PhotometricInterpretation="MONOCHROME1",
            WindowCenter=[2048, 1024],
            WindowWidth=[4096, 2048],
            VOILUTSequence=lut_sequence(list(range(0, 4096, 2)) * 2, 0, 12),
            PixelPaddingValue=9,
            PatientOrientation=["L", "F"],
            PatientAge="011Y",
            ImagerPixelSpacing=[0.2, 0.1],
        )
    )


KINDS = {
    "PNG": FILM,
    "PNG, 16 bits": encode(Image.fromarray(noise(90, 70, below=4096, kind=np.uint16))),
    "PNG, colour": encode(Image.fromarray(noise(90, 70, 3))),
    "JPEG": encode(Image.fromarray(smooth_film()), "JPEG"),
    "TIFF, float": encode(Image.fromarray(noise(90, 70).astype(np.float32)), "TIFF"),
    "DICOM": patient_dicom(),
    "DICOM, windows": windowed(),
    "DICOM, signed": to_bytes(film_dataset(ramp(np.int16, -5), PixelRepresentation=1)),
}


def same(first: Any, second: Any) -> bool:
    if isinstance(first, np.ndarray):
        return bool(first.dtype == second.dtype and np.array_equal(first, second))
    if hasattr(first, "__dataclass_fields__"):
        return type(first) is type(second) and same(vars(first), vars(second))
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[k], second[k]) for k in first)
    if isinstance(first, tuple):
        return (
            isinstance(second, tuple)
            and len(first) == len(second)
            and all(same(a, b) for a, b in zip(first, second, strict=True))
        )
    return bool(first == second)


@pytest.mark.parametrize("kind", KINDS)
def test_a_film_is_the_same_as_decoded_here(kind: str, pool: WorkerPool) -> None:
    here, there = read_radiograph(KINDS[kind]), pool.read(KINDS[kind])
    assert isinstance(there, Radiograph)
    assert same(vars(there), vars(here))
    assert (there.stored is there.pixels) == (here.stored is here.pixels)
    there.pixels[0, 0] = 0  # its own memory


def test_the_dicom_film_has_what_it_is_to_be_compared_by() -> None:
    film = read_radiograph(KINDS["DICOM, windows"])
    assert film.model_window is not None
    assert len(film.windows) == 3
    assert film.windows[0].lut is not None
    assert film.pixel_spacing is not None
    assert (film.orientation, film.inverted, film.under_18) == (("L", "F"), True, True)


@pytest.mark.parametrize("data", [b"", b"a letter", FILM[:2000], KINDS["DICOM"][:5000]])
def test_a_refusal_is_in_the_same_words(data: bytes, pool: WorkerPool) -> None:
    with pytest.raises(ImageError) as here:
        read_radiograph(data)
    with pytest.raises(ImageError) as there:
        pool.read(data)
    assert str(there.value) == str(here.value)
    assert one_worker(pool).usable  # a refused film costs no process


def test_processes_are_kept_between_films(pool: WorkerPool) -> None:
    before = one_worker(pool).pid
    pool.read(FILM)
    assert one_worker(pool).pid == before


def test_a_process_ended_while_idle_is_replaced_and_the_film_is_read(pool: WorkerPool) -> None:
    pool.read(FILM)
    os.kill(one_worker(pool).pid, signal.SIGKILL)
    os.waitid(os.P_PID, one_worker(pool).pid, os.WEXITED | os.WNOWAIT)
    assert pool.read(FILM).pixels.shape == (128, 128)


def kill_when_given_a_film(monkeypatch: pytest.MonkeyPatch, times: int) -> list[int]:
    """Have so many processes killed when they have a film; which they were."""
    killed: list[int] = []
    submit = DecodeWorker.submit

    def submit_and_kill(worker: DecodeWorker, data: bytes) -> None:
        if len(killed) == times:
            return submit(worker, data)
        worker._wait_until_ready()
        os.kill(worker.pid, signal.SIGSTOP)
        submit(worker, data)
        os.kill(worker.pid, signal.SIGKILL)
        killed.append(worker.pid)
        return None

    monkeypatch.setattr(DecodeWorker, "submit", submit_and_kill)
    return killed


def test_a_film_is_read_once_more_when_its_process_was_killed(
    pool: WorkerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = kill_when_given_a_film(monkeypatch, times=1)
    assert pool.read(FILM).pixels.shape == (128, 128)
    assert len(killed) == 1
    assert one_worker(pool).pid != killed[0]


def test_a_film_over_which_two_were_killed_is_a_sentence_and_the_next_film_is_read(
    pool: WorkerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_when_given_a_film(monkeypatch, times=2)
    with pytest.raises(DecodingStoppedError) as caught:
        pool.read(FILM)
    assert caught.value.cause == "killed"
    assert str(caught.value).startswith("The decoder of this file ended unexpectedly: SIGKILL. ")
    assert pool.read(FILM).pixels.shape == (128, 128)


def test_idle_and_starting_processes_that_somebody_has_killed_are_no_zombies_and_replaced() -> None:
    pool = WorkerPool(3)
    try:
        idle = [worker for worker in pool._idle.queue if worker is not None]
        for worker in idle:
            os.kill(worker.pid, signal.SIGKILL)
        for worker in idle:
            os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOWAIT)
        assert pool.read(FILM).pixels.shape == (128, 128)
        for worker in idle:
            with pytest.raises(ChildProcessError):
                os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOHANG)
        assert pool._idle.qsize() == 3
    finally:
        pool.close()


def test_a_process_killed_while_it_starts_says_nothing_of_the_film() -> None:
    worker = DecodeWorker()
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(WorkerGoneError):
        worker.submit(FILM)
    assert worker.has_ended()


def stopped_by(limits: Limits, data: bytes) -> DecodingStoppedError:
    """Why a film is stopped under these limits; the pool reads the next film."""
    pool = WorkerPool(1, limits)
    try:
        with pytest.raises(DecodingStoppedError) as caught:
            pool.read(data)
        assert one_worker(pool).usable
        assert pool.read(FILM).pixels.shape == (128, 128)
    finally:
        pool.close()
    return caught.value


def test_a_film_that_takes_too_much_computing_is_stopped() -> None:
    error = stopped_by(Limits(cpu_seconds=1), rle(b"\0A" * 30 * MEGABYTE, side=5600))
    assert error.cause == "cpu"
    assert str(error) == (
        "This file takes too much computing to be a radiograph: more than 1 s to decode. It was "
        "not read. Export the film again, uncompressed or as PNG."
    )


@pytest.mark.parametrize(
    ("n_bytes", "seconds"),
    [(0, 2), (2**18 - 1, 2), (2**18, 3), (2**20, 6), (2**21, 10), (MAX_FILE_BYTES, 10)],
)
def test_a_small_film_may_take_less(n_bytes: int, seconds: int) -> None:
    assert film_cpu_seconds(n_bytes) == seconds
    assert film_cpu_seconds(n_bytes, 1) == 1


def test_a_stream_that_keeps_its_decoder_in_a_loop_is_stopped() -> None:
    error = stopped_by(Limits(), endless_jpeg_ls())
    assert error.cause == "cpu"
    assert "more than 2 s to decode" in str(error)


@LINUX
def test_a_film_that_takes_too_much_memory_is_stopped() -> None:
    error = stopped_by(Limits(memory_bytes=200 * MEGABYTE), png(7000, 8, 0, 1))
    assert error.cause == "memory"
    assert str(error) == (
        "This file takes too much memory to be a radiograph: more than 200 MB to decode. It was "
        "not read. Export the film again, in grayscale and uncompressed."
    )


def test_a_decoder_that_never_answers_is_ended() -> None:
    pool = WorkerPool(1, Limits(wall_seconds=0.2))
    try:
        worker = one_worker(pool)
        worker._wait_until_ready()
        os.kill(worker.pid, signal.SIGSTOP)
        with pytest.raises(DecodingStoppedError, match="took too long to decode: more than 0.2 s"):
            pool.read(FILM)
        assert one_worker(pool).pid != worker.pid
        assert worker.has_ended()
    finally:
        pool.close()


def test_two_films_at_once() -> None:
    pool = WorkerPool(2)
    try:
        first = pool._idle.get_nowait()
        assert first is not None
        pool._idle.put(first)  # on top: the next film is its
        first._wait_until_ready()
        os.kill(first.pid, signal.SIGSTOP)
        with ThreadPoolExecutor(1) as thread:
            held = thread.submit(pool.read, FILM)
            while pool._idle.qsize() == 2:
                os.sched_yield()
            other = pool.read(KINDS["JPEG"])  # while the first is still being read
            assert not held.done()
            os.kill(first.pid, signal.SIGCONT)
            assert held.result().file_format == "PNG"
        assert other.file_format == "JPEG"
    finally:
        pool.close()


@LINUX
def test_a_films_bytes_are_gone_when_it_was_read() -> None:
    marker = os.urandom(16)
    film = to_bytes(film_dataset(ramp(np.uint16))) + marker * 2**16  # trailing bytes, not read
    pool = WorkerPool(1)
    try:
        pool.read(film)
        left = np.inf
        # What is left of a megabyte in the end is less than two pages: the rest is given back.
        for _ in range(300):
            left = memory_of(one_worker(pool).pid).count(marker) * len(marker)
            if left < 2 * 4096:
                break
            time.sleep(0.1)
        assert left < 2 * 4096
    finally:
        pool.close()


def memory_of(pid: int) -> bytes:
    """All that a process can write to."""
    parts = []
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights = line.split()[:2]
            if not rights.startswith("rw"):
                continue
            low, high = (int(end, 16) for end in span.split("-"))
            memory.seek(low)
            parts.append(memory.read(high - low))
    return b"".join(parts)


def test_the_process_needs_neither_torch_nor_streamlit() -> None:
    code = (
        "import sys, cxr_core.imaging.workers.child; "
        "print({'torch', 'streamlit', 'pandas', 'sklearn'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    assert done.stdout.strip() == "set()"


def test_a_file_larger_than_any_film_is_not_even_sent(pool: WorkerPool) -> None:
    n_films = one_worker(pool).n_films
    with pytest.raises(ImageError, match="The file is too large to be a radiograph: 160 MB"):
        pool.read(bytes(MAX_FILE_BYTES + 1))
    assert one_worker(pool).n_films == n_films


def test_without_processes_films_are_read_here_and_the_log_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "IS_SUPPORTED", False)
    monkeypatch.setattr(module, "_pool", None)
    monkeypatch.setattr(module, "_told", False)
    for _ in range(2):
        assert read_radiograph_in_worker(FILM).pixels.shape == (128, 128)
    said = [record.message for record in caplog.records]
    assert len(said) == 1
    assert said[0].startswith("On this system films are decoded within the app, without limits")
