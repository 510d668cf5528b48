"""Ways to alter a model folder, by name; a forger makes the hashes of ``model.json`` anew."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from cxr_core.findings import KEYS
from cxr_core.model.folder import GATE_FILE, WEIGHTS_FILE, file_sha256
from cxr_core.model.metadata import METADATA_FILE, canonical_sha256

Change = Callable[[Path], object]


def edit_metadata(folder: Path, change: Callable[[dict[str, Any]], None], *, forge: bool) -> None:
    """Change ``model.json``; with ``forge`` its own hashes fit again."""
    path = folder / METADATA_FILE
    document = json.loads(path.read_text("utf-8"))
    change(document)
    if forge:
        document["weights_sha256"] = file_sha256(folder / WEIGHTS_FILE)
        document["model_sha256"] = canonical_sha256(document)
    path.write_text(json.dumps(document))


def edited(*names: str, value: Any, forge: bool = False) -> Change:
    """One value of ``model.json``."""

    def change(document: dict[str, Any]) -> None:
        for name in names[:-1]:
            document = document[name]
        document[names[-1]] = value

    return lambda folder: edit_metadata(folder, change, forge=forge)


def flip_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def replace_weights(folder: Path) -> None:
    """The weights of another model, whole and of the same network."""
    path = folder / WEIGHTS_FILE
    state = load_file(path)
    state["classifier.weight"] = -state["classifier.weight"]
    save_file(state, path)


def pickle_weights(folder: Path) -> None:
    """A pickle that would write a file where it were unpickled, its hashes right."""

    class Harm:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(folder / "unpickled"),)

    torch.save({"harm": Harm()}, folder / WEIGHTS_FILE)
    edit_metadata(folder, lambda _: None, forge=True)


def link_elsewhere(folder: Path) -> None:
    """A link to another model's weights."""
    path, other = folder / WEIGHTS_FILE, folder.parent / f"{folder.name}-other.safetensors"
    replace_weights(folder)
    path.rename(other)
    path.symlink_to(other)


def dangling_link(folder: Path) -> None:
    (folder / WEIGHTS_FILE).unlink()
    (folder / WEIGHTS_FILE).symlink_to(folder / "nowhere")


def folder_for_weights(folder: Path) -> None:
    (folder / WEIGHTS_FILE).unlink()
    (folder / WEIGHTS_FILE).mkdir()


def folder_for_metadata(folder: Path) -> None:
    (folder / METADATA_FILE).unlink()
    (folder / METADATA_FILE).mkdir()


def forge_weights(folder: Path) -> None:
    replace_weights(folder)
    edit_metadata(folder, lambda _: None, forge=True)


# Of the weights and of what decides their probabilities: refused by everything that opens a model.
# Name -> what was done, and what the refusal says.
OF_MODEL: dict[str, tuple[Change, str]] = {
    "weights replaced": (replace_weights, "The weights do not match model.json"),
    "weights, a bit flipped": (lambda f: flip_bit(f / WEIGHTS_FILE), "do not match model.json"),
    "weights emptied": (lambda f: (f / WEIGHTS_FILE).write_bytes(b""), "do not match"),
    "weights missing": (lambda f: (f / WEIGHTS_FILE).unlink(), "The weights file is missing"),
    "weights a folder": (folder_for_weights, "The weights file is missing"),
    "weights a link to others": (link_elsewhere, "The weights do not match model.json"),
    "weights a link to nothing": (dangling_link, "The weights file is missing"),
    "weights a pickle": (pickle_weights, "The weights file does not hold this network"),
    "weights' hash edited": (edited("weights_sha256", value="0" * 64), "changed after it was"),
    "own hash edited": (edited("model_sha256", value="0" * 64), "changed after it was written"),
    "own hash taken out": (edited("model_sha256", value=None), "changed after it was written"),
    "findings renamed": (
        edited("findings", value=["hernia", *KEYS[1:]], forge=True), "has other findings"),
    "findings reordered": (
        edited("findings", value=[KEYS[1], KEYS[0], *KEYS[2:]], forge=True), "another order of"),
    "calibration edited": (edited("calibration", "scale", value=2.0), "changed after it was"),
    "cut-off edited": (
        edited("operating_points", KEYS[0], "threshold", value=0.99), "changed after it was"),
    "mean edited": (edited("preprocessing", "mean", value=[0.1] * 3), "changed after it was"),
    "deviation edited": (edited("preprocessing", "std", value=[0.1] * 3), "changed after it was"),
    "size edited": (edited("preprocessing", "size", value=256), "changed after it was written"),
    "size forged": (
        edited("preprocessing", "size", value=224.5, forge=True), "not a whole number of pixels"),
    "model.json missing": (
        lambda f: (f / METADATA_FILE).unlink(), "There is no (model|weights file)|is not"),
    "model.json a text": (
        lambda f: (f / METADATA_FILE).write_text("hello"), "model.json cannot be read"),
    "model.json a folder": (
        folder_for_metadata,
        "cannot be read|is not|no weights file"),
}  # fmt: skip
# Of the input check, which only the reading of films needs.
OF_GATE: dict[str, tuple[Change, str]] = {
    "gate, a bit flipped": (lambda f: flip_bit(f / GATE_FILE), "does not match model.json"),
    "gate missing": (lambda f: (f / GATE_FILE).unlink(), "The input gate's file is missing"),
    "gate's cut-off edited": (edited("gate", "threshold", value=-99.0), "changed after it was"),
    "gate's cut-off forged": (
        edited("gate", "threshold", value=float("inf"), forge=True),
        "gate cannot be used",
    ),
}
# Whole in itself: only a hash that is kept elsewhere tells it. True where the model's own does.
FORGED: dict[str, tuple[Change, bool]] = {
    "cut-off": (edited("operating_points", KEYS[0], "threshold", value=0.9, forge=True), True),
    "calibration": (edited("calibration", "scale", value=2.0, forge=True), True),
    "provenance": (edited("provenance", "demonstration", value=False, forge=True), True),
    "weights": (
        forge_weights, True),
    "card": (lambda f: (f / "MODEL_CARD.md").write_text("# Perfect\n"), False),
    "card missing": (lambda f: (f / "MODEL_CARD.md").unlink(), False),
    "test films": (
        lambda f: (f / "predictions_test.csv").write_text(
            (f / "predictions_test.csv").read_text().replace(",0,", ",1,", 9)), False),
    "a further table": (
        lambda f: (f / "localisation.csv").write_text("image\n"), False),
}  # fmt: skip
