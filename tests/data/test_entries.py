from pathlib import Path

import pandas as pd
import pytest

from cxr_core.data.entries import Entries, attach_images, read_entries, select_population
from cxr_core.errors import DataError
from cxr_core.findings import LABEL_COLUMNS

FIRST = "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position"
NIH = FIRST + ",OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
FORMS = {
    "2017": (NIH + ",", "00000013_002.png,Effusion|Mass,2,13,058Y,M,AP,2682,2749,0.143,0.143,"),
    "v2020": (NIH, "00000013_002.png,Effusion|Mass,2,13,58,M,AP,2682,2749,0.143,0.143"),
    "quoted": (
        FIRST + ',"OriginalImage[Width,Height]","OriginalImagePixelSpacing[x,y]"',
        "00000013_002.png,Effusion|Mass,2,13,58,M,AP,2682,2749,0.143,0.143",
    ),
    "sex": (
        NIH.replace("Gender", "Sex"),
        "00000013_002.png,Effusion|Mass,2,13,58,M,AP,2682,2749,0.143,0.143",
    ),
    "kaggle": (
        FIRST + ",OriginalImageWidth,OriginalImageHeight,OriginalImagePixelSpacing_x,"
        "OriginalImagePixelSpacing_y",
        "00000013_002.png,Effusion|Mass,002,00000013,058Y,M,AP,2682,2749,0.143,0.143",
    ),
}


def _write(tmp_path: Path, *rows: str, header: str = FIRST) -> Path:
    path = tmp_path / "entries.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def _row(image: str, labels: str, *, patient: str = "1", rest: str = "40,F,PA") -> str:
    return f"{image},{labels},0,{patient},{rest}"


@pytest.mark.parametrize("form", FORMS)
def test_every_published_form_gives_the_same_row(tmp_path: Path, form: str) -> None:
    header, row = FORMS[form]
    table = read_entries(_write(tmp_path, row, header=header)).table
    expected = {
        "image": "00000013_002.png",
        "patient": "13",
        "age": 58.0,
        "sex": "M",
        "view": "AP",
        "follow_up": "2",
        "findings": "Effusion|Mass",
        "label_effusion": 1,
        "label_atelectasis": 0,
        "label_infiltration": 0,
        "label_no_finding": 0,
    }
    assert table.to_dict("records") == [expected]


def test_the_report_counts_what_was_odd(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        _row("a.png", "effusion | No finding", rest="414,F,PA"),
        _row("b.png", "No Finding", rest="-3,F,PA"),
        _row("b.png", "no finding", rest="-3,f,pa"),
        _row("c.png", "Mass|Cavity", patient="2", rest=",M,AP"),
        _row("d.png", " ", patient="3"),
        _row("e.png", "Atelectasis|Infiltrate", patient="0002", rest="011M,M,AP"),
    )
    entries = read_entries(path)
    report = entries.report
    assert entries.table["image"].tolist() == ["a.png", "b.png", "c.png", "e.png"]
    assert (report.rows, report.duplicates, report.empty_labels) == (6, 1, 1)
    assert (report.contradictions, report.unknown_labels) == (1, {"Cavity": 1})
    assert (report.impossible_ages, report.counts.missing_ages) == (3, 3)
    assert (report.counts.n_films, report.counts.n_patients) == (4, 2)
    assert report.counts.findings == {
        "effusion": 1,
        "atelectasis": 1,
        "infiltration": 1,
        "no_finding": 1,
    }
    assert (report.counts.other_only, report.counts.multi_label) == (1, 2)
    assert report.lines() == [
        "rows in the table: 6",
        "images: 4 of 2 patients",
        "duplicate rows dropped: 1",
        "films per finding: Effusion 1, Atelectasis 1, Infiltration 1, No Finding 1",
        "films with only other findings: 1",
        "films with more than one label: 2",
        "ages missing: 3 (impossible ages in the table, made missing: 3)",
        "rows without any label, left out: 1",
        'rows with "No Finding" beside a finding (the finding kept): 1',
        'labels that NIH does not have, in rows: "Cavity" 1',
    ]


def test_a_table_with_only_the_necessary_columns_is_enough(tmp_path: Path) -> None:
    path = _write(tmp_path, "p\\a.png,Effusion,x", header="Image Index,Finding Labels,Patient ID")
    entries = read_entries(path)
    row = entries.table.loc[0, ["image", "patient", "sex", "view"]]
    assert list(row) == ["a.png", "x", "", ""]
    assert entries.table["age"].isna().all()
    assert entries.report.impossible_ages == 0
    assert entries.report.lines()[-1] == (
        "columns that the table lacks: Patient Age, Patient Gender, View Position, Follow-up #"
    )


