"""Tables as other programs write them: opened with at most one question, and read rightly."""

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from cxr_core.data.labels import NIH_LABELS
from cxr_core.errors import ConfigError, DataError
from cxr_core.evaluation import parquet as parquet_module
from cxr_core.evaluation.mapping_guess import (
    Suggestion,
    join_labels,
    map_table,
    suggest_mapping,
)
from cxr_core.evaluation.parquet import _table_of, parse_parquet
from cxr_core.evaluation.predictions import keys_of, labels_of, probabilities_of, template_csv
from cxr_core.evaluation.raw_table import read_raw_table
from cxr_core.evaluation.table_cells import MISSING_LABEL
from cxr_core.evaluation.table_mapping import FROM_IMAGE, apply_mapping, mapping_toml, read_mapping
from cxr_core.findings import label_of
from cxr_core.imaging.workers.message import MessageError

N = 40
NAMES = ["Effusion", "Atelectasis", "Pneumonia"]
RNG = np.random.default_rng(17)
Y = (RNG.random((N, 3)) < 0.4).astype(int)
Z = np.round(RNG.normal(size=(N, 3)) + 1.5 * Y - 0.5, 6)
P = 1 / (1 + np.exp(-Z))
FILES = [f"{k // 2:08d}_{k % 2:03d}.png" for k in range(N)]
KEYS = ("effusion", "atelectasis", "Pneumonia")


@pytest.fixture(autouse=True)
def _parquet_is_parsed_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process takes a second to start, and one test has it."""
    monkeypatch.setattr(parquet_module, "IS_SUPPORTED", False)


def framed(
    labels: str, scores: str, *, image: str = "Image Index", p: np.ndarray = P
) -> pd.DataFrame:
    """Columns named by two patterns, e.g. ``true_{}`` and ``prob_{}``."""
    table = pd.DataFrame({image: FILES})
    table[[labels.format(name) for name in NAMES]] = Y
    table[[scores.format(name) for name in NAMES]] = p
    return table


def scores_alone() -> pd.DataFrame:
    """Names of the findings and nothing else, as many write what a model said."""
    return pd.DataFrame({"Image Index": FILES, **dict(zip(NAMES, P.T, strict=True))})


LISTED = ["|".join(n for n, one in zip(NAMES, y, strict=True) if one) or "No Finding" for y in Y]


def csv(table: pd.DataFrame, **options: object) -> bytes:
    return table.to_csv(index=False, **options).encode()  # type: ignore[call-overload]


def parquet(table: pd.DataFrame | pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table if isinstance(table, pa.Table) else pa.Table.from_pandas(table), sink)
    return sink.getvalue()


def torchxrayvision() -> bytes:
    """Its ``pathologies`` with its labels, nan where its data set does not tell."""
    table = pd.DataFrame({"Image Index": FILES})
    table[[f"pred_{name}" for name in [*NAMES, "Lung Lesion"]]] = np.c_[P, P[:, 0]]
    table[[f"label_{name}" for name in [*NAMES, "Lung Lesion"]]] = np.c_[
        Y.astype(float), np.full(N, np.nan)
    ]
    return csv(table)


def melted() -> bytes:
    """pandas' melt of labels and of scores, merged."""

    def long(values: np.ndarray, name: str) -> pd.DataFrame:
        wide = pd.DataFrame(values, columns=NAMES).assign(path=FILES)
        return wide.melt(id_vars="path", var_name="pathology", value_name=name)

    return csv(long(Y, "y_true").merge(long(P, "y_pred")))


def two_levels(write: Callable[[pd.DataFrame], bytes]) -> Callable[[], bytes]:
    def make() -> bytes:
        table = pd.concat({"label": pd.DataFrame(Y, columns=NAMES),
                           "prob": pd.DataFrame(P, columns=NAMES)}, axis=1)  # fmt: skip
        return write(table.set_axis(pd.Index(FILES, name="image"), axis=0))

    return make


