"""FROC: marks, what of them is true and false, and the curve by hand and by a plain loop."""

import numpy as np
import pandas as pd
import pytest

from cxr_core.errors import DataError
from cxr_core.evaluation.localisation.froc import (
    FALSE_MARKS,
    MARK_COLUMNS,
    froc_curves,
    local_maxima,
    mark_rows,
    read_marks,
    write_marks,
)
from cxr_core.evaluation.metrics.bootstrap import resample_units

BOXES = ["image", "finding", "x", "y", "width", "height"]


def marks(*rows: tuple[str, int, float, int]) -> pd.DataFrame:
    """Rows of image, boxes, score and box, of effusions."""
    cells = [
        (image, "effusion", boxes, 0.1 * boxes, 0.5, 0.5, score, box)
        for image, boxes, score, box in rows
    ]
    return pd.DataFrame(cells, columns=list(MARK_COLUMNS))


def drawn_marks(seed: int = 0, films: int = 90) -> tuple[pd.DataFrame, dict[str, str]]:
    """Many films with boxes and without, and their patients, of two films each."""
    rng = np.random.default_rng(seed)
    rows = []
    for film in range(films):
        boxes = (film % 3 == 0) * (1 + film % 2)
        for _ in range(1 + rng.integers(3)):
            box = int(rng.integers(boxes + 1))
            score = round(float(rng.normal()) + (box > 0), 1)
            rows.append((f"{film}.png", boxes, score, box))
    return marks(*rows), {f"{film}.png": str(film // 2) for film in range(films)}


def test_a_mark_is_a_cell_that_no_neighbour_exceeds() -> None:
    cells = np.zeros((4, 4))
    cells[0, 0], cells[1, 1], cells[3, 2] = 1.0, 2.0, -0.5
    cells[2, 3] = cells[3, 3] = 0.5  # equals: the first of them
    assert local_maxima(cells) == [(0.375, 0.375, 2.0), (0.875, 0.625, 0.5)]
    assert local_maxima(np.zeros((7, 7))) == [(1 / 14, 1 / 14, 0.0)]


def test_marks_are_of_boxed_and_of_negative_films_alone() -> None:
    evidence = np.zeros((3, 4, 2, 2))
    evidence[:, 0, 0, 1] = [3.0, 2.0, 1.0]  # effusion, the upper right
    labels = np.array([[1, 0, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0]])
    boxes = pd.DataFrame(
        [("a", "effusion", 0.0, 0.5, 0.3, 0.3), ("a", "effusion", 0.5, 0.0, 0.5, 0.5),
         ("elsewhere", "effusion", 0.0, 0.0, 1.0, 1.0)], columns=BOXES,
    )  # fmt: skip
    rows = mark_rows(["a", "b", "c"], evidence, labels, boxes)
    found = rows[rows["finding"] == "effusion"]
    # c has the finding and no box: it can be judged in neither way.
    assert found["image"].tolist() == ["a", "b"]
    assert found["boxes"].tolist() == [2, 0]
    assert found["area"].tolist() == pytest.approx([0.34, 0.0])
    assert found[["x", "y", "score"]].to_numpy().tolist() == [[0.75, 0.25, 3.0], [0.75, 0.25, 2.0]]
    assert found["box"].tolist() == [2, 0]
    assert set(rows[rows["finding"] == "infiltration"]["image"]) == {"a", "c"}


def test_the_curve_by_hand() -> None:
    table = marks(
        ("a", 2, 5.0, 1), ("a", 2, 9.0, 0), ("a", 2, 3.0, 2), ("b", 1, 4.0, 0),
        ("n", 0, 4.0, 0), ("n", 0, 3.0, 0), ("m", 0, 1.0, 0),
    )  # fmt: skip
    found = froc_curves(table, n_resamples=5)["effusion"]
    assert (found.n_boxes, found.n_boxed, found.n_negative) == (3, 2, 2)
    # At 5, 4, 3 and 1; the mark of 9 lies beside the boxes, and b's one box is never found.
    assert found.false_marks.tolist() == [0.0, 0.5, 1.0, 1.5]
    assert found.found.tolist() == pytest.approx([1 / 3, 1 / 3, 2 / 3, 2 / 3])
    # a: two marks from 5 down, three from 3; each box covers a tenth. b: one mark from 4 down.
    a2, a3, b1 = 1 - 0.9**2, 1 - 0.9**3, 0.1
    expected = [2 * a2 / 3, (2 * a2 + b1) / 3, (2 * a3 + b1) / 3, (2 * a3 + b1) / 3]
    assert found.by_chance.tolist() == pytest.approx(expected)
    assert not any(one.estimable for one in found.at.values())  # under 10 boxes


def test_intervals_are_those_of_a_plain_loop() -> None:
    table, patients = drawn_marks()
    units = table["image"].map(patients)
    found = froc_curves(table, patients, n_resamples=30, seed=3)["effusion"]
    draws = resample_units(units.tolist(), n_resamples=30, seed=3)
    expected = [
        [_plain(table, counts[draws.patient_index], rate) for rate in FALSE_MARKS]
        for counts in draws.counts.astype(int)
    ]
    spread = np.array(expected).std(axis=0, ddof=1)
    for rate, sd in zip(FALSE_MARKS, spread, strict=True):
        one = found.at[rate]
        assert one.estimate == pytest.approx(_plain(table, np.ones(len(table)), rate))
        # The logit scale's half width is t (of 29) times the spread over A (1 - A).
        half = np.ptp(np.log([one.high / (1 - one.high), one.low / (1 - one.low)])) / 2
        spread_there = sd * np.sqrt(30 / 29) * 2.04523
        assert half * one.estimate * (1 - one.estimate) == pytest.approx(spread_there, rel=1e-5)
    assert (found.low <= found.high).all()


def _plain(table: pd.DataFrame, weights: np.ndarray, rate: float) -> float:
    """The best share of boxes found at any threshold with no more false marks than ``rate``."""
    score, boxes = table["score"].to_numpy(), table["boxes"].to_numpy()
    first = ~table.duplicated("image").to_numpy()
    in_box = table[table["box"] > 0].sort_values("score", ascending=False)
    best = in_box.drop_duplicates(["image", "box"]).index  # of each box that has a mark
    shares = [0.0]
    for threshold in np.unique(score):
        above = score >= threshold
        if weights[above & (boxes == 0)].sum() <= rate * weights[first & (boxes == 0)].sum():
            hits = weights[best[score[best] >= threshold]].sum()
            shares.append(hits / (weights * boxes)[first].sum())
    return max(shares)


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("box", 3, "column box"),
        ("score", "nan", "column score"),
        ("x", 1.5, "column x"),
        ("finding", "mass", "column finding"),
        ("boxes", 1, "tells of one film in two ways"),
    ],
)
def test_a_table_of_marks_is_read_back_or_refused(tmp_path, column, value, told) -> None:
    table = marks(("a", 2, 5.0, 1), ("a", 2, 9.0, 0), ("n", 0, 4.5, 0))
    write_marks(table, tmp_path / "marks.csv")
    assert read_marks(tmp_path / "marks.csv").equals(table)
    broken = table.astype({column: object})
    broken.loc[0, column] = value
    write_marks(broken, tmp_path / "marks.csv")
    with pytest.raises(DataError, match=told):
        read_marks(tmp_path / "marks.csv")
    write_marks(table.drop(columns=column), tmp_path / "marks.csv")
    with pytest.raises(DataError, match=f"lacks required columns: {column}"):
        read_marks(tmp_path / "marks.csv")
