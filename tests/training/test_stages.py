"""Films of several sizes, another draw each epoch, and a training that ends early."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from cxr_core.config import Preprocessing
from cxr_core.errors import TrainingError
from cxr_core.training import loop
from cxr_core.training.config import TrainConfig
from cxr_core.training.dataset import DatasetPaths, FilmDataset, load_dataset
from cxr_core.training.device import Accelerator
from cxr_core.training.loop import RunLocation, fit
from cxr_core.training.trainer import Trainer
from cxr_core.training.training_set import make_loaders, prepare_training_set
from tests.training.easy_films import CONFIG, write_easy_films
from tests.training.test_trainer_steps import toy

CPU = Accelerator(torch.device("cpu"), bf16=False)
PLAIN = replace(CONFIG, balance="none", ema_decay=0.0)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> DatasetPaths:
    """The easy films of 96 pixels, every third of them of 64."""
    films = write_easy_films(tmp_path_factory.mktemp("mixed") / "films")
    for path in sorted(films.images.iterdir())[::3]:
        with Image.open(path) as film:
            small = film.resize((64, 64))
        small.save(path)
    cache = films.images.parent / "cache"
    return DatasetPaths(entries=films.entries, images=films.images, cache=cache)


def names(films: FilmDataset, config: TrainConfig, px: int) -> list[str]:
    return prepare_training_set(config, films, px).names


def test_films_smaller_than_the_stage_are_left_out_of_it(mixed: DatasetPaths) -> None:
    config = replace(PLAIN, low_res_px=64, px=96)
    films = load_dataset(mixed, config)
    assert set(films.stage_caches) == {64, 96}
    assert films.stage_caches[96] is films.cache
    train = films.subset("train")
    assert set(train["side"]) == {64, 96}
    assert names(films, config, 64) == train["image"].tolist()
    assert names(films, config, 96) == train.loc[train["side"] == 96, "image"].tolist()
    # The rows are those of the stage's own films.
    training_set = prepare_training_set(config, films, 96)
    row = training_set.names.index(names(films, config, 96)[-1])
    assert films.stage_caches[96].names[training_set.rows[row]] == training_set.names[row]


def test_all_films_are_brought_to_the_smaller_side_first(mixed: DatasetPaths) -> None:
    """So that a small film is told by nothing but what it shows."""
    config = replace(PLAIN, low_res_px=0, full_res_epochs=0, px=96, low_res_film_px=64)
    films = load_dataset(mixed, config)
    assert set(films.stage_caches) == {64, 96}
    training_set = prepare_training_set(config, films, 96)
    assert len(training_set.names) == len(films.subset("train"))
    loaders = make_loaders(config, films, Preprocessing(96), training_set, CPU)
    assert loaders.train.films.shape[1:] == (64, 64)
    assert next(iter(loaders.train)).images.shape[1:] == (3, 96, 96)


def test_smaller_films_take_part_enlarged_where_the_run_says_so(mixed: DatasetPaths) -> None:
    config = replace(PLAIN, low_res_px=0, full_res_epochs=0, px=96, min_film_px=64)
    films = load_dataset(mixed, config)
    assert set(films.stage_caches) == {96}
    assert names(films, config, 96) == films.subset("train")["image"].tolist()
    config = replace(config, min_film_px=65)
    assert set(names(films, config, 96)) == set(films.subset("train").query("side == 96")["image"])


def test_no_film_of_the_size_is_one_sentence(mixed: DatasetPaths) -> None:
    films = load_dataset(mixed, PLAIN)
    with pytest.raises(TrainingError, match=r"has 128 pixels a side.*the largest has 96.*--px 96"):
        prepare_training_set(replace(PLAIN, low_res_px=128), films, 128)


def test_each_epoch_serves_every_finding_and_another_draw_of_no_finding(
    sources: DatasetPaths,
) -> None:
    config = replace(PLAIN, balance="redraw", low_res_px=0, full_res_epochs=0)
    films = load_dataset(sources, config)
    # Most films without a finding, so that there is something to draw from.
    table = films.table.copy()
    train = (table["split"] == "train").to_numpy()
    normal = train & (np.arange(len(table)) % 4 > 0)
    columns = ["label_effusion", "label_atelectasis", "label_infiltration"]
    table.loc[normal, columns], table.loc[normal, "label_no_finding"] = 0, 1
    films = replace(films, table=table)
    loader = make_loaders(
        config, films, Preprocessing(64), prepare_training_set(config, films, 64), CPU
    ).train
    labels = loader.labels.numpy()
    only_normal = (labels[:, :3].sum(axis=1) == 0) & (labels[:, 3] == 1)
    wanted = int(labels[:, :3].sum(axis=0).max())
    served = []
    for epoch in range(3):
        loader.set_epoch(epoch)
        places = np.concatenate([batch.indices for batch in loader])
        assert len(set(places)) == len(places) == loader.n_films
        assert set(np.flatnonzero(~only_normal)) <= set(places)
        assert only_normal[places].sum() == wanted < only_normal.sum()
        served.append(set(places[only_normal[places]]))
    assert served[0] != served[1] != served[2]
    loader.set_epoch(0)  # and the same draw when the epoch is read again
    places = np.concatenate([batch.indices for batch in loader])
    assert set(places[only_normal[places]]) == served[0]


def test_sharp_and_enlarged_films_are_balanced_each_in_itself(mixed: DatasetPaths) -> None:
    """Or sharpness would tell of the label: the two kinds come with unlike shares of findings."""
    config = replace(
        PLAIN, balance="redraw", low_res_px=0, full_res_epochs=0, px=96, min_film_px=64
    )
    films = load_dataset(mixed, config)
    table = films.table.copy()
    train, sharp = (table["split"] == "train").to_numpy(), (table["side"] == 96).to_numpy()
    columns = ["label_effusion", "label_atelectasis", "label_infiltration"]
    order = np.arange(len(table))
    # Few normal films among the sharp ones, many among the small ones.
    normal = train & np.where(sharp, order % 2 > 0, order % 9 > 0)
    table.loc[train, columns], table.loc[train, "label_no_finding"] = 0, 0
    table.loc[train & ~normal, "label_effusion"] = 1
    table.loc[normal, "label_no_finding"] = 1
    films = replace(films, table=table)
    training_set = prepare_training_set(config, films, 96)
    loader = make_loaders(config, films, Preprocessing(96), training_set, CPU).train
    places = np.concatenate([batch.indices for batch in loader])
    assert len(set(places)) == len(places) == loader.n_films
    side = table.set_index("image")["side"]
    is_sharp = np.array([side[name] == 96 for name in training_set.names])
    for kind in (is_sharp, ~is_sharp):
        served = np.zeros(len(kind), dtype=bool)
        served[places] = True
        findings, normals = (training_set.labels[kind & served, k].sum() for k in (0, 3))
        assert findings == training_set.labels[kind, 0].sum()  # all of them
        assert normals == min(findings, training_set.labels[kind, 3].sum())


@pytest.mark.parametrize(
    ("select_on", "wanted"), [("validation", 0.9), ("validation_more", 0.6), ("both", 0.75)]
)
def test_the_epoch_is_chosen_by_the_validation_set_that_is_named(
    sources: DatasetPaths, monkeypatch: pytest.MonkeyPatch, select_on: str, wanted: float
) -> None:
    config = replace(PLAIN, px=32, low_res_px=0, full_res_epochs=0)
    films = load_dataset(sources, config)
    table = films.table.copy()
    first_test = table.index[table["split"] == "test"][:20]
    table.loc[first_test, "split"] = "validation_more"
    films = replace(films, table=table)
    training_set = prepare_training_set(config, films, 32)
    loaders = make_loaders(config, films, Preprocessing(32), training_set, CPU).validation
    areas = {"validation": 0.9, "validation_more": 0.6}
    known = {id(loaders[part]): {"auroc_mean": area} for part, area in areas.items()}
    monkeypatch.setattr(loop, "_validation_figures", lambda trainer, loader: known[id(loader)])
    trainer = Trainer(toy(), config, CPU, 1)
    figures = loop._validate(trainer, loaders, select_on)
    assert figures == {
        "auroc_mean": 0.9,
        "more_auroc_mean": 0.6,
        "selection_auroc": pytest.approx(wanted),
    }


def test_training_ends_when_no_epoch_has_been_better_for_long(
    sources: DatasetPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(
        PLAIN, px=32, low_res_px=0, full_res_epochs=0, epochs=9, early_stopping=2,
        schedule="constant",
    )  # fmt: skip
    films = load_dataset(sources, config)
    training_set = prepare_training_set(config, films, 32)
    stage = make_loaders(config, films, Preprocessing(32), training_set, CPU)
    areas = iter([0.6, 0.7, 0.7, 0.69, 0.68, 0.99])
    real = loop._validate

    def known(*arguments: object) -> dict[str, float]:
        return {**real(*arguments), "selection_auroc": next(areas)}  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "_validate", known)
    rows: list[Mapping[str, float]] = []
    trainer = Trainer(toy(), config, CPU, 9 * len(stage.train))
    fit(trainer, {32: stage}, RunLocation(tmp_path, {}), log=rows.append)
    # The second is the best; the third, fourth and fifth are one more than two that are not.
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5]
    assert pd.read_csv(tmp_path / "history.csv")["epoch"].tolist() == [1, 2, 3, 4, 5]
