"""Files that should not be: sound ones with one or a few things changed, for every loader.

Each mutation draws from a ``random.Random``; hypothesis gives one that it can replay and shrink,
``bench/fuzz_loaders.py`` a seeded one.
"""

import copy
import io
import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pydicom
import torch
from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
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
from cxr_core.evaluation.localisation.overlap import OVERLAP_COLUMNS
from cxr_core.evaluation.localisation.pointing import LOCALISATION_COLUMNS
from cxr_core.evaluation.localisation.rates import localisation_metrics, read_localisation
from cxr_core.evaluation.metrics.labels import read_split_labels, split_labels
from cxr_core.evaluation.model_facts import read_model_facts_if_usable
from cxr_core.evaluation.predictions import read_predictions, write_predictions
from cxr_core.evaluation.report import evaluate_predictions
from cxr_core.evaluation.run_folder import RunFolder, kept_epoch, read_history
from cxr_core.evaluation.scoring import to_probabilities
from cxr_core.export.identity import whose_study
from cxr_core.export.results_csv import analysis_row, read_previous_rows, rows_to_csv
from cxr_core.export.secondary_capture import patient_study_error
from cxr_core.findings import KEYS
from cxr_core.imaging.dicom.identity import _KEYWORDS as IDENTITY_KEYWORDS
from cxr_core.imaging.dicom.identity import stated_identity
from cxr_core.imaging.dicom.tags import PARSED_KEYWORDS
from cxr_core.imaging.gate import check_radiograph
from cxr_core.imaging.preprocessing import preprocess
from cxr_core.imaging.radiograph import read_radiograph
from cxr_core.imaging.windowing import apply_window
from cxr_core.model.checkpoint import GATE_FILE, file_sha256, load_gate, save_gate
from cxr_core.model.metadata import canonical_sha256, load_metadata, write_metadata
from cxr_core.model.state_dict import read_state_dict
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
from tests.helpers.predictions import make_predictions
from tests.helpers.records import export_analysis

Mutation = Callable[[bytes, Random], bytes]
NAN, INF = float("nan"), float("inf")
# Words that are put in a JSON text after it was written, since Python would not write them.
_DEEP, _LONG = "@@DEEP@@", "@@LONG@@"
JSON_JUNK: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 224.5, 10**400, -(10**400), 2**63, 1e308, NAN, INF, -INF, "", " ",
    "0.3", "nan", "\ud800", "\x00", "a" * 5000, "=1+1", "[a](http://b)", [], [[]], {}, [None],
    [NAN], [1, 2, 3], {"": {}}, {"a": [1]}, [[0.0]] * 4, ["x"] * 4, _DEEP, _LONG,
)  # fmt: skip
CELLS = (
    "", " ", "nan", "NaN", "inf", "-inf", "1e999", "-1", "0", "1", "2", "0.5", "1,5", "10" * 200,
    "=1+1", "'", '"', '""', "a\nb", "a;b", "|", "||", "No Finding|Effusion", "\ufeff", "\u200b",
    "\x00", "\x1a", "x" * 400, "../../etc/passwd", "C:\\a\\b.png", "é", "日本", "🫁", "None",
    "null", "True", "058Y", "9" * 30, "０", "1_000", "+5", "- 5", "image", "image index",
)  # fmt: skip
BYTES = (b"\0", b"\xff\xfe", b"\r", b'"', b",", b"\xc3", b"PK\x03\x04")
TOML_VALUES = (
    "1" * 6000, "nan", "-inf", "1e400", '""', '"\\ud800"', "[]", "[[1]]", "{}", "{a = 1}", "true",
    "1979-05-27", "0x10", '"x"', "-1", "0.5", "[1, 2, 3]", "[" * 3000, '["a", 1]', "1e999", '"=1"',
)  # fmt: skip
DICOM_VRS = (
    "AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "OB", "OD", "OF", "OL",
    "OW", "PN", "SH", "SL", "SQ", "SS", "ST", "TM", "UC", "UI", "UL", "UN", "UR", "US", "UT", "ZZ",
)  # fmt: skip
LONG_VRS = ("OB", "OD", "OF", "OL", "OW", "SQ", "UC", "UN", "UR", "UT")  # length in four bytes
DICOM_VALUES = (
    b"", b" ", b"\0", b"1", b"-1", b"0", b"99999999999999999999", b"1e400", b"nan", b"inf", b"1.5",
    b"1\\2\\3", b"\\\\\\", b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.1.99", b"a" * 70, b"PA\\AP",
    b"\xff\xfe\xff\xfe", bytes(8), b"\xff" * 8, b"\xff" * 7, struct.pack("<3H", 0, 0, 16),
    struct.pack("<3H", 65535, 65535, 255), b"20231399", b"058Y", b"Doe^Jane=\xe5", bytes(1024),
    b"\xfe\xff\x00\xe0\xff\xff\xff\xff", b"\xfe\xff\x00\xe0\x04\0\0\0abcd",
)  # fmt: skip


