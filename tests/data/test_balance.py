from collections.abc import Callable

import pandas as pd
import pytest

from cxr_core.data.balance import class_counts, pos_weight, sampler_weights, undersample
from cxr_core.errors import DataError
from cxr_core.findings import LABEL_COLUMNS

EFFUSION, BOTH, NORMAL, OTHER = [1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]


def _table(*labels: list[int]) -> pd.DataFrame:
    table = pd.DataFrame(labels, columns=list(LABEL_COLUMNS))
    return table.assign(image=[f"{i}.png" for i in range(len(labels))], split="train")


def test_counts() -> None:
    assert class_counts(_table(EFFUSION, BOTH, NORMAL, OTHER, OTHER)) == {
        "films": 5,
        "effusion": 2,
        "atelectasis": 1,
        "infiltration": 0,
        "no_finding": 1,
        "other_only": 2,
    }


def test_no_finding_comes_down_to_the_largest_other_class() -> None:
    table = _table(*[NORMAL] * 10, EFFUSION, BOTH, EFFUSION, OTHER)
    smaller = undersample(table, seed=0)
    assert class_counts(smaller) == {
        "films": 7,
        "effusion": 3,
        "atelectasis": 1,
        "infiltration": 0,
        "no_finding": 3,
        "other_only": 1,
    }
    assert smaller["image"].tolist()[3:] == ["10.png", "11.png", "12.png", "13.png"]
    assert smaller.index.tolist() == list(range(7))
    pd.testing.assert_frame_equal(smaller, undersample(table, seed=0))
    kept = {tuple(undersample(table, seed=s)["image"]) for s in range(5)}
    assert len(kept) > 1


def test_nothing_is_left_out_where_no_finding_is_not_the_largest() -> None:
    table = _table(NORMAL, EFFUSION, EFFUSION)
    pd.testing.assert_frame_equal(undersample(table, seed=0), table)


def test_undersampling_to_nothing_is_refused() -> None:
    with pytest.raises(DataError, match="No training film has Effusion, .*: 2 training films"):
        undersample(_table(NORMAL, OTHER), seed=0)


def test_sampler_weights_draw_every_class_evenly() -> None:
    table = _table(*[NORMAL] * 6, *[EFFUSION] * 2, OTHER)
    weights = sampler_weights(table)
    assert weights.mean() == pytest.approx(1.0)
    # Three classes, so a third of the draws each: 9 films x 1/3 = 3 for each class.
    assert weights.tolist() == pytest.approx([0.5] * 6 + [1.5] * 2 + [3.0])


def test_a_film_with_two_findings_has_both_chances() -> None:
    weights = sampler_weights(_table(EFFUSION, BOTH))
    # Effusion: 1/2 and 1/2; Atelectasis: 0 and 1; together 0.5 and 1.5.
    assert weights.tolist() == pytest.approx([0.5, 1.5])


def test_pos_weight_is_negatives_per_positive_and_capped() -> None:
    table = _table(*[NORMAL] * 60, *[EFFUSION] * 19, BOTH)
    assert pos_weight(table).tolist() == pytest.approx([60 / 20, 20.0, 1.0, 20 / 60])


@pytest.mark.parametrize("balance", [lambda t: undersample(t, 0), sampler_weights, pos_weight])
def test_only_training_films_are_balanced(balance: Callable[[pd.DataFrame], object]) -> None:
    table = _table(EFFUSION, NORMAL)
    table.loc[1, "split"] = "test"
    with pytest.raises(DataError, match=r"for training films only: 1 of 2 films are not. Give"):
        balance(table)
    with pytest.raises(DataError, match="There are no training films"):
        balance(table[:0])
