"""What a run starts from: fitting preprocessing, and no weights that know the test films."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from cxr_core.config import IMAGENET_MEAN, IMAGENET_STD
from cxr_core.errors import PatientLeakError, WeightsError
from cxr_core.model.checkpoint import load_checkpoint
from cxr_core.training.dataset import Sources, gather
from cxr_core.training.initial_weights import choose_start, starting_network
from cxr_core.training.run import Manner, run
from cxr_core.training.run_record import read_start
from tests.training.easy_films import CONFIG

ONE_EPOCH = replace(CONFIG, epochs=1, finish_epochs=1, averaging=0.0, learning_rate=1e-9)


def test_nothing_outside_means_the_films_own_statistics(sources: Sources) -> None:
    films = gather(sources, CONFIG)
    start = choose_start(CONFIG, films)
    rows = films.part("train")["row"].to_numpy()
    gray = films.cache.images[rows] / 255
    assert start.weights == "none"
    assert start.preprocessing.mean == pytest.approx((gray.mean(),) * 3, abs=1e-4)
    assert start.preprocessing.std == pytest.approx((gray.std(),) * 3, abs=1e-4)


def test_imagenets_and_a_files_weights_have_imagenets_statistics(sources: Sources) -> None:
    films = gather(sources, CONFIG)
    for weights, words in (("imagenet", "imagenet"), ("some/file.pth", "a file")):
        start = choose_start(replace(CONFIG, weights=weights), films)
        assert (start.preprocessing.mean, start.preprocessing.std) == (IMAGENET_MEAN, IMAGENET_STD)
        assert start.weights == words


def test_a_model_goes_on_from_its_weights_with_its_preprocessing_and_is_named(
    finished: Path, sources: Sources, tmp_path: Path
) -> None:
    config = replace(ONE_EPOCH, weights=str(finished), boxes=0.1)
    same = replace(sources, split=finished / "split.csv")
    run(config, same, tmp_path / "run")
    before, after = load_checkpoint(finished), load_checkpoint(tmp_path / "run")
    assert after.metadata.preprocessing == before.metadata.preprocessing
    torch.testing.assert_close(after.model.classifier.weight, before.model.classifier.weight)
    words = f"model {before.metadata.model_sha256[:12]}"
    assert after.metadata.provenance["config"]["weights"] == words
    card = (tmp_path / "run" / "MODEL_CARD.md").read_text()
    assert f"going on from the model `{words.split()[1]}`" in card
    # That model had nothing from outside either.
    assert after.metadata.provenance["outside_weights"] is False
    assert "without pre-trained weights." in card
    assert "is in part taught" in card


def test_the_end_can_be_redone_when_the_weights_it_started_from_are_gone(
    finished: Path, sources: Sources, tmp_path: Path
) -> None:
    gone = Path(shutil.copytree(finished, tmp_path / "gone"))
    config = replace(ONE_EPOCH, weights=str(gone))
    same = replace(sources, split=finished / "split.csv")
    run(config, same, tmp_path / "run", Manner(hold_test=True))
    before = load_checkpoint(tmp_path / "run").metadata
    shutil.rmtree(gone)
    run(config, same, tmp_path / "run", Manner(finish_only=True))
    after = load_checkpoint(tmp_path / "run").metadata
    assert after.preprocessing == before.preprocessing
    assert read_start(tmp_path / "run") is not None


def test_weights_that_learnt_from_a_patient_of_the_test_are_refused(
    finished: Path, sources: Sources, tmp_path: Path
) -> None:
    split = pd.read_csv(finished / "split.csv", dtype=str)
    patient = split.loc[split["split"] == "train", "patient"].iloc[0]
    split.loc[split["patient"] == patient, "split"] = "test"
    split.to_csv(tmp_path / "split.csv", index=False)
    other = replace(sources, split=tmp_path / "split.csv")
    with pytest.raises(PatientLeakError, match=r"whom this run tests on: 2 films.*--split"):
        run(replace(ONE_EPOCH, weights=str(finished)), other, tmp_path / "run")


def test_weights_that_do_not_say_what_they_learnt_from_are_refused(
    copy: Path, sources: Sources, tmp_path: Path
) -> None:
    (copy / "split.csv").unlink()
    with pytest.raises(WeightsError, match="does not say which films it learnt from"):
        run(replace(ONE_EPOCH, weights=str(copy)), sources, tmp_path / "run")


def test_a_configuration_of_before_says_nothing_of_its_start(copy: Path) -> None:
    document = json.loads((copy / "config.json").read_text())
    del document["start"]
    (copy / "config.json").write_text(json.dumps(document))
    assert read_start(copy) is None


def test_a_network_to_start_from_learns(finished: Path) -> None:
    network = starting_network(str(finished))
    assert network.training
    assert all(parameter.requires_grad for parameter in network.parameters())
