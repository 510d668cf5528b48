"""Files that should not be, at every loader: only the project's errors come out, a sentence each.

``bench/fuzz_loaders.py`` does the same for thousands of files a loader.
"""

import contextlib
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cxr_core.errors import CXRError, DataError, ImageError, TrainingError, WeightsError
from cxr_core.evaluation.history import read_history
from cxr_core.imaging.radiograph import read_radiograph
from cxr_core.model.architectures import build_model
from cxr_core.model.state_dict import read_state_dict
from cxr_core.training.config import TrainConfig
from cxr_core.training.state import load_state, save_state
from tests.helpers.dicom_files import film_dataset, to_bytes
from tests.helpers.hostile import LOADERS, attack
from tests.helpers.models import make_history

SLOW = (
    "predictions",
    "localisation",
    "history",
    "foreign JSON",
    "foreign Parquet",
    "gate films",
    "foreign CSV",
)  # measured, not read alone


@pytest.mark.parametrize("name", LOADERS)
def test_a_sound_file_is_read(tmp_path: Path, name: str) -> None:
    """Else all that follows would prove nothing."""
    loader = LOADERS[name]
    path = tmp_path / loader.file
    path.write_bytes(loader.sound(tmp_path))
    if name == "examples":  # the pictures that it names are not there
        with pytest.raises(DataError, match="missing"):
            loader.load(path)
    else:
        loader.load(path)


@pytest.mark.filterwarnings("ignore:.*:UserWarning:pydicom")
@pytest.mark.parametrize("name", LOADERS)
def test_a_mutated_file_is_read_or_refused_with_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    loader = LOADERS[name]
    folder = tmp_path_factory.mktemp("mutated")
    sound = loader.sound(folder)

    @settings(
        max_examples=10 if name in SLOW else 30,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(rng=st.randoms(use_true_random=False))
    def search(rng: Random) -> None:
        attack(loader, folder, sound, rng)

    search()


# What was found once, by name.


@pytest.mark.parametrize("value", ["", "12", "1.2.3", b"\0\0", "ExplicitVRLittleEndian"])
@pytest.mark.parametrize("vr", ["DS", "UN", "SQ", "US", "UI", "OB"])
def test_a_transfer_syntax_of_another_kind(vr: str, value: Any) -> None:
    data = to_bytes(film_dataset(np.arange(4096, dtype=np.uint16).reshape(64, 64)))
    at = data.index(b"\x02\0\x10\0UI")
    length = 8 + int.from_bytes(data[at + 6 : at + 8], "little")
    body = value.encode() if isinstance(value, str) else value
    body += b" " * (len(body) % 2)
    long = vr in ("UN", "SQ", "OB")
    head = b"\0\0" + len(body).to_bytes(4, "little") if long else len(body).to_bytes(2, "little")
    forged = data[:at] + b"\x02\0\x10\0" + vr.encode() + head + body + data[at + length :]
    grown = len(forged) - len(data)
    size = int.from_bytes(data[140:144], "little") + grown
    forged = forged[:140] + size.to_bytes(4, "little") + forged[144:]
    with contextlib.suppress(ImageError):
        assert read_radiograph(forged).stored.shape == (64, 64)


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors", "weights.txt"])
@pytest.mark.parametrize("data", [b"", b"hello\n", b"x" * 1000, b"{}", b"\x80\x04N."])
def test_a_text_for_weights(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(WeightsError, match="weights file"):
        build_model(weights=path)


def test_a_flipped_bit_of_a_weight_is_told(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"features.conv0.weight": torch.ones(1000)}, path)
    data = bytearray(path.read_bytes())
    at = data.index(b"\0\0\x80?" * 8)
    data[at + 2] ^= 1
    path.write_bytes(data)
    loaded = torch.load(path, weights_only=True)["features.conv0.weight"]
    assert not torch.equal(loaded, torch.ones(1000))  # PyTorch itself says nothing
    with pytest.raises(WeightsError, match="cannot be read"):
        read_state_dict(path)


@pytest.mark.parametrize("kind", ["flipped", "cut", "empty", "another program's", "no state"])
def test_a_damaged_state_is_not_continued(tmp_path: Path, kind: str) -> None:
    path, identity = tmp_path / "resume.pt", TrainConfig().to_dict()
    save_state(path, {"trainer": {"weight": torch.ones(1000)}, "train_state": {}}, identity)
    assert load_state(path, identity) is not None
    data = bytearray(path.read_bytes())
    at = data.index(b"\0\0\x80?" * 8)
    data[at + 2] ^= 1
    if kind in ("another program's", "no state"):
        torch.save({"identity": identity, "state": 3} if kind == "no state" else [1], path)
    else:
        path.write_bytes({"flipped": bytes(data), "cut": bytes(data[:-300]), "empty": b""}[kind])
    with pytest.raises(TrainingError, match="cannot be read: it is damaged"):
        load_state(path, identity)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.rename(columns={"epoch": "round"}), "lacks its epochs"),
        (lambda t: t.assign(epoch="one"), r"cannot have \(epoch\)"),
        (lambda t: t.assign(epoch=-1), r"cannot have \(epoch\)"),
        (lambda t: t.assign(auroc_mean="high"), r"cannot have \(auroc_mean\)"),
        (lambda t: t.rename(columns={"auroc_mean": "epoch"}), "the same column twice"),
    ],
)
def test_a_history_that_is_none(tmp_path: Path, change: Any, words: str) -> None:
    path = tmp_path / "history.csv"
    change(make_history()).to_csv(path, index=False)
    with pytest.raises(DataError, match=words):
        read_history(path)


def test_an_error_is_one_line_whatever_stands_in_its_value() -> None:
    error = CXRError("Bad", value="a\nb\x1b[2J\ud800\u202ec" + "x" * 9000, remedy="Mend it.")
    said = str(error)
    assert said.startswith("Bad: a b [2J cxxx")
    assert said.endswith("…. Mend it.")
    assert len(said) < 1100
    said.encode()
    assert str(CXRError("Bad", value=10**5000, remedy="Mend it.")).startswith("Bad: a number of")