def hugging_face() -> bytes:
    """datasets' Parquet: lists of classes named in the schema, an image as bytes and path."""
    names = [*NIH_LABELS, "Lung_Lesion"]
    classes = [[names.index(n) for n, y in zip(NAMES, row, strict=True) if y] for row in Y]
    table = pa.table({
        "image": pa.array([{"bytes": b"\x89PNG", "path": name} for name in FILES]),
        "labels": pa.array(classes, pa.list_(pa.int64())),
        **{f"scores_{name}": P[:, k] for k, name in enumerate(NAMES)},
    })  # fmt: skip
    features = {"labels": {"feature": {"names": names, "_type": "ClassLabel"}, "_type": "Sequence"}}
    info = json.dumps({"info": {"features": features}})
    return parquet(table.replace_schema_metadata({"huggingface": info}))


def pipeline() -> bytes:
    """transformers' text of a pipeline: the classes of a film with their scores, sorted."""
    records = [
        {
            "file": name,
            "labels": [n for n, one in zip(NAMES, y, strict=True) if one],
            "predictions": [
                {"label": n, "score": s} for s, n in sorted(zip(p.tolist(), NAMES, strict=True))
            ],
        }
        for name, y, p in zip(FILES, Y, P, strict=True)
    ]
    return "\n".join(map(json.dumps, records)).encode()


def scikit_learn() -> bytes:
    """predict_proba of a one-vs-rest classifier beside the labels, named by its classes."""
    model = OneVsRestClassifier(LogisticRegression()).fit(Z, Y)
    table = pd.DataFrame({"image_id": FILES})
    table[[f"y_true_{name}" for name in NAMES]] = Y.astype(bool)
    table[[f"y_score_{name}" for name in NAMES]] = model.predict_proba(Z)
    return csv(table)


def torchmetrics() -> bytes:
    """What two of its metrics that collect batches have computed, a list of classes a film."""
    # Imported late: with PyTorch it takes seconds, and this shape alone needs it.
    import torch
    from torchmetrics import CatMetric, MetricCollection

    collected = MetricCollection({"preds": CatMetric(), "target": CatMetric()})
    for batch in range(0, N, 16):
        collected["preds"].update(torch.from_numpy(P[batch : batch + 16]))
        collected["target"].update(torch.from_numpy(Y[batch : batch + 16]))
    values = {name: tensor.tolist() for name, tensor in collected.compute().items()}
    return pd.DataFrame({"image": FILES, **values}).to_json(orient="records").encode()


def numpy_text() -> bytes:
    """Arrays written into one cell each, as a DataFrame of tensors becomes in CSV."""
    return csv(pd.DataFrame({"image": FILES, "target": [str(row) for row in Y],
                             "preds": [str(row) for row in P]}))  # fmt: skip


MANY = {
    "true and prob": lambda: csv(framed("true_{}", "prob_{}")),
    "bare labels": lambda: csv(framed("{}", "{}_pred", image="path")),
    "bare scores": lambda: csv(framed("gt_{}", "{}", image="filename")),
    "y_true and y_pred": lambda: csv(framed("y_true_{}", "y_pred_{}")),
    "logits": lambda: csv(framed("{}_label", "{}_logit", p=Z)),
    "logits under no name": lambda: csv(framed("target_{}", "output_{}", p=Z)),
    "camel case": lambda: csv(framed("label{}", "prob{}", image="imageId")),
    "in brackets": lambda: csv(framed("{} (true)", "{} (probability)")),
    "other names": lambda: csv(framed("{}_gt", "{} score").rename(columns={
        "Effusion_gt": "Pleural Effusion_gt", "Effusion score": "pleural_effusion score"})),
    "True and False": lambda: csv(framed("true_{}", "prob_{}").replace({0: False, 1: True})),
    "yes and no": lambda: csv(framed("true_{}", "prob_{}").replace({0: "no", 1: "yes"})),
    "0.0 and 1.0": lambda: csv(framed("true_{}", "prob_{}").astype({"true_Effusion": float})),
    "semicolons, decimal commas": lambda: csv(framed("true_{}", "prob_{}"), sep=";", decimal=","),
    "tabs": lambda: csv(framed("true_{}", "prob_{}"), sep="\t"),
    "gzip": lambda: gzip.compress(csv(framed("true_{}", "prob_{}"))),
    "Parquet": lambda: parquet(framed("true_{}", "prob_{}")),
    "Parquet by index": lambda: parquet(framed("true_{}", "prob_{}").set_index("Image Index")),
    "an index without a name": lambda: framed("true_{}", "prob_{}").set_index("Image Index")
    .rename_axis(None).to_csv().encode(),
    "merged by pandas": lambda: csv(
        pd.DataFrame(Y, columns=NAMES).assign(image=FILES).merge(
            pd.DataFrame(P, columns=NAMES).assign(image=FILES), on="image")),
    "beside one another": lambda: csv(pd.concat([
        pd.DataFrame({"file": FILES}), *(pd.DataFrame(x, columns=NAMES) for x in (Y, P))], axis=1)),
    "two levels, CSV": two_levels(lambda table: table.to_csv().encode()),
    "two levels, Parquet": two_levels(parquet),
    "long": melted,
    "torchxrayvision": torchxrayvision,
    "datasets": hugging_face,
    "pipeline": pipeline,
    "scikit-learn": scikit_learn,
    "torchmetrics": torchmetrics,
    "NIH's list of labels": lambda: csv(scores_alone().assign(**{"Finding Labels": LISTED})),
    "JSON records": lambda: framed("true_{}", "prob_{}").to_json(orient="records").encode(),
    "JSON columns": lambda: framed("true_{}", "prob_{}").to_json().encode(),
    "JSON of records in records": lambda: json.dumps([
        {"image": name, "labels": dict(zip(NAMES, map(int, y), strict=True)),
         "probs": dict(zip(NAMES, map(float, p), strict=True))}
        for name, y, p in zip(FILES, Y, P, strict=True)]).encode(),
    "arrays in cells": numpy_text,
    "percent": lambda: csv(framed("true_{}", "prob_{}", p=100 * P)),
}  # fmt: skip
ASKED = {"arrays in cells", "percent", "torchmetrics"}