def mutate_bytes(data: bytes, rng: Random) -> bytes:
    """One to four bits flipped, or a part cut out, doubled, overwritten or put in."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(changed)) if changed else 0
        length = rng.choice((1, 2, 7, 64, 1000))
        kind = rng.randrange(7)
        if kind <= 1 and changed:
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            del changed[at : at + length]
        elif kind == 3:
            changed[at:at] = changed[at : at + length]
        elif kind == 4:
            changed[at : at + length] = bytes(rng.randrange(256) for _ in range(min(length, 64)))
        elif kind == 5:
            changed[at:at] = rng.choice(
                (b"\0", b"\xff\xfe", b"\r", b'"', b",", b"\xc3", b"PK\x03\x04")
            )
        else:
            del changed[at:]
    return bytes(changed)


def mutate_json_value(document: Any, rng: Random) -> Any:
    """The document with a value anywhere in it replaced, left out or renamed."""
    places = list(_places(document))
    if not places:
        return rng.choice(JSON_JUNK)
    parent, key = rng.choice(places)
    kind = rng.randrange(8)
    if kind == 0:
        del parent[key]
    elif kind == 1 and isinstance(parent, dict):
        parent[rng.choice(("", "x", "\ud800", str(key).upper()))] = parent.pop(key)
    elif kind == 2:
        parent[key] = [copy.deepcopy(parent[key])]
    elif kind == 3 and isinstance(parent[key], int | float):
        parent[key] = -parent[key] * rng.choice((0, 1, 10**6, 10**30))
    else:
        parent[key] = copy.deepcopy(rng.choice(JSON_JUNK))
    return document


def _places(document: Any) -> Any:
    pairs: Any = ()
    if isinstance(document, dict):
        pairs = list(document.items())
    elif isinstance(document, list):
        pairs = list(enumerate(document[:20]))
    for key, value in pairs:
        yield document, key
        yield from _places(value)


def json_bytes(document: Any) -> bytes:
    """The document as JSON, with what Python itself would not write."""
    text = json.dumps(document)
    text = text.replace(f'"{_DEEP}"', "[" * 20_000 + "]" * 20_000)
    return text.replace(f'"{_LONG}"', "1" * 6000).encode()


def mutate_json(data: bytes, rng: Random) -> bytes:
    """One to three values changed, or the text itself."""
    if rng.randrange(5) == 0:
        return mutate_bytes(data, rng)
    document = json.loads(data)
    for _ in range(rng.randint(1, 3)):
        document = mutate_json_value(document, rng)
    return json_bytes(document)


def mutate_table(data: bytes, rng: Random) -> bytes:
    """Cells, lines or columns of a CSV changed, or the text itself."""
    if rng.randrange(5) == 0:
        return mutate_bytes(data, rng)
    lines = [line.split(",") for line in data.decode().splitlines()]
    for _ in range(rng.randint(1, 4)):
        line = rng.choice(lines)
        kind = rng.randrange(9)
        if kind <= 3:
            line[rng.randrange(len(line))] = rng.choice(CELLS)
        elif kind == 4:
            lines.insert(rng.randrange(len(lines) + 1), list(rng.choice(lines)))
        elif kind == 5:
            line.insert(rng.randrange(len(line) + 1), rng.choice(CELLS))
        elif kind == 6 and len(line) > 1:
            del line[rng.randrange(len(line))]
        elif kind == 7:
            column, value = rng.randrange(len(lines[0])), rng.choice(CELLS)
            for row in lines[1:]:
                if column < len(row):
                    row[column] = value
        else:
            one, two = rng.randrange(len(lines[0])), rng.randrange(len(lines[0]))
            lines[0][one] = lines[0][two]
    end = rng.choice(("\n", "\n", "\r\n", "\r"))
    return end.join(",".join(line) for line in lines).encode("utf-8", "surrogatepass")


def mutate_text(data: bytes, rng: Random) -> bytes:
    """Lines changed of a text such as TOML."""
    if rng.randrange(3) == 0:
        return mutate_bytes(data, rng)
    lines = data.decode().splitlines()
    at = rng.randrange(len(lines))
    name = lines[at].partition("=")[0] or "x"
    value = rng.choice(TOML_VALUES)
    lines[at] = f"{name} = {value}"
    return "\n".join(lines).encode()


def mutate_dicom(data: bytes, rng: Random) -> bytes:
    """One to three elements that are read, of another VR, value or number of values."""
    if rng.randrange(6) == 0:
        return mutate_bytes(data, rng)
    ds = pydicom.dcmread(io.BytesIO(data))
    names = [name for name in (*PARSED_KEYWORDS, *IDENTITY_KEYWORDS) if name != "PixelData"]
    raw: list[tuple[int, bytes]] = []
    for _ in range(rng.randint(1, 3)):
        tag = tag_for_keyword(rng.choice(names))
        assert tag is not None
        ds.pop(tag, None)
        raw = [one for one in raw if one[0] != tag]
        raw.append((tag, _element(tag, rng)))
    meta = rng.randrange(6) == 0
    return _with_elements(ds, raw, _element(0x00020010, rng) if meta else None)


def _element(tag: int, rng: Random) -> bytes:
    vr, value = rng.choice(DICOM_VRS), rng.choice(DICOM_VALUES)
    value += b" " * (len(value) % 2)
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode()
    if vr in LONG_VRS:
        return head + b"\0\0" + struct.pack("<I", len(value)) + value
    return head + struct.pack("<H", len(value)) + value


def _with_elements(ds: Dataset, raw: list[tuple[int, bytes]], syntax: bytes | None) -> bytes:
    """The file with elements put in as bytes, in the tags' order: no library would write them."""
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    whole = buffer.getvalue()
    group_length = struct.unpack("<I", whole[140:144])[0]
    meta, body = whole[144 : 144 + group_length], whole[144 + group_length :]
    if syntax is not None:
        at = meta.index(b"\x02\0\x10\0UI")
        length = struct.unpack("<H", meta[at + 6 : at + 8])[0]
        meta = meta[:at] + syntax + meta[at + 8 + length :]
    ordered = sorted([*_elements(body), *raw], key=lambda part: part[0])
    head = whole[:140] + struct.pack("<I", len(meta))
    return head + meta + b"".join(encoded for _, encoded in ordered)


