"""Every loader with a sound file of its own, and what becomes of it when that is changed."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from PIL import Image
from safetensors.torch import save_file

from cxr_core.config import Preprocessing
from cxr_core.data.boxes import read_boxes
from cxr_core.data.cache import _load as load_cache
from cxr_core.data.entries import read_entries
from cxr_core.data.images import shorter_side
from cxr_core.data.split_files import read_groups, read_image_list, read_split
from cxr_core.errors import CXRError
from cxr_core.evaluation.cutoffs import cutoffs_of_model
from cxr_core.evaluation.further_films import measure_other_sources, read_other_films
from cxr_core.evaluation.history import kept_epoch, read_history
from cxr_core.evaluation.localisation.froc import MARK_COLUMNS, froc_curves, read_marks
from cxr_core.evaluation.localisation.overlap import OVERLAP_COLUMNS
from cxr_core.evaluation.localisation.pointing import LOCALISATION_COLUMNS
from cxr_core.evaluation.localisation.rates import localisation_metrics, read_localisation
from cxr_core.evaluation.mapping_guess import map_table
from cxr_core.evaluation.metrics.labels import read_split_labels, split_labels
from cxr_core.evaluation.model_facts import read_model_facts_if_usable
from cxr_core.evaluation.parquet import parse_parquet
from cxr_core.evaluation.predictions import read_predictions, write_predictions
from cxr_core.evaluation.raw_table import RawTable, read_raw_table
from cxr_core.evaluation.report import evaluate_predictions
from cxr_core.evaluation.run_folder import RunFolder
from cxr_core.evaluation.scoring import to_probabilities
from cxr_core.evaluation.table_mapping import read_mapping
from cxr_core.export.identity import whose_study
from cxr_core.export.results_csv import analysis_row, read_previous_rows, rows_to_csv
from cxr_core.export.secondary_capture import patient_study_error
from cxr_core.findings import KEYS
from cxr_core.imaging.dicom.identity import stated_identity
from cxr_core.imaging.gate import check_radiograph
from cxr_core.imaging.preprocessing import preprocess
from cxr_core.imaging.radiograph import read_radiograph
from cxr_core.imaging.windowing import apply_window
from cxr_core.model.folder import GATE_FILE, file_sha256, load_gate, save_gate
from cxr_core.model.metadata import canonical_sha256, load_metadata, write_metadata
from cxr_core.model.state_dict import read_state_dict
from cxr_core.node.config import read_config as read_node_config
from cxr_core.training.config import TrainConfig
from cxr_core.training.config_file import read_config_file
from cxr_core.training.dataset import DatasetPaths
from cxr_core.training.gate_films import read_gate_films
from cxr_core.training.initial_weights import InitialWeights
from cxr_core.training.lineage import (
    LINEAGE_FILE,
    TestUse,
    make_lineage,
    stored_lineage,
    write_lineage,
)
from cxr_core.training.presets import apply_settings, from_preset
from cxr_core.training.run_paths import read_run_paths, write_run_paths
from cxr_core.training.run_record import (
    read_device_name,
    read_fingerprint,
    read_initial_weights,
    read_run_config,
    read_threads,
    write_run_config,
)
from cxr_core.training.state import TrainState, load_state, save_state
from cxr_core.ui.examples import list_examples, load_example
from cxr_core.ui.home import describe_model, read_card
from tests.helpers.analyses import make_radiograph
from tests.helpers.dicom_files import film_dataset, to_bytes
from tests.helpers.gate import brightness_gate
from tests.helpers.models import make_history, make_metadata, make_points
from tests.helpers.mutations import (
    Mutation,
    mutate_bytes,
    mutate_dicom,
    mutate_json,
    mutate_table,
    mutate_text,
)
from tests.helpers.node import SETTINGS
from tests.helpers.predictions import make_predictions
from tests.helpers.records import export_analysis

# What each loader reads, sound, and what is done with it once it is read.


class Loader(NamedTuple):
    """One loader under attack.

    Attributes:
        file: the name of its file in a folder.
        sound: the file's bytes; what else it needs is written into the folder.
        mutate: how they are changed.
        load: reads the file at a path, and does with it what the program does next.
        forge: makes the file's own hashes fit again, so that what lies behind them is reached.
    """

    file: str
    sound: Callable[[Path], bytes]
    mutate: Mutation
    load: Callable[[Path], object]
    forge: Callable[[bytes], bytes] = bytes


def attack(loader: Loader, folder: Path, sound: bytes, rng: Random) -> CXRError | None:
    """Let the loader read one mutated file; returns the project's error that it ended with.

    Raises:
        Exception: of any other kind, which is the fault that is looked for.
        AssertionError: the error's words are not one sentence of a length for a page.
    """
    path = folder / loader.file
    data = loader.mutate(sound, rng)
    path.write_bytes(loader.forge(data) if rng.randrange(3) else data)
    try:
        loader.load(path)
    except CXRError as error:
        words = str(error)
        words.encode()
        if "\n" in words or len(words) > 1500:
            raise AssertionError(f"no sentence for a page: {words[:300]!r}") from error
        return error
    return None


def forge_metadata(data: bytes) -> bytes:
    """``model.json`` with the hash of what stands in it."""
    try:
        document = json.loads(data)
        document["model_sha256"] = canonical_sha256(document)
        return json.dumps(document).encode()
    except (ValueError, TypeError, RecursionError):
        return data


def _model_json(folder: Path) -> bytes:
    provenance = {
        "demonstration": True,
        "config": {"weights": "none", "teachers": ["model a"], "low_res_px": 160, "seed": 1},
        "counts": {"train": {"films": 12, "patients": 9}},
        "lineage": [],
    }
    gate = save_gate(folder, brightness_gate())
    metadata = make_metadata(provenance=provenance, gate=gate, sensitive_points=make_points())
    write_metadata(folder, metadata, weights_sha256="ab" * 32)
    return (folder / "model.json").read_bytes()


def _use_metadata(path: Path) -> None:
    metadata = load_metadata(path.parent)
    describe_model(metadata.provenance)
    cutoffs_of_model(metadata)
    read_model_facts_if_usable(path.parent, metadata)
    preprocess(_FILM, metadata.preprocessing)
    to_probabilities(np.zeros((1, len(KEYS))), metadata.calibration)
    if metadata.gate is not None:
        check_radiograph(make_radiograph(_FILM), load_gate(path.parent, metadata.gate))


def _gate_file(folder: Path) -> bytes:
    save_gate(folder, brightness_gate())
    return (folder / GATE_FILE).read_bytes()


def _gate_table(folder: Path) -> bytes:
    for name in ("a.png", "b.png"):
        Image.fromarray(_FILM).save(folder / name)
    return b"image,view,source,licence\na.png,PA,x,CC0\nb.png,lateral,y,\n"


def _use_gate(path: Path) -> None:
    stated = {"class_names": ["upright", "inverted"], "threshold": -1.0, "n_films": 300}
    stated |= {"false_rejection_rate": 0.01, "sha256": file_sha256(path)}
    check_radiograph(make_radiograph(_FILM), load_gate(path.parent, stated))


_FILM = np.arange(64 * 64, dtype=np.uint8).reshape(64, 64)
_IDENTITY = TrainConfig().to_dict() | {"fingerprint": "ab"}


def _state(folder: Path) -> bytes:
    tensors = {"weight": torch.arange(200.0), "bias": torch.zeros(3)}
    state = {"trainer": tensors, "train_state": vars(TrainState(epoch=2, best_auroc=0.7))}
    save_state(folder / "resume.pt", state, _IDENTITY)
    return (folder / "resume.pt").read_bytes()


def _use_state(path: Path) -> None:
    state = load_state(path, _IDENTITY)
    if state is not None and not torch.equal(state["trainer"]["weight"], torch.arange(200.0)):
        raise AssertionError("a damaged tensor was read as sound")


def _lineage(folder: Path) -> bytes:
    table = pd.DataFrame({"image": list("abc"), "patient": list("xyz")}).assign(
        split=["train", "validation", "test"]
    )
    use = TestUse("2026-01-02", "ab12", "cd34")
    write_lineage(folder, replace(make_lineage(table, [], "imagenet"), test_uses=(use,)))
    return (folder / LINEAGE_FILE).read_bytes()


def _use_lineage(path: Path) -> None:
    lineage = stored_lineage(path.parent)
    lineage.summary()
    lineage.own_test_uses()


def _config(folder: Path) -> bytes:
    weights = InitialWeights(Preprocessing(), "none", uses_external_data=False)
    write_run_config(folder, TrainConfig(), weights, fingerprint="ab", device_name="cpu", threads=1)
    return (folder / "config.json").read_bytes()


def _use_config(path: Path) -> None:
    readers = (read_run_config, read_initial_weights)
    for read in (read_threads, read_device_name, read_fingerprint, *readers):
        read(path.parent)
    RunFolder(path.parent).progress  # noqa: B018


def _paths(folder: Path) -> bytes:
    paths = DatasetPaths(Path("a.csv"), Path("films"), Path("cache"), further_images=(Path("b"),))
    write_run_paths(folder, paths, ["cxr-train", "--out", "x"])
    return (folder / "paths.json").read_bytes()


def _use_toml(path: Path) -> None:
    settings = read_config_file(path)
    settings.pop("teachers", None)
    apply_settings(from_preset(settings.pop("preset", "baseline")), settings)


def _weights(name: str) -> Callable[[Path], bytes]:
    def write(folder: Path) -> bytes:
        tensors = {"features.conv0.weight": torch.ones(4, 3), "classifier.bias": torch.ones(4)}
        (save_file if name.endswith(".safetensors") else torch.save)(tensors, folder / name)
        return (folder / name).read_bytes()

    return write


def _text(text: str) -> Callable[[Path], bytes]:
    return lambda _: text.encode()


def _predictions(folder: Path) -> bytes:
    return make_predictions(40).to_csv(index=False).encode()


def _use_predictions(path: Path) -> None:
    table = read_predictions(path)
    evaluate_predictions(table, n_resamples=5)
    written = path.with_name("again.csv")
    write_predictions(table, written)
    pd.testing.assert_frame_equal(read_predictions(written), table, check_exact=False)


def _foreign_csv(folder: Path) -> bytes:
    table = make_predictions(40)
    table["scores"] = [
        str(row) for row in table[["logit_effusion", "logit_infiltration"]].to_numpy()
    ]
    return table.rename(columns=lambda name: name.replace("logit_", "score ")).to_csv().encode()


def _foreign_parquet(folder: Path) -> bytes:
    make_predictions(40).to_parquet(folder / "made.parquet")
    return (folder / "made.parquet").read_bytes()


def _foreign_json(folder: Path) -> bytes:
    table = make_predictions(12).rename(columns=lambda name: name.replace("label", "true"))
    text = table.to_json(orient="records")
    return (text or "").encode()


def _use_foreign(path: Path) -> None:
    evaluate_predictions(map_table(read_raw_table(path)).table, n_resamples=5)


def _use_parquet(path: Path) -> None:
    """Without its process, which takes a second to start."""
    cells, _ = parse_parquet(path.read_bytes())
    evaluate_predictions(map_table(RawTable(cells, "ab")).table, n_resamples=5)


def _localisation(folder: Path) -> bytes:
    rows = [("a.png", "effusion", 0.5, 0.5, 1, 0, 0, 0.1), ("b.png", "atelectasis", *[0.25] * 6)]
    table = pd.DataFrame(rows, columns=list(LOCALISATION_COLUMNS))
    return table.assign(**dict.fromkeys(OVERLAP_COLUMNS, 0.2)).to_csv(index=False).encode()


def _use_localisation(path: Path) -> None:
    films = make_predictions(20).assign(patient="1")
    localisation_metrics(read_localisation(path), films, n_resamples=5)


def _marks(folder: Path) -> bytes:
    rows = [(f"{i}.png", "effusion", i % 2, 0.1, 0.5, 0.5, i / 8, i % 2) for i in range(8)]
    return pd.DataFrame(rows, columns=list(MARK_COLUMNS)).to_csv(index=False).encode()


def _use_split(path: Path) -> None:
    read_split(path)
    split_labels(read_split_labels(path))


def _results(folder: Path) -> bytes:
    return rows_to_csv([analysis_row(export_analysis(), f"{name}.png") for name in "abc"])


def _use_results(path: Path) -> None:
    found = read_previous_rows([path], model_sha256="b" * 64)
    rows_to_csv(found)


def _cache_index(folder: Path) -> bytes:
    np.save(folder / "films.npy", np.zeros((2, 32, 32), np.uint8))
    return json.dumps({"names": ["a"], "rejected": [["b", "broken"]]}).encode()


def _use_examples(path: Path) -> None:
    for example in list_examples(path.parent):
        load_example(example, path.parent)


def _dicom(folder: Path) -> bytes:
    values = (np.arange(64 * 64).reshape(64, 64) % 4096).astype(np.uint16)
    tags: dict[str, object] = {"BitsStored": 12, "HighBit": 11, "WindowCenter": 2048}
    return to_bytes(film_dataset(values, WindowWidth=4096, PatientAge="058Y", **tags))


def _use_dicom(path: Path) -> None:
    data = path.read_bytes()
    stated_identity(data)
    whose_study(data)
    patient_study_error(data)
    try:
        radiograph = read_radiograph(data)
    finally:
        shorter_side(path)
    for window in radiograph.windows:
        apply_window(radiograph.stored, window)


_ENTRIES = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position\n"
    "a.png,No Finding,0,1,58,M,PA\nb.png,Effusion|Mass,1,1,058Y,F,AP\nc.png,Infiltrate,0,2,,M,PA\n"
)
_BOXES = (
    "Image Index,Finding Label,Bbox [x,y,w,h],,,\na.png,Effusion,10,20,30,40,,,\n"
    "b.png,Infiltrate,1.5,2.5,300,400,,,\n"
)
_SPLIT = (
    "image,patient,split,label_effusion,label_atelectasis,label_infiltration,label_no_finding\n"
    "a.png,1,train,0,0,0,1\nb.png,2,validation,1,0,0,0\nc.png,3,test,0,1,1,0\n"
)
_OTHER = (
    "image,source,label,logit_effusion,logit_atelectasis,logit_infiltration,logit_no_finding\n"
    + "".join(f"{n}.png,A,{'normal' if n % 2 else 'ill'},1.5,-1,{n},{-n}\n" for n in range(12))
)
_TOML = (
    'preset = "baseline"\nepochs = 3\nbalance = "none"\nteachers = ["a", "b"]\n'
    "learning_rate = 1e-4\n[augmentation]\nscale = [0.9, 1.1]\nflip = 0.5\n"
)
_MAPPING = (
    'image = "Image Index"\nfinding = ""\n[details]\npatient = "Patient ID"\n[[findings]]\n'
    'name = "Mass"\nlabel = "a"\nscore = "b"\nkind = "logit"\nvalue = "1"\n'
)
_EXAMPLES = "file,sha256,image,labels,age,view\nn.png,ab,n.png,Effusion|Mass,58,PA\n"
LOADERS: dict[str, Loader] = {
    "model.json": Loader("model.json", _model_json, mutate_json, _use_metadata, forge_metadata),
    "input gate": Loader(GATE_FILE, _gate_file, mutate_bytes, _use_gate),
    "resume.pt": Loader("resume.pt", _state, mutate_bytes, _use_state),
    "lineage.json": Loader(LINEAGE_FILE, _lineage, mutate_json, _use_lineage),
    "config.json": Loader("config.json", _config, mutate_json, _use_config),
    "paths.json": Loader("paths.json", _paths, mutate_json, lambda p: read_run_paths(p.parent)),
    "TOML": Loader("run.toml", _text(_TOML), mutate_text, _use_toml),
    "node's TOML": Loader(
        "node.toml",
        _text(SETTINGS.format(port=1, archive_port=2, model=".")),
        mutate_text,
        read_node_config,
    ),
    "weights, .pth": Loader("w.pth", _weights("w.pth"), mutate_bytes, read_state_dict),
    "weights, .safetensors": Loader(
        "w.safetensors", _weights("w.safetensors"), mutate_bytes, read_state_dict
    ),
    "entries": Loader("entries.csv", _text(_ENTRIES), mutate_table, read_entries),
    "boxes": Loader("boxes.csv", _text(_BOXES), mutate_table, read_boxes),
    "split": Loader("split.csv", _text(_SPLIT), mutate_table, _use_split),
    "image list": Loader("list.txt", _text("a.png\nb.png\n"), mutate_bytes, read_image_list),
    "groups": Loader("groups.csv", _text("image,group\na.png,x\n"), mutate_table, read_groups),
    "gate films": Loader("films.csv", _gate_table, mutate_table, read_gate_films),
    "predictions": Loader("p.csv", _predictions, mutate_table, _use_predictions),
    "foreign CSV": Loader("f.csv", _foreign_csv, mutate_table, _use_foreign),
    "foreign Parquet": Loader("f.parquet", _foreign_parquet, mutate_bytes, _use_parquet),
    "foreign JSON": Loader("f.json", _foreign_json, mutate_json, _use_foreign),
    "mapping": Loader("map.toml", _text(_MAPPING), mutate_text, read_mapping),
    "other films": Loader(
        "other.csv",
        _text(_OTHER),
        mutate_table,
        lambda path: measure_other_sources(read_other_films(path), n_resamples=5),
    ),
    "localisation": Loader("localisation.csv", _localisation, mutate_table, _use_localisation),
    "marks": Loader(
        "marks.csv",
        _marks,
        mutate_table,
        lambda path: froc_curves(read_marks(path), n_resamples=5),
    ),
    "history": Loader(
        "history.csv",
        lambda _: make_history().to_csv(index=False).encode(),
        mutate_table,
        lambda path: kept_epoch(read_history(path)),
    ),
    "results": Loader("results.csv", _results, mutate_table, _use_results),
    "cache": Loader(
        "films.json",
        _cache_index,
        mutate_json,
        lambda path: load_cache(path.with_suffix(""), count=2, size=32),
    ),
    "examples": Loader("examples.csv", _text(_EXAMPLES), mutate_table, _use_examples),
    "model card": Loader(
        "MODEL_CARD.md", _text("# A\n\nb\n"), mutate_bytes, lambda path: read_card(path.parent)
    ),
    "DICOM": Loader("film.dcm", _dicom, mutate_dicom, _use_dicom),
}
