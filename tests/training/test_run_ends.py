"""How a run ends: without its paths, uncalibrated, after more epochs, or before it began."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from cxr_core.cli import train
from cxr_core.config import Calibration
from cxr_core.errors import TrainingError, TrainingStoppedError
from cxr_core.model.checkpoint import load_checkpoint
from cxr_core.model.metadata import UNCALIBRATED_WARNING
from cxr_core.reading.analyzer import load_analyzer
from cxr_core.training import finalize as finalize_module
from cxr_core.training import run_record
from cxr_core.training.dataset import DatasetPaths
from cxr_core.training.dry_run import duration, make_plan, plan_text
from cxr_core.training.inference import InferenceOutput, infer_split
from cxr_core.training.run import RunOptions, run
from cxr_core.training.run_paths import read_run_paths, write_run_paths
from cxr_core.training.same_run import require_growth
from cxr_core.training.threads import available_cpus
from tests.training.easy_films import CONFIG, EasyFilms

FINISH = RunOptions(finalize_only=True)


def test_what_trained_is_recorded_and_no_path_in_what_is_passed_on(
    finished_run: Path, sources: DatasetPaths
) -> None:
    environment = json.loads((finished_run / "config.json").read_text())["environment"]
    assert environment["threads"] == min(torch.get_num_threads(), available_cpus())
    assert environment["packages"]["torch"] == torch.__version__.partition("+")[0]
    recorded = read_run_paths(finished_run)
    assert recorded["entries"] == sources.entries
    assert recorded["images"] == sources.images
    assert recorded["boxes"] == sources.boxes
    for name in ("config.json", "model.json", "MODEL_CARD.md", "lineage.json", "split.csv"):
        assert str(sources.images.parent) not in (finished_run / name).read_text(), name


def test_a_package_that_training_does_without_is_left_out_of_the_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run_record, "RECORDED_PACKAGES", ("torch", "no-such-package"))
    assert list(run_record.installed_versions()) == ["torch"]


def test_the_end_can_be_redone_without_a_path(
    run_copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run_copy / "predictions_test.csv").unlink()
    assert train.main(["--finalize", "--out", str(run_copy), "--quiet"]) == 0
    assert (run_copy / "predictions_test.csv").exists()
    assert "On the test set" in capsys.readouterr().out


def test_a_path_that_is_given_wins_over_the_recorded_one(
    run_copy: Path, easy_films: EasyFilms, tmp_path: Path
) -> None:
    words = ["--finalize", "--out", str(run_copy)]
    recorded = train.with_recorded_paths(train.parse_arguments(words))
    assert recorded.entries == easy_films.entries
    assert recorded.images == [easy_films.images]
    moved = train.parse_arguments([*words, "--images", "elsewhere", "--split", "my.csv"])
    merged = train.with_recorded_paths(moved)
    assert merged.images == [Path("elsewhere")]
    assert merged.split == Path("my.csv")
    assert merged.entries == easy_films.entries
    drawn = train.with_recorded_paths(train.parse_arguments([*words, "--phantom", "9"]))
    assert (drawn.phantom, drawn.entries, drawn.images) == (9, None, None)


def test_phantoms_are_recorded_by_their_number(tmp_path: Path) -> None:
    gone = DatasetPaths(
        entries=tmp_path / "e.csv", images=tmp_path / "i", cache=tmp_path, phantom=40
    )
    write_run_paths(tmp_path / "run", gone, ("cxr-train", "--phantom", "40"))
    recorded = read_run_paths(tmp_path / "run")
    assert recorded["phantom"] == 40
    assert not {"entries", "images", "cache"} & set(recorded)
    words = train.parse_arguments(["--resume", "--out", str(tmp_path / "run")])
    assert train.with_recorded_paths(words).phantom == 40
    assert json.loads((tmp_path / "run" / "paths.json").read_text())["command"][0] == "cxr-train"


def test_a_run_that_recorded_nothing_asks_for_its_films(
    run_copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run_copy / "paths.json").unlink()
    assert train.main(["--finalize", "--out", str(run_copy)]) == 1
    assert "does not say where its films are" in capsys.readouterr().err


def test_logits_that_do_not_rise_end_in_a_model_that_says_so(
    run_copy: Path, sources: DatasetPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = infer_split

    def reversed_logits(*arguments: object, **named: object) -> InferenceOutput:
        output = real(*arguments, **named)  # type: ignore[arg-type]
        return replace(output, logits=-output.logits, evidence=-output.evidence)

    monkeypatch.setattr(finalize_module, "infer_split", reversed_logits)
    run(CONFIG, sources, run_copy, FINISH)
    metadata = load_checkpoint(run_copy).metadata
    assert metadata.calibration == Calibration()
    assert "do not rise with the labels" in metadata.provenance["uncalibrated"]
    card = (run_copy / "MODEL_CARD.md").read_text()
    assert f"**{UNCALIBRATED_WARNING}** The logits do not rise" in card
    analysis = load_analyzer(run_copy).analyze((sources.images / "film-000.png").read_bytes())
    assert UNCALIBRATED_WARNING in analysis.warnings
    logits = np.array(list(analysis.logits.values()))
    np.testing.assert_allclose(list(analysis.probabilities.values()), 1 / (1 + np.exp(-logits)))


def test_a_calibrated_model_warns_of_nothing(finished_run: Path, sources: DatasetPaths) -> None:
    assert "uncalibrated" not in load_checkpoint(finished_run).metadata.provenance
    analysis = load_analyzer(finished_run).analyze((sources.images / "film-000.png").read_bytes())
    assert UNCALIBRATED_WARNING not in analysis.warnings


GROWS = replace(
    CONFIG, schedule="constant", px=32, low_res_px=0, full_res_epochs=0, epochs=1, ema_decay=0.0
)


def test_a_trial_grows_by_epochs_as_if_it_had_been_longer_from_the_start(
    sources: DatasetPaths, tmp_path: Path
) -> None:
    trial = RunOptions(skip_test=True, skip_gate=True)
    longer = replace(GROWS, epochs=2)
    run(GROWS, sources, tmp_path / "grown", trial)
    assert (tmp_path / "grown" / "resume.pt").exists()
    run(longer, sources, tmp_path / "grown", replace(trial, resume=True))
    run(longer, sources, tmp_path / "whole", trial)
    grown, whole = (pd.read_csv(tmp_path / name / "history.csv") for name in ("grown", "whole"))
    columns = ["epoch", "train_loss", "validation_loss", "learning_rate"]
    pd.testing.assert_frame_equal(grown[columns], whole[columns], check_exact=True)
    assert load_checkpoint(tmp_path / "whole").gate is None
    assert not (tmp_path / "whole" / "gate.safetensors").exists()


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        (
            {"schedule": "one-cycle"},
            {"epochs": 8},
            r"schedule one-cycle is laid out.*was 4 and is 8",
        ),
        ({"schedule": "cosine"}, {"epochs": 8}, r"The schedule cosine is laid out.*--weights RUN"),
        ({"schedule": "plateau"}, {"epochs": 3}, r"cannot be resumed with fewer epochs: .*is 3"),
        (
            {"schedule": "constant"},
            {"epochs": 6},
            r"would have trained at another side.*--full-res-epochs 4",
        ),
    ],
)
def test_growth_that_would_have_changed_the_first_epochs_is_refused(
    before: dict, now: dict, words: str
) -> None:
    started = replace(CONFIG, **before)  # 4 epochs, the last 2 at the full size
    with pytest.raises(TrainingError, match=words):
        require_growth(started, replace(started, **now))


def test_growth_at_the_end_is_accepted() -> None:
    started = replace(CONFIG, schedule="constant")
    require_growth(started, replace(started, epochs=6, full_res_epochs=4))


def test_the_threads_of_a_run_are_those_it_is_resumed_with(
    sources: DatasetPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cxr_core.training import run as run_module

    seen: list[int] = []

    def stops(*_: object, **__: object) -> None:
        seen.append(torch.get_num_threads())
        (tmp_path / "run" / "resume.pt").touch()
        raise TrainingStoppedError("Stopped", value="now", remedy="Go on.")

    monkeypatch.setattr(run_module, "fit", stops)
    for options in (RunOptions(threads=2), RunOptions(resume=True)):
        with pytest.raises(TrainingStoppedError):
            run(CONFIG, sources, tmp_path / "run", options)
    assert seen == [2, 2]


def test_a_plan_tells_what_would_be_done_and_writes_nothing(
    sources: DatasetPaths, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    config = replace(CONFIG, epochs=3, full_res_epochs=1, accumulate=2)
    plan = make_plan(config, replace(sources, cache=cache))
    assert not cache.exists()
    films = plan.films["split"].value_counts()
    low, full = plan.stages
    assert [(stage.px, stage.epochs) for stage in (low, full)] == [(32, 2), (64, 1)]
    assert {stage.films for stage in (low, full)} == {films["train"]}
    batches = -(-films["train"] // 16)
    assert low.batches == batches
    assert plan.steps == -(-3 * batches // 2)
    # torchvision's 7,978,856 less its head of 1,000, and a head of 4.
    assert plan.parameters == 7_978_856 - 1025 * 1000 + 1025 * 4
    text = plan_text(plan)
    assert f"train: {films['train']} films of {films['train'] // 2} patients" in text
    assert "At 64 px: 1 epochs" in text
    assert "Nothing was written." in text


def test_a_dry_run_from_the_command_line_leaves_the_disk_alone(
    easy_films: EasyFilms, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--entries", str(easy_films.entries), "--images", str(easy_films.images)]
    words += ["--preset", "scratch", "--px", "64", "--low-res-px", "32", "--batch-size", "4"]
    words += ["--out", str(tmp_path / "run"), "--cache", str(tmp_path / "cache"), "--dry-run"]
    assert train.main(words) == 0
    assert "Nothing was written." in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_a_duration_is_said_as_people_do() -> None:
    said = [duration(seconds) for seconds in (0.2, 59.6, 300, 5 * 3600)]
    assert said == ["1 s", "60 s", "5 min", "5.0 h"]


def test_a_run_that_has_ended_keeps_no_state(finished_run: Path, tmp_path: Path) -> None:
    assert not (finished_run / "resume.pt").exists()
    shutil.copytree(finished_run, tmp_path / "ended")
    assert train.main(["--resume", "--out", str(tmp_path / "ended"), "--preset", "scratch"]) == 1
