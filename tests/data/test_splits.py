from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxr_core.data.splits import (
    SPLITS,
    add_groups,
    check_patients_disjoint,
    split_by_csv,
    split_by_lists,
    split_by_patient,
    write_split,
)
from cxr_core.errors import ConfigError, DataError, PatientLeakError
from cxr_core.findings import LABEL_COLUMNS


def _table(patients: list[str], *, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, (len(patients), 4))
    labels[:, 3] = labels[:, :3].sum(axis=1) == 0
    table = pd.DataFrame(
        {
            "image": [f"{i:03d}.png" for i in range(len(patients))],
            "patient": patients,
            "view": rng.choice(["PA", "AP"], len(patients)),
        }
    )
    return pd.concat([table, pd.DataFrame(labels, columns=list(LABEL_COLUMNS))], axis=1)


def _csv(tmp_path: Path, lines: list[str], header: str = "image,split") -> Path:
    path = tmp_path / "split.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def _list(tmp_path: Path, name: str, images: list[str]) -> Path:
    path = tmp_path / name
    path.write_text("\n".join(images) + "\n")
    return path


def _patients_a_side(table: pd.DataFrame) -> list[set[str]]:
    return [set(table.loc[table["split"] == side, "patient"]) for side in SPLITS]


def _require_apart(table: pd.DataFrame) -> None:
    train, validation, test = _patients_a_side(table)
    assert not train & validation
    assert not train & test
    assert not validation & test
    assert len(train | validation | test) == table["patient"].nunique()


def test_a_csv_is_applied_as_given(tmp_path: Path) -> None:
    table = _table(["1", "1", "2", "3"])
    lines = ["003.png,Val", "000.png,train", "001.png,TRAIN", "002.png,test", "absent.png,test"]
    split = split_by_csv(table, _csv(tmp_path, lines))
    assert split["split"].tolist() == ["train", "train", "test", "validation"]
    assert "split" not in table.columns


def test_a_csv_that_splits_a_patient_is_a_leak(tmp_path: Path) -> None:
    table = _table(["1", "1", "2", "3"])
    lines = ["000.png,train", "001.png,test", "002.png,test", "003.png,val"]
    with pytest.raises(PatientLeakError, match=r"more than one set: patients 1\. Put"):
        split_by_csv(table, _csv(tmp_path, lines))


def test_a_csv_must_name_every_image_of_the_table(tmp_path: Path) -> None:
    path = _csv(tmp_path, ["000.png,train"])
    with pytest.raises(DataError) as caught:
        split_by_csv(_table(["1", "2", "3", "4", "5"]), path)
    assert caught.value.problem == f"Images of the table are not in the split {path}"
    assert caught.value.value == "4 of 5 images: 001.png, 002.png, 003.png and 1 more"
    assert "made for this table" in caught.value.remedy


def test_a_csvs_patients_must_agree(tmp_path: Path) -> None:
    lines = ["000.png,01,train", "001.png,9,test", "002.png,3,val"]
    path = _csv(tmp_path, lines, header="image,patient,split")
    with pytest.raises(DataError, match=r"name different patients .*: 1 images of .*: 001.png"):
        split_by_csv(_table(["1", "2", "3"]), path)


def test_an_empty_side_is_refused(tmp_path: Path) -> None:
    path = _csv(tmp_path, ["000.png,train", "001.png,test"])
    with pytest.raises(DataError, match="has no film: train 1, validation 0, test 1"):
        split_by_csv(_table(["1", "2"]), path)


def test_a_leak_names_five_patients_and_how_many_more() -> None:
    patients = [f"{i:02d}" for i in range(8)]
    table = pd.DataFrame({"patient": patients * 2, "split": ["train"] * 8 + ["test"] * 8})
    with pytest.raises(PatientLeakError) as caught:
        check_patients_disjoint(table)
    assert caught.value.value == "patients 00, 01, 02, 03, 04 and 3 more"
    assert caught.value.remedy == "Put all films of a patient in one set."
    check_patients_disjoint(table.assign(patient=[*patients, *"abcdefgh"]))


