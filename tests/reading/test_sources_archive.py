"""Zips: members one at a time; bombs, traps and nested zips refused, each in its own words."""

import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxr_core.errors import ImageError
from cxr_core.reading import sources as module
from cxr_core.reading.sources import ZipArchive
from tests.helpers.errors import image_error
from tests.helpers.zips import encrypted, with_declared_size, zip_bytes


def refusal(data: bytes, index: int = 0) -> ImageError:
    return image_error(ZipArchive(data).read, index)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_come_back_as_they_were(method: int, tmp_path: Path) -> None:
    films = {"b.png": b"one" * 999, "folder/a.dcm": b"two", "empty": b""}
    data = zip_bytes(films, method)
    (tmp_path / "films.zip").write_bytes(data)
    for source in (data, tmp_path / "films.zip"):
        archive = ZipArchive(source)
        assert list(archive.names) == list(films)
        assert [archive.read(index) for index in range(3)] == list(films.values())
        assert archive.read(0) == films["b.png"]  # as often as asked


def test_what_can_be_no_film_is_left_out_and_counted() -> None:
    names = (
        "study/", "study/DICOMDIR", "__MACOSX/._a.png", ".DS_Store", "study/.hidden/a.png",
        "Thumbs.db", "study/a.dcm",
    )  # fmt: skip
    archive = ZipArchive(zip_bytes(dict.fromkeys(names, b"x")))
    assert archive.names == ("study/a.dcm",)
    assert archive.n_skipped == 5  # a folder is no file


@pytest.mark.parametrize(
    "name",
    ["../a.png", "study/../../a.png", "/etc/a.png", "C:/a.png", "..\\a.png", "\\\\host\\a.png"],
)
def test_a_name_that_leads_out_is_refused(name: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert refusal(zip_bytes({name: b"x"})).problem == "This file's path points outside the zip"
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_refused() -> None:
    link = zipfile.ZipInfo("a.png")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    error = refusal(zip_bytes({link: b"/secret/film.png"}))
    assert error.problem == "This is a link to another file, not a film"


def test_a_locked_file_is_refused() -> None:
    assert refusal(encrypted(zip_bytes({"a.png": b"x"}))).problem == (
        "This file is password-protected"
    )


def test_another_method_than_deflate_is_refused() -> None:
    assert refusal(zip_bytes({"a.png": b"x" * 99}, zipfile.ZIP_LZMA)).value == "zip method 14"


def test_a_zip_inside_a_zip_is_not_opened() -> None:
    inner = zip_bytes({"a.png": b"x"})
    error = refusal(zip_bytes({"inner.png": inner}))
    assert error.problem == "A zip inside a zip is not opened"
    assert error.value == f"{len(inner):,} bytes"


def test_a_bomb_is_not_unpacked_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zip_bytes({"a.dcm": bytes(40 * 2**20)})
    assert len(bomb) < 50_000
    assert refusal(bomb).value == "it unpacks to more than 200 times its packed size"
    monkeypatch.setattr(module, "MAX_MEMBER_BYTES", 10 * 2**20)
    assert refusal(bomb).value == "it unpacks to more than 10 MB"
    monkeypatch.setattr(module, "MAX_TOTAL_BYTES", 2**30)
    assert "too large when unpacked" in refusal(bomb).problem


def test_a_header_that_lies_about_the_size_is_not_believed() -> None:
    packed = zip_bytes({"a.dcm": bytes(40 * 2**20)})
    small = refusal(with_declared_size(packed, 1000))
    assert small.problem == "This file is damaged inside the zip"  # 1000 bytes, another checksum
    large = refusal(with_declared_size(packed, 2**32 - 2))
    assert large.value == "it unpacks to more than 200 times its packed size"


def test_the_whole_zip_has_a_limit_and_a_film_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_TOTAL_BYTES", 2500)
    archive = ZipArchive(zip_bytes(dict.fromkeys(("a", "b", "c"), b"x" * 1000)))
    for index in (0, 1, 0, 1):
        assert len(archive.read(index)) == 1000
    with pytest.raises(ImageError, match="the whole zip to more than"):
        archive.read(2)


def test_too_many_files_none_and_no_zip_are_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImageError, match="This zip contains no film: 1 files"):
        ZipArchive(zip_bytes({"DICOMDIR": b"x"}))
    with pytest.raises(ImageError, match="This zip contains no film: 0 files"):
        ZipArchive(zip_bytes({}))
    with pytest.raises(ImageError, match="damaged or incomplete"):
        ZipArchive(zip_bytes({"a.png": b"x" * 500})[:-30])
    with pytest.raises(ImageError, match="an Office document"):
        ZipArchive(zip_bytes({"[Content_Types].xml": b"<x/>", "word/document.xml": b"<x/>"}))
    monkeypatch.setattr(module, "MAX_MEMBERS", 3)
    with pytest.raises(ImageError, match="too many files: more than 3"):
        ZipArchive(zip_bytes(dict.fromkeys("abcd", b"x")))


def test_a_damaged_member_leaves_the_others_readable() -> None:
    data = bytearray(zip_bytes({"a": bytes(range(256)) * 9, "b": b"whole" * 9}, zipfile.ZIP_STORED))
    data[data.index(bytes(range(256)))] ^= 255
    archive = ZipArchive(bytes(data))
    assert refusal(bytes(data)).problem == "This file is damaged inside the zip"
    assert archive.read(1) == b"whole" * 9


@settings(max_examples=75)
@given(st.data())
def test_damaged_zips_raise_nothing_but_an_image_error(data: st.DataObject) -> None:
    whole = zip_bytes({"a.png": b"film" * 40, "b/c.png": bytes(300)})
    damaged = bytearray(whole[: data.draw(st.integers(4, len(whole)))])
    places = st.integers(0, len(damaged) - 1)
    for place, byte in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=5)):
        damaged[place] = byte
    try:
        archive = ZipArchive(bytes(damaged))
    except ImageError:
        return
    for index in range(len(archive.names)):
        try:
            assert isinstance(archive.read(index), bytes)
        except ImageError:
            continue
