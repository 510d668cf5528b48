"""Recipes: steps in their order, each learning from earlier ones, and the test set read once."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cxr_core.errors import ConfigError
from cxr_core.training import recipe
from cxr_core.training.config import TrainConfig
from cxr_core.training.dataset import DatasetPaths
from cxr_core.training.presets import PRESETS
from cxr_core.training.recipe import RECIPES, run_recipe, step_config
from cxr_core.training.run import RunOptions

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
