from pathlib import Path

import pytest

from cxr_core.data.split_files import read_groups, read_image_list, read_split
from cxr_core.errors import DataError


def _write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "file.csv"
    path.write_text(text)
    return path


def test_sides_are_sanitised(tmp_path: Path) -> None:
    text = "image,patient,split,label_effusion\na.png,0001, Train ,1\nb.png,2,val,0\nc.png,3,TEST,0"
    rows = read_split(_write(tmp_path, text))
    assert rows["split"].to_dict() == {"a.png": "train", "b.png": "validation", "c.png": "test"}
    assert rows["patient"].tolist() == ["1", "2", "3"]


def test_unknown_sides_are_named(tmp_path: Path) -> None:
    path = _write(tmp_path, "image,split\na.png,train\nb.png,holdout\nc.png,\n")
    with pytest.raises(DataError) as caught:
        read_split(path)
    assert caught.value.problem == "The split names sets that do not exist"
    assert caught.value.value == f"'', 'holdout' in {path}"
    assert caught.value.remedy == "Use train, validation (or val) and test."


def test_an_image_on_two_sides_is_refused_but_a_repeat_is_not(tmp_path: Path) -> None:
    path = _write(tmp_path, "image,split\na.png,train\na.png,training\nb.png,train\nb.png,test\n")
    with pytest.raises(DataError, match=r"names images twice, with different values: 1 .*: b.png"):
        read_split(path)


def test_a_split_without_its_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="The table lacks a column that it needs: split"):
        read_split(_write(tmp_path, "image,side\na.png,train\n"))


def test_lists_are_read(tmp_path: Path) -> None:
    assert read_image_list(_write(tmp_path, "a.png\r\n\r\n b.png \r\n")) == {"a.png", "b.png"}


def test_lists_that_cannot_be_used_have_their_own_words(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="The image list does not exist: .*none.txt"):
        read_image_list(tmp_path / "none.txt")
    with pytest.raises(DataError, match="The image list cannot be read: .*directory"):
        read_image_list(tmp_path)
    with pytest.raises(DataError, match=r"The image list is empty: .* one image name"):
        read_image_list(_write(tmp_path, "\n"))
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfea")
    with pytest.raises(DataError, match="The image list is not UTF-8 text"):
        read_image_list(binary)


def test_groups_are_read(tmp_path: Path) -> None:
    groups = read_groups(_write(tmp_path, "Image Index,drawn_as\nx/a.png,boxed\nb.png,other\n"))
    assert groups.to_dict() == {"a.png": "boxed", "b.png": "other"}


@pytest.mark.parametrize("text", ["group,image\nboxed,a.png\n", "image\na.png\n"])
def test_groups_need_image_then_group(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match="The groups need an image column first"):
        read_groups(_write(tmp_path, text))


def test_an_image_in_two_groups_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Images are in two groups: 1 images of .*: a.png"):
        read_groups(_write(tmp_path, "image,group\na.png,x\na.png,y\n"))
