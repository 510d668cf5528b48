"""Pictures of other sources for the gate: what is taken, under which kind, and what is refused."""

import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxr_core.errors import DataError
from cxr_core.imaging.gate import GATE_SIDE, LATERAL, NO_FILM, UPRIGHT
from cxr_core.training.gate_films import read_gate_films, view_kind


def write_pictures(folder: Path, *names: str) -> None:
    """The n-th is of gray 40 n throughout."""
    for n, name in enumerate(names, start=1):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((80, 70), 40 * n, np.uint8)).save(path)


def test_kinds_sources_and_patients_are_read_from_the_table(tmp_path: Path) -> None:
    write_pictures(tmp_path, "a/one.png", "b/two.png", "three.png", "four.png")
    table = tmp_path / "films.csv"
    table.write_text(
        "image,view,source,licence,patient\n"
        "a/one.png,PA,North,CC BY 4.0,7\n"
        "b/two.png,Lateral,North,CC0,\n"
        "three.png,CT,South,MIT,\n"
        "four.png,frontal,South,,9\n"
    )
    films = read_gate_films(table)
    assert films.kinds.tolist() == [UPRIGHT, LATERAL, NO_FILM, UPRIGHT]
    assert films.sources.tolist() == ["North", "North", "South", "South"]
    assert films.patients.tolist() == ["North/7", "North/two.png", "South/three.png", "South/9"]
    assert films.squares.shape == (4, GATE_SIDE, GATE_SIDE)
    assert films.squares[:, 100, 100].tolist() == [40, 80, 120, 160]
    assert films.of_kind(LATERAL, NO_FILM).squares[:, 0, 0].tolist() == [80, 120]


def test_non_commercial_pictures_are_left_out_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_pictures(tmp_path, "one.png", "two.png", "three.png")
    table = tmp_path / "films.csv"
    table.write_text(
        "image,view,licence\none.png,PA,CC BY-NC-SA 4.0\ntwo.png,PA,CC BY 4.0\n"
        "three.png,lateral,CC BY-NC-SA\n"
    )
    with caplog.at_level(logging.INFO):
        films = read_gate_films(table)
    assert films.patients.tolist() == ["/two.png"]
    assert "2 of 3 gate films are left out" in caplog.text


def test_a_table_of_non_commercial_pictures_alone_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "films.csv"
    table.write_text("image,view,licence\none.png,PA,CC BY-NC 4.0\n")
    with pytest.raises(DataError, match="no picture that may be used"):
        read_gate_films(table)


def test_missing_and_broken_pictures_are_named(tmp_path: Path) -> None:
    table = tmp_path / "films.csv"
    table.write_text("image,view\none.png,PA\n")
    with pytest.raises(DataError, match=r"one\.png"):
        read_gate_films(table)
    (tmp_path / "one.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"cannot be decoded.*one\.png"):
        read_gate_films(table)


@pytest.mark.parametrize(
    ("view", "kind"),
    [("PA", UPRIGHT), (" ap ", UPRIGHT), ("LL", LATERAL), ("ultrasound", NO_FILM), ("", NO_FILM)],
)
def test_a_view_is_a_kind(view: str, kind: str) -> None:
    assert view_kind(view) == kind


def test_the_shared_table_is_read(shared: Path) -> None:
    films = read_gate_films(shared / "other_films" / "films.csv")
    assert (films.kinds == UPRIGHT).sum() == 353
    assert (films.kinds == LATERAL).sum() == 4  # the other 42 are non-commercial
