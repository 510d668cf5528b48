"""What a run starts from: fitting preprocessing, and no weights that know the test films."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from cxr_core.config import IMAGENET_MEAN, IMAGENET_STD
from cxr_core.errors import CheckpointError, PatientLeakError
from cxr_core.model.checkpoint import load_checkpoint
from cxr_core.training.dataset import DatasetPaths, load_dataset
from cxr_core.training.initial_weights import init_network, resolve_initial_weights
from cxr_core.training.run import RunOptions, run
from cxr_core.training.run_record import read_initial_weights
from tests.training.easy_films import CONFIG

ONE_EPOCH = replace(CONFIG, epochs=1, full_res_epochs=1, ema_decay=0.0, learning_rate=1e-9)


def test_nothing_outside_means_the_films_own_statistics(sources: DatasetPaths) -> None:
    films = load_dataset(sources, CONFIG)
    start = resolve_initial_weights(CONFIG, films)
    rows = films.subset("train")["row"].to_numpy()
    gray = films.cache.images[rows] / 255
    assert start.source == "none"
    assert start.preprocessing.mean == pytest.approx((gray.mean(),) * 3, abs=1e-4)
    assert start.preprocessing.std == pytest.approx((gray.std(),) * 3, abs=1e-4)


def test_imagenets_and_a_files_weights_have_imagenets_statistics(sources: DatasetPaths) -> None:
    films = load_dataset(sources, CONFIG)
    for weights, words in (("imagenet", "imagenet"), ("some/file.pth", "a file")):
        start = resolve_initial_weights(replace(CONFIG, weights=weights), films)
        assert (start.preprocessing.mean, start.preprocessing.std) == (IMAGENET_MEAN, IMAGENET_STD)
        assert start.source == words


def test_a_model_goes_on_from_its_weights_with_its_preprocessing_and_is_named(
    finished_run: Path, sources: DatasetPaths, tmp_path: Path
) -> None:
    config = replace(ONE_EPOCH, weights=str(finished_run), box_loss_weight=0.1)
    same = replace(sources, split=finished_run / "split.csv")
    run(config, same, tmp_path / "run")
    before, after = load_checkpoint(finished_run), load_checkpoint(tmp_path / "run")
    assert after.metadata.preprocessing == before.metadata.preprocessing
    torch.testing.assert_close(after.model.classifier.weight, before.model.classifier.weight)
    words = f"model {before.metadata.model_sha256[:12]}"
    assert after.metadata.provenance["config"]["weights"] == words
    card = (tmp_path / "run" / "MODEL_CARD.md").read_text()
    assert f"- Continuing from model `{words.split()[1]}` (preset `scratch`)." in card
    assert "It learnt from the same training films." in card
    assert "These films have been read 2 times since" in card
    # That model had nothing from outside either.
    assert after.metadata.provenance["uses_external_data"] is False
    assert "without pre-trained weights." in card
    assert "was taught" in card


def test_the_end_can_be_redone_when_the_weights_it_started_from_are_gone(
    finished_run: Path, sources: DatasetPaths, tmp_path: Path
) -> None:
    gone = Path(shutil.copytree(finished_run, tmp_path / "gone"))
    config = replace(ONE_EPOCH, weights=str(gone))
    same = replace(sources, split=finished_run / "split.csv")
    run(config, same, tmp_path / "run", RunOptions(skip_test=True))
    before = load_checkpoint(tmp_path / "run").metadata
    shutil.rmtree(gone)
    run(config, same, tmp_path / "run", RunOptions(finalize_only=True))
    after = load_checkpoint(tmp_path / "run").metadata
    assert after.preprocessing == before.preprocessing
    assert read_initial_weights(tmp_path / "run") is not None


def test_weights_that_learnt_from_a_patient_of_the_test_are_refused(
    finished_run: Path, sources: DatasetPaths, tmp_path: Path
) -> None:
    split = pd.read_csv(finished_run / "split.csv", dtype=str)
    patient = split.loc[split["split"] == "train", "patient"].iloc[0]
    split.loc[split["patient"] == patient, "split"] = "test"
    split.to_csv(tmp_path / "split.csv", index=False)
    other = replace(sources, split=tmp_path / "split.csv")
    with pytest.raises(
        PatientLeakError, match=r"this run's validation or test set: 2 films.*--split"
    ):
        run(replace(ONE_EPOCH, weights=str(finished_run)), other, tmp_path / "run")


def test_weights_that_do_not_say_what_they_learnt_from_are_refused(
    run_copy: Path, sources: DatasetPaths, tmp_path: Path
) -> None:
    (run_copy / "lineage.json").unlink()
    with pytest.raises(CheckpointError, match="ancestors learnt from is missing"):
        run(replace(ONE_EPOCH, weights=str(run_copy)), sources, tmp_path / "run")


def test_a_configuration_of_before_says_nothing_of_its_start(run_copy: Path) -> None:
    document = json.loads((run_copy / "config.json").read_text())
    del document["initial_weights"]
    (run_copy / "config.json").write_text(json.dumps(document))
    assert read_initial_weights(run_copy) is None


def test_a_network_to_start_from_learns(finished_run: Path) -> None:
    network = init_network(replace(ONE_EPOCH, weights=str(finished_run)))
    assert network.training
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_the_end_redone_on_a_run_of_before_knows_its_start_by_name(
    run_copy: Path, sources: DatasetPaths
) -> None:
    for name in ("lineage.json", "paths.json"):
        (run_copy / name).unlink()
    document = json.loads((run_copy / "config.json").read_text())
    document["initial_weights"]["source"] = "model c27f19d17ca5"
    del document["environment"]
    (run_copy / "config.json").write_text(json.dumps(document))
    run(CONFIG, sources, run_copy, RunOptions(finalize_only=True))
    card = (run_copy / "MODEL_CARD.md").read_text()
    assert "- Continuing from model `c27f19d17ca5`. What it learnt from is not known" in card
    assert "same training films" not in card
    assert "These films have been read once since" in card
