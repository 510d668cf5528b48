"""The ONNX file: read by ONNX Runtime, it says of a film what ``analyze`` says."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image

from cxr_core.cli.export import main
from cxr_core.config import Calibration
from cxr_core.findings import KEYS
from cxr_core.model.checkpoint import save_checkpoint
from cxr_core.phantom.draw import draw_phantom
from cxr_core.reading.analyzer import load_analyzer
from tests.helpers.films import encode
from tests.helpers.models import CUTOFFS, make_metadata, random_network

CALIBRATION = Calibration(0.7, (0.4, -0.3, 0.2, 0.0))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    network = random_network()
    with torch.no_grad():
        network.classifier.bias.add_(torch.tensor([0.3, -1.2, 0.0, 2.0]))
    folder = tmp_path_factory.mktemp("model")
    save_checkpoint(folder, network, make_metadata(calibration=CALIBRATION))
    return folder


@pytest.fixture(scope="module")
def written(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("onnx") / "model.onnx"
    assert main([str(model), "--onnx", str(out)]) == 0
    return out


def test_onnx_runtime_gives_the_analysis_of_each_film(model: Path, written: Path) -> None:
    analyzer = load_analyzer(model)
    film = draw_phantom(0, size=300).pixels
    films = [film, 255 - film]
    # As the file's own words say, with Pillow and not with this package.
    squares = [Image.fromarray(f).resize((224, 224), Image.Resampling.BILINEAR) for f in films]
    session = onnxruntime.InferenceSession(str(written), providers=["CPUExecutionProvider"])
    probabilities, maps = session.run(
        ["probabilities", "maps"], {"pixels": np.stack(list(map(np.asarray, squares)))}
    )
    assert (probabilities.shape, maps.shape) == ((2, 4), (2, 4, 7, 7))
    for row, film in enumerate(films):
        analysis = analyzer.analyze(encode(Image.fromarray(film)))
        for column, key in enumerate(KEYS):
            assert probabilities[row, column] == pytest.approx(
                analysis.probabilities[key], abs=1e-4
            )
            expected = analysis.evidence[key]
            np.testing.assert_allclose(
                maps[row, column], expected, atol=1e-3 * float(np.ptp(expected))
            )
    assert np.abs(probabilities[0] - probabilities[1]).max() > 1e-3  # films that differ


def test_the_file_says_how_it_is_to_be_used(model: Path, written: Path) -> None:
    stored = onnx.load(written)
    said = {entry.key: entry.value for entry in stored.metadata_props}
    assert json.loads(said["findings"]) == list(KEYS)
    assert json.loads(said["cutoffs"]) == dict(zip(KEYS, CUTOFFS, strict=True))
    assert json.loads(said["preprocessing_settings"])["size"] == 224
    assert "square of 224 pixels" in said["preprocessing"]
    assert said["model_sha256"] == load_analyzer(model).metadata.model_sha256
    assert "not a medical device" in said["warning"]
    assert "not a medical device" in stored.doc_string


def test_the_same_model_gives_the_same_bytes(model: Path, written: Path, tmp_path: Path) -> None:
    assert main([str(model), "--onnx", str(tmp_path / "again.onnx")]) == 0
    assert (tmp_path / "again.onnx").read_bytes() == written.read_bytes()


def test_what_cannot_be_written_is_one_sentence(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "model.onnx"

    def refused(folder: Path, where: Path = out) -> str:
        assert main([str(folder), "--onnx", str(where)]) == 2
        assert not where.exists()
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        return said

    assert "There is no model in this folder" in refused(tmp_path / "nothing")
    (tmp_path / "file").touch()
    assert "cannot be written: File exists" in refused(model, tmp_path / "file" / "model.onnx")
    other = tmp_path / "other"
    other.mkdir()
    (other / "model.safetensors").symlink_to(model / "model.safetensors")
    from cxr_core.model.checkpoint import save_metadata

    save_metadata(other, make_metadata(architecture="timm/resnet18"))
    assert "Only a DenseNet121 can be written as ONNX: timm/resnet18." in refused(other)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "needs the package onnx: it is not installed. Install it with pip" in refused(model)
