"""The spool: what was acknowledged survives, nothing is done twice, and what is done with is gone.

A process that is killed leaves what the disk holds: a copy of the folder stands for that.
"""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from cxr_core.errors import AuditError, ConfigError
from cxr_core.node.config import NodeConfig, read_config
from cxr_core.node.spool import MAX_ATTEMPTS, Parcel, Spool
from tests.helpers.clock import Clock
from tests.helpers.node import write_settings

MODEL = "b" * 64


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def config(tmp_path: Path) -> NodeConfig:
    return replace(
        read_config(write_settings(tmp_path, port=1, archive_port=2)), max_films=2, keep_hours=1.0
    )


@pytest.fixture
def spool(config: NodeConfig, clock: Clock) -> Iterator[Spool]:
    spool = Spool(config, clock=clock, steady=clock)
    yield spool
    spool.close()


def admit(spool: Spool, data: bytes) -> str:
    """The film's hash; it must be new."""
    seen: list[str] = []
    assert spool.admit(data, seen.append) == "new"
    return seen[0]


@contextmanager
def after_a_kill(spool: Spool, config: NodeConfig, clock: Clock) -> Iterator[Spool]:
    """The spool as the next process finds it."""
    folder = spool.folder.with_name("left")
    shutil.copytree(spool.folder, folder)
    left = Spool(replace(config, spool=folder), clock=clock, steady=clock)
    yield left
    left.close()


def read(spool: Spool, config: NodeConfig, sha256: str) -> list[Parcel]:
    spool.add_results(sha256, MODEL, {"sr": b"report", "sc": b"picture"}, config.destinations)
    return spool.due("archive", 10)


def test_a_film_that_was_taken_is_there_after_a_kill(spool, config, clock) -> None:
    sha256 = admit(spool, b"film")
    with after_a_kill(spool, config, clock) as left:
        assert left.waiting_films(10) == [sha256]
        assert left.load_film(sha256) == b"film"
        assert left.admit(b"film", str) == "known"


def test_what_was_not_acknowledged_leaves_nothing(spool, config, clock) -> None:
    def no_log(_: str) -> None:
        raise AuditError("The log is full", value="", remedy="")

    with pytest.raises(AuditError):
        spool.admit(b"film", no_log)
    assert spool.waiting_films(10) == []
    assert not list((spool.folder / "films").iterdir())
    # A process that was killed before it could note the film.
    for name in (f"{'a' * 64}.dcm", f".{'b' * 64}.dcm"):
        (spool.folder / "films" / name).write_bytes(b"half")
    with after_a_kill(spool, config, clock) as left:
        assert not list((left.folder / "films").iterdir())


