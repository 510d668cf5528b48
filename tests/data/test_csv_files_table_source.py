"""Sources of tables: a path is named, an upload only by its size."""

from pathlib import Path

from cxr_core.data.csv_files import _describe_source, _open_source, read_columns, read_header


def test_a_path_and_its_bytes_are_read_alike_and_named_apart(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbfa,b\n1,2\n")
    for source in (path, path.read_bytes()):
        with _open_source(source) as file:
            assert file.read() == path.read_bytes()
        assert read_header(source) == ["a", "b"]
        assert read_columns(source, {"b": 1}).to_dict("list") == {"b": ["2"]}
    assert _describe_source(path) == path
    assert _describe_source(b"1,234") == "5 bytes"
