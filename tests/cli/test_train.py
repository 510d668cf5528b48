"""``train.py``: words to settings, and one sentence for whatever cannot be done."""

from dataclasses import replace
from pathlib import Path

import pytest

from cxr_core.cli import train


def test_words_become_settings() -> None:
    words = "--entries e.csv --images i --out r --preset scratch --epochs 3 --seed 5"
    config = train.make_config(train.parse_arguments(words.split()))
    assert (config.preset, config.epochs, config.seed, config.weights) == ("scratch", 3, 5, "none")


def test_any_setting_can_be_set_and_the_options_told() -> None:
    words = "--phantom 4 --out r --preset best --set box_loss_weight=0.2"
    words += " --set augmentation.rotation=2 --skip-test --save-minutes 0.5"
    arguments = train.parse_arguments(words.split())
    config, options = train.make_config(arguments), train.make_options(arguments)
    assert (config.box_loss_weight, config.augmentation.rotation) == (0.2, 2.0)
    assert options.skip_test
    assert options.save_interval_seconds == 30
    assert not options.resume


def test_words_of_earlier_versions_are_still_taken() -> None:
    now = "--phantom 4 --out r --preset baseline --low-res-px 64 --full-res-epochs 2 --n-seeds 2"
    now += " --skip-test --set box_loss_weight=0.2 --set augmentation.rotation=2"
    before = "--phantom 4 --out r --preset seed --train-px 64 --finish-epochs 2 --seeds 2"
    before += " --hold-test --set boxes=0.2 --set augmentation.turn=2"
    new, old = (train.parse_arguments(words.split()) for words in (now, before))
    assert train.make_config(old) == train.make_config(new)
    options = [replace(train.make_options(words), command=()) for words in (old, new)]
    assert options[0] == options[1]
    assert (old.n_seeds, new.n_seeds) == (2, 2)


def test_a_setting_that_does_not_exist_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert train.main(["--phantom", "4", "--out", "r", "--set", "colour=1"]) == 1
    assert "There is no such setting: colour=1" in capsys.readouterr().err


def test_a_full_disk_anywhere_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> str:
        raise OSError(28, "No space left on device", "r/split.csv")

    monkeypatch.setattr(train, "train", full)
    assert train.main(["--phantom", "4", "--out", "r"]) == 1
    error = capsys.readouterr().err
    assert "No space left on device: 'r/split.csv'. What was saved before is intact" in error


@pytest.mark.parametrize(
    "words",
    ["--out r", "--out r --entries e.csv", "--phantom 9 --entries e --images i --out r"],
)
def test_films_must_be_named_one_way(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        train.parse_arguments(words.split())
    assert caught.value.code == 2
    assert "--phantom N" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("Image,Label\na.png,Effusion\n", ("lacks columns", "Finding Labels, Patient ID")),
        ("", ("empty",)),
        (
            "Image Index,Finding Labels,Patient ID\na.png,Effusion,1\n",
            ("None of the 1 images of the table", "films"),
        ),
    ],
)
def test_tables_that_cannot_be_used_are_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, words: tuple[str, ...]
) -> None:
    entries, films = tmp_path / "entries.csv", tmp_path / "films"
    entries.write_text(content)
    films.mkdir()
    given = ["--entries", str(entries), "--images", str(films), "--out", str(tmp_path / "run")]
    assert train.main(given) == 1
    error = capsys.readouterr().err
    assert error.startswith("cxr-train: ")
    assert "Traceback" not in error
    assert all(word in error for word in words)
    assert not (tmp_path / "run").exists()


def test_finishing_what_was_never_started_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--phantom", "4", "--out", str(tmp_path / "run"), "--finalize"]
    assert train.main(given) == 1
    assert "no readable run configuration here" in capsys.readouterr().err
