"""Whatever can be known before films are decoded is said before: one sentence, and no trace."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pandas as pd
import pytest
import torchvision

from cxr_core.data.augmentation import Augmentation
from cxr_core.errors import ConfigError, CXRError, PatientLeakError, TrainingError
from cxr_core.model import densenet
from cxr_core.training import dataset
from cxr_core.training import run as run_module
from cxr_core.training.dataset import DatasetPaths
from cxr_core.training.presets import BASELINE
from cxr_core.training.run import RunOptions, run
from tests.training.easy_films import CONFIG


@pytest.fixture
def no_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoding is a failure of the test."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("Films were decoded before all was checked")

    monkeypatch.setattr(dataset, "open_cache", refuse)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"scale": (0.0, 0.0)}, r"augmentation\.scale is out of range: 0,0\. Use two numbers from"),
        ({"scale": (1.1, 0.9)}, r"augmentation\.scale .*the smaller one first"),
        ({"scale": (float("nan"), 1.0)}, r"augmentation\.scale is out of range: nan,1"),
        ({"brightness": float("nan")}, r"augmentation\.brightness is out of range: nan\. Use 0 to"),
        ({"contrast": -0.1}, r"augmentation\.contrast is out of range: -0\.1\. Use 0 to 1"),
        ({"crop_area": (2.0, 3.0)}, r"augmentation\.crop_area is out of range: 2,3"),
        ({"crop_area": (0.0, 1.0)}, r"augmentation\.crop_area is out of range: 0,1"),
        ({"rotation": -5.0}, r"augmentation\.rotation is out of range: -5\.0\. Use 0 to 180"),
        ({"flip": 1.5}, r"augmentation\.flip is out of range: 1\.5\. Use 0 to 1"),
        ({"min_resolution": 0.0}, r"augmentation\.min_resolution is out of range: 0\.0"),
        ({"translation": 2.0}, r"augmentation\.translation is out of range: 2\.0"),
    ],
)
def test_augmentation_that_leaves_nothing_to_see_is_refused(
    values: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        Augmentation(**values)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"seed": -1}, r"seed is out of range: -1\. Use 0 to"),
        ({"px": 0}, r"px is not a multiple of 32.*: 0\. Use 224"),
        ({"px": -32}, r"px is not a multiple of 32.*: -32"),
        ({"accumulate": 0}, r"accumulate is too small: 0"),
        ({"clip_norm": -1.0}, r"clip_norm is out of range: -1\.0"),
        ({"head_rate_factor": float("nan")}, r"head_rate_factor is out of range: nan"),
        ({"distill_temperature": 0.0}, r"distill_temperature is out of range: 0\.0"),
        ({"precision": "float16"}, r"precision has an unknown value: float16\. Choose one of auto"),
        ({"schedule": "linear"}, r"schedule .*: linear\. Choose one of constant, one-cycle, cos"),
    ],
)
def test_settings_that_cannot_be_are_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        replace(BASELINE, **values)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("entries", r"The table does not exist: .*typo"),
        ("split", r"The table does not exist: .*typo"),
        ("groups", r"The table does not exist: .*typo"),
        ("boxes", r"The table does not exist: .*typo"),
        ("images", r"The image folder does not exist: .*typo"),
    ],
)
def test_a_typo_in_a_path_is_said_before_films_are_decoded(
    sources: DatasetPaths, tmp_path: Path, no_decoding: None, name: str, words: str
) -> None:
    changed: dict[str, Any] = {name: tmp_path / "typo"}
    wrong = replace(sources, **changed)
    with pytest.raises(CXRError, match=words):
        run(CONFIG, wrong, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def _with_boxes_but_none_given(sources: DatasetPaths) -> DatasetPaths:
    return replace(sources, boxes=None)


@pytest.mark.parametrize(
    ("values", "change", "words"),
    [
        ({"weights": "typo.pth"}, None, r"There is no weights file here: typo\.pth"),
        ({"architecture": "vgg"}, None, r"no such network in this version: vgg"),
        ({"teachers": ("nowhere",)}, None, r"not the folder of a finished run: nowhere"),
        (
            {"px": 128},
            None,
            r"No training film has 128 pixels a side.*: the largest has 96.*--px 96",
        ),
        (
            {"select_on": "both"},
            None,
            r"on further validation films, as the split has none: select_on=both.*--extend-split",
        ),
        (
            {"box_loss_weight": 0.5},
            _with_boxes_but_none_given,
            r"The box loss needs boxes: box_loss_weight=0\.5.*--boxes",
        ),
    ],
)
def test_what_cannot_be_trained_is_said_before_films_are_decoded(
    sources: DatasetPaths,
    tmp_path: Path,
    no_decoding: None,
    values: dict[str, Any],
    change: Callable[[DatasetPaths], DatasetPaths] | None,
    words: str,
) -> None:
    given = sources if change is None else change(sources)
    with pytest.raises(CXRError, match=words):
        run(replace(CONFIG, **values), given, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_imagenet_without_a_network_is_said_before_films_are_decoded(
    sources: DatasetPaths, tmp_path: Path, no_decoding: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = torchvision.models.densenet121

    def offline(*, weights: object, **more: Any) -> Any:
        if weights is not None:
            raise URLError("no route to host")
        return real(weights=None, **more)

    monkeypatch.setattr(densenet, "densenet121", offline)
    with pytest.raises(CXRError, match=r"could not be loaded.*no route to host.*--weights none"):
        run(replace(CONFIG, weights="imagenet"), sources, tmp_path / "run")


def test_a_leak_is_said_before_films_are_decoded(
    finished_run: Path, sources: DatasetPaths, tmp_path: Path, no_decoding: None
) -> None:
    split = pd.read_csv(finished_run / "split.csv", dtype=str)
    patient = split.loc[split["split"] == "train", "patient"].iloc[0]
    split.loc[split["patient"] == patient, "split"] = "test"
    split.to_csv(tmp_path / "split.csv", index=False)
    other = replace(sources, split=tmp_path / "split.csv")
    config = replace(CONFIG, teachers=(str(finished_run),))
    with pytest.raises(PatientLeakError, match="The teacher learnt from patients"):
        run(config, other, tmp_path / "run")


def test_a_run_that_fails_before_its_first_epoch_does_not_stand_in_the_way(
    sources: DatasetPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Begun(Exception):
        """The second command got as far as training."""

    def fails(*_: object, **__: object) -> None:
        assert (tmp_path / "run" / "config.json").exists()
        raise TrainingError("Out of memory", value="8 GB", remedy="Use a smaller batch.")

    def begins(*_: object, **__: object) -> None:
        raise Begun

    monkeypatch.setattr(run_module, "fit", fails)
    with pytest.raises(TrainingError, match="Out of memory"):
        run(CONFIG, sources, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    monkeypatch.setattr(run_module, "fit", begins)
    with pytest.raises(Begun):
        run(replace(CONFIG, batch_size=8), sources, tmp_path / "run")


def test_what_lay_in_the_folder_before_stays(
    sources: DatasetPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise TrainingError("Out of memory", value="8 GB", remedy="Use a smaller batch.")

    monkeypatch.setattr(run_module, "fit", fails)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(TrainingError, match="Out of memory"):
        run(CONFIG, sources, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("threads", [0, -2, 100_000])
def test_a_number_of_threads_that_cannot_be_is_refused(
    sources: DatasetPaths, tmp_path: Path, no_decoding: None, threads: int
) -> None:
    with pytest.raises(ConfigError, match=rf"threads is out of range: {threads}\. Use 1 to 1024"):
        run(CONFIG, sources, tmp_path / "run", RunOptions(threads=threads))
