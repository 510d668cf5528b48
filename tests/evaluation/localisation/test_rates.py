"""Overlap rates from made-up tables, by hand."""

import numpy as np
import pandas as pd
import pytest

from cxr_core.evaluation.localisation.overlap import OVERLAP_COLUMNS, overlap_values, random_column
from cxr_core.evaluation.localisation.pointing import localisation_rows
from cxr_core.evaluation.localisation.rates import mean_box_areas, missing_columns, overlap_rates
from cxr_core.evaluation.metrics.differences import direction_of

CELL = [3 / 7, 3 / 7, 1 / 7, 1 / 7]


def middle() -> np.ndarray:
    """A map whose drawn box is the middle cell."""
    cells = np.zeros((7, 7))
    cells[3, 3] = 1.0
    return cells


def test_the_cells_of_one_film_by_hand() -> None:
    # The radiologist's box is the left half of the film; the map's box its middle cell.
    cells = overlap_values(
        middle(), [[0, 0, 0.5, 1]], fixed_box=np.array([0.0, 0.0, 0.5, 1.0]), shuffled=-middle()
    )
    assert tuple(cells) == OVERLAP_COLUMNS
    assert [cells[f"region_{e}"] for e in ("x", "y", "width", "height")] == pytest.approx(
        CELL, abs=0.01
    )
    area = cells["region_width"] * cells["region_height"]
    assert cells["iobb"] == pytest.approx(0.5)
    assert cells["iou"] == pytest.approx(0.5 * area / (0.5 + 0.5 * area))
    assert (cells["fixed_area"], cells["fixed_iobb"], cells["fixed_iou"]) == (0.5, 1.0, 1.0)
    assert (cells["centre_iobb"], cells["centre_iou"]) == pytest.approx((0.5, 1 / 3))
    # A box of that size moves only sideways, by 0 to 0.5 of the film: its share within the
    # left half is 1 - 2 d, over 0.25 for d under 0.375: at 24 of 32 places.
    assert cells["random_iobb_25"] == 24 / 32
    assert cells["random_iou_50"] == 11 / 32  # (1 - 2 d) / (1 + 2 d) > 0.5: d under 1/6
    # Turned round, the map is even but for its middle: its first cell is its peak, and its box
    # is the whole film.
    assert (cells["shuffled_x"], cells["shuffled_inside"]) == (0.5 / 7, 1)
    assert [cells[f"shuffled_{name}"] for name in ("area", "iobb", "iou")] == [1.0, 0.5, 0.5]


def test_what_there_is_not_is_nan() -> None:
    cells = overlap_values(-middle(), [[0, 0, 1, 1]], fixed_box=None)
    known = [name for name in OVERLAP_COLUMNS if not np.isnan(cells[name])]
    assert known == [*OVERLAP_COLUMNS[:4], "iobb", "iou"]
    assert [cells[name] for name in known] == [0, 0, 1, 1, 1, 1]


def table(n: int) -> pd.DataFrame:
    """Rows by turns: the map's box shares half with the radiologist's, or nothing."""
    cells = dict.fromkeys(OVERLAP_COLUMNS, 0.0)
    rows = pd.DataFrame([cells] * n).assign(
        image=[f"{i}.png" for i in range(n)],
        finding="effusion",
        iobb=np.resize([0.5, 0.0], n),
        fixed_iobb=np.resize([0.2, 0.2, 0.0, 0.0], n),
        centre_iobb=0.05,
        shuffled_iobb=np.nan,
        region_width=np.resize([0.5, 0.0], n),
        region_height=0.5,
        fixed_area=0.04,
        box_area=0.09,
        shuffled_area=0.01,
    )
    return rows.assign(random_iobb_10=np.resize([0.1, 0.3], n))


def test_rates_by_hand() -> None:
    found = overlap_rates(table(80), "iobb", n_resamples=400)
    assert list(found) == ["effusion"]
    lenient, middle, strict = found["effusion"]
    assert [rate.threshold for rate in found["effusion"]] == [0.1, 0.25, 0.5]
    assert lenient.n == 80
    assert (lenient.map_box.estimate, lenient.fixed_box.estimate) == (0.5, 0.5)
    assert lenient.centre_box.estimate == 0.0
    assert lenient.random_box.estimate == pytest.approx(0.2)
    assert not lenient.shuffled.estimable
    assert lenient.gain.estimate == 0.0
    assert (middle.fixed_box.estimate, middle.gain.estimate) == (0.0, 0.5)
    assert middle.gain.low == pytest.approx(0.5 - 1.96 * np.sqrt(0.25 / 80), abs=0.03)
    assert strict.map_box.estimate == 0.0  # above the threshold, not at it
    # Neither box ever passes: both shares are 0 to Wilson's 0.046, and so is their difference.
    assert (strict.gain.estimate, direction_of(strict.gain)) == (0.0, "not shown")
    assert strict.gain.high == -strict.gain.low == pytest.approx(0.0458, abs=1e-4)


def test_rates_resample_patients_and_few_films_have_none() -> None:
    rows = table(80).sort_values("iobb")
    patient = {image: str(i // 4) for i, image in enumerate(rows["image"])}
    clustered = overlap_rates(rows, "iobb", patient, n_resamples=400)["effusion"][0].map_box
    alone = overlap_rates(rows, "iobb", n_resamples=400)["effusion"][0].map_box
    assert clustered.high - clustered.low > 1.5 * (alone.high - alone.low)
    few = overlap_rates(table(9), "iou", n_resamples=20)["effusion"][0]
    assert few.n == 9
    assert not few.map_box.estimable
    assert not few.gain.estimable


def test_mean_areas() -> None:
    areas = mean_box_areas(table(8))["effusion"]
    assert (areas.map_box, areas.fixed_box, areas.radiologists, areas.shuffled) == pytest.approx(
        (0.125, 0.04, 0.09, 0.01)
    )


def test_an_older_table_lacks_the_columns() -> None:
    assert missing_columns(table(2)) == []
    assert missing_columns(table(2)[["image", "iou"]])[:2] == ["region_x", "region_y"]
    assert random_column("iobb", 0.25) == "random_iobb_25"


def test_a_box_like_the_radiologists_passes_at_every_threshold() -> None:
    boxes = pd.DataFrame(
        [("a.png", "effusion", *CELL)], columns=["image", "finding", "x", "y", "width", "height"]
    )
    maps = np.repeat(middle()[None, None], 4, axis=1)  # (1, 4, 7, 7)
    (row,) = localisation_rows(
        ["a.png"], maps, boxes, boxes.assign(image="t.png"), shuffled=maps
    ).to_dict("records")
    assert row["iou"] == row["shuffled_iou"] > 0.9
    assert row["iobb"] == pytest.approx(1.0, abs=0.05)
    assert row["fixed_iou"] == pytest.approx(1.0, abs=0.05)
    assert row["inside"] == row["shuffled_inside"] == 1
