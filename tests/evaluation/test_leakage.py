"""Films that a model was trained or chosen on: who has seen what, and when that is refused."""

from pathlib import Path

import pandas as pd
import pytest

from cxr_core.errors import DataError
from cxr_core.evaluation.leakage import require_no_leakage, split_part_of
from cxr_core.evaluation.run_folder import RunFolder

FILMS = pd.DataFrame(
    {"image": ["a.png", "b.png", "c.png", "d.png"], "patient": ["1", "2", "3", ""]}
)


def split(**sides: str) -> pd.DataFrame:
    """A split by image, with the patients of ``FILMS``."""
    patients = {"a": "1", "b": "2", "c": "3", "e": "3", "f": "3"}
    return pd.DataFrame(
        {"split": sides.values(), "patient": [patients[name] for name in sides]},
        index=[f"{name}.png" for name in sides],
    )


def test_a_film_that_is_not_named_stands_where_its_patient_stands() -> None:
    found = split_part_of(FILMS, split(a="test", b="validation", e="validation", f="train"))
    assert found.tolist() == ["test", "validation", "train", ""]
    bare = split(a="test").drop(columns="patient")
    assert split_part_of(FILMS, bare).tolist() == ["test", "", "", ""]


def test_names_match_in_other_spellings() -> None:
    films = pd.DataFrame({"image": ["images_001/a.png", "x.png"], "patient": ["9", "0002.0"]})
    assert split_part_of(films, split(a="test", b="train")).tolist() == ["test", "train"]


def test_runs_of_one_split_are_compared_without_a_word() -> None:
    one = split(a="test", b="test", c="test")
    assert require_no_leakage(FILMS, split_a=one, split_b=one) == []


def test_what_one_run_has_seen_and_the_other_not_is_refused_with_both_counts() -> None:
    a = split(a="validation", b="test", c="test")
    b = split(a="test", b="train", c="train")
    with pytest.raises(DataError) as raised:
        require_no_leakage(FILMS, split_a=a, split_b=b)
    assert raised.value.value == (
        "1 of the 4 compared films of B are in A's validation set; "
        "2 of the 4 compared films of A are in B's training set"
    )
    assert "same split" in raised.value.remedy


def test_films_that_both_were_chosen_by_are_compared_and_called_optimistic() -> None:
    held = split(a="validation", b="validation", c="validation")
    assert require_no_leakage(FILMS, split_a=held, split_b=held) == [
        "A and B were selected on 3 of these films, so figures on them are optimistic."
    ]


def test_without_a_split_nothing_is_known_and_that_is_said() -> None:
    unknown, optimistic = require_no_leakage(FILMS, split_a=split(a="validation"), split_b=None)
    assert unknown.startswith("The split of B is not known")
    assert optimistic.startswith("A was selected on 1 of these films")
    assert len(require_no_leakage(FILMS, split_a=None, split_b=None)) == 2


def test_a_folder_without_a_split_tells_none(tmp_path: Path) -> None:
    assert RunFolder(tmp_path).split is None
    (tmp_path / "split.csv").write_text("image,split\na.png,val\n")
    found = RunFolder(tmp_path).split
    assert found is not None
    assert found["split"].to_dict() == {"a.png": "validation"}
    (tmp_path / "split.csv").write_text("image,split\na.png,somewhere\n")
    with pytest.raises(DataError, match="sets that do not exist"):
        _ = RunFolder(tmp_path).split
