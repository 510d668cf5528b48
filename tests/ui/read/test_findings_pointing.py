"""What the page says of where a model's maps point, from the table of its run."""

from pathlib import Path

from cxr_core.ui.read.findings import PointingCounts, pointing_counts
from cxr_core.ui.words import fixed_spot_sentence, pointing_sentence

TABLE = """image,finding,x,y,inside,fixed_spot_inside,centre_inside,box_area
a.png,effusion,0.5,0.5,1,0,0,0.1
b.png,effusion,0.5,0.5,0,0,0,0.1
c.png,effusion,0.5,0.5,1,1,0,0.1
c.png,atelectasis,0.5,0.5,0,1,0,0.1
"""


def test_films_are_counted_by_finding(tmp_path: Path) -> None:
    (tmp_path / "localisation.csv").write_text(TABLE)
    assert pointing_counts(tmp_path) == {
        "effusion": PointingCounts(films=3, hits=2, fixed_spot_hits=1),
        "atelectasis": PointingCounts(films=1, hits=0, fixed_spot_hits=1),
    }


def test_a_model_without_boxed_films_has_none(tmp_path: Path) -> None:
    assert pointing_counts(tmp_path) == {}


def test_a_map_no_better_than_a_fixed_spot_is_called_that() -> None:
    better = pointing_sentence(films=30, hits=21, fixed_spot_hits=9)
    assert better == "On 30 test films with a radiologist's box its peak was inside on 21."
    worse = pointing_sentence(films=24, hits=1, fixed_spot_hits=9)
    assert worse.endswith("inside on 1: this map does not tell where the finding is.")
    spot = fixed_spot_sentence(films=30, fixed_spot_hits=9)
    assert spot == "One fixed spot was inside the box on 9 of the 30."
