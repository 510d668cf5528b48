from pathlib import Path

import pytest

from cxr_core.data.images import find_image, find_images
from cxr_core.errors import DataError


def _touch(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return str(path)


def test_images_are_found_at_any_depth_by_name(tmp_path: Path) -> None:
    expected = {
        "a.png": _touch(tmp_path / "a.png"),
        "b.JPG": _touch(tmp_path / "images_001" / "images" / "b.JPG"),
        "c.jpeg": _touch(tmp_path / "x" / "c.jpeg"),
        "d.dcm": _touch(tmp_path / "x" / "y" / "z" / "d.dcm"),
        "d.DICOM": _touch(tmp_path / "x" / "d.DICOM"),
        "e.tif": _touch(tmp_path / "e.tif"),
        "f.TIFF": _touch(tmp_path / "x" / "f.TIFF"),
    }
    for other in ("notes.txt", "._a.png", ".hidden/e.png", "g.bmp"):
        _touch(tmp_path / other)
    found = find_images(tmp_path)
    assert found.paths == expected
    assert found.n_duplicates == 0


def test_of_one_name_at_two_places_the_first_path_counts(tmp_path: Path) -> None:
    _touch(tmp_path / "z" / "a.png")
    first = _touch(tmp_path / "b" / "a.png")
    _touch(tmp_path / "c" / "a.png")
    found = find_images(tmp_path)
    assert found.paths == {"a.png": first}
    assert found.n_duplicates == 2


def test_linked_folders_are_followed_and_loops_end(tmp_path: Path) -> None:
    _touch(tmp_path / "disk" / "a.png")
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path / "disk")
    (root / "loop").symlink_to(root)
    assert find_images(root).paths == {"a.png": str(root / "link" / "a.png")}


def test_a_folder_that_is_missing_or_a_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="The image folder does not exist: .*none. Give"):
        find_images(tmp_path / "none")
    with pytest.raises(DataError, match="The image folder is not a folder"):
        find_images(Path(_touch(tmp_path / "a.png")))


def test_one_image_is_found_by_its_exact_name(tmp_path: Path) -> None:
    deep = _touch(tmp_path / "images_001" / "a.png")
    direct = _touch(tmp_path / "b.png")
    _touch(tmp_path / "notes.txt")
    assert find_image(tmp_path, "a.png") == Path(deep)
    assert find_image(tmp_path, "b.png") == Path(direct)
    for name in ("A.png", "c.png", "notes.txt", "images_001/a.png", "../b.png", ""):
        with pytest.raises(DataError, match="no image of this name"):
            find_image(tmp_path / ("images_001" if name == "../b.png" else ""), name)
    with pytest.raises(DataError, match="does not exist"):
        find_image(tmp_path / "elsewhere", "a.png")
