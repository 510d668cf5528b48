"""Model folders tampered with, hashes made anew where they are: each one sentence, no traceback."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cxr_core.errors import CheckpointError, CXRError
from cxr_core.findings import KEYS
from cxr_core.model.checkpoint import load_checkpoint, save_checkpoint
from cxr_core.model.metadata import canonical_sha256, load_metadata
from cxr_core.reading.analyzer import load_analyzer
from tests.helpers.films import noise, png
from tests.helpers.models import make_metadata, random_network

NAN, INF = float("nan"), float("inf")
EFFUSION = KEYS[0]


def put(*path: str, value: Any) -> Callable[[dict], None]:
    """A change of one value of ``model.json``."""

    def change(document: dict) -> None:
        for name in path[:-1]:
            document = document[name]
        document[path[-1]] = value

    return change


TAMPERED = {
    "std empty": put("preprocessing", "std", value=[]),
    "std of two": put("preprocessing", "std", value=[0.2, 0.2]),
    "std nan": put("preprocessing", "std", value=[0.2, NAN, 0.2]),
    "std null": put("preprocessing", "std", value=None),
    "std of texts": put("preprocessing", "std", value=["a", "b", "c"]),
    "mean infinite": put("preprocessing", "mean", value=[INF, 0.5, 0.5]),
    "size 224.5": put("preprocessing", "size", value=224.5),
    "size 10^400": put("preprocessing", "size", value=10**400),
    "size of a billion": put("preprocessing", "size", value=10**9),
    "size true": put("preprocessing", "size", value=True),
    "preprocessing a list": put("preprocessing", value=[1]),
    "findings null": put("findings", value=None),
    "findings a number": put("findings", value=4),
    "scale nan": put("calibration", "scale", value=NAN),
    "scale infinite": put("calibration", "scale", value=INF),
    "scale 10^400": put("calibration", "scale", value=10**400),
    "scale a text": put("calibration", "scale", value="1"),
    "offset nan": put("calibration", "offsets", value=[0.0, NAN, 0.0, 0.0]),
    "offsets null": put("calibration", "offsets", value=None),
    "offset a list": put("calibration", "offsets", value=[[0.0]] * 4),
    "cut-off nan": put("operating_points", EFFUSION, "threshold", value=NAN),
    "cut-off null": put("operating_points", EFFUSION, "threshold", value=None),
    "cut-off a text": put("operating_points", EFFUSION, "threshold", value="0.3"),
    "a further key": put("operating_points", EFFUSION, "more", value=1),
    "cut-offs null": put("operating_points", value=None),
    "colour scale nan": put("evidence_scale", "maximum", value=NAN),
    "architecture null": put("architecture", value=None),
    "architecture a list": put("architecture", value=["densenet121"]),
    "architecture unknown": put("architecture", value="resnet99"),
    "gate a text": put("gate", value="none"),
    "gate without a file": put("gate", value={}),
    "provenance a list": put("provenance", value=[]),
    "half a character": put("provenance", "note", value="\ud800"),
    "weights' hash null": put("weights_sha256", value=None),
    "weights' hash of others": put("weights_sha256", value="0" * 64),
    "format null": put("format", value=None),
}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    save_checkpoint(folder, random_network(), make_metadata())
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    """The same folder again, its weights by a link: they are large, and not written to."""
    (tmp_path / "model.json").write_bytes((original / "model.json").read_bytes())
    (tmp_path / "model.safetensors").symlink_to(original / "model.safetensors")
    return tmp_path


@pytest.mark.parametrize("kind", list(TAMPERED))
def test_each_is_one_sentence(folder: Path, kind: str) -> None:
    path = folder / "model.json"
    document = json.loads(path.read_text("utf-8"))
    TAMPERED[kind](document)
    with contextlib.suppress(UnicodeEncodeError):  # as a forger would: the folder's own hash fits
        document["model_sha256"] = canonical_sha256(document)
    path.write_text(json.dumps(document))
    with pytest.raises(CXRError) as caught:
        load_checkpoint(folder)
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) < 600
    assert said.endswith(".")
    said.encode()  # fit for a page and a terminal


NO_MODEL_JSON = {
    "empty": "",
    "open": "{",
    "null": "null",
    "number": "3",
    "text": '"' + "x" * 100,
    "nested": "[" * 100_000,
    "digits": '{"format": 1' + "0" * 5000 + "}",
    "surrogate": "\ud800",
}


@pytest.mark.parametrize("text", NO_MODEL_JSON.values(), ids=list(NO_MODEL_JSON))
def test_no_model_json_at_all_is_one_sentence(folder: Path, text: str) -> None:
    (folder / "model.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(CheckpointError) as caught:
        load_metadata(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [NAN, INF])
def test_weights_that_are_no_numbers_are_refused_at_load(tmp_path: Path, value: float) -> None:
    network = random_network()
    with torch.no_grad():
        network.classifier.weight[1, 5] = value
    save_checkpoint(tmp_path, network, make_metadata())
    with pytest.raises(CheckpointError, match=r"not numbers \(1 tensors.*classifier\.weight\)"):
        load_checkpoint(tmp_path)


def test_a_model_that_answers_nan_is_refused_at_each_film(tmp_path: Path) -> None:
    network = random_network()
    with torch.no_grad():  # a negative variance is a number, its root is none
        network.features.norm5.running_var.fill_(-1.0)  # type: ignore[union-attr, operator]
    save_checkpoint(tmp_path, network, make_metadata())
    analyzer = load_analyzer(tmp_path)
    film = png(96, 96, 8, 0, b"".join(b"\0" + bytes(row) for row in noise(96, 96)))
    with pytest.raises(CheckpointError, match="did not answer with numbers: 1 of 1 films"):
        analyzer.analyze(film)


def test_a_gate_that_holds_nan_is_refused() -> None:
    from cxr_core.config import GateParameters
    from cxr_core.errors import ConfigError

    arrays = {
        "mean": np.zeros(4, np.float32),
        "components": np.zeros((2, 4), np.float32),
        "hidden": np.zeros((1, 2, 3), np.float32),
        "hidden_bias": np.zeros((1, 3), np.float32),
        "output": np.zeros((1, 3, 2), np.float32),
        "output_bias": np.zeros((1, 2), np.float32),
    }
    GateParameters(("film", "other"), -1.0, arrays, 10, 0.1)
    arrays["hidden"][0, 0, 0] = NAN
    with pytest.raises(ConfigError, match="not numbers: hidden"):
        GateParameters(("film", "other"), -1.0, arrays, 10, 0.1)
