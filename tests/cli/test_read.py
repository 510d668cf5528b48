"""The batch reader: a row a file, bad files included, and an exit status that tells."""

import csv
import hashlib
import json
import threading
from pathlib import Path

import numpy as np
import pytest

from cxr_core.audit.log import AUDIT_ENV_VAR
from cxr_core.audit.verify import file_lines, verify_chain
from cxr_core.cli.read import journal_path, main
from cxr_core.export.results_csv import COLUMNS, rows_to_csv
from cxr_core.findings import KEYS
from cxr_core.imaging.radiograph import read_radiograph
from cxr_core.model.checkpoint import save_checkpoint
from cxr_core.model.metadata import load_metadata
from cxr_core.phantom.draw import encode_png, phantom_png
from cxr_core.reading import batch as engine
from cxr_core.reading.analyzer import load_analyzer
from tests.helpers.models import make_metadata, make_points, random_network
from tests.helpers.pages import pixels_of
from tests.helpers.zips import zip_bytes


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    save_checkpoint(folder, random_network(), make_metadata())
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_good_and_bad_files(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    films = tmp_path / "films" / "deep"
    films.mkdir(parents=True)
    data = phantom_png(1, size=208)
    (films / "a.png").write_bytes(data)
    (films / "b.png").write_bytes(b"not a picture")
    for no_film in (".hidden", "DICOMDIR", "Thumbs.db", "notes.txt"):
        (films / no_film).write_bytes(b"no film")
    missing = tmp_path / "gone.png"
    out = tmp_path / "results.csv"
    assert (
        main([str(tmp_path / "films"), str(missing), "--model", str(model), "--out", str(out)]) == 3
    )
    good, bad, gone = rows(out)
    assert tuple(good) == COLUMNS
    assert (good["file"], good["status"], good["reason"]) == (str(films / "a.png"), "read", "")
    analysis = load_analyzer(model).analyze(data)
    for key in KEYS:
        assert float(good[f"logit_{key}"]) == pytest.approx(analysis.logits[key], abs=1e-4)
        assert good[f"flagged_{key}"] == str(int(analysis.above[key]))
        assert float(good[f"cutoff_{key}"]) == make_points()[key].threshold
    assert good["image_sha256"] == analysis.image_sha256
    assert good["model_sha256"] == bad["model_sha256"] == analysis.model_sha256
    assert good["library_versions"].startswith(f"{analysis.engine}, pillow ")
    assert bad["status"] == "failed"
    assert "This file cannot be read" in bad["reason"]
    assert bad["logit_effusion"] == ""
    assert "No such file" in gone["reason"]
    assert "3 films: 2 failed, 1 read" in capsys.readouterr().out


def test_all_read_is_status_0(tmp_path: Path, model: Path) -> None:
    (tmp_path / "a.png").write_bytes(phantom_png(2, size=128))
    out = tmp_path / "out" / "results.csv"
    assert main([str(tmp_path / "a.png"), "--model", str(model), "--out", str(out)]) == 0
    assert len(rows(out)) == 1


def test_no_model_and_no_files_are_one_sentence(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.png").write_bytes(phantom_png(2, size=128))
    out = ["--out", str(tmp_path / "results.csv")]
    assert main([str(tmp_path / "a.png"), "--model", str(tmp_path / "none"), *out]) == 2
    assert "no model in this folder" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert main([str(tmp_path / "empty"), "--model", str(model), *out]) == 2
    assert "There is no file to read" in capsys.readouterr().err
    assert not (tmp_path / "results.csv").exists()


def test_a_zip_is_read_member_by_member(tmp_path: Path, model: Path) -> None:
    data = phantom_png(1, size=208)
    (tmp_path / "all.zip").write_bytes(zip_bytes({"=a.png": data, "../b.png": data}))
    out = tmp_path / "results.csv"
    words = [str(tmp_path / "all.zip"), "--model", str(model), "--out", str(out), "--jobs", "1"]
    assert main(words) == 3
    good, bad = rows(out)
    assert (good["file"], good["status"]) == (f"{tmp_path / 'all.zip'}/=a.png", "read")
    assert bad["reason"].startswith("This file's path points outside the zip")


def wait_for_readers() -> None:
    """A film that was begun is read to its end, after what asked for it has given up."""
    for thread in threading.enumerate():
        if thread.name.startswith("decode"):
            thread.join(60)


def test_an_interrupted_run_goes_on_where_it_was(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(4):
        (tmp_path / f"{number}.png").write_bytes(phantom_png(number, size=128))
    (tmp_path / "bad.png").write_bytes(b"no film")
    out = tmp_path / "results.csv"
    words = [*map(str, sorted(tmp_path.glob("*.png"))), "--model", str(model), "--out", str(out)]
    assert main(words) == 3
    whole = rows(out)
    out.unlink()

    third = (tmp_path / "2.png").read_bytes()

    def third_is_interrupted(data: bytes, *, sha256: str) -> object:
        if data == third:
            raise KeyboardInterrupt
        return read_radiograph(data)

    monkeypatch.setattr(engine, "read_radiograph_in_worker", third_is_interrupted)
    assert main([*words, "--jobs", "1"]) == 130
    assert "Continue with --resume" in capsys.readouterr().err
    assert not out.exists()
    part = journal_path(out)
    assert len(rows(part)) == 2
    with part.open("a") as stream:
        stream.write(part.read_text().splitlines()[1][:40])  # a line cut by a kill
    wait_for_readers()

    calls: list[bytes] = []

    def counted(data: bytes, *, sha256: str) -> object:
        calls.append(data)
        return read_radiograph(data)

    monkeypatch.setattr(engine, "read_radiograph_in_worker", counted)
    assert main([*words, "--resume"]) == 3
    assert rows(out) == whole
    assert len(calls) == 3  # two films, and the file that failed is tried again
    assert not part.exists()
    calls.clear()
    assert main([*words, "--resume"]) == 3
    assert len(calls) == 1


def test_an_archive_goes_into_files_and_is_gone_on_with(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    films = [tmp_path / f"{number}.png" for number in range(5)]
    for number, film in enumerate(films[:4]):
        film.write_bytes(phantom_png(number, size=208))
    films[4].write_bytes(b"no film")
    (tmp_path / "list.txt").write_text("".join(f"{film}\n" for film in films))
    out, words = tmp_path / "out", ["--model", str(model), "--jobs", "1"]
    words = ["--list", str(tmp_path / "list.txt"), *words]
    assert main([*words, "--out", str(tmp_path / "all.csv")]) == 3
    sharded = [*words, "--out", str(out), "--shards", "csv", "--shard-films", "2"]

    fourth = films[3].read_bytes()

    def fourth_is_interrupted(data: bytes, *, sha256: str) -> object:
        if data == fourth:
            raise KeyboardInterrupt
        return read_radiograph(data)

    monkeypatch.setattr(engine, "read_radiograph_in_worker", fourth_is_interrupted)
    assert main(sharded) == 130
    assert f"what was read is in {out}" in capsys.readouterr().err
    assert [path.name[:15] for path in out.iterdir()] == ["films-000000001"]
    assert main(sharded) == 2
    assert "Go on with --resume" in capsys.readouterr().err
    wait_for_readers()
    calls: list[bytes] = []

    def counted(data: bytes, *, sha256: str) -> object:
        calls.append(data)
        return read_radiograph(data)

    monkeypatch.setattr(engine, "read_radiograph_in_worker", counted)
    assert main([*sharded, "--resume"]) == 3
    assert capsys.readouterr().out == f"3 films: 1 failed, 2 read. The rows are in {out}.\n"
    assert sorted(calls) == sorted(film.read_bytes() for film in films[2:])
    whole = [row for path in sorted(out.iterdir()) for row in rows(path)]
    assert whole == rows(tmp_path / "all.csv")
    calls.clear()
    assert main([*sharded, "--resume"]) == 3  # what failed is tried again, and is there once
    assert calls == [b"no film"]
    assert len([row for path in out.iterdir() for row in rows(path)]) == 5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--out", "o"], "give a PATH or --list FILE"),
        (["--ray", "films", "--list", "l", "--out", "o"], "put --ray after the paths"),
        (["a.png", "--out", "s3://b/o.csv"], "--out at an address needs --shards"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*words, "--model", "m"])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_rows_of_another_model_or_another_table_are_not_kept(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.png").write_bytes(phantom_png(2, size=128))
    out = tmp_path / "results.csv"
    words = [str(tmp_path / "a.png"), "--model", str(model), "--out", str(out), "--resume"]
    assert main(words) == 0
    (row,) = rows(out)
    text = out.read_text()
    out.write_text(text.replace(row["model_sha256"], "0" * 64).replace(",read,", ",stopped,"))
    assert main(words) == 0
    assert rows(out) == [row]
    out.write_text("image,patient\na.png,1\n")
    assert main(words) == 2
    assert "has other columns" in capsys.readouterr().err
    assert out.read_text().startswith("image,patient")


def test_a_column_that_was_not_written_yet_stays_empty(tmp_path: Path, model: Path) -> None:
    (tmp_path / "a.png").write_bytes(phantom_png(2, size=128))
    out = tmp_path / "results.csv"
    words = [str(tmp_path / "a.png"), "--model", str(model), "--out", str(out), "--resume"]
    assert main(words) == 0
    (row,) = rows(out)
    with out.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, [name for name in COLUMNS if name != "gate"])
        writer.writeheader()
        writer.writerow({name: value for name, value in row.items() if name != "gate"})
    assert main(words) == 0
    assert rows(out) == [row | {"gate": ""}]


EARLIER_COLUMNS = (
    "file,sha256,model_sha256,status,reason,warnings,"
    "logit_effusion,logit_atelectasis,logit_infiltration,logit_no_finding,"
    "probability_effusion,probability_atelectasis,probability_infiltration,probability_no_finding,"
    "operating_point_effusion,operating_point_atelectasis,operating_point_infiltration,"
    "operating_point_no_finding,"
    "above_effusion,above_atelectasis,above_infiltration,above_no_finding,versions"
)


def test_rows_of_an_earlier_version_are_gone_on_with(tmp_path: Path, model: Path) -> None:
    (tmp_path / "a.png").write_bytes(data := phantom_png(2, size=128))
    out = tmp_path / "results.csv"
    film, weights = hashlib.sha256(data).hexdigest(), load_metadata(model).model_sha256
    out.write_text(
        f"{EARLIER_COLUMNS}\nold.png,{film},{weights},stopped,Too dark.,A line.,"
        "1,2,3,4,.1,.2,.3,.4,.5,.6,.7,.8,0,1,0,1,torch 2.0\n"
    )
    words = [str(tmp_path / "a.png"), "--model", str(model), "--out", str(out), "--resume"]
    assert main(words) == 0
    (row,) = rows(out)
    assert tuple(row) == COLUMNS
    filled = {name: value for name, value in row.items() if value}
    assert filled == {
        "row": "1",
        "file": str(tmp_path / "a.png"),
        "image_sha256": film,
        "model_sha256": weights,
        "status": "stopped",
        "reason": "Too dark.",
        "gate": "stopped",
        "gate_reasons": "Too dark.",
        "warnings": "A line.",
        "library_versions": "torch 2.0",
        **dict(zip([f"logit_{key}" for key in KEYS], "1234", strict=True)),
        **dict(zip([f"probability_{key}" for key in KEYS], (".1", ".2", ".3", ".4"), strict=True)),
        **dict(zip([f"cutoff_{key}" for key in KEYS], (".5", ".6", ".7", ".8"), strict=True)),
        **dict(zip([f"flagged_{key}" for key in KEYS], "0101", strict=True)),
    }


@pytest.mark.parametrize(
    "cells", [{"logit_effusion": ""}, {"correction": "invert"}, {"read_anyway": "1"}]
)
def test_a_row_of_the_worklist_that_a_run_would_not_write_is_read_again(
    tmp_path: Path, model: Path, cells: dict[str, str]
) -> None:
    (tmp_path / "a.png").write_bytes(phantom_png(2, size=128))
    out = tmp_path / "results.csv"
    words = [str(tmp_path / "a.png"), "--model", str(model), "--out", str(out), "--resume"]
    assert main(words) == 0
    (row,) = rows(out)
    out.write_bytes(rows_to_csv([row | {"note": "Kept?"} | cells]))
    assert main(words) == 0
    assert rows(out) == [row]


def test_a_correction_is_done_to_every_film_and_resumed_as_itself(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = pixels_of(phantom_png(2, size=256))
    (tmp_path / "right.png").write_bytes(encode_png(film))
    (tmp_path / "wrong.png").write_bytes(encode_png(np.rot90(255 - film).copy()))
    plain, corrected = tmp_path / "plain.csv", tmp_path / "corrected.csv"
    words = ["--model", str(model), "--resume", "--out"]
    assert main([str(tmp_path / "right.png"), *words, str(plain)]) == 0
    wrong = [str(tmp_path / "wrong.png"), *words, str(corrected), "--correct"]
    assert main([*wrong, "rotate_cw+invert"]) == 0
    (right,), (found,) = rows(plain), rows(corrected)
    assert found["correction"] == "invert+rotate_cw"
    assert "was inverted and rotated 90° clockwise at the reader's" in found["correction_words"]
    assert found["logit_effusion"] == right["logit_effusion"]
    assert main([*wrong, "invert+rotate_cw"]) == 0  # the same one: nothing is read again
    assert main([*wrong, "invert"]) == 0
    (found,) = rows(corrected)
    assert found["correction"] == "invert"
    assert main([*wrong, "flip"]) == 2
    assert "There is no such correction: flip" in capsys.readouterr().err


def test_each_film_is_in_the_audit_log_before_its_row_is_in_the_table(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log, out, films = tmp_path / "audit.jsonl", tmp_path / "out.csv", tmp_path / "films"
    monkeypatch.setenv(AUDIT_ENV_VAR, str(log))
    films.mkdir()
    for seed, name in enumerate(("Doe_Jane.png", "b.png")):
        (films / name).write_bytes(phantom_png(seed, size=208))
    (films / "broken.png").write_bytes(b"no picture")
    command = [str(films), "--model", str(model), "--out", str(out), "--correct", "invert"]
    assert main(command) == 3
    told = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert [one["event"] for one in told] == [
        "model_loaded",
        *["corrected", "film_read", "exported"] * 2,
    ]
    read = [row for row in rows(out) if row["status"] != "failed"]
    assert [one["image"] for one in told[1::3]] == [row["image_sha256"] for row in read]
    assert {one["correction"] for one in told[1:]} == {"invert"}
    assert {one["model"] for one in told} == {read[0]["model_sha256"]}
    assert len({(one["who"], one["session"]) for one in told}) == 1
    assert "Doe" not in log.read_text("utf-8")
    assert main([*command, "--resume"]) == 3  # nothing is read again, and the table is made anew
    again = [json.loads(line)["event"] for line in log.read_text("utf-8").splitlines()[len(told) :]]
    assert again == ["model_loaded", "exported", "exported"]
    assert verify_chain(file_lines([log.read_bytes().splitlines()])).faults == []
    log.unlink()
    log.mkdir()  # cannot be written
    out.unlink()
    assert main(command) == 2
    assert "The audit log cannot be used" in capsys.readouterr().err
    assert not out.exists()
