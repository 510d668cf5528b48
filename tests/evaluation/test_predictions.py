"""Predictions tables: what is read, what is refused, and in which words."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxr_core.config import Calibration
from cxr_core.errors import DataError
from cxr_core.evaluation.predictions import (
    has_logits,
    labels_of,
    logits_of,
    look_like_probabilities,
    patients_of,
    predictions_table,
    probabilities_of,
    read_predictions,
    scores_of,
    validate_predictions,
    write_predictions,
)
from cxr_core.findings import LABEL_COLUMNS, LOGIT_COLUMNS, PROBABILITY_COLUMNS


def small(scores: tuple[str, ...] = LOGIT_COLUMNS) -> pd.DataFrame:
    """Three films with all columns; scores from 0.1 to 0.9, so their values betray nothing."""
    table = pd.DataFrame(
        {
            "image": ["a.png", "b.png", "c.png"],
            "patient": ["1", "1", "2"],
            "age": [40.0, np.nan, 7.5],
            "sex": ["F", "M", ""],
            "view": ["PA", "AP", "PA"],
            "follow_up": [0, 1, 0],
            "group": ["x", "x", "y"],
        }
    )
    for k, name in enumerate(LABEL_COLUMNS):
        table[name] = [k % 2, 1, 0]
    for k, name in enumerate(scores):
        table[name] = [0.1 * (k + 1), 0.5, 0.9]
    return table


def test_round_trip_keeps_every_digit(tmp_path: Path) -> None:
    table = validate_predictions(small())
    table["logit_effusion"] = [1 / 3, -1e-300, 12345.678901234567]
    write_predictions(table, tmp_path / "predictions_test.csv")
    pd.testing.assert_frame_equal(read_predictions(tmp_path / "predictions_test.csv"), table)
    assert [path.name for path in tmp_path.iterdir()] == ["predictions_test.csv"]


def test_only_image_labels_and_scores_are_needed() -> None:
    table = small()[["image", *LABEL_COLUMNS, *LOGIT_COLUMNS]]
    checked = validate_predictions(table)
    assert list(checked.columns) == list(table.columns)
    assert patients_of(checked) is None
    assert labels_of(checked).tolist() == [[0, 1, 0, 1], [1] * 4, [0] * 4]


def test_columns_get_types_whatever_a_table_brings() -> None:
    table = small().assign(patient=[13, 13, 14], extra="ignored")
    table.loc[2, "age"] = 411.0  # years; NIH has such ages
    table["label_effusion"] = ["1", " 0", "1.0"]
    checked = validate_predictions(table.set_index("image", drop=False))
    assert checked["patient"].tolist() == ["13", "13", "14"]
    assert checked["age"].isna().tolist() == [False, True, True]
    assert checked["label_effusion"].tolist() == [1, 0, 1]
    assert "extra" not in checked


def test_ages_and_labels_as_other_tables_write_them() -> None:
    table = small().assign(age=["058Y", "006M", "411"])
    table["label_effusion"] = [True, False, True]
    table["label_atelectasis"] = ["yes", "No", " TRUE"]
    checked = validate_predictions(table)
    assert checked["age"].tolist()[:2] == [58.0, 0.5]
    assert np.isnan(checked["age"][2])  # NIH's first table has such ages
    assert checked["label_effusion"].tolist() == [1, 0, 1]
    assert checked["label_atelectasis"].tolist() == [1, 0, 1]
    with pytest.raises(DataError, match="label_effusion is maybe for a.png"):
        validate_predictions(table.assign(label_effusion=["maybe", "no", "yes"]))


def test_probabilities_under_the_name_of_logits_are_noticed() -> None:
    scores = dict(zip(LOGIT_COLUMNS, ([0.2, 0.9, 0.5],) * 4, strict=True))
    assert look_like_probabilities(validate_predictions(small().assign(**scores)))
    scores[LOGIT_COLUMNS[2]] = [0.2, 0.9, -0.01]
    assert not look_like_probabilities(validate_predictions(small().assign(**scores)))
    assert not look_like_probabilities(validate_predictions(small(PROBABILITY_COLUMNS)))


def test_logits_and_probabilities_are_told_apart_by_name_never_by_range() -> None:
    logits, given = validate_predictions(small()), validate_predictions(small(PROBABILITY_COLUMNS))
    assert has_logits(logits)
    assert not has_logits(given)
    assert probabilities_of(logits)[1, 0] == pytest.approx(1 / (1 + np.exp(-0.5)))
    assert probabilities_of(given)[1, 0] == 0.5
    assert scores_of(logits)[1, 0] == scores_of(given)[1, 0] == 0.5


def test_logits_win_where_both_are_there() -> None:
    both = small().assign(**dict.fromkeys(PROBABILITY_COLUMNS, 0.25))
    assert logits_of(validate_predictions(both))[2].tolist() == [0.9] * 4


def test_calibration_is_applied_to_raw_logits() -> None:
    calibration = Calibration(2.0, (0.0, -1.0, 0.0, 0.0))
    probabilities = probabilities_of(validate_predictions(small()), calibration)
    assert probabilities[1, 1] == 0.5


def test_calibration_of_a_table_of_probabilities_is_refused() -> None:
    with pytest.raises(DataError) as raised:
        probabilities_of(validate_predictions(small(PROBABILITY_COLUMNS)), Calibration())
    assert "raw logits are needed" in raised.value.problem
    assert "probability_effusion" in str(raised.value.value)
    assert "logit_effusion" in raised.value.remedy


def test_films_without_a_patient_stand_alone() -> None:
    patients = patients_of(validate_predictions(small().assign(patient=["1", "", float("nan")])))
    assert patients is not None
    assert len(set(patients)) == 3
    assert patients_of(validate_predictions(small().assign(patient=""))) is None


def test_a_table_is_made_from_films_and_logits() -> None:
    films = small().drop(columns=list(LOGIT_COLUMNS)).assign(path="/films/a.png", split="test")
    table = predictions_table(films[::-1], np.arange(12.0).reshape(3, 4))
    assert "path" not in table
    assert table["image"].tolist() == ["c.png", "b.png", "a.png"]
    assert table["logit_no_finding"].tolist() == [3.0, 7.0, 11.0]


def changed(**columns: Any) -> pd.DataFrame:
    return small().assign(**columns)


@pytest.mark.parametrize(
    ("table", "problem", "value", "remedy"),
    [
        (
            small().drop(columns=["image", "label_effusion"]),
            "lacks required columns",
            "image, label_effusion (a table of 13 columns)",
            "It needs image",
        ),
        (
            small().drop(columns=list(LOGIT_COLUMNS)),
            "lacks required columns",
            "logit_effusion,",
            "logit_…",
        ),
        (
            small().drop(columns="logit_effusion"),
            "lacks required columns",
            "logit_effusion (",
            "logit_…",
        ),
        (
            small(PROBABILITY_COLUMNS).drop(columns="probability_effusion"),
            "lacks required columns",
            "probability_effusion (",
            "probability_…",
        ),
        (
            pd.concat([small(), small()[["view"]]], axis=1),
            "the same column twice",
            "view",
            "Keep one of them",
        ),
        (small()[:0], "has no row", "0 images", "at least one image"),
        (
            changed(image=["a.png", "b.png", "a.png"]),
            "more than once",
            "1 images: a.png",
            "one row",
        ),
        (changed(image=["a.png", None, "c.png"]), "has no image name", "row 2", "file name"),
        (
            changed(label_effusion=[0, 2, -2]),
            "neither 0 nor 1",
            "label_effusion is 2 for b.png and 1 more rows",
            "Write 1 where",
        ),
        (
            changed(logit_effusion=[0, np.inf, 1]),
            "not a finite",
            "is inf for b.png",
            "run the model",
        ),
        (
            changed(logit_effusion=[0, np.nan, 1]),
            "not a finite",
            "is nan for b.png",
            "run the model",
        ),
        (
            changed(logit_effusion=["0", "high", "1"]),
            "not a finite",
            "is high for b.png",
            "run the",
        ),
        (
            small(PROBABILITY_COLUMNS).assign(probability_effusion=[0.1, 1.5, -2.0]),
            "from 0 to 1",
            "probability_effusion is 1.5 for b.png and 1 more rows",
            "if it holds logits",
        ),
    ],
)
def test_breaches_have_their_own_words(
    table: pd.DataFrame, problem: str, value: str, remedy: str
) -> None:
    with pytest.raises(DataError) as raised:
        validate_predictions(table)
    assert problem in raised.value.problem
    assert value in str(raised.value.value)
    assert remedy in raised.value.remedy


def test_a_missing_file_and_a_file_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        read_predictions(tmp_path / "nothing.csv")
    prose = tmp_path / "prose.csv"
    prose.write_text("not a table\n" * 100_000)
    with pytest.raises(DataError) as raised:
        read_predictions(prose)
    assert "lacks required columns" in raised.value.problem
    assert "image, label_effusion" in str(raised.value.value)
    assert "It needs image" in raised.value.remedy


def test_a_file_whose_header_names_a_column_twice(tmp_path: Path) -> None:
    path = tmp_path / "twice.csv"
    pd.concat([small(), small()[["age"]]], axis=1).to_csv(path, index=False)
    with pytest.raises(DataError) as raised:
        read_predictions(path)
    assert "the same column twice" in raised.value.problem
    assert "age" in str(raised.value.value)
    assert "Keep one" in raised.value.remedy


@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (4,), (3, 4, 1)])
def test_logits_of_other_films_are_one_sentence(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match=r"The logits do not belong to these films: .* for 3 films"):
        predictions_table(small(), np.zeros(shape))
