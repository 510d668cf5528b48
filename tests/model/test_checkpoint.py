"""A model folder comes back as it was written, and is refused when it was altered."""

import json
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch

from cxr_core.config import Calibration, EvidenceScale, OperatingPoint, Preprocessing
from cxr_core.errors import CheckpointError, ConfigError
from cxr_core.findings import KEYS
from cxr_core.model import checkpoint
from cxr_core.model.architectures import build_model
from cxr_core.model.checkpoint import (
    load_checkpoint,
    save_checkpoint,
    save_metadata,
    save_weights,
)
from cxr_core.model.metadata import (
    ModelMetadata,
    canonical_sha256,
    load_metadata,
    uses_external_data,
)
from cxr_core.model.network import ChestNetwork


@pytest.fixture(scope="module")
def model() -> ChestNetwork:
    torch.manual_seed(3)
    return build_model().eval()


@pytest.fixture
def metadata() -> ModelMetadata:
    point = OperatingPoint(0.25, 0.2, 0.3, "sensitivity", 0.8, 0.81, 0.6)
    return ModelMetadata(
        preprocessing=Preprocessing(224, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)),
        calibration=Calibration(0.7, (0.1, -0.2, 0.0, 0.3)),
        operating_points=dict.fromkeys(KEYS, point),
        evidence_scale=EvidenceScale(4.5),
        provenance={"preset": "scratch", "config": {"augmentation": {"scale": [0.7, 1.0]}}},
    )


@pytest.fixture
def folder(tmp_path: Path, model: ChestNetwork, metadata: ModelMetadata) -> Path:
    save_checkpoint(tmp_path, model, metadata)
    return tmp_path


def edit(folder: Path, **values: object) -> dict[str, object]:
    document = json.loads((folder / "model.json").read_text())
    document.update(values)
    (folder / "model.json").write_text(json.dumps(document))
    return document


def test_round_trip(folder: Path, model: ChestNetwork, metadata: ModelMetadata) -> None:
    loaded = load_checkpoint(folder)
    restored = loaded.model.state_dict()
    for key, value in model.state_dict().items():
        assert torch.equal(restored[key], value)
    assert loaded.metadata.preprocessing == metadata.preprocessing
    assert loaded.metadata.calibration == metadata.calibration
    assert loaded.metadata.operating_points == metadata.operating_points
    assert loaded.metadata.evidence_scale == metadata.evidence_scale
    assert loaded.metadata.provenance == metadata.provenance
    assert not loaded.model.training
    assert not any(parameter.requires_grad for parameter in loaded.model.parameters())


def test_half_weights_take_half_the_room_and_keep_the_norms_whole(
    tmp_path: Path, model: ChestNetwork, metadata: ModelMetadata
) -> None:
    save_checkpoint(tmp_path, model, metadata, half=True)
    assert (tmp_path / "model.safetensors").stat().st_size < 15_000_000
    loaded = load_checkpoint(tmp_path).model.state_dict()
    for key, value in model.state_dict().items():
        expected = value.half().float() if value.dim() > 1 else value
        assert torch.equal(loaded[key], expected)


def test_the_hash_is_that_of_the_canonical_document(folder: Path) -> None:
    document = json.loads((folder / "model.json").read_text())
    reordered = dict(reversed(document.items()))
    assert load_metadata(folder).model_sha256 == canonical_sha256(reordered)
    assert document["findings"] == ["effusion", "atelectasis", "infiltration", "no_finding"]


def test_no_temporary_file_is_left(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["model.json", "model.safetensors"]


def test_altered_cut_off_is_refused(folder: Path) -> None:
    document = json.loads((folder / "model.json").read_text())
    document["operating_points"]["effusion"]["threshold"] = 0.26
    edit(folder, **document)
    with pytest.raises(CheckpointError, match=r"model\.json was changed.*Restore") as e:
        load_checkpoint(folder)
    assert "SHA-256" in str(e.value.value)


def test_altered_weight_is_refused(folder: Path) -> None:
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"weights do not match.*--finalize"):
        load_checkpoint(folder)


def test_other_order_of_findings_is_refused(folder: Path) -> None:
    document = edit(folder, findings=list(reversed(KEYS)))
    edit(folder, model_sha256=canonical_sha256(document))
    with pytest.raises(CheckpointError, match=r"another order.*no_finding.*Use a model made for"):
        load_checkpoint(folder)


def test_other_format_missing_and_broken_files_are_refused(folder: Path) -> None:
    edit(folder, format=99)
    with pytest.raises(CheckpointError, match="does not read.*99"):
        load_metadata(folder)
    (folder / "model.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"model\.json cannot be read"):
        load_metadata(folder)
    (folder / "model.json").write_text("[]")
    with pytest.raises(CheckpointError, match="not an object"):
        load_metadata(folder)
    (folder / "model.json").unlink()
    with pytest.raises(CheckpointError, match=r"no model in this folder.*models/default"):
        load_metadata(folder)


def test_missing_weights_are_named(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"weights file is missing.*model\.safetensors"):
        load_checkpoint(folder)


def test_weights_of_another_network_are_refused(folder: Path, metadata: ModelMetadata) -> None:
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, folder / "model.safetensors")
    save_metadata(folder, metadata)
    with pytest.raises(CheckpointError, match="does not hold this network"):
        load_checkpoint(folder)


def test_a_value_that_cannot_be_is_refused_even_with_its_hash(folder: Path) -> None:
    document = edit(folder, calibration={"scale": -1.0, "offsets": [0, 0, 0, 0]})
    edit(folder, model_sha256=canonical_sha256(document))
    with pytest.raises(CheckpointError, match="an invalid one"):
        load_metadata(folder)


@pytest.mark.parametrize(
    ("provenance", "outside"),
    [
        ({"outside_weights": False, "config": {"weights": "model abc"}}, False),
        ({"outside_weights": True}, True),
        ({"config": {"weights": "none"}}, False),  # as models said it before
        ({"config": {"weights": "imagenet"}}, True),
    ],
)
def test_whether_anything_was_learnt_elsewhere(provenance: dict, outside: bool) -> None:
    assert uses_external_data(provenance) is outside


def test_the_network_is_built_by_the_name_in_model_json(folder: Path) -> None:
    document = edit(folder, architecture="resnet99")
    edit(folder, model_sha256=canonical_sha256(document))
    with pytest.raises(ConfigError, match=r"no such network in this version: resnet99\. Use"):
        load_checkpoint(folder)


def test_a_model_json_of_before_networks_had_names_is_a_densenet121(folder: Path) -> None:
    document = json.loads((folder / "model.json").read_text())
    assert document.pop("architecture") == "densenet121"
    document["model_sha256"] = canonical_sha256(document)
    (folder / "model.json").write_text(json.dumps(document))
    loaded = load_checkpoint(folder)
    assert loaded.metadata.architecture == loaded.model.architecture == "densenet121"
    assert loaded.metadata.model_sha256 == document["model_sha256"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is full")
def test_a_full_disk_is_an_error_of_the_disk(
    folder: Path, model: ChestNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "atomic_write", lambda path: nullcontext(Path("/dev/full")))
    with pytest.raises(OSError, match="No space left on device"):
        save_weights(folder, model, half=True)