def test_official_lists_keep_test_and_give_validation_from_train_val(tmp_path: Path) -> None:
    table = _table([str(i // 2) for i in range(400)])
    images = table["image"].tolist()
    train_val = _list(tmp_path, "train_val.txt", images[:300])
    test = _list(tmp_path, "test.txt", images[300:])
    split = split_by_lists(table, train_val, test, validation_fraction=0.1, seed=3)
    assert (split["split"][300:] == "test").all()
    assert (split["split"][:300] == "validation").sum() == pytest.approx(30, abs=2)
    _require_apart(split)
    again = split_by_lists(table, train_val, test, validation_fraction=0.1, seed=3)
    pd.testing.assert_frame_equal(split, again)


def test_lists_that_leak_overlap_or_miss_images_are_refused(tmp_path: Path) -> None:
    table = _table(["1", "2", "2", "3", "4"])
    images = table["image"].tolist()
    train_val, test = tmp_path / "train_val.txt", tmp_path / "test.txt"
    _list(tmp_path, "train_val.txt", images[:2])
    _list(tmp_path, "test.txt", images[2:])
    with pytest.raises(PatientLeakError, match="patients 2"):
        split_by_lists(table, train_val, test)
    _list(tmp_path, "test.txt", images[1:])
    with pytest.raises(DataError, match=r"Images are on both lists: 1 images: 001.png. Take"):
        split_by_lists(table, train_val, test)
    _list(tmp_path, "test.txt", images[4:])
    with pytest.raises(DataError, match=r"are not in the lists .*: 2 of 5 images: 002.png, 003"):
        split_by_lists(table, train_val, test)


@given(
    patients=st.lists(st.integers(0, 25).map(str), min_size=12, max_size=80).filter(
        lambda drawn: len(set(drawn)) >= 10
    ),
    groups=st.booleans(),
    seed=st.integers(0, 5),
)
def test_no_patient_is_on_two_sides_of_a_drawn_split(
    patients: list[str], groups: bool, seed: int
) -> None:
    table = _table(patients, seed=seed)
    drawn_as = pd.Series(["a", "b"] * 40, index=[f"{i:03d}.png" for i in range(80)])
    split = split_by_patient(table, groups=drawn_as if groups else None, seed=seed)
    _require_apart(split)
    assert split["image"].tolist() == table["image"].tolist()


def test_balance_leaves_no_side_of_a_dozen_films_empty() -> None:
    patients = ["0", "0", *map(str, range(10))]
    drawn_as = pd.Series(["a", "b"] * 40, index=[f"{i:03d}.png" for i in range(80)])
    for seed in range(40):
        split = split_by_patient(_table(patients, seed=seed), groups=drawn_as, seed=seed)
        assert all(_patients_a_side(split))


@given(seed=st.integers(0, 1000), fraction=st.sampled_from([0.1, 0.25, 0.5]))
def test_no_patient_is_on_two_sides_of_split_lists(
    tmp_path_factory: pytest.TempPathFactory, seed: int, fraction: float
) -> None:
    folder = tmp_path_factory.mktemp("lists")
    rng = np.random.default_rng(seed)
    patients = rng.integers(0, 30, 60)
    table = _table([str(p) for p in patients], seed=seed)
    in_test = patients < 6
    train_val = _list(folder, "train_val.txt", table.loc[~in_test, "image"].tolist())
    test = _list(folder, "test.txt", [*table.loc[in_test, "image"], "absent.png"])
    if not in_test.any():
        return
    split = split_by_lists(table, train_val, test, validation_fraction=fraction, seed=seed)
    _require_apart(split)
    assert (split["split"] == "test").tolist() == in_test.tolist()


def test_a_draw_depends_on_the_seed_and_not_on_the_rows_order() -> None:
    table = _table([str(i // 3) for i in range(300)])
    split = split_by_patient(table, seed=1).set_index("image")["split"]
    shuffled = table.sample(frac=1, random_state=5)
    same = split_by_patient(shuffled, seed=1).set_index("image")["split"]
    assert split.to_dict() == same.to_dict()
    other = split_by_patient(table, seed=2).set_index("image")["split"]
    assert split.to_dict() != other.to_dict()


@pytest.mark.parametrize("fractions", [(0.7, 0.1, 0.1), (0.8, 0.0, 0.2), (1.2, -0.4, 0.2)])
def test_fractions_must_be_positive_and_sum_to_one(fractions: tuple[float, float, float]) -> None:
    with pytest.raises(ConfigError, match="not positive numbers that sum to 1: .* Use for example"):
        split_by_patient(_table(["1", "2", "3"]), fractions=fractions)


def test_images_without_a_group_form_their_own(caplog: pytest.LogCaptureFixture) -> None:
    table = add_groups(_table(["1", "2"]), pd.Series({"000.png": "boxed"}))
    assert table["group"].tolist() == ["boxed", ""]
    assert "1 images have no group" in caplog.text
    with pytest.raises(DataError, match="No image of the table has a group: the groups name x.png"):
        add_groups(_table(["1"]), pd.Series({"x.png": "boxed"}))


def test_a_written_split_reads_back(tmp_path: Path) -> None:
    table = _table([str(i) for i in range(40)]).assign(group="boxed", path="/secret")
    split = split_by_patient(table)
    path = tmp_path / "run" / "split.csv"
    write_split(split, path)
    assert list(pd.read_csv(path)) == ["image", "patient", "split", *LABEL_COLUMNS, "group"]
    pd.testing.assert_frame_equal(split_by_csv(table, path), split)
    write_split(split.drop(columns="group"), path)
    assert list(pd.read_csv(path)) == ["image", "patient", "split", *LABEL_COLUMNS]
