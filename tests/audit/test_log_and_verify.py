"""The audit log: what goes in, that its lines hang together, and what tampering shows."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cxr_core.audit.entry import GENESIS, Entry, Event, Link, chained_line, parse_line
from cxr_core.audit.log import AUDIT_ENV_VAR, FileLog, SyslogLog, audit_log
from cxr_core.audit.verify import file_lines, missing_heads, syslog_chains, verify_chain
from cxr_core.cli.audit import main
from cxr_core.errors import AuditError
from tests.helpers import ROOT

IMAGE, MODEL = "a" * 64, "b" * 64
NOW = datetime(2026, 3, 9, 14, 5, tzinfo=UTC)


def read(number: int = 0) -> Entry:
    return Entry(
        Event.FILM_READ,
        "subject-1",
        "s1",
        IMAGE,
        MODEL,
        (("correction", "rotate_180"), ("n", number)),
    )


@pytest.fixture
def log(tmp_path: Path) -> FileLog:
    """A log of six entries."""
    log = FileLog(tmp_path / "audit.jsonl")
    for number in range(6):
        log.record([read(number)])
    return log


def lines_of(log: FileLog) -> list[bytes]:
    return log.path.read_bytes().splitlines()


def problems(*paths: Path) -> list[str]:
    files = [path.read_bytes().splitlines() for path in paths]
    return [fault.problem for fault in verify_chain(file_lines(files)).faults]


def test_a_line_says_who_when_what_and_which_film_and_model(log: FileLog) -> None:
    first, second = (json.loads(line) for line in lines_of(log)[:2])
    assert first["time"].endswith("Z")
    assert (first["number"], first["previous"]) == (1, GENESIS)
    assert (second["number"], second["previous"]) == (2, first["hash"])
    assert {name: first[name] for name in ("event", "who", "session", "image", "model", "n")} == {
        "event": "film_read", "who": "subject-1", "session": "s1", "image": IMAGE, "model": MODEL,
        "n": 0,
    }  # fmt: skip
    assert problems(log.path) == []


@pytest.mark.parametrize(
    "unfit",
    [
        {"image": "film.png"},
        {"model": "../models"},
        {"who": ""},
        {"details": (("name", "Doe^Jane"),)},
        {"details": (("note", "a free text"),)},
        {"details": (("hash", "x"),)},
        {"details": (("Name", 1),)},
    ],
)
def test_nothing_free_goes_in(unfit: dict) -> None:
    with pytest.raises(AuditError, match="does not take this"):
        Entry(**({"event": Event.EXPORTED, "who": "subject-1"} | unfit))


def drop(*gone: int) -> Callable[[list[bytes]], list[bytes]]:
    return lambda lines: [line for place, line in enumerate(lines, 1) if place not in gone]


def change(place: int, old: bytes, new: bytes) -> Callable[[list[bytes]], list[bytes]]:
    def changed(lines: list[bytes]) -> list[bytes]:
        assert old in lines[place - 1]
        return [*lines[: place - 1], lines[place - 1].replace(old, new), *lines[place:]]

    return changed


def forge(lines: list[bytes]) -> list[bytes]:
    """A line after the third that fits it, hash and all."""
    third = parse_line(lines[2])
    assert third is not None
    forged, _ = chained_line(read(99), third.link, NOW)
    return [*lines[:3], forged.rstrip(), *lines[3:]]


def rewrite(lines: list[bytes]) -> list[bytes]:
    """The third line with another content and a hash that fits it."""
    second = parse_line(lines[1])
    assert second is not None
    other, _ = chained_line(read(99), second.link, NOW)
    return [*lines[:2], other.rstrip(), *lines[3:]]


@pytest.mark.parametrize(
    ("tamper", "told"),
    [
        (drop(3), "1 entry was removed before line 3 (number 3 on)."),
        (drop(3, 4), "2 entries were removed before line 3 (number 3 on)."),
        (drop(1), "Entries were removed before line 1: it has number 2."),
        (change(4, b"subject-1", b"subject-2"), "Line 4 was changed: its hash does not fit."),
        (change(6, b"subject-1", b"subject-2"), "Line 6 was changed: its hash does not fit."),
        (change(4, b'"hash":"', b'"hash":"0'), "Line 4 is no whole entry"),
        (rewrite, "The line before line 4 was changed with its hash"),
        (forge, "Line 4 was added or moved: line 5 goes on from line 3."),
        (lambda lines: [*lines[:3], lines[1], *lines[3:]], "Line 4 was added: it repeats line 2."),
        (lambda lines: [*lines[:2], b"{}", *lines[2:]], "Line 3 is no whole entry"),
        (lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]], "removed before line 3"),
        (lambda lines: [*lines[:5], lines[5][:80]], "Line 6 is no whole entry"),
    ],
)
def test_what_was_done_to_a_line_shows_and_where(
    log: FileLog, tamper: Callable[[list[bytes]], list[bytes]], told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    log.path.write_bytes(b"\n".join(tamper(lines_of(log))) + b"\n")
    assert any(problem.startswith(told) or told in problem for problem in problems(log.path))
    assert main(["verify", str(log.path)]) == 1
    assert told in capsys.readouterr().out


def test_a_cut_end_shows_against_a_head_that_was_kept_alone(
    log: FileLog, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["head", str(log.path)]) == 0
    number, head = capsys.readouterr().out.split()
    assert number == "6"
    assert main(["verify", str(log.path), "--head", head]) == 0
    assert f"Head: {head} (number 6)." in capsys.readouterr().out
    log.path.write_bytes(b"\n".join(drop(6)(lines_of(log))) + b"\n")
    assert main(["verify", str(log.path)]) == 0
    assert "cannot show what was cut off at its end" in capsys.readouterr().out
    assert main(["verify", str(log.path), "--head", head]) == 1
    assert f"No entry has the kept hash {head}" in capsys.readouterr().out
    FileLog(log.path).record([read(7)])  # what came later does not hide it
    assert main(["verify", str(log.path), "--head", head]) == 1


@pytest.mark.parametrize(
    "take",
    [
        lambda path: path.write_bytes(b"".join(path.read_bytes().splitlines(True)[:5])),
        lambda path: path.write_bytes(b""),
        Path.unlink,
        lambda path: path.rename(path.with_name("taken")),
    ],
    ids=["cut", "emptied", "deleted", "taken away"],
)
def test_a_program_that_runs_tells_that_its_entries_are_gone(
    log: FileLog, take: Callable[[Path], object], capsys: pytest.CaptureFixture[str]
) -> None:
    kept = log.head()
    assert kept is not None
    take(log.path)
    log.record([read(7)])
    log.record([read(8)])  # told once
    events = [json.loads(line) for line in lines_of(log)][-3:]
    assert [entry["event"] for entry in events] == ["log_cut", "film_read", "film_read"]
    assert (events[0]["lost_number"], events[0]["lost_hash"]) == (6, kept.head)
    assert main(["verify", str(log.path)]) == 1
    assert "says that the entry of number 6 was gone" in capsys.readouterr().out


def test_a_log_that_others_write_or_put_aside_lacks_nothing(log: FileLog) -> None:
    other = FileLog(log.path)
    other.record([read(7)])
    log.record([read(8)])
    aside = other.rotate()
    log.record([read(9)])
    other.record([read(10)])
    log.rotate()
    log.record([read(11)])
    assert problems(aside, *sorted(log.path.parent.glob("audit.2*"))[1:], log.path) == []


def test_a_file_put_aside_and_the_new_one_are_one_chain(
    log: FileLog, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = log.head()
    assert main(["rotate", str(log.path)]) == 0
    aside = Path(capsys.readouterr().out.strip())
    log.record([read()])
    assert problems(aside, log.path) == problems(log.path) == problems(aside) == []
    alone = verify_chain(file_lines([lines_of(log)]))
    assert kept is not None
    assert kept.head in alone.notes[0]
    # The whole old file cannot be left out unseen, nor its end be cut off.
    aside.write_bytes(b"\n".join(drop(6)(aside.read_bytes().splitlines())) + b"\n")
    assert any("removed before line 6" in problem for problem in problems(aside, log.path))


def test_half_a_line_that_a_power_cut_left_is_closed_and_shown(log: FileLog) -> None:
    whole = log.path.read_bytes()
    log.path.write_bytes(whole[:-40])
    FileLog(log.path).record([read(9)])
    assert len(lines_of(log)) == 7
    assert problems(log.path) == ["Line 6 is no whole entry: it was cut short, changed or added."]


def test_threads_and_processes_share_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    script = (
        "import sys; from pathlib import Path\n"
        "from cxr_core.audit.log import FileLog\n"
        "from cxr_core.audit.entry import Entry, Event\n"
        "log = FileLog(Path(sys.argv[1]))\n"
        "for n in range(20): log.record([Entry(Event.EXPORTED, 'other', details=(('n', n),))])\n"
    )
    others = [subprocess.Popen([sys.executable, "-c", script, path], cwd=ROOT) for _ in range(3)]
    log = FileLog(path)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda n: log.record([read(n), read(n + 1000)]), range(20)))
    assert [process.wait() for process in others] == [0, 0, 0]
    report = verify_chain(file_lines([path.read_bytes().splitlines()]))
    assert report.faults == []
    assert report.n_entries == 3 * 20 + 2 * 20


def test_a_log_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    other = tmp_path / "film.png"
    other.write_bytes(b"not a log\n")
    link = tmp_path / "link.jsonl"
    link.symlink_to(other)
    fifo = tmp_path / "fifo.jsonl"
    os.mkfifo(fifo)
    for name in ("folder.jsonl", "absent/audit.jsonl", "film.png", "link.jsonl", "fifo.jsonl"):
        with pytest.raises(AuditError, match="The audit log cannot be used"):
            FileLog(tmp_path / name).record([read()])
    assert other.read_bytes() == b"not a log\n"


def test_on_a_full_disk_nothing_of_the_entry_stays(log: FileLog, monkeypatch) -> None:
    before = log.path.read_bytes()
    write, calls = os.write, []

    def full(file: int, data: bytes) -> int:
        calls.append(file)
        if len(calls) > 1:
            raise OSError(28, "No space left on device")
        return write(file, data[:30])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(AuditError, match="No space left on device"):
        log.record([read()])
    assert log.path.read_bytes() == before


def test_syslog_takes_a_chain_a_process(tmp_path: Path, monkeypatch) -> None:
    place = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(place))
        monkeypatch.setenv(AUDIT_ENV_VAR, f"syslog:{place}")
        log = audit_log()
        assert isinstance(log, SyslogLog)
        assert audit_log() is log
        log.record([read(1), read(2)])
        SyslogLog(str(place)).record([read(3)])
        told = [b"Nov 27 10:00 host " + daemon.recv(4096).rstrip(b"\0") for _ in range(3)]
    assert told[0].startswith(b"Nov 27 10:00 host <86>cxr-audit: {")
    chains = syslog_chains(file_lines([[b"Nov 27 another program", *told]]))
    reports = [verify_chain(lines) for lines in chains.values()]
    assert [report.n_entries for report in reports] == [2, 1]
    assert not any(report.faults for report in reports)
    head = reports[1].head
    assert head is not None
    assert missing_heads(reports, [head.head]) == []
    place.unlink()
    with pytest.raises(AuditError, match="syslog at"):
        log.record([read(4)])


def test_without_the_setting_there_is_no_log(monkeypatch) -> None:
    monkeypatch.delenv(AUDIT_ENV_VAR, raising=False)
    assert audit_log() is None


def test_an_entry_without_a_chain_begins_one() -> None:
    line, link = chained_line(read(), Link("c"), NOW)
    assert link.number == 1
    assert parse_line(line.rstrip(b"\n")).link == link  # type: ignore[union-attr]
    assert parse_line(b"x" + line.rstrip(b"\n")) is None
