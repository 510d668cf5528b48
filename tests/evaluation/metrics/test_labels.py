"""Label tables by hand."""

import numpy as np
import pandas as pd
import pytest

from cxr_core.errors import DataError
from cxr_core.evaluation.metrics.labels import (
    co_occurrence,
    expected_verdict,
    expected_width,
    labels_per_film,
    read_split_labels,
    split_labels,
)
from cxr_core.findings import LABEL_COLUMNS

LABELS_OF_FIVE = [[1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0], [1, 1, 1, 0]]


def split() -> pd.DataFrame:
    rows = pd.DataFrame({"image": list("abcde"), "patient": ["1", "1", "2", "3", "4"]})
    rows["split"] = ["train", "train", "train", "validation", "train"]
    rows[list(LABEL_COLUMNS)] = LABELS_OF_FIVE
    return rows


def test_which_labels_come_together() -> None:
    assert co_occurrence(LABELS_OF_FIVE).tolist() == [
        [3, 2, 1, 0],
        [2, 2, 1, 0],
        [1, 1, 1, 0],
        [0, 0, 0, 1],
    ]
    assert labels_per_film(LABELS_OF_FIVE) == (1, 2, 1, 1, 0)


def test_parts_of_a_split(tmp_path) -> None:
    path = tmp_path / "split.csv"
    split().to_csv(path, index=False)
    train, validation = split_labels(read_split_labels(path))
    assert (train.part, train.n_films, train.n_patients) == ("train", 4, 3)
    assert [count.positives for count in train.counts.values()] == [3, 2, 1, 1]
    assert train.counts["effusion"].verdict == "too few"
    assert (validation.n_films, validation.n_patients) == (1, 1)
    split().drop(columns="patient").to_csv(path, index=False)
    assert split_labels(read_split_labels(path))[0].n_patients is None


@pytest.mark.parametrize(
    ("table", "cause"),
    [
        (split().drop(columns="label_effusion"), "label_effusion"),
        (split().assign(label_no_finding=2), "neither 0 nor 1"),
    ],
)
def test_a_split_that_cannot_be_counted_says_why(tmp_path, table, cause) -> None:
    path = tmp_path / "split.csv"
    table.to_csv(path, index=False)
    with pytest.raises(DataError, match=cause):
        read_split_labels(path)


def test_the_expected_width_is_hanley_and_mcneils() -> None:
    # A = 0.8, 50 and 50: Q1 = 0.8 / 1.2, Q2 = 1.28 / 1.8;
    # 0.16 + 49 * 0.0266667 + 49 * 0.0711111 = 4.9511111 over 2500, root 0.0445022.
    assert expected_width(50, 50) == pytest.approx(2 * 1.959964 * 0.0445022, rel=1e-5)
    assert expected_width(50, 50) > expected_width(50, 500) > expected_width(500, 500)


@pytest.mark.parametrize(
    ("films", "verdict"),
    [
        ((9, 500, 500), "too few"),
        ((500, 9, 500), "too few"),
        ((500, 500, 9), "too few"),
        ((50, 50, 100), "wide"),
        ((500, 500, 500), "enough"),
    ],
)
def test_what_so_many_films_can_bear(films, verdict) -> None:
    assert expected_verdict(*films) == verdict


def test_no_film_is_no_label() -> None:
    assert labels_per_film(np.empty((0, 4))) == (0, 0, 0, 0, 0)
