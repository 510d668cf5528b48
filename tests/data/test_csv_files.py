from pathlib import Path

import pandas as pd
import pytest

from cxr_core.data.csv_files import find_columns, first_few, read_columns, read_header, write_csv
from cxr_core.errors import DataError


def test_cells_are_stripped_text_and_trailing_commas_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbfa, b ,c\r\n 1 ,NA,x,\r\n2,,y,,,\r\n\r\n3\r\n")
    assert read_header(path) == ["a", "b", "c"]
    table = read_columns(path, {"late": 1, "early": 0})
    assert table.to_dict("list") == {"late": ["NA", "", ""], "early": ["1", "2", "3"]}


@pytest.mark.parametrize(
    ("content", "problem", "remedy"),
    [
        (b"", "The table is empty", "Download or export"),
        (b"  \n", "The table is empty", "Download or export"),
        (b"PK\x03\x04rest", "The table is a spreadsheet or ZIP file", "save it as"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "The table is not a text file", "CSV file"),
        ("Image,Größe\n".encode("utf-16"), "The table's text is not in UTF-8", "UTF-8"),
        ("Image,Größe\n".encode("latin-1"), "The table's text is not in UTF-8", "UTF-8"),
    ],
)
def test_what_is_not_a_table_has_its_own_words(
    tmp_path: Path, content: bytes, problem: str, remedy: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_header(path)
    assert caught.value.problem.startswith(problem)
    assert caught.value.value == path
    assert remedy in caught.value.remedy


def test_a_missing_file_and_a_folder_have_their_own_words(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="The table does not exist: .*none.csv. Check the path"):
        read_header(tmp_path / "none.csv")
    with pytest.raises(DataError, match="A folder was given where a CSV file is needed"):
        read_header(tmp_path)


def test_a_broken_encoding_far_below_the_header_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"a\n" + b"x\n" * 50_000 + "Größe\n".encode("latin-1"))
    with pytest.raises(DataError, match="not in UTF-8"):
        read_columns(path, {"a": 0})


def test_a_header_alone_is_not_a_table(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n")
    with pytest.raises(DataError, match="The table has a header but no rows"):
        read_columns(path, {"a": 0})


def test_an_open_quote_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('a,b\n1,2\n"3,4\n5,6\n')
    with pytest.raises(DataError, match="The table is not regular CSV: .*t.csv.*broken quote"):
        read_columns(path, {"a": 0, "b": 1})


def test_columns_are_found_by_any_of_their_names(tmp_path: Path) -> None:
    aliases = {"sex": ("Patient Gender", "Patient Sex"), "age": ("Patient Age",)}
    header = ["x", "patient  SEX", ""]
    assert find_columns(tmp_path, header, aliases, required=["sex"]) == {"sex": 1}


def test_missing_columns_are_all_named_with_the_file_and_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    aliases = {"image": ("Image Index",), "patient": ("Patient ID",), "age": ("Age",)}
    with pytest.raises(DataError) as caught:
        find_columns(path, ["file", "Age"], aliases, required=["image", "patient"])
    assert caught.value.problem == "The table lacks columns that it needs"
    assert caught.value.value == f"Image Index, Patient ID (file {path}; its columns: file, Age)"
    assert "first line names these columns" in caught.value.remedy


def test_writing_replaces_the_whole_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "new" / "t.csv"
    write_csv(pd.DataFrame({"a": [1]}), path)
    write_csv(pd.DataFrame({"a": [2]}), path)
    assert path.read_bytes() == b"a\n2\n"
    assert [p.name for p in path.parent.iterdir()] == ["t.csv"]


def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.csv"
    path.write_text("old")

    def half_way(self: pd.DataFrame, target: Path, **_: object) -> None:
        Path(target).write_text("half")
        raise OSError("disk full")

    monkeypatch.setattr(pd.DataFrame, "to_csv", half_way)
    with pytest.raises(OSError, match="disk full"):
        write_csv(pd.DataFrame({"a": [2]}), path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]


def test_examples_name_the_first_and_count_the_rest() -> None:
    assert first_few(["c", "a", "b"]) == "a, b, c"
    assert first_few([f"{i}" for i in range(10, 1300)]) == "10, 100, 1000 and 1,287 more"
