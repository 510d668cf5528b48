import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxr_core.data.labels import (
    AUXILIARY_LABELS,
    NIH_LABELS,
    auxiliary_labels,
    canonical_label,
    label_columns,
    normalise_labels,
)


@pytest.mark.parametrize(
    ("cell", "clean"),
    [
        ("No Finding", "No Finding"),
        ("no finding", "No Finding"),
        ("effusion | Mass", "Effusion|Mass"),
        ("Mass|Effusion|effusion", "Effusion|Mass"),
        ("Infiltrate", "Infiltration"),
        ("pleural thickening", "Pleural_Thickening"),
        ("Pleural_Thickening|PNEUMOTHORAX", "Pleural_Thickening|Pneumothorax"),
        ("Effusion||", "Effusion"),
        ("", ""),
        (" | ", ""),
    ],
)
def test_a_cell_comes_out_in_nihs_form(cell: str, clean: str) -> None:
    cleaned, issues = normalise_labels(pd.Series([cell]))
    assert cleaned.tolist() == [clean]
    assert issues.unknown == {}
    assert issues.empty == (clean == "")


def test_unknown_names_stay_and_are_counted() -> None:
    cells = pd.Series(["Effusion|Cavity", "Cavity", "cavity|Goitre", "Mass"])
    cleaned, issues = normalise_labels(cells)
    assert cleaned.tolist() == ["Effusion|Cavity", "Cavity", "Goitre|cavity", "Mass"]
    assert issues.unknown == {"Cavity": 2, "Goitre": 1, "cavity": 1}


def test_a_finding_wins_over_no_finding_and_the_contradiction_is_counted() -> None:
    cells = pd.Series(["No Finding|Effusion", "Cavity|No Finding", "No Finding"])
    cleaned, issues = normalise_labels(cells)
    assert cleaned.tolist() == ["Effusion", "Cavity", "No Finding"]
    assert issues.contradictions == 2


def test_label_columns_hold_the_four_findings() -> None:
    columns = label_columns(pd.Series(["Effusion|Mass", "No Finding", "Mass", "Infiltration"]))
    assert list(columns) == [
        "label_effusion",
        "label_atelectasis",
        "label_infiltration",
        "label_no_finding",
    ]
    assert columns.to_numpy().tolist() == [[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 1, 0]]


def test_pleural_effusion_is_not_guessed_at() -> None:
    assert canonical_label("Pleural Effusion") is None


@given(st.lists(st.sampled_from(NIH_LABELS[:-1]), min_size=1, unique=True), st.data())
def test_order_case_spaces_and_repeats_do_not_matter(names: list[str], data: st.DataObject) -> None:
    parts = data.draw(st.permutations(names + names[:1]))
    cell = " | ".join(data.draw(st.sampled_from([p.upper(), f" {p} ", p.lower()])) for p in parts)
    cleaned, _ = normalise_labels(pd.Series([cell]))
    assert cleaned.tolist() == ["|".join(sorted(names))]
    again, _ = normalise_labels(cleaned)
    assert again.tolist() == cleaned.tolist()


def test_other_labels_are_nihs_eleven_in_their_order() -> None:
    assert len(AUXILIARY_LABELS) == 11
    assert "Mass" in AUXILIARY_LABELS
    assert not {"Effusion", "No Finding"} & set(AUXILIARY_LABELS)
    found = auxiliary_labels(pd.Series(["Effusion|Mass", "No Finding", "Hernia|Unheard of"]))
    names = [[AUXILIARY_LABELS[k] for k in np.flatnonzero(row)] for row in found]
    assert names == [["Mass"], [], ["Hernia"]]
