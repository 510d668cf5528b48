"""What is opened: a run's test or validation films, a table, and each thing that cannot be."""

import inspect
import shutil
from pathlib import Path

import pytest

from cxr_core.config import OperatingPoint
from cxr_core.errors import CheckpointError, CXRError
from cxr_core.findings import KEYS
from cxr_core.model.metadata import write_metadata
from cxr_core.ui import evaluated as measured
from cxr_core.ui.model import MODEL_ENV_VAR
from cxr_core.ui.performance import source as opened_module
from cxr_core.ui.performance.source import (
    NO_METADATA_CAUTION,
    NO_PATIENTS_CAUTION,
    NO_PREDICTIONS_CAUTION,
    VALIDATION_CAUTION,
    open_run,
    open_table,
)
from tests.helpers.models import make_history, make_metadata
from tests.helpers.predictions import make_predictions

POINTS = {key: OperatingPoint(0.4, 0.3, 0.5, "sensitivity", 0.8, 0.8, 0.7) for key in KEYS}


@pytest.fixture(autouse=True)
def _without_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """The session's caches need a session; what they keep is computed anew here."""
    for module, name in (
        (measured, "_evaluate_run"),
        (measured, "_evaluate_upload"),
        (opened_module, "_own_weights"),
    ):
        monkeypatch.setattr(module, name, inspect.unwrap(getattr(module, name)))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run folder with model.json and 60 test films, which is not the app's own."""
    monkeypatch.setenv(MODEL_ENV_VAR, str(tmp_path / "elsewhere"))
    folder = tmp_path / "mine"
    folder.mkdir()
    write_metadata(folder, make_metadata(operating_points=POINTS), weights_sha256="0" * 64)
    make_predictions(60).to_csv(folder / "predictions_test.csv", index=False)
    return folder


def test_a_runs_test_films_are_opened_at_its_own_operating_points(run: Path) -> None:
    opened = open_run(run)
    patients = make_predictions(60)["patient"].nunique()
    assert opened.summary() == f"Test films of mine: 60 films of {patients} patients."
    assert opened.cautions == ()
    assert opened.run is not None
    assert opened.run.path == run
    assert opened.evaluated is not None
    assert not opened.evaluated.fitted_on_this_table
    assert opened.evaluated.report.operating_points == POINTS


def test_a_run_held_from_its_test_shows_the_films_it_was_chosen_by_and_says_so(run: Path) -> None:
    (run / "predictions_test.csv").rename(run / "predictions_val.csv")
    opened = open_run(run)
    assert opened.summary().startswith("Validation films of mine: 60 films")
    assert opened.cautions == (VALIDATION_CAUTION,)
    assert opened.evaluated is not None
    # So that every panel marks what it shows as optimistic.
    assert opened.evaluated.fitted_on_this_table
    assert opened.evaluated.report.operating_points == POINTS


def test_without_a_model_the_predictions_are_still_shown(run: Path) -> None:
    (run / "model.json").unlink()
    opened = open_run(run)
    assert opened.cautions == (NO_METADATA_CAUTION,)
    assert opened.evaluated is not None
    assert opened.evaluated.fitted_on_this_table


def test_a_run_that_is_being_written_has_its_training_alone(run: Path) -> None:
    for path in run.iterdir():
        path.unlink()
    make_history(2).to_csv(run / "history.csv", index=False)
    opened = open_run(run)
    assert opened.evaluated is None
    assert (opened.summary(), opened.cautions) == ("Training of mine.", (NO_PREDICTIONS_CAUTION,))


def test_an_upload_has_no_folder() -> None:
    opened = open_table(make_predictions(40).drop(columns="patient").to_csv(index=False).encode())
    assert opened.summary() == "Your table: 40 films."
    assert opened.run is None
    assert opened.cautions == (NO_PATIENTS_CAUTION,)


def test_films_that_are_normal_and_not_are_counted_and_told() -> None:
    table = make_predictions(60)
    diseased = table.index[table["label_effusion"] == 1]
    table.loc[diseased[:3], "label_no_finding"] = 1
    (caution,) = open_table(table.to_csv(index=False).encode()).cautions
    assert caution.startswith("3 films are labelled both No Finding and a finding")


@pytest.mark.parametrize(
    ("spoil", "cause"),
    [
        (lambda run: shutil.rmtree(run), "This folder cannot be read"),
        (lambda run: [path.unlink() for path in run.iterdir()], "holds no training run"),
        (lambda run: (run / "model.json").write_text("{"), "model.json cannot be read"),
        (lambda run: (run / "model.json").write_text("[]"), "model.json is not an object"),
        (lambda run: (run / "model.safetensors").write_bytes(b"other"), "does not match model"),
        (
            lambda run: (run / "predictions_test.csv").write_text("image\n"),
            "lacks required columns",
        ),
        (lambda run: (run / "predictions_test.csv").unlink(), "no predictions of test"),
    ],
)
def test_what_cannot_be_opened_is_one_sentence(run: Path, spoil, cause: str) -> None:
    spoil(run)
    with pytest.raises(CXRError, match=cause):
        open_run(run)


def test_an_altered_hash_is_noticed(run: Path) -> None:
    document = (run / "model.json").read_text()
    (run / "model.json").write_text(document.replace("0" * 64, "1" * 64))
    with pytest.raises(CheckpointError, match="was changed after it was written"):
        open_run(run)