@pytest.mark.parametrize("name", MANY)
def test_it_opens_with_at_most_one_question(name: str) -> None:
    raw = read_raw_table(MANY[name]())
    found = suggest_mapping(raw)
    assert len(found.questions) == (name in ASKED), (found.questions, found.said)
    table = apply_mapping(raw, found.mapping).table
    unnamed = name in ("arrays in cells", "torchmetrics")
    keys = ("Class_0", "Class_1", "Class_2") if unnamed else KEYS
    at = [keys_of(table).index(key) for key in keys]
    np.testing.assert_array_equal(labels_of(table)[:, at], Y)
    if name == "scikit-learn":
        assert np.corrcoef(probabilities_of(table)[:, at[0]], P[:, 0])[0, 1] > 0.8
    else:
        np.testing.assert_allclose(probabilities_of(table)[:, at], P, atol=1e-6)
    assert table["image"].tolist() == FILES


def opened(table: pd.DataFrame | bytes) -> tuple[Suggestion, pd.DataFrame]:
    raw = read_raw_table(table if isinstance(table, bytes) else csv(table))
    found = suggest_mapping(raw)
    return found, apply_mapping(raw, found.mapping).table


@pytest.mark.parametrize(
    ("table", "keys", "asks"),
    [
        (pd.DataFrame({"y_true": Y[:, 0], "y_score": P[:, 0]}), ("Finding",), True),
        (pd.DataFrame({"y_true": Y[:, 0], "p_0": 1 - P[:, 0], "p_1": P[:, 0]}), ("Finding",), True),
        (pd.DataFrame({"file": FILES, "label": np.where(Y[:, 0], "PNEUMONIA", "NORMAL"),
                       "score": P[:, 0]}), ("PNEUMONIA",), True),
        (pd.DataFrame({"file": FILES, "label": np.where(Y[:, 0], "PNEUMONIA", "NORMAL"),
                       "prob_NORMAL": 1 - P[:, 0], "prob_PNEUMONIA": P[:, 0]}),
         ("PNEUMONIA", "no_finding"), False),
        (pd.DataFrame({"id": FILES, "Pneumothorax": Y[:, 0], "prediction": P[:, 0]}),
         ("Pneumothorax",), False),
    ],
    ids=["one finding", "two classes", "classes in words", "a score a class", "a named label"],
)  # fmt: skip
def test_one_finding_and_classes(table: pd.DataFrame, keys: tuple[str, ...], asks: bool) -> None:
    found, read = opened(table)
    assert keys_of(read) == keys
    assert bool(found.questions) is asks
    np.testing.assert_array_equal(labels_of(read)[:, 0], Y[:, 0])
    np.testing.assert_allclose(probabilities_of(read)[:, 0], P[:, 0])


