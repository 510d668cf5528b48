"""The gate's arrays travel with the model and are checked against it."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cxr_core.config import GateParameters
from cxr_core.errors import CheckpointError, ConfigError
from cxr_core.model.checkpoint import load_checkpoint, save_metadata
from cxr_core.model.folder import GATE_FILE, load_gate, save_gate
from cxr_core.model.metadata import load_metadata
from tests.helpers import DEFAULT_MODEL
from tests.helpers.gate import brightness_gate, with_probe


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    saved = brightness_gate()
    loaded = load_gate(tmp_path, save_gate(tmp_path, saved))
    assert (loaded.class_names, loaded.threshold) == (saved.class_names, saved.threshold)
    assert (loaded.n_films, loaded.false_rejection_rate) == (300, 0.01)
    for name, array in saved.arrays.items():
        np.testing.assert_array_equal(loaded.arrays[name], array)


def test_a_probe_is_loaded_with_its_cut(tmp_path: Path) -> None:
    saved = with_probe(-1.5)
    loaded = load_gate(tmp_path, save_gate(tmp_path, saved))
    assert loaded.probe_threshold == -1.5
    np.testing.assert_array_equal(loaded.arrays["probe_weight"], saved.arrays["probe_weight"])
    stored = save_gate(tmp_path, brightness_gate())
    assert load_gate(tmp_path, stored).probe_threshold is None
    with pytest.raises(CheckpointError, match="cannot be used"):  # a cut without a probe
        load_gate(tmp_path, stored | {"probe_threshold": -1.5})


def test_a_probe_of_another_network_is_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(DEFAULT_MODEL, tmp_path / "model")
    metadata = load_metadata(folder)
    save_metadata(folder, replace(metadata, gate=save_gate(folder, with_probe())))
    with pytest.raises(CheckpointError, match="2 channels, the network has 1024"):
        load_checkpoint(folder)


def test_a_missing_or_altered_file_is_refused(tmp_path: Path) -> None:
    stored = save_gate(tmp_path, brightness_gate())
    path = tmp_path / GATE_FILE
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="does not match model.json"):
        load_gate(tmp_path, stored)
    path.unlink()
    with pytest.raises(CheckpointError, match="The input gate's file is missing"):
        load_gate(tmp_path, stored)


@pytest.mark.parametrize(
    "change", [{"kinds": ["upright"]}, {"threshold": "high"}, {"threshold": float("nan")}]
)
def test_values_that_do_not_fit_the_arrays_are_refused(tmp_path: Path, change: dict) -> None:
    stored = save_gate(tmp_path, brightness_gate())
    with pytest.raises(CheckpointError, match="The input gate cannot be used"):
        load_gate(tmp_path, stored | change)


def test_arrays_that_do_not_fit_each_other_are_refused() -> None:
    gate: GateParameters = brightness_gate()
    arrays = gate.arrays | {"output_bias": np.zeros((1, 3), np.float32)}
    with pytest.raises(ConfigError, match="arrays have inconsistent shapes"):
        replace(gate, arrays=arrays)
