"""Peaks, boxes and fixed spots by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxr_core.errors import DataError
from cxr_core.evaluation.localisation.geometry import (
    best_fixed_spot,
    covered_area,
    inside_any,
    peak,
)
from cxr_core.evaluation.localisation.overlap import OVERLAP_COLUMNS
from cxr_core.evaluation.localisation.pointing import (
    LOCALISATION_COLUMNS,
    hit_rates,
    localisation_rows,
    peak_inside,
    write_localisation,
)

FRACTIONS = st.floats(0, 1)


def boxes(*rows: tuple[str, str, float, float, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["image", "finding", "x", "y", "width", "height"])


def evidence_at(row: int, column: int) -> np.ndarray:
    """(4, 7, 7) maps that peak in one cell, elsewhere negative."""
    maps = np.full((4, 7, 7), -1.0, dtype=np.float32)
    maps[:, row, column] = 2.0
    return maps


def test_peak_is_the_centre_of_the_highest_cell() -> None:
    assert peak(evidence_at(0, 6)[0]) == (6.5 / 7, 0.5 / 7)  # x to the right, y down
    assert peak(evidence_at(3, 3)[0]) == (0.5, 0.5)
    assert peak([[-3.0, -1.0]]) == (0.75, 0.5)


def test_peak_inside_one_of_several_boxes() -> None:
    upper_right = evidence_at(0, 6)[0]  # (0.93, 0.07)
    assert peak_inside(upper_right, [[0.9, 0.0, 0.1, 0.1]])
    assert not peak_inside(upper_right, [[0.0, 0.9, 0.1, 0.1]])
    assert peak_inside(upper_right, [[0.0, 0.9, 0.1, 0.1], [0.9, 0.0, 0.1, 0.1]])
    assert not inside_any((0.5, 0.5), np.empty((0, 4)))
    assert inside_any((0.5, 0.5), [[0.5, 0.5, 0.1, 0.1]])


def test_covered_area_counts_overlaps_once() -> None:
    assert covered_area([[0.0, 0.0, 0.5, 0.2]]) == pytest.approx(0.1)
    assert covered_area([[0, 0, 0.5, 0.5], [0.25, 0.25, 0.5, 0.5]]) == pytest.approx(0.4375)
    assert covered_area([[0, 0, 0.5, 0.5]] * 3) == 0.25


@given(st.lists(st.tuples(FRACTIONS, FRACTIONS, FRACTIONS, FRACTIONS), min_size=1, max_size=4))
def test_covered_area_is_between_the_largest_and_the_sum(rows) -> None:
    drawn = np.array([[x, y, w * (1 - x), h * (1 - y)] for x, y, w, h in rows])
    areas = drawn[:, 2] * drawn[:, 3]
    assert areas.max() - 1e-9 <= covered_area(drawn) <= min(1.0, areas.sum()) + 1e-9


def test_best_fixed_spot_lies_where_most_training_boxes_meet() -> None:
    spot = best_fixed_spot(
        boxes(
            ("a", "effusion", 0.0, 0.6, 0.4, 0.4),
            ("b", "effusion", 0.2, 0.7, 0.4, 0.3),
            ("c", "effusion", 0.8, 0.0, 0.2, 0.2),
        )
    )
    # a and b share x 0.2 to 0.4 and y 0.7 to 1.0; the middle of that is taken.
    assert spot == pytest.approx((0.3, 0.85), abs=1 / 63)
    assert best_fixed_spot(boxes()) is None


def test_a_film_counts_once_for_the_fixed_spot() -> None:
    twice = boxes(*[("a", "effusion", 0.0, 0.0, 0.2, 0.2)] * 5)
    others = boxes(*[(image, "effusion", 0.7, 0.7, 0.2, 0.2) for image in "bc"])
    assert best_fixed_spot(pd.concat([twice, others])) == pytest.approx((0.8, 0.8), abs=1 / 63)


def test_rows_by_hand(tmp_path: Path) -> None:
    rows = localisation_rows(
        ["a.png", "b.png"],
        np.stack([evidence_at(6, 0), evidence_at(3, 3)]),
        boxes(
            ("a.png", "effusion", 0.0, 0.8, 0.2, 0.2),
            ("b.png", "effusion", 0.0, 0.8, 0.2, 0.2),
            ("b.png", "effusion", 0.4, 0.4, 0.2, 0.2),
            ("b.png", "atelectasis", 0.0, 0.0, 0.1, 0.1),
            ("elsewhere.png", "effusion", 0.0, 0.0, 1.0, 1.0),
        ),
        boxes(("t.png", "effusion", 0.0, 0.8, 0.2, 0.2)),
    )
    assert tuple(rows.columns) == (*LOCALISATION_COLUMNS, *OVERLAP_COLUMNS)
    by_film = rows.set_index(["image", "finding"])
    assert len(by_film) == 3
    hits = ["inside", "fixed_spot_inside", "centre_inside"]
    assert list(by_film.loc[("a.png", "effusion"), hits]) == [1, 1, 0]
    assert list(by_film.loc[("b.png", "effusion"), hits]) == [1, 1, 1]
    assert by_film.loc[("b.png", "effusion"), "box_area"] == pytest.approx(0.08)
    missed = ("b.png", "atelectasis")
    assert list(by_film.loc[missed, ["x", "y", "inside"]]) == [0.5, 0.5, 0]
    assert by_film["fixed_spot_inside"].isna().loc[missed]  # no training box of it
    write_localisation(rows, tmp_path / "localisation.csv")
    read = pd.read_csv(tmp_path / "localisation.csv")
    pd.testing.assert_frame_equal(read, rows, check_dtype=False)


def test_the_fixed_spot_is_never_chosen_on_films_that_are_judged() -> None:
    both = boxes(("a.png", "effusion", 0.0, 0.0, 0.1, 0.1))
    with pytest.raises(DataError) as raised:
        localisation_rows(["a.png"], evidence_at(0, 0)[None], both, both)
    assert "both" in raised.value.problem
    assert raised.value.value == "1 films: a.png"
    assert "training films only" in raised.value.remedy


def made_rows(n: int) -> pd.DataFrame:
    """Films where the peak hits 3 of 4, the fixed spot 1 of 4, the centre never."""
    names = [f"{i}.png" for i in range(n)]
    return pd.DataFrame(
        {
            "image": names,
            "finding": "effusion",
            "x": 0.5,
            "y": 0.5,
            "inside": np.resize([1, 1, 1, 0], n),
            "fixed_spot_inside": np.resize([1, 0, 0, 0], n),
            "centre_inside": 0,
            "box_area": np.resize([0.1, 0.3], n),
        }
    )


def test_hit_rates_by_hand() -> None:
    rows = made_rows(80)
    rates = hit_rates(rows, n_resamples=400)["effusion"]
    assert rates.n == 80
    assert rates.peak.estimate == 0.75
    assert rates.fixed_spot.estimate == 0.25
    assert rates.centre.estimate == 0.0
    assert rates.random_point.estimate == pytest.approx(0.2)
    assert rates.gain.estimate == 0.5
    # 80 independent films: standard error 0.048 for 3 of 4.
    assert rates.peak.low == pytest.approx(0.75 - 1.96 * 0.0484, abs=0.03)
    assert rates.peak.high == pytest.approx(0.75 + 1.96 * 0.0484, abs=0.03)
    assert rates.gain.low < 0.5 < rates.gain.high


def test_hit_rates_resample_patients() -> None:
    rows = made_rows(80).sort_values("inside")
    patient = {image: str(i // 4) for i, image in enumerate(rows["image"])}
    clustered = hit_rates(rows, patient, n_resamples=400)["effusion"].peak
    alone = hit_rates(rows, n_resamples=400)["effusion"].peak
    assert clustered.high - clustered.low > 1.5 * (alone.high - alone.low)


def test_a_shuffled_models_peaks_stand_beside_where_the_table_has_them() -> None:
    assert not hit_rates(made_rows(80), n_resamples=20)["effusion"].shuffled.estimable
    rows = made_rows(80).assign(shuffled_inside=np.resize([1, 0, 0, 0, 0], 80))
    assert hit_rates(rows, n_resamples=20)["effusion"].shuffled.estimate == 0.2


def test_few_or_no_boxes_are_not_estimable() -> None:
    rates = hit_rates(made_rows(9), n_resamples=20)
    assert rates["effusion"].n == 9
    assert rates["effusion"].peak.verdict == rates["effusion"].gain.verdict == "too few"
    assert rates["atelectasis"].n == 0
    assert rates["atelectasis"].peak.text() == "not estimable"