def test_hard_decisions_are_no_scores_where_there_are_others() -> None:
    table = framed("{}_true", "{}_prob")
    table[[f"{name}_pred" for name in NAMES]] = P > 0.5
    found, read = opened(table)
    np.testing.assert_allclose(probabilities_of(read), P)
    assert not any("decisions" in sentence for sentence in found.said)
    found, _ = opened(table.drop(columns=[f"{name}_prob" for name in NAMES]))
    assert any("decisions, not probabilities" in sentence for sentence in found.said)


def test_labels_are_joined_by_image_and_films_without_them_are_not_labelled() -> None:
    entries = pd.DataFrame({"Image Index": FILES[5:], "Finding Labels": LISTED[5:],
                            "Patient Age": "058Y", "Patient Gender": "Female"})  # fmt: skip
    alone = read_raw_table(csv(scores_alone()))
    found = suggest_mapping(alone)
    assert found.unlabelled == KEYS
    with pytest.raises(DataError, match="No labels were found for Effusion, Atelectasis"):
        map_table(alone)
    joined = join_labels(alone, read_raw_table(csv(entries)))
    mapped = map_table(joined)
    assert "Labels are joined by image: 35 of 40 films have them." in mapped.said
    np.testing.assert_array_equal(labels_of(mapped.table)[5:], Y[5:])
    assert (labels_of(mapped.table)[:5] == MISSING_LABEL).all()
    assert set(mapped.table["age"][5:]) == {58.0}
    assert set(mapped.table["sex"][5:]) == {"F"}
    with pytest.raises(DataError, match="No image of the table is in the table of labels"):
        join_labels(alone, read_raw_table(csv(entries.assign(**{"Image Index": "x.png"})[:1])))


def test_patients_come_from_nihs_file_names_and_folders() -> None:
    found, read = opened(framed("true_{}", "prob_{}"))
    assert found.mapping.details["patient"] == FROM_IMAGE
    assert read["patient"].nunique() == N // 2
    table = framed("true_{}", "prob_{}")
    table["Image Index"] = [f"valid/patient{64541 + k // 4}/study1/view{k}.jpg" for k in range(N)]
    assert opened(table)[1]["patient"].nunique() == N // 4


def test_logits_called_probabilities_are_a_caution_with_their_range() -> None:
    raw = read_raw_table(csv(framed("true_{}", "prob_{}", p=Z)))
    mapped = map_table(raw)
    np.testing.assert_allclose(probabilities_of(mapped.table), P, atol=1e-6)
    (caution,) = mapped.cautions
    assert caution.startswith("prob_Effusion, and 2 more columns are called probabilities and hold")
    assert f"{Z[:, 0].min():.3g}" in caution
    # One wrong value is no sign of logits: it is refused with its row.
    spoilt = P.copy()
    spoilt[3, 0] = 1.5
    with pytest.raises(DataError, match="row 4 below the header: probability_effusion is 1.5"):
        map_table(read_raw_table(csv(framed("true_{}", "prob_{}", p=spoilt))))


def test_a_column_that_stands_twice_is_asked_for() -> None:
    table = framed("true_{}", "prob_{}")
    doubled = csv(table)[:-1].split(b"\n")
    doubled = [line + b"," + line.split(b",")[-1] for line in doubled]
    assert "Two columns are called prob_Pneumonia." in opened(b"\n".join(doubled))[0].questions


@pytest.mark.parametrize("name", ["true and prob", "long", "NIH's list of labels", "percent"])
def test_the_mapping_is_the_same_from_its_file(name: str, tmp_path: Path) -> None:
    raw = read_raw_table(MANY[name]())
    mapping = suggest_mapping(raw).mapping
    path = tmp_path / "map.toml"
    path.write_text(mapping_toml(mapping))
    assert read_mapping(path) == mapping
    pd.testing.assert_frame_equal(
        map_table(raw, read_mapping(path)).table, apply_mapping(raw, mapping).table
    )


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("image = [", "map.toml"),
        ('image = "a"', r"no \[\[findings\]\]"),
        ('[[findings]]\nname = "x"\nlabel = "l"\nscore = "s"\nkind = "odds"', "kind = odds"),
        ('[[findings]]\nname = "x"\nlabel = "l"', "score"),
        ('colour = "red"\n[[findings]]\nname = "x"\nlabel = "l"\nscore = "s"', "colour"),
        ('[details]\nweight = "w"\n[[findings]]\nname = "x"\nlabel = "l"\nscore = "s"', "weight"),
    ],
)
def test_a_mapping_that_is_none_is_refused(text: str, cause: str, tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=cause) as caught:
        read_mapping(path)
    assert "--suggest-map" in caught.value.remedy or "mapping" in caught.value.problem


