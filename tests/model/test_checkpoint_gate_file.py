"""The gate's arrays travel with the model and are checked against it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cxr_core.config import GateParameters
from cxr_core.errors import CheckpointError, ConfigError
from cxr_core.model.checkpoint import GATE_FILE, load_gate, save_gate
from tests.helpers.gate import brightness_gate


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    saved = brightness_gate()
    loaded = load_gate(tmp_path, save_gate(tmp_path, saved))
    assert (loaded.class_names, loaded.threshold) == (saved.class_names, saved.threshold)
    assert (loaded.n_films, loaded.false_rejection_rate) == (300, 0.01)
    for name, array in saved.arrays.items():
        np.testing.assert_array_equal(loaded.arrays[name], array)


def test_a_missing_or_altered_file_is_refused(tmp_path: Path) -> None:
    stored = save_gate(tmp_path, brightness_gate())
    path = tmp_path / GATE_FILE
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="not the one that model.json was written for"):
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
    with pytest.raises(ConfigError, match="arrays do not fit each other"):
        replace(gate, arrays=arrays)
