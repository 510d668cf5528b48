"""Both cut-offs for an earlier folder, from its own tables: stored, hashed, and the same twice."""

import shutil
from pathlib import Path

import pytest

from cxr_core.cli.refit_cutoffs import main
from cxr_core.evaluation.predictions import labels_of, probabilities_of, read_predictions
from cxr_core.evaluation.run_folder import RunFolder
from cxr_core.findings import KEYS
from cxr_core.model.metadata import load_metadata, write_metadata
from tests.helpers.models import make_metadata
from tests.helpers.predictions import make_predictions


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """What an earlier version wrote, but for the weights, which it does not need."""
    folder = tmp_path / "earlier"
    folder.mkdir()
    write_metadata(folder, make_metadata(provenance={"config": {"seed": 3}}), weights_sha256="w")
    (folder / "model.safetensors").write_bytes(b"weights")
    make_predictions(200).to_csv(folder / "predictions_val.csv", index=False)
    return folder


@pytest.fixture(autouse=True)
def _weights_are_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunFolder, "verify_weights", lambda self: None)


def test_both_cut_offs_are_fitted_and_the_result_is_always_the_same(
    earlier: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = shutil.copytree(earlier, earlier.with_name("again"))
    before = load_metadata(earlier)
    assert main([str(earlier)]) == 0
    after = load_metadata(earlier)
    assert f"model {after.model_sha256[:12]}" in capsys.readouterr().out
    assert after.model_sha256 != before.model_sha256
    assert (after.calibration, after.evidence_scale) == (before.calibration, before.evidence_scale)
    table = read_predictions(earlier / "predictions_val.csv")
    p, y = probabilities_of(table, after.calibration), labels_of(table)
    assert after.sensitive_points is not None
    for k, key in enumerate(KEYS):
        positive = y[:, k] == 1
        assert (p[~positive, k] < after.operating_points[key].threshold).mean() >= 0.9
        assert (p[positive, k] >= after.sensitive_points[key].threshold).mean() >= 0.9
    assert main([str(again)]) == 0
    assert (again / "model.json").read_bytes() == (earlier / "model.json").read_bytes()


def test_without_validation_predictions_it_says_what_to_do(
    earlier: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (earlier / "predictions_val.csv").unlink()
    before = (earlier / "model.json").read_bytes()
    assert main([str(earlier)]) == 2
    said = capsys.readouterr().err
    assert "no validation predictions" in said
    assert "train.py --finalize" in said
    assert (earlier / "model.json").read_bytes() == before
