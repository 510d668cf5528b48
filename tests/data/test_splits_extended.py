"""A split that is kept, and a place beside it for films that it does not name."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxr_core.data.entries import attach_images, read_entries
from cxr_core.data.images import find_images_in
from cxr_core.data.splits import VALIDATION_MORE, extend_split
from cxr_core.errors import DataError
from cxr_core.findings import LABEL_COLUMNS

KEPT = {"t1": "train", "t2": "train", "v1": "validation", "e1": "test"}


def films(patients: list[str], per_patient: int) -> pd.DataFrame:
    """Each patient's films, labels drawn."""
    names = [(f"{patient}-{k}.png", patient) for patient in patients for k in range(per_patient)]
    table = pd.DataFrame(names, columns=["image", "patient"])
    labels = np.random.default_rng(0).integers(0, 2, (len(table), len(LABEL_COLUMNS)))
    table[list(LABEL_COLUMNS)] = labels
    return table


@pytest.fixture
def split(tmp_path: Path) -> Path:
    """Names the first film of each of four patients."""
    rows = [{"image": f"{name}-0.png", "patient": name, "split": KEPT[name]} for name in KEPT]
    pd.DataFrame(rows).to_csv(tmp_path / "split.csv", index=False)
    return tmp_path / "split.csv"


def parts(table: pd.DataFrame, split: Path, **more: float) -> dict[str, str]:
    extended = extend_split(table, split, **more)  # type: ignore[arg-type]
    return dict(zip(extended["image"], extended["split"], strict=True))


def test_a_named_film_stays_and_a_further_one_follows_a_training_patient(split: Path) -> None:
    found = parts(films(list(KEPT), 3), split)
    assert {name: found[f"{name}-0.png"] for name in KEPT} == KEPT
    assert {found[f"{name}-{k}.png"] for name in ("t1", "t2") for k in (1, 2)} == {"train"}
    # Those of patients that choose or judge are left out: these parts stay as they are.
    assert not {f"{name}-{k}.png" for name in ("v1", "e1") for k in (1, 2)} & set(found)


def test_of_further_patients_a_share_validates_and_the_rest_trains(split: Path) -> None:
    further = [f"p{k}" for k in range(40)]
    table = films([*KEPT, *further], 2)
    found = parts(table, split, validation_fraction=0.25)
    new = {name: part for name, part in found.items() if name.startswith("p")}
    assert len(new) == 80
    assert set(new.values()) == {"train", VALIDATION_MORE}
    assert sum(part == VALIDATION_MORE for part in new.values()) == 20
    for patient in further:  # whole patients
        assert new[f"{patient}-0.png"] == new[f"{patient}-1.png"]
    assert sorted(part for name, part in found.items() if name in {"v1-0.png", "e1-0.png"}) == [
        "test",
        "validation",
    ]


def test_a_split_without_patients_cannot_be_extended(tmp_path: Path, split: Path) -> None:
    without = tmp_path / "without.csv"
    pd.read_csv(split)[["image", "split"]].to_csv(without, index=False)
    with pytest.raises(DataError, match=r"names no patients.*without\.csv"):
        extend_split(films(list(KEPT), 2), without)


def test_several_folders_of_images_are_one_and_the_first_that_has_a_name_counts(
    tmp_path: Path,
) -> None:
    for folder, names in (("one", ["a.png", "b.png"]), ("two", ["b.png", "c.png"])):
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / name).write_bytes(b"x")
    folders = [tmp_path / "one", tmp_path / "two"]
    found = find_images_in(folders)
    assert {name: Path(path).parent.name for name, path in found.paths.items()} == {
        "a.png": "one",
        "b.png": "one",
        "c.png": "two",
    }
    assert found.n_duplicates == 1
    entries = tmp_path / "entries.csv"
    lines = ["Image Index,Finding Labels,Patient ID", *(f"{n}.png,No Finding,{n}" for n in "abc")]
    entries.write_text("\n".join(lines))
    attached = attach_images(read_entries(entries), folders).table
    assert [Path(path).parent.name for path in attached["path"]] == ["one", "one", "two"]
