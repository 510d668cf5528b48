"""How evenly the real films are shared out."""

from pathlib import Path

import pytest

from cxr_core.data.entries import attach_images, read_entries
from cxr_core.data.split_files import read_groups
from cxr_core.data.splits import (
    check_patients_disjoint,
    split_by_lists,
    split_by_patient,
)
from cxr_core.findings import LABEL_COLUMNS


def test_the_shared_films_are_shared_out_alike(shared: Path) -> None:
    entries = read_entries(shared / "nih" / "Data_Entry_2017_v2020.csv")
    table = attach_images(entries, shared / "nih" / "images").table
    groups = read_groups(shared / "nih" / "available_images.csv")
    split = split_by_patient(table, groups=groups, seed=0)
    check_patients_disjoint(split)
    in_test, in_validation = split["split"] == "test", split["split"] == "validation"
    assert in_test.mean() == pytest.approx(0.20, abs=0.005)
    assert in_validation.mean() == pytest.approx(0.10, abs=0.005)
    kinds = {f"{c} {k}": split[c] == k for c in ("group", "view") for k in split[c].unique()}
    kinds |= {column: split[column] == 1 for column in LABEL_COLUMNS}
    kinds |= {
        f"no finding {v}": kinds["label_no_finding"] & kinds[f"view {v}"] for v in ("PA", "AP")
    }
    for name, films in kinds.items():
        margin = 0.06 if films.sum() < 50 else 0.01  # `other` has 21 films
        assert in_test[films].mean() == pytest.approx(0.20, abs=margin), name
        assert in_validation[films].mean() == pytest.approx(0.10, abs=margin), name


def test_the_official_lists_on_the_shared_films(shared: Path) -> None:
    entries = read_entries(shared / "nih" / "Data_Entry_2017_v2020.csv")
    nih = shared / "nih"
    split = split_by_lists(entries.table, nih / "train_val_list.txt", nih / "test_list.txt")
    assert (split["split"] == "test").sum() == 25_596
    assert (split["split"] == "validation").sum() == pytest.approx(8_652, abs=20)
    check_patients_disjoint(split)
