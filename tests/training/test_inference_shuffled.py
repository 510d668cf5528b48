"""The network that has learnt nothing: its numbers, its norms, and what a run writes of it."""

from pathlib import Path

import pandas as pd
import pytest
import torch

from cxr_core.config import Preprocessing
from cxr_core.data.loader import BatchLoader
from cxr_core.evaluation.localisation.rates import missing_columns, read_localisation
from cxr_core.model.architectures import build_model
from cxr_core.training import inference as module
from cxr_core.training.dataset import DatasetPaths, FilmDataset, load_dataset, rows_and_labels
from cxr_core.training.inference import randomized_copy

SIZE = Preprocessing(size=64)
FEW = 12  # films for the norms' statistics, for speed


@pytest.fixture
def films(sources: DatasetPaths) -> FilmDataset:
    from tests.training.easy_films import CONFIG

    return load_dataset(sources, CONFIG)


def test_every_tensor_keeps_its_numbers_in_another_order(
    films: FilmDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH_NORM_FILMS", FEW)
    torch.manual_seed(0)
    model = build_model().eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    shuffled = randomized_copy(model, films, preprocessing=SIZE, seed=1)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name])  # the real model is never touched
    for name, tensor in shuffled.named_parameters():
        if tensor.dim() > 1:  # a new norm's numbers are all alike
            assert not torch.equal(tensor, before[name])
    for name in ("features.conv0.weight", "classifier.weight"):
        tensor = shuffled.get_parameter(name)
        assert torch.equal(tensor.flatten().sort().values, before[name].flatten().sort().values)
    assert not shuffled.training
    assert not any(tensor.requires_grad for tensor in shuffled.parameters())
    again, expected = (
        randomized_copy(model, films, preprocessing=SIZE, seed=1),
        shuffled.state_dict(),
    )
    for name, tensor in again.state_dict().items():
        assert torch.equal(tensor, expected[name])

    # The norms fit the shuffled weights: over the films they were measured on, reading with the
    # running statistics is reading with the batch's own.
    rows, labels = rows_and_labels(films.subset("train").head(FEW))
    loader = BatchLoader(films.cache.images, labels, rows=rows, preprocessing=SIZE, batch_size=FEW)
    (batch,) = loader
    with torch.no_grad():
        served = shuffled(batch.images)
        own = shuffled.train()(batch.images)
    torch.testing.assert_close(served, own, rtol=0.05, atol=0.05)


def test_a_run_writes_the_overlaps_and_the_shuffled_models(finished_run: Path) -> None:
    rows = read_localisation(finished_run / "localisation.csv")
    assert missing_columns(rows) == []
    known = ["fixed_iou", "centre_iou", "random_iou_50", "shuffled_inside", "shuffled_iou"]
    assert rows[known].notna().to_numpy().all()
    assert rows["box_area"].tolist() == pytest.approx([0.25] * len(rows))  # a quarter of the film
    split = pd.read_csv(finished_run / "split.csv")
    assert set(rows["image"]) <= set(split.loc[split["split"] == "test", "image"])
