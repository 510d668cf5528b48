"""One small finished run, shared by the tests of training."""

import shutil
from pathlib import Path

import pytest

from cxr_core.training.dataset import DatasetPaths
from cxr_core.training.run import run
from tests.training.easy_films import CONFIG, EasyFilms, write_easy_films


@pytest.fixture(scope="session")
def easy(tmp_path_factory: pytest.TempPathFactory) -> EasyFilms:
    return write_easy_films(tmp_path_factory.mktemp("easy") / "films")


@pytest.fixture(scope="session")
def sources(easy: EasyFilms) -> DatasetPaths:
    cache = easy.images.parent / "cache"
    return DatasetPaths(entries=easy.entries, images=easy.images, cache=cache, boxes=easy.boxes)


@pytest.fixture(scope="session")
def finished(sources: DatasetPaths, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "easy"
    run(CONFIG, sources, folder)
    return folder


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "copy"))