def _elements(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and bytes of each element, explicit VR and little endian."""
    at = 0
    while at < len(body):
        group, number = struct.unpack("<HH", body[at : at + 4])
        if body[at + 4 : at + 6].decode() in LONG_VRS:
            end = at + 12 + int(struct.unpack("<I", body[at + 8 : at + 12])[0])
        else:
            end = at + 8 + int(struct.unpack("<H", body[at + 6 : at + 8])[0])
        yield group << 16 | number, body[at:end]
        at = end


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


def _localisation(folder: Path) -> bytes:
    rows = [("a.png", "effusion", 0.5, 0.5, 1, 0, 0, 0.1), ("b.png", "atelectasis", *[0.25] * 6)]
    table = pd.DataFrame(rows, columns=list(LOCALISATION_COLUMNS))
    return table.assign(**dict.fromkeys(OVERLAP_COLUMNS, 0.2)).to_csv(index=False).encode()


def _use_localisation(path: Path) -> None:
    films = make_predictions(20).assign(patient="1")
    localisation_metrics(read_localisation(path), films, n_resamples=5)


def _use_split(path: Path) -> None:
    read_split(path)
    split_labels(read_split_labels(path))


def _results(folder: Path) -> bytes:
    return rows_to_csv([analysis_row(export_analysis(), f"{name}.png") for name in "abc"])


def _use_results(path: Path) -> None:
    found = read_previous_rows([path], model_sha256="b" * 64)
    rows_to_csv(found.values())


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
_EXAMPLES = "file,sha256,image,labels,age,view\nn.png,ab,n.png,Effusion|Mass,58,PA\n"
LOADERS: dict[str, Loader] = {
    "model.json": Loader("model.json", _model_json, mutate_json, _use_metadata, forge_metadata),
    "input gate": Loader(GATE_FILE, _gate_file, mutate_bytes, _use_gate),
    "resume.pt": Loader("resume.pt", _state, mutate_bytes, _use_state),
    "lineage.json": Loader(LINEAGE_FILE, _lineage, mutate_json, _use_lineage),
    "config.json": Loader("config.json", _config, mutate_json, _use_config),
    "paths.json": Loader("paths.json", _paths, mutate_json, lambda p: read_run_paths(p.parent)),
    "TOML": Loader("run.toml", _text(_TOML), mutate_text, _use_toml),
    "weights, .pth": Loader("w.pth", _weights("w.pth"), mutate_bytes, read_state_dict),
    "weights, .safetensors": Loader(
        "w.safetensors", _weights("w.safetensors"), mutate_bytes, read_state_dict
    ),
    "entries": Loader("entries.csv", _text(_ENTRIES), mutate_table, read_entries),
    "boxes": Loader("boxes.csv", _text(_BOXES), mutate_table, read_boxes),
    "split": Loader("split.csv", _text(_SPLIT), mutate_table, _use_split),
    "image list": Loader("list.txt", _text("a.png\nb.png\n"), mutate_bytes, read_image_list),
    "groups": Loader("groups.csv", _text("image,group\na.png,x\n"), mutate_table, read_groups),
    "gate films": Loader(
        "films.csv", _text("image,view,source\na.png,PA,x\n"), mutate_table, read_gate_films
    ),
    "predictions": Loader("p.csv", _predictions, mutate_table, _use_predictions),
    "other films": Loader(
        "other.csv",
        _text(_OTHER),
        mutate_table,
        lambda path: measure_other_sources(read_other_films(path), n_resamples=5),
    ),
    "localisation": Loader("localisation.csv", _localisation, mutate_table, _use_localisation),
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
