"""One small finished run, shared by the tests of training."""

import shutil
from pathlib import Path

import pytest

from cxr_core.training.dataset import DatasetPaths
from cxr_core.training.run import run
from tests.training.easy_films import CONFIG, EasyFilms, write_easy_films


@pytest.fixture(scope="session")
def easy_films(tmp_path_factory: pytest.TempPathFactory) -> EasyFilms:
    return write_easy_films(tmp_path_factory.mktemp("easy") / "films")


@pytest.fixture(scope="session")
def sources(easy_films: EasyFilms) -> DatasetPaths:
    cache = easy_films.images.parent / "cache"
    return DatasetPaths(
        entries=easy_films.entries, images=easy_films.images, cache=cache, boxes=easy_films.boxes
    )


@pytest.fixture(scope="session")
def finished_run(sources: DatasetPaths, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "easy"
    run(CONFIG, sources, folder)
    return folder


@pytest.fixture
def run_copy(finished_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished_run, tmp_path / "copy"))
