"""The folder of phantoms: NIH's columns, patients with several films, boxes on their films."""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxr_core.errors import ConfigError
from cxr_core.findings import LABELS
from cxr_core.phantom.dataset import PhantomDataset, plan_dataset, write_phantom_dataset
from cxr_core.phantom.draw import draw_phantom

COUNT, SIDE = 30, 64
ENTRY_HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
)
BOX_HEADER = "Image Index,Finding Label,Bbox [x,y,w,h],,,"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> PhantomDataset:
    return write_phantom_dataset(tmp_path_factory.mktemp("phantoms"), COUNT, seed=5, size=SIDE)


def lines_of(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_the_label_table_has_nihs_columns(dataset: PhantomDataset) -> None:
    assert dataset.entries.read_text(encoding="utf-8").splitlines()[0] == ENTRY_HEADER
    header, *rows = lines_of(dataset.entries)
    assert len(rows) == COUNT
    # The two last names hold a comma each, so that header and rows have eleven cells.
    assert {len(row) for row in [header, *rows]} == {11}
    for row in rows:
        assert set(row[1].split("|")) <= set(LABELS.values())
        assert 18 <= int(row[4]) <= 95
        assert row[5] in ("F", "M")
        assert row[6] in ("PA", "AP")
        assert row[7:9] == [str(SIDE), str(SIDE)]


def test_the_headers_are_those_that_nih_publishes(shared: Path) -> None:
    for name, header in (
        ("Data_Entry_2017_v2020.csv", ENTRY_HEADER),
        ("BBox_List_2017.csv", BOX_HEADER),
    ):
        with (shared / "nih" / name).open(encoding="utf-8") as file:
            assert file.readline().rstrip("\r\n") == header


def test_every_row_has_its_film_and_no_name_is_like_nihs(dataset: PhantomDataset) -> None:
    names = [row[0] for row in lines_of(dataset.entries)[1:]]
    assert sorted(names) == sorted(path.name for path in dataset.images.iterdir())
    assert len(set(names)) == COUNT
    assert all(name.startswith("phantom-") for name in names)
    with Image.open(dataset.images / names[0]) as image:
        assert (image.mode, image.size) == ("L", (SIDE, SIDE))


def test_boxes_are_in_pixels_of_1024_with_nihs_words(dataset: PhantomDataset) -> None:
    assert dataset.boxes.read_text(encoding="utf-8").splitlines()[0] == BOX_HEADER
    planned = {row.image: row for row in plan_dataset(COUNT, seed=5)}
    words = {"effusion": "Effusion", "atelectasis": "Atelectasis", "infiltration": "Infiltrate"}
    expected = []
    for row in planned.values():
        phantom = draw_phantom(row.seed, findings=row.findings, size=SIDE, film_index=row.follow_up)
        for box in phantom.boxes:
            edges = (box.x, box.y, box.width, box.height)
            expected.append((row.image, words[box.finding], *(1024 / SIDE * e for e in edges)))
    lines = lines_of(dataset.boxes)[1:]
    assert [(image, word, *map(float, edges)) for image, word, *edges in lines] == expected
    assert max(float(x) + float(width) for _, _, x, _, width, _ in lines) <= 1024


def test_labels_and_films_are_those_planned(dataset: PhantomDataset) -> None:
    rows = {row[0]: row for row in lines_of(dataset.entries)[1:]}
    for plan in plan_dataset(COUNT, seed=5):
        row = rows[plan.image]
        labels = [LABELS[key] for key in plan.findings] or ["No Finding"]
        assert row[1] == "|".join(labels)
        assert row[2:4] == [str(plan.follow_up), plan.patient]
        with Image.open(dataset.images / plan.image) as image:
            film = draw_phantom(
                plan.seed, findings=plan.findings, size=SIDE, film_index=plan.follow_up
            )
            np.testing.assert_array_equal(np.asarray(image), film.pixels)


def test_writing_twice_writes_the_same_bytes(dataset: PhantomDataset, tmp_path: Path) -> None:
    again = write_phantom_dataset(tmp_path, COUNT, seed=5, size=SIDE)
    assert again.entries.read_bytes() == dataset.entries.read_bytes()
    assert again.boxes.read_bytes() == dataset.boxes.read_bytes()
    for path in dataset.images.iterdir():
        assert (again.images / path.name).read_bytes() == path.read_bytes()


def test_a_patient_has_one_to_four_films_and_stays_the_same_person() -> None:
    rows = list(plan_dataset(1000, seed=1))
    films = Counter(row.patient for row in rows)
    assert set(films.values()) == {1, 2, 3, 4}
    people: dict[str, tuple[int, str, int]] = {}
    for row in rows:
        person = (row.seed, row.sex, row.age - row.follow_up)
        assert people.setdefault(row.patient, person) == person
    assert len({seed for seed, _, _ in people.values()}) == len(people)


def test_the_mix_of_findings_and_what_they_are_independent_of() -> None:
    rows = list(plan_dataset(4000, seed=2))
    share = {key: np.mean([key in row.findings for row in rows]) for key in LABELS}
    assert np.mean([not row.findings for row in rows]) == pytest.approx(0.40, abs=0.03)
    for key in ("effusion", "atelectasis", "infiltration"):
        assert share[key] == pytest.approx(0.268, abs=0.03)  # 0.6 * (1 * .70 + 2 * .26 + 3 * .04)/3
    assert np.mean([len(row.findings) > 1 for row in rows]) == pytest.approx(0.18, abs=0.03)
    normal = np.array([not row.findings for row in rows])
    for same in ([row.view == "PA" for row in rows], [row.sex == "F" for row in rows]):
        chosen = np.array(same)
        assert normal[chosen].mean() == pytest.approx(normal[~chosen].mean(), abs=0.05)


@pytest.mark.parametrize(
    ("count", "seed", "problem", "value", "remedy"),
    [
        (0, 0, "The number of phantoms is too small", 0, "Use 1 or more."),
        (3, -1, "The seed is too small", -1, "Use 0 or more."),
    ],
)
def test_numbers_out_of_range_are_refused_before_anything_is_written(
    tmp_path: Path, count: int, seed: int, problem: str, value: int, remedy: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        write_phantom_dataset(tmp_path / "new", count, seed=seed)
    assert (caught.value.problem, caught.value.value) == (problem, value)
    assert caught.value.remedy == remedy
    assert not (tmp_path / "new").exists()
