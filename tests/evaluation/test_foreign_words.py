"""Columns whose words nobody told us of: what their names share parts labels from scores."""

import io
import json
import zipfile
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from cxr_core.errors import DataError
from cxr_core.evaluation.mapping_guess import map_table, suggest_mapping
from cxr_core.evaluation.predictions import keys_of, labels_of, probabilities_of
from cxr_core.evaluation.raw_table import read_raw_table

N = 40
NAMES = ["Effusion", "Atelectasis", "No Finding"]
RNG = np.random.default_rng(3)
Y = (RNG.random((N, 3)) < 0.4).astype(int)
P = np.round(RNG.random((N, 3)), 6)
FILES = [f"film {k}.png" for k in range(N)]


def framed(label: str, score: str, y: np.ndarray = Y) -> pd.DataFrame:
    """Columns named by two patterns."""
    table = pd.DataFrame({"image": FILES})
    table[[label.format(name) for name in NAMES]] = y
    table[[score.format(name) for name in NAMES]] = P
    return table


def as_csv(table: pd.DataFrame, **options: object) -> bytes:
    return table.to_csv(index=False, **options).encode()  # type: ignore[call-overload]


def zipped(data: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("table.csv", data)
    return sink.getvalue()


def arrays_and_classes() -> bytes:
    return json.dumps(
        {"images": FILES, "y_true": Y.tolist(), "y_pred": P.tolist(), "classes": NAMES}
    ).encode()


SHAPES: dict[str, Callable[[], bytes]] = {
    "radiologist and AI": lambda: as_csv(framed("{} (radiologist)", "{} (AI)")),
    "words before and behind": lambda: as_csv(
        framed("{} present?", "AI {}", np.where(Y, "yes", "no"))
    ),
    "one letter": lambda: as_csv(framed("{}_y", "{}_p")),
    "names of a program": lambda: as_csv(framed("dr_lee {}", "lunit.v3 {}")),
    "readers of two hospitals": lambda: as_csv(
        framed("{} reader A", "{} net").assign(
            **{f"{name} reader B": 1 - Y[:, 0] for name in NAMES}
        )
    ),
    "arrays beside their classes": arrays_and_classes,
    "a spreadsheet's Unicode text": lambda: (
        framed("true {}", "prob {}").to_csv(index=False, sep="\t").encode("utf-16")
    ),
    "a CSV in a ZIP": lambda: zipped(as_csv(framed("true {}", "prob {}"))),
}


@pytest.mark.parametrize("name", SHAPES)
def test_labels_and_scores_are_read_as_they_are(name: str) -> None:
    raw = read_raw_table(SHAPES[name]())
    found = suggest_mapping(raw)
    assert not found.questions
    table = map_table(raw).table
    assert keys_of(table) == ("effusion", "atelectasis", "no_finding")
    np.testing.assert_array_equal(labels_of(table), Y)
    np.testing.assert_allclose(probabilities_of(table), P, atol=1e-9)
    assert table["image"].tolist() == FILES


def test_columns_that_share_nothing_are_not_paired() -> None:
    table = pd.DataFrame({"image": FILES, "smoker": Y[:, 0], "fever": Y[:, 1],
                          "height": P[:, 0], "weight": P[:, 1]})  # fmt: skip
    assert not suggest_mapping(read_raw_table(as_csv(table))).mapping.findings


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (as_csv(pd.DataFrame(P)).split(b"\n", 1)[1], "no names of columns"),
        (zipped(b"").replace(b"table.csv", b"array.npy"), "NumPy's archive of arrays"),
        (zipped(as_csv(framed("true {}", "prob {}")))[:-60], "a spreadsheet or ZIP file"),
    ],
    ids=["no header", "npz", "half a ZIP"],
)
def test_what_is_no_table_is_told_so(data: bytes, told: str) -> None:
    with pytest.raises(DataError, match=told):
        read_raw_table(data)