def test_a_mapping_of_another_table_names_what_is_missing() -> None:
    mapping = suggest_mapping(read_raw_table(MANY["true and prob"]())).mapping
    with pytest.raises(
        DataError, match="lacks columns that the mapping names: true_Effusion, prob"
    ):
        map_table(read_raw_table(MANY["logits"]()), mapping)


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (gzip.compress(b"image\n", mtime=0)[:-4], "gzip file is incomplete"),
        (b"\x1f\x8b" + bytes(20), "gzip file cannot be unpacked"),
        (b"PAR1" + bytes(60), "Parquet file cannot be read"),
        (b'{"a": ', "JSON file holds no table"),
        (b"[1, 2]", "its rows are no records"),
        (b'[{"a": "\\ud800", "b": 1}]', "surrogates not allowed"),
        (b"[]", "has no row"),
        (b"a,b\n1,2\n", "No column was recognised"),
    ],
)
def test_what_is_no_table_is_one_sentence(data: bytes, cause: str) -> None:
    with pytest.raises(DataError, match=cause):
        map_table(read_raw_table(data))


def test_a_parquet_file_is_parsed_where_it_cannot_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parquet_module, "IS_SUPPORTED", True)
    sound = MANY["datasets"]()
    pd.testing.assert_frame_equal(read_raw_table(sound).cells, parse_parquet(sound)[0])
    # 200,000 cells, all the same text of 100,000 letters, which stands in the file once.
    once = pa.DictionaryArray.from_arrays(pa.array([0] * 200_000, pa.int32()), ["x" * 100_000])
    file = io.BytesIO()
    pq.write_table(pa.table({"image": once}), file, store_schema=False)
    assert len(file.getvalue()) < 200_000
    with pytest.raises(DataError, match="takes too much memory: more than 2,048 MB"):
        read_raw_table(file.getvalue())


@pytest.mark.parametrize(
    "sent",
    [
        {"names": ["a"], "columns": [["1"], ["2"]], "said": []},
        {"names": ["a", "a"], "columns": [["1"], ["2"]], "said": []},
        {"names": ["a", "b"], "columns": [["1"], ["2", "3"]], "said": []},
        {"names": ["a"], "columns": [[1]], "said": []},
        ["a"],
    ],
)
def test_what_the_process_that_parses_never_sends_is_not_taken(sent: object) -> None:
    text = json.dumps(sent).encode()

    def receive(view: memoryview) -> None:
        view[:] = text

    with pytest.raises(MessageError):
        _table_of({"size": len(text)}, receive)
    with pytest.raises(MessageError):
        _table_of({"size": 2**40}, receive)


def test_a_list_that_would_become_too_many_cells_is_refused() -> None:
    rows = [{"all": {str(n): 1 for n in range(1_990)}}, *({"image": n} for n in range(140_000))]
    with pytest.raises(DataError, match="too large"):
        read_raw_table(json.dumps(rows).encode())


def test_the_template_opens_as_it_is() -> None:
    found, read = opened(template_csv().encode())
    assert found.questions == ()
    assert keys_of(read) == ("effusion", "atelectasis", "infiltration", "no_finding")
    assert read.loc[1, "label_infiltration"] == MISSING_LABEL


def test_names_of_findings_hold_nothing_that_a_page_or_document_obeys() -> None:
    table = framed("true_{}", "prob_{}").rename(columns=lambda name: name.replace(
        "Pneumonia", "<b>[x](http://y)|`$z$`\u202e"))  # fmt: skip
    _, read = opened(table)
    (other,) = set(keys_of(read)) - {"effusion", "atelectasis"}
    assert not set(label_of(other)) & set("<>[]|`$:\u202e&#*\\")
