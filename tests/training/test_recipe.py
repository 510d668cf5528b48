"""Recipes: steps in their order, each learning from earlier ones, and the test set read once."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cxr_core.cli import train
from cxr_core.errors import ConfigError
from cxr_core.training import recipe, recipe_plan
from cxr_core.training.config import TrainConfig
from cxr_core.training.dataset import DatasetPaths
from cxr_core.training.presets import PRESETS
from cxr_core.training.recipe import RECIPES, Step, run_recipe, step_config
from cxr_core.training.recipe_plan import make_recipe_plan, recipe_plan_text
from cxr_core.training.run import RunOptions
from tests.training.easy_films import CONFIG

PATHS = DatasetPaths(entries=Path("e.csv"), images=Path("films"), cache=Path("cache"))


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[TrainConfig, Path, RunOptions]]:
    """What would have been trained, noted instead of done."""
    noted: list[tuple[TrainConfig, Path, RunOptions]] = []

    def note(
        config: TrainConfig, _: DatasetPaths, folder: Path, options: RunOptions, **__: Any
    ) -> None:
        noted.append((config, folder, options))

    monkeypatch.setattr(recipe, "run", note)
    return noted


@pytest.mark.parametrize("name", RECIPES)
def test_a_step_learns_only_from_steps_before_it(name: str) -> None:
    before: set[str] = set()
    for step in RECIPES[name]:
        assert step.preset in PRESETS
        assert {step.weights, *step.teachers} - {None} <= before
        assert step.name not in before
        before.add(step.name)
    assert step_config(RECIPES[name][-1], Path("out"), seed=0).architecture == "densenet121"


def test_only_the_last_step_reads_the_test_films(
    runs: list[tuple[TrainConfig, Path, RunOptions]], tmp_path: Path
) -> None:
    run_recipe("best", PATHS, tmp_path, RunOptions(), seed=5)
    assert [folder.name for _, folder, _ in runs] == [step.name for step in RECIPES["best"]]
    assert [options.skip_test for *_, options in runs] == [True] * (len(runs) - 1) + [False]
    assert [options.skip_gate for *_, options in runs] == [True] * (len(runs) - 1) + [False]
    seeds = {folder.name: config.seed for config, folder, _ in runs}
    assert seeds["teacher-mixed"] == 5
    assert seeds["teacher-mixed-2"] == 6  # another network than its namesake
    last = runs[-1][0]
    assert last.weights == str(tmp_path / "student-features")
    assert last.teachers == tuple(
        str(tmp_path / name) for name in ("teacher-again", "teacher-again-2", "teacher-again-3")
    )


def test_a_recipe_goes_on_where_it_stopped(
    runs: list[tuple[TrainConfig, Path, RunOptions]], tmp_path: Path
) -> None:
    first, second, *rest = RECIPES["best"]
    for name in (first.name, second.name):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").touch()
    (tmp_path / first.name / "model.json").touch()  # ended; the second was interrupted
    run_recipe("best", PATHS, tmp_path, replace(RunOptions(), skip_test=True))
    assert [folder.name for _, folder, _ in runs] == [second.name, *(step.name for step in rest)]
    assert [options.resume for *_, options in runs] == [True] + [False] * len(rest)
    assert all(options.skip_test for *_, options in runs)


def test_an_unknown_recipe_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no such recipe: soup\. Choose one of best"):
        run_recipe("soup", PATHS, tmp_path, RunOptions())


def test_a_rehearsal_holds_each_step_to_its_epochs(
    runs: list[tuple[TrainConfig, Path, RunOptions]], tmp_path: Path
) -> None:
    run_recipe("best", PATHS, tmp_path, RunOptions(), max_epochs=6)
    usual = [step_config(step, tmp_path, seed=0) for step in RECIPES["best"]]
    epochs = [config.epochs for config, *_ in runs]
    assert epochs == [min(6, config.epochs) for config in usual]
    assert min(epochs) < 6 < max(config.epochs for config in usual)
    for own, (config, *_) in zip(usual, runs, strict=True):
        assert config.full_res_epochs == min(own.full_res_epochs, config.epochs)
        same = replace(config, epochs=own.epochs, full_res_epochs=own.full_res_epochs)
        assert same == own


def test_a_recipe_does_not_pass_over_settings_in_silence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["--recipe", "best", "--phantom", "40", "--out", str(tmp_path)]
    with pytest.raises(SystemExit):
        train.parse_arguments([*words, "--px", "64", "--set", "clip_norm=1"])
    assert "leave out --px, --set." in capsys.readouterr().err
    assert train.parse_arguments([*words, "--epochs", "1", "--seed", "3"]).epochs == 1


def test_the_plan_of_a_recipe_times_each_kind_of_step_once(
    monkeypatch: pytest.MonkeyPatch, sources: DatasetPaths, tmp_path: Path
) -> None:
    steps = (
        Step("first", "scratch"),
        Step("second", "student", weights="first", teachers=("first",)),
        Step("third", "student", weights="second", teachers=("first",), seed_offset=1),
    )
    monkeypatch.setattr(recipe, "RECIPES", {"short": steps})
    taught = {"scratch": CONFIG, "student": replace(CONFIG, distill_weight=0.5)}

    def small(step: Step, folder: Path, *, seed: int, max_epochs: int | None) -> TrainConfig:
        assert max_epochs == 2
        weights = "none" if step.weights is None else str(folder / step.weights)
        return replace(taught[step.preset], seed=seed, weights=weights)

    monkeypatch.setattr(recipe_plan, "step_config", small)
    plans = make_recipe_plan("short", replace(sources, cache=tmp_path / "cache"), max_epochs=2)
    assert [step.name for step, _ in plans] == ["first", "second", "third"]
    assert plans[1][1] is plans[2][1] is not plans[0][1]
    lines = recipe_plan_text(plans).splitlines()
    assert "Step 2 of 3, second: densenet121, going on from first, taught by first" in lines[-3]
    assert "Nothing was written." in lines[-1]
    assert not list(tmp_path.iterdir())