def test_missing_columns_are_named(tmp_path: Path) -> None:
    path = _write(tmp_path, "a.png,Effusion", header="Image Index,Label")
    with pytest.raises(DataError) as caught:
        read_entries(path)
    assert caught.value.problem == "The table lacks columns that it needs"
    assert str(caught.value.value).startswith(f"Finding Labels, Patient ID (file {path}")
    assert "first line names these columns" in caught.value.remedy


def test_an_image_with_two_different_rows_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path, _row("a.png", "Effusion"), _row("a.png", "Mass"), _row("b.png", "Mass"))
    with pytest.raises(DataError) as caught:
        read_entries(path)
    assert caught.value.problem == "Images have several rows that contradict each other"
    assert caught.value.value == f"1 images of {path}: a.png"
    assert caught.value.remedy == "Keep one row for each image."


@pytest.mark.parametrize(
    ("row", "column"),
    [(_row("b.png", "Mass", patient=" "), "Patient ID"), (_row("", "Mass"), "Image Index")],
)
def test_an_empty_patient_or_image_is_refused_with_its_line(
    tmp_path: Path, row: str, column: str
) -> None:
    path = _write(tmp_path, _row("a.png", "Mass"), row)
    with pytest.raises(DataError) as caught:
        read_entries(path)
    assert caught.value.problem == f'The column "{column}" has empty cells'
    assert caught.value.value == f"1 rows of {path}, such as line 3"


def test_a_table_without_any_label_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="The table has no row with a label: .*No Finding"):
        read_entries(_write(tmp_path, _row("a.png", "")))


def _three(tmp_path: Path) -> Entries:
    rows = [_row("a.png", "Effusion"), _row("b.png", "Mass", patient="2"), _row("c.png", "Mass")]
    return read_entries(_write(tmp_path, *rows))


def test_images_are_attached_by_name_at_any_depth(tmp_path: Path) -> None:
    entries = _three(tmp_path)
    folder = tmp_path / "images_001" / "images"
    folder.mkdir(parents=True)
    for place in (folder / "a.png", folder / "b.png", folder / "z.png", tmp_path / "b.png"):
        place.write_bytes(b"x")
    attached = attach_images(entries, tmp_path)
    assert attached.table["image"].tolist() == ["a.png", "b.png"]
    assert attached.table["path"].tolist() == [str(folder / "a.png"), str(tmp_path / "b.png")]
    assert attached.table.index.tolist() == [0, 1]
    report = attached.report
    assert (report.rows_without_image, report.images_without_row, report.repeated_files) == (
        1,
        1,
        1,
    )
    assert (report.rows, report.counts.n_films, report.counts.n_patients) == (3, 2, 2)
    assert report.lines()[2:5] == [
        "rows without image: 1",
        "images without row: 1",
        "files whose name appeared before, left out: 1",
    ]
    assert "path" not in entries.table.columns


def test_no_image_at_all_is_refused_with_examples_of_both_sides(tmp_path: Path) -> None:
    entries = _three(tmp_path)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "other.png").write_bytes(b"x")
    with pytest.raises(DataError) as caught:
        attach_images(entries, folder)
    assert caught.value.problem == "None of the 3 images of the table is in the image folder"
    assert caught.value.value == (
        f"{folder} (1 images there, such as other.png; the table names a.png, b.png, c.png)"
    )
    assert "matched by file name" in caught.value.remedy


def test_populations(tmp_path: Path) -> None:
    table = _three(tmp_path).table
    assert select_population(table, "all")["image"].tolist() == ["a.png", "b.png", "c.png"]
    assert select_population(table, "target-only")["image"].tolist() == ["a.png"]
    with pytest.raises(DataError, match=r"There is no such population: some. Use target-only"):
        select_population(table, "some")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="No film has any of the four findings: 2 films"):
        select_population(table[1:], "target-only")


def test_nihs_own_table_and_the_shared_films(shared: Path) -> None:
    entries = read_entries(shared / "nih" / "Data_Entry_2017_v2020.csv")
    assert (entries.report.rows, entries.report.counts.n_patients) == (112_120, 30_805)
    assert entries.report.unknown_labels == {}
    attached = attach_images(entries, shared / "nih" / "images")
    counts = attached.report.counts
    assert (counts.n_films, counts.n_patients) == (2_107, 1_664)
    assert list(counts.findings.values()) == [399, 433, 515, 521]
    assert (counts.other_only, counts.multi_label) == (607, 1_011)
    assert attached.report.rows_without_image == 112_120 - 2_107
    assert attached.table[list(LABEL_COLUMNS)].dtypes.unique().tolist() == ["int64"]
    assert isinstance(attached.table["patient"].dtype, pd.StringDtype)
    assert len(select_population(attached.table, "target-only")) == 2_107 - 607
