"""Only the same films can be compared; what one table does not tell of them, the other may."""

import pandas as pd
import pytest

from cxr_core.errors import DataError
from cxr_core.evaluation.compare_films import film_notes, films_of, same_films
from cxr_core.findings import LABEL_COLUMNS, LOGIT_COLUMNS, PROBABILITY_COLUMNS


def table(**columns: object) -> pd.DataFrame:
    """Three films of two patients."""
    films = pd.DataFrame({"image": ["a.png", "b.png", "c.png"], "patient": ["1", "1", "2"]})
    films = films.assign(view=["PA", "AP", ""], group=["x", "y", "y"])
    return films.assign(**{name: [0, 1, 0] for name in LABEL_COLUMNS}).assign(
        **{name: [0.1 * k, 0.5, 0.9] for k, name in enumerate(LOGIT_COLUMNS)}, **columns
    )


def test_b_is_put_into_the_order_of_a() -> None:
    a, b = same_films(table(), table()[::-1])
    assert b["image"].tolist() == ["a.png", "b.png", "c.png"]
    assert b["logit_no_finding"].tolist() == pytest.approx([0.3, 0.5, 0.9])
    pd.testing.assert_frame_equal(a, b)


def test_probabilities_can_be_compared_with_logits() -> None:
    names = dict(zip(LOGIT_COLUMNS, PROBABILITY_COLUMNS, strict=True))
    _, b = same_films(table(), table().rename(columns=names))
    assert b["probability_no_finding"].tolist() == pytest.approx([0.3, 0.5, 0.9])


@pytest.mark.parametrize(
    ("other", "problem", "value", "remedy"),
    [
        (
            table(image=["a.png", "b.png", "d.png"]),
            "not of the same films",
            "1 only in A: c.png; 1 only in B: d.png",
            "same films",
        ),
        (table()[:1], "not of the same films", "2 only in A: b.png, c.png", "same films"),
        (
            table(label_effusion=[1, 1, 1], label_no_finding=0)[::-1],
            "same labels",
            "label_effusion of 2 films (a.png, c.png); label_no_finding of 1 films (b.png)",
            "Data_Entry_2017",
        ),
        (
            table(patient=["1", "2", ""]),
            "same patients",
            "patient of 2 films (b.png, c.png)",
            "leave it out of one table",
        ),
    ],
)
def test_what_differs_is_named(other: pd.DataFrame, problem: str, value: str, remedy: str) -> None:
    with pytest.raises(DataError) as raised:
        same_films(table(), other)
    assert problem in raised.value.problem
    assert raised.value.value == value
    assert remedy in raised.value.remedy


def test_what_a_does_not_tell_b_may() -> None:
    a, b = same_films(table(patient="", group=["u", "", ""]).drop(columns="view"), table())
    films = films_of(a, b)
    assert films["patient"].tolist() == ["1", "1", "2"]
    assert films["view"].tolist() == ["PA", "AP", ""]
    assert films["group"].tolist() == ["u", "", ""]
    assert film_notes(a, b) == ["The tables differ in the group of 3 films; A's is used."]


def test_what_no_table_tells_a_note_says() -> None:
    bare = table().drop(columns=["patient", "view", "group"])
    assert list(films_of(*same_films(bare, bare))) == ["image", *LABEL_COLUMNS]
    patients, views, groups = film_notes(*same_films(bare, bare))
    assert "images are resampled" in patients
    assert views == "No table names the views: nothing within PA and AP."
    assert groups == "No table names groups: none are shown."


def test_of_many_groups_a_note_says_how_many() -> None:
    many = pd.concat(
        [table(image=[f"{i}{n}.png" for i in "abc"], group=f"g{n}") for n in range(21)]
    )
    a, b = same_films(many, many)
    assert film_notes(a, b) == ["Of 21 groups the 20 commonest are shown."]
