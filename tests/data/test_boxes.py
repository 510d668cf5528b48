from pathlib import Path

import pytest

from cxr_core.data.boxes import read_boxes
from cxr_core.errors import DataError

HEADER = "Image Index,Finding Label,Bbox [x,y,w,h],,,"


def _write(tmp_path: Path, *rows: str, header: str = HEADER) -> Path:
    path = tmp_path / "boxes.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


@pytest.mark.parametrize(
    ("header", "end"),
    [
        (HEADER, ""),
        (HEADER, ",,,"),
        ('Image Index,Finding Label,"Bbox [x,y,w,h]",,,', ""),
        ("Image Index,Finding Label,Bbox [x,y,w,h]", ""),
    ],
)
def test_boxes_become_fractions(tmp_path: Path, header: str, end: str) -> None:
    path = _write(tmp_path, f"a.png,Infiltrate,256,512,128,64{end}", header=header)
    assert read_boxes(path).to_dict("records") == [
        {
            "image": "a.png",
            "finding": "infiltration",
            "x": 0.25,
            "y": 0.5,
            "width": 0.125,
            "height": 0.0625,
        }
    ]


def test_other_findings_are_dropped(tmp_path: Path) -> None:
    rows = [f"{name}.png,{name},1,1,9,9" for name in ("Mass", "Effusion", "Nodule", "Atelectasis")]
    boxes = read_boxes(_write(tmp_path, *rows))
    assert boxes["finding"].tolist() == ["effusion", "atelectasis"]
    assert boxes.index.tolist() == [0, 1]


def test_other_findings_keep_nihs_name_where_they_are_wanted(tmp_path: Path) -> None:
    rows = [f"{name}.png,{name},1,1,9,9" for name in ("Mass", "Effusion", "Nonsense")]
    boxes = read_boxes(_write(tmp_path, *rows), auxiliary=True)
    assert boxes["finding"].tolist() == ["Mass", "effusion"]


def test_a_box_that_rounding_put_over_the_edge_is_cut(tmp_path: Path) -> None:
    boxes = read_boxes(_write(tmp_path, "a.png,Effusion,-0.5,512,512,512.5"))
    values = boxes[["x", "y", "width", "height"]].to_numpy()[0].tolist()
    assert values == pytest.approx([0.0, 0.5, 511.5 / 1024, 0.5])


@pytest.mark.parametrize("numbers", ["900,1,200,9", "-5,1,9,9", "1,1,0,9", "1,1,9,-2"])
def test_an_impossible_box_is_refused(tmp_path: Path, numbers: str) -> None:
    path = _write(tmp_path, "a.png,Effusion,1,1,9,9", f"b.png,Effusion,{numbers}")
    with pytest.raises(DataError) as caught:
        read_boxes(path)
    assert caught.value.problem == "Boxes are empty or leave NIH's 1024 x 1024 image"
    assert caught.value.value == f"1 boxes of {path}: b.png"
    assert "BBox_List_2017.csv" in caught.value.remedy


def test_a_box_that_is_no_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Boxes are not four numbers: 1 boxes of .*: a.png"):
        read_boxes(_write(tmp_path, "a.png,Effusion,1,1,wide,9"))


def test_missing_columns_are_named(tmp_path: Path) -> None:
    path = _write(tmp_path, "a.png,Effusion", header="Image Index,Label")
    with pytest.raises(DataError, match=r"lacks columns that it needs: Finding Label, Bbox \[x "):
        read_boxes(path)


def test_nihs_own_boxes(shared: Path) -> None:
    boxes = read_boxes(shared / "nih" / "BBox_List_2017.csv")
    counts = boxes["finding"].value_counts().to_dict()
    assert counts == {"atelectasis": 180, "effusion": 153, "infiltration": 123}
    first = boxes.loc[0, ["x", "y", "width", "height"]].astype(float) * 1024
    assert boxes.loc[0, "image"] == "00013118_008.png"
    assert list(first) == pytest.approx(
        [225.084745762712, 547.019216763771, 86.7796610169491, 79.1864406779661]
    )
