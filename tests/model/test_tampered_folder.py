"""A model folder altered in each way that was thought of: one sentence, wherever it is opened."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from cxr_core.errors import CXRError
from cxr_core.findings import LABEL_COLUMNS
from cxr_core.model.checkpoint import save_checkpoint, save_metadata
from cxr_core.model.folder import save_gate
from cxr_core.reading.analyzer import load_analyzer
from cxr_core.reading.approved import (
    APPROVED_ENV_VAR,
    APPROVED_FILES_ENV_VAR,
    files_sha256,
)
from cxr_core.training.distillation import AUXILIARY_FILE, load_teacher
from cxr_core.training.initial_weights import init_network, parents_of
from cxr_core.training.lineage import LINEAGE_FILE, make_lineage, read_lineage, write_lineage
from cxr_core.training.presets import BASELINE
from tests.helpers.gate import brightness_gate
from tests.helpers.models import CARD_TEXT, make_metadata, random_network
from tests.helpers.predictions import make_predictions
from tests.helpers.tampering import FORGED, OF_GATE, OF_MODEL, Change, flip_bit


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with all that one may hold."""
    folder = tmp_path_factory.mktemp("tampered") / "model"
    folder.mkdir()
    table = make_predictions()
    split = pd.DataFrame(
        {"image": table["image"], "patient": table["image"], "split": "train"}
    ).assign(**dict.fromkeys(LABEL_COLUMNS, 0))
    lineage = make_lineage(split, [], "")
    provenance = {"demonstration": True, "config": {"weights": "none"}}
    metadata = make_metadata(provenance=provenance | {"lineage": lineage.summary()})
    metadata = save_checkpoint(folder, random_network(), metadata, half=True)
    save_metadata(folder, replace(metadata, gate=save_gate(folder, brightness_gate())))
    write_lineage(folder, lineage)
    split.to_csv(folder / "split.csv", index=False)
    table.to_csv(folder / "predictions_test.csv", index=False)
    (folder / "MODEL_CARD.md").write_text(CARD_TEXT)
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "model"))


def said(open_it: Callable[[], object]) -> str:
    """The one sentence that it ends with."""
    with pytest.raises(CXRError) as caught:
        open_it()
    words = str(caught.value)
    assert "\n" not in words
    assert len(words) < 600
    assert words.endswith(".")
    return words


def initial_weights(folder: Path) -> None:
    """What ``--weights FOLDER`` does before a film is decoded."""
    config = replace(BASELINE, weights=str(folder))
    for parent in parents_of(config):
        read_lineage(parent.folder)
    init_network(config)


def teacher(folder: Path) -> None:
    """What ``--teacher FOLDER`` does before a film is decoded."""
    for parent in parents_of(replace(BASELINE, weights="none", teachers=(str(folder),))):
        read_lineage(parent.folder)
        load_teacher(parent.folder)


def test_untouched_it_opens_everywhere(folder: Path) -> None:
    load_analyzer(folder)
    initial_weights(folder)
    teacher(folder)


@pytest.mark.parametrize("kind", [*OF_MODEL, *OF_GATE])
def test_reading_refuses_it(folder: Path, kind: str) -> None:
    change, words = (OF_MODEL | OF_GATE)[kind]
    change(folder)
    assert re.search(words, said(lambda: load_analyzer(folder)))
    assert not (folder / "unpickled").exists()


@pytest.mark.parametrize("open_it", [initial_weights, teacher])
@pytest.mark.parametrize("kind", OF_MODEL)
def test_training_refuses_to_start_from_it_or_to_learn_from_it(
    folder: Path, kind: str, open_it: Callable[[Path], None]
) -> None:
    change, words = OF_MODEL[kind]
    change(folder)
    assert re.search(words, said(lambda: open_it(folder)))
    assert not (folder / "unpickled").exists()


@pytest.mark.parametrize("open_it", [initial_weights, teacher])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: (f / LINEAGE_FILE).unlink(), "learnt from is missing"),
        (lambda f: flip_bit(f / LINEAGE_FILE), "cannot be used|does not belong"),
        (lambda f: (f / LINEAGE_FILE).write_text("[" * 99_999), "cannot be used"),
        (lambda f: (f / LINEAGE_FILE).write_text("null"), "cannot be used"),
    ],
)
def test_a_record_of_the_films_that_was_altered_is_refused(
    folder: Path, open_it: Callable[[Path], None], change: Change, words: str
) -> None:
    change(folder)
    assert re.search(words, said(lambda: open_it(folder)))


@pytest.mark.parametrize("data", [b"", b"no tensors", b"\xff" * 64])
def test_a_teachers_other_head_that_is_none_is_refused(folder: Path, data: bytes) -> None:
    (folder / AUXILIARY_FILE).write_bytes(data)
    assert "head of other findings cannot be read" in said(lambda: teacher(folder))


@pytest.mark.parametrize("kind", FORGED)
def test_a_whole_forgery_is_told_by_the_hashes_that_a_site_keeps(
    folder: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, told_by_model_hash = FORGED[kind]
    model, files = load_analyzer(folder).metadata.model_sha256, files_sha256(folder)
    change(folder)
    load_analyzer(folder)  # whole in itself: nothing in the folder can tell
    monkeypatch.setenv(APPROVED_ENV_VAR, model)
    if told_by_model_hash:
        assert "not the one that was approved" in said(lambda: load_analyzer(folder))
    else:
        assert load_analyzer(folder).metadata.model_sha256 == model
    monkeypatch.delenv(APPROVED_ENV_VAR)
    monkeypatch.setenv(APPROVED_FILES_ENV_VAR, files)
    assert "are not those that were approved" in said(lambda: load_analyzer(folder))
