"""Films in both tables are compared; what one table does not tell of them, the other may."""

from functools import partial
from typing import Any

import pandas as pd
import pytest

from cxr_core.errors import DataError
from cxr_core.evaluation.leakage import alignment_notes, film_metadata, shared_films
from cxr_core.findings import LABEL_COLUMNS, LOGIT_COLUMNS, PROBABILITY_COLUMNS

shared = partial(shared_films, min_count=1)  # three films are enough to see what is done to them


def table(**columns: Any) -> pd.DataFrame:
    """Three films of two patients."""
    films = pd.DataFrame({"image": ["a.png", "b.png", "c.png"], "patient": ["1", "1", "2"]})
    films = films.assign(view=["PA", "AP", ""], group=["x", "y", "y"])
    return films.assign(**{name: [0, 1, 0] for name in LABEL_COLUMNS}).assign(
        **{name: [0.1 * k, 0.5, 0.9] for k, name in enumerate(LOGIT_COLUMNS)}, **columns
    )


def test_b_is_put_into_the_order_of_a() -> None:
    found = shared(table(), table()[::-1])
    a, b = found.a, found.b
    assert b["image"].tolist() == ["a.png", "b.png", "c.png"]
    assert b["logit_no_finding"].tolist() == pytest.approx([0.3, 0.5, 0.9])
    pd.testing.assert_frame_equal(a, b)


def test_probabilities_can_be_compared_with_logits() -> None:
    names = dict(zip(LOGIT_COLUMNS, PROBABILITY_COLUMNS, strict=True))
    b = shared(table(), table().rename(columns=names)).b
    assert b["probability_no_finding"].tolist() == pytest.approx([0.3, 0.5, 0.9])


@pytest.mark.parametrize(
    ("other", "problem", "value", "remedy"),
    [
        (
            table(label_effusion=[1, 1, 1], label_no_finding=0)[::-1],
            "different labels",
            "label_effusion of 2 films (a.png, c.png); label_no_finding of 1 films (b.png)",
            "Data_Entry_2017",
        ),
        (
            table(patient=["1", "2", ""]),
            "different patients",
            "patient of 2 films (b.png, c.png)",
            "remove it from one table",
        ),
    ],
)
def test_what_differs_is_named(other: pd.DataFrame, problem: str, value: str, remedy: str) -> None:
    with pytest.raises(DataError) as raised:
        shared(table(), other)
    assert problem in raised.value.problem
    assert raised.value.value == value
    assert remedy in raised.value.remedy


def test_films_of_one_table_alone_are_left_out_and_counted() -> None:
    a, b = table(image=["a.png", "b.png", "x.png"]), table(image=["c.png", "b.png", "a.png"])
    found = shared(a, b.assign(patient=["2", "01", "1.0"]))  # other spellings of patient 1
    assert found.a["image"].tolist() == found.b["image"].tolist() == ["a.png", "b.png"]
    assert found.b["logit_effusion"].tolist() == [0.9, 0.5]
    assert (found.only_a, found.only_b) == (1, 1)
    assert alignment_notes(found) == [
        "The 2 films in both tables are compared; 1 only in A and 1 only in B are left out.",
        *(
            f"The tables differ in the {name} of 1 films; A's is used."
            for name in ("view", "group")
        ),
    ]


def test_too_few_films_in_both_are_refused_with_examples_of_each() -> None:
    with pytest.raises(DataError) as raised:
        shared_films(table(), table()[1:])
    assert raised.value.problem == "Too few films are in both tables"
    assert raised.value.value == "2 of 3 in A (such as a.png) and 2 in B (such as b.png)"
    with pytest.raises(DataError, match="^No film is in both tables: 0 of 3 in A"):
        shared(table(), table(image=["d.png", "e.png", "f.png"]))


def test_what_a_does_not_tell_b_may() -> None:
    found = shared(table(patient="", group=["u", "", ""]).drop(columns="view"), table())
    films = film_metadata(found.a, found.b)
    assert films["patient"].tolist() == ["1", "1", "2"]
    assert films["view"].tolist() == ["PA", "AP", ""]
    assert films["group"].tolist() == ["u", "", ""]
    assert alignment_notes(found) == ["The tables differ in the group of 3 films; A's is used."]


def test_what_no_table_tells_a_note_says() -> None:
    bare = table().drop(columns=["patient", "view", "group"])
    found = shared(bare, bare)
    assert list(film_metadata(found.a, found.b)) == ["image", *LABEL_COLUMNS]
    patients, views, groups = alignment_notes(found)
    assert "images are resampled" in patients
    assert views == "Neither table names the views, so PA and AP films are not compared apart."
    assert groups == "Neither table names groups, so none are shown."


def test_of_many_groups_a_note_says_how_many() -> None:
    many = pd.concat(
        [table(image=[f"{i}{n}.png" for i in "abc"], group=f"g{n}") for n in range(21)]
    )
    assert alignment_notes(shared(many, many)) == ["Of 21 groups the 20 most common are shown."]
