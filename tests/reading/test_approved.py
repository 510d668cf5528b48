"""Only a model whose hash the site has approved reads films, where it keeps a list."""

from pathlib import Path

import pytest

from cxr_core.cli.read import main
from cxr_core.errors import CheckpointError, ConfigError
from cxr_core.model.checkpoint import save_checkpoint
from cxr_core.phantom.draw import phantom_png
from cxr_core.reading.analyzer import load_analyzer
from cxr_core.reading.approved import require_approved
from tests.helpers.models import make_metadata, random_network

MINE, OTHER = "ab" * 32, "cd" * 32
FOLDER = Path("models/mine")


def test_without_a_list_every_model_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (None, ""):
        if value is None:
            monkeypatch.delenv("CXR_MODEL_SHA256", raising=False)
        else:
            monkeypatch.setenv("CXR_MODEL_SHA256", value)
        require_approved(MINE, FOLDER)


@pytest.mark.parametrize("value", [MINE, MINE.upper(), f"{OTHER}, {MINE}", f"{MINE},"])
def test_an_approved_model_may_be_used(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXR_MODEL_SHA256", value)
    require_approved(MINE, FOLDER)


def test_another_model_is_refused_with_both_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXR_MODEL_SHA256", OTHER)
    with pytest.raises(CheckpointError, match="not the one that was approved") as caught:
        require_approved(MINE, FOLDER)
    assert MINE in str(caught.value)
    assert OTHER in str(caught.value)


@pytest.mark.parametrize("value", ["ab12", f"{MINE},none", " , ", "0x" + MINE[2:]])
def test_a_list_that_cannot_be_read_approves_nothing(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXR_MODEL_SHA256", value)
    with pytest.raises(ConfigError, match="CXR_MODEL_SHA256"):
        require_approved(MINE, FOLDER)


def test_the_app_and_the_command_keep_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model"
    model.mkdir()
    sha256 = save_checkpoint(model, random_network(), make_metadata()).model_sha256
    (tmp_path / "film.png").write_bytes(phantom_png(1, size=224))
    monkeypatch.setenv("CXR_MODEL_SHA256", sha256)
    assert load_analyzer(model).metadata.model_sha256 == sha256
    monkeypatch.setenv("CXR_MODEL_SHA256", OTHER)
    with pytest.raises(CheckpointError):
        load_analyzer(model)
    out = tmp_path / "results.csv"
    assert main([str(tmp_path / "film.png"), "--model", str(model), "--out", str(out)]) == 2
    said = capsys.readouterr().err
    assert sha256 in said
    assert OTHER in said
    assert not out.exists()