def test_a_full_disk_keeps_no_half_of_a_film_and_no_spool_open(
    spool, config, clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            spool.admit(b"film", lambda sha256: None)
    assert list((spool.folder / "films").iterdir()) == []

    admit(spool, b"film")
    spool._database.execute("PRAGMA query_only = ON")  # as a disk that takes nothing more
    spool.close()
    again = Spool(config, clock=clock, steady=clock)
    assert len(again.waiting_films(9)) == 1
    again.close()


def test_it_holds_no_more_than_it_may(spool, config) -> None:
    admit(spool, b"1")
    second = admit(spool, b"2")
    assert spool.admit(b"3", str) == "full"
    spool.mark_unread(second)
    assert spool.admit(b"3", str) == "full"  # until it is removed
    spool.remove(second)
    assert spool.admit(b"3", str) == "new"
    assert spool.admit(b"x" * (config.max_megabytes * 10**6), str) == "full"


def test_results_count_as_what_lies_in_it(config) -> None:
    """A picture is larger than its film: counting films alone, an archive that is away for a day
    would fill the disk."""
    spool = Spool(replace(config, max_megabytes=1))
    sha256 = admit(spool, b"film")
    half = bytes(500_000)
    spool.add_results(sha256, MODEL, {"sr": half, "sc": half}, config.destinations)
    assert spool.admit(b"1", str) == "full"
    spool.remove(sha256)
    assert spool.admit(b"1", str) == "new"
    spool.close()


def test_a_result_is_sent_until_it_was_acknowledged_and_then_no_more(spool, config, clock) -> None:
    sha256 = admit(spool, b"film")
    report, picture = read(spool, config, sha256)
    assert {report.kind, picture.kind} == {"sr", "sc"}
    assert spool.waiting_films(10) == []
    spool.mark_sent(report)
    spool.postpone(picture, 60)
    assert spool.due("archive", 10) == []
    clock.now += 61
    with after_a_kill(spool, config, clock) as left:
        (again,) = left.due("archive", 10)
        assert again == replace(picture, attempts=1)
        assert left.load_result(again) == b"picture"


def test_a_film_and_its_results_are_removed_when_nothing_is_left_to_do(
    spool, config, clock
) -> None:
    sha256 = admit(spool, b"film")
    parcels = read(spool, config, sha256)
    clock.now += 3 * 3600
    assert spool.finished_films() == []  # they are yet to be sent
    for parcel in parcels:
        spool.mark_sent(parcel)
    assert spool.finished_films() == []  # kept for an hour
    clock.now += 3601
    assert spool.finished_films() == [sha256]
    spool.remove(sha256)
    assert [path.name for path in spool.folder.rglob("*.dcm")] == []
    assert spool.admit(b"film", str) == "known"
    clock.now += 31 * 86_400
    spool.forget()
    assert spool.counts() == {}
    assert spool.admit(b"film", str) == "new"


def test_results_that_nobody_takes_are_given_up_in_time(spool, config, clock) -> None:
    sha256 = admit(spool, b"film")
    read(spool, config, sha256)
    assert spool.overdue() == []
    elsewhere = replace(config, destinations=(replace(config.destinations[0], name="other"),))
    with after_a_kill(spool, elsewhere, clock) as left:
        assert len(left.overdue()) == 2  # nobody is there to send them to
    reports = replace(config, destinations=(replace(config.destinations[0], send=("sr",)),))
    shutil.rmtree(spool.folder.with_name("left"))
    with after_a_kill(spool, reports, clock) as left:
        assert [parcel.kind for parcel in left.overdue()] == ["sc"]  # it is to get none any more
    clock.now += 73 * 3600
    for parcel in spool.overdue():
        spool.give_up(parcel)
    assert spool.due("archive", 10) == spool.overdue() == []
    clock.now += 3601
    assert spool.finished_films() == [sha256]


def test_a_clock_that_was_set_gives_nothing_up_and_puts_nothing_off(config, clock) -> None:
    steady = Clock()
    spool = Spool(config, clock=clock, steady=steady)
    try:
        sha256 = admit(spool, b"film")
        spool.add_results(sha256, MODEL, {"sr": b"sr"}, config.destinations)
        (parcel,) = spool.due("archive", 9)
        spool.postpone(parcel, 60)
        steady.now += 7200
        clock.now += 7200 + 80 * 3600  # the date was wrong until now
        spool.follow_clock()
        assert spool.overdue() == []
        assert len(spool.due("archive", 9)) == 1
        clock.now -= 1000 * 3600
        spool.follow_clock()
        assert len(spool.due("archive", 9)) == 1
        steady.now += 73 * 3600
        clock.now += 73 * 3600
        spool.follow_clock()
        assert len(spool.overdue()) == 1
    finally:
        spool.close()


@pytest.mark.parametrize("hours", [-1000, 1000], ids=["back", "ahead"])
def test_a_start_with_a_wrong_date_gives_nothing_up_and_puts_nothing_off(
    spool, config, clock, hours: int
) -> None:
    sha256 = admit(spool, b"film")
    spool.add_results(sha256, MODEL, {"sr": b"sr"}, config.destinations)
    clock.now += 3600 * hours
    with after_a_kill(spool, config, clock) as left:
        assert left.overdue() == []
        assert len(left.due("archive", 9)) == 1


def test_a_film_that_ends_the_process_is_left_alone_in_the_end(spool, config, clock) -> None:
    sha256 = admit(spool, b"film")
    for _ in range(MAX_ATTEMPTS):
        assert spool.exhausted_films() == []
        spool.load_film(sha256, attempt=True)
    assert spool.exhausted_films() == [sha256]
    spool.excuse_films()
    assert spool.exhausted_films() == []


def test_an_altered_film_is_not_read(spool) -> None:
    sha256 = admit(spool, b"film")
    (spool.folder / "films" / f"{sha256}.dcm").write_bytes(b"other")
    with pytest.raises(OSError, match="altered"):
        spool.load_film(sha256)


def test_an_altered_result_is_not_sent_but_made_anew(spool, config, clock) -> None:
    sha256 = admit(spool, b"film")
    report, picture = read(spool, config, sha256)
    spool.mark_sent(picture)
    spool.result_path(sha256, "sr").write_bytes(b"repo")
    with pytest.raises(OSError, match="altered"):
        spool.load_result(report)
    spool.read_again(sha256)
    assert spool.waiting_films(9) == [sha256]
    spool.add_results(sha256, "c" * 64, {"sr": b"new", "sc": b"new"}, config.destinations)
    (again,) = spool.due("archive", 9)
    assert (again.kind, again.model) == ("sr", "c" * 64)
    assert spool.load_result(again) == b"new"
    assert spool._database.execute("SELECT bytes FROM films").fetchone() == (
        len(b"film" + b"new" * 2),
    )


def test_a_spool_is_private_and_of_one_node(spool, config, clock) -> None:
    assert spool.folder.stat().st_mode & 0o077 == 0
    with pytest.raises(ConfigError, match="another node uses it"):
        Spool(config, clock=clock, steady=clock)
    spool.folder.chmod(0o750)
    with pytest.raises(ConfigError, match="others may read it"):
        Spool(config, clock=clock, steady=clock)


def work(config: NodeConfig, archive: Path, step: Callable[[], object]) -> None:
    """What a node does with one film, from its coming until it is removed.

    Args:
        archive: keeps one file a result, with a letter for each time that it came.
        step: called before and after whatever changes something on the disk.
    """
    spool = Spool(config)
    database = spool._database
    database.execute("PRAGMA synchronous = OFF")  # a kill loses nothing that was written
    database.set_trace_callback(lambda statement: step())
    spool.admit(b"film", lambda sha256: step())
    for sha256 in spool.waiting_films(10):
        spool.add_results(sha256, MODEL, {"sr": b"report", "sc": b"picture"}, config.destinations)
    for parcel in spool.due("archive", 10):
        assert spool.load_result(parcel) in (b"report", b"picture")
        with (archive / parcel.kind).open("a") as kept:
            kept.write("x")
        step()
        spool.mark_sent(parcel)
    for sha256 in spool.finished_films():
        spool.remove(sha256)
    spool.close()


def in_a_process(config: NodeConfig, archive: Path, *, kill_at: int) -> bool:
    """Do the work; whether the process came to its end before it was killed at that step."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
        return os.WIFEXITED(status)
    steps, replace_file, unlink = count(1), os.replace, Path.unlink

    def step() -> None:
        if next(steps) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def stepwise(change: Callable[..., None]) -> Callable[..., None]:
        def changed(*args: object, **options: object) -> None:
            step()
            change(*args, **options)
            step()

        return changed

    status = 1
    try:
        patch = pytest.MonkeyPatch()
        patch.setattr(os, "fsync", lambda file: step())
        patch.setattr(os, "replace", stepwise(replace_file))
        patch.setattr(Path, "unlink", stepwise(unlink))
        work(config, archive, step)
        status = 0
    finally:
        os._exit(status)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_killed_at_any_step_it_goes_on_where_it_was(config, tmp_path) -> None:
    for kill_at in count(1):
        archive = tmp_path / f"archive{kill_at}"
        archive.mkdir()
        own = replace(config, spool=tmp_path / f"spool{kill_at}", keep_hours=0.0)
        ended = in_a_process(own, archive, kill_at=kill_at)
        assert in_a_process(own, archive, kill_at=0)
        came = {path.name: len(path.read_text()) for path in archive.iterdir()}
        # Nothing is missing; at most one came again, which is the same object.
        assert set(came) == {"sr", "sc"}
        assert sum(came.values()) <= 3
        spool = Spool(own)
        assert spool.counts() == {"films removed": 1, "results sent": 2}
        assert not list(spool.folder.rglob("*.dcm"))
        spool.close()
        if ended:
            break
    assert kill_at > 20  # else the steps were not counted
