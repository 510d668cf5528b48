"""Reading ``localisation.csv``: what was written, and each way in which it can be spoilt."""

import numpy as np
import pandas as pd
import pytest

from cxr_core.errors import DataError
from cxr_core.evaluation.localisation.overlap import OVERLAP_COLUMNS
from cxr_core.evaluation.localisation.pointing import (
    LOCALISATION_COLUMNS,
    hit_rates,
    write_localisation,
)
from cxr_core.evaluation.localisation.rates import read_localisation

ROWS = pd.DataFrame(
    [
        ("a.png", "effusion", 0.1, 0.2, 1, 0, 0, 0.05),
        ("b.png", "infiltration", 0.5, 0.5, 0, float("nan"), 1, 0.25),
    ],
    columns=list(LOCALISATION_COLUMNS),
)


def test_what_was_written_is_read(tmp_path) -> None:
    path = tmp_path / "localisation.csv"
    write_localisation(ROWS, path)
    pd.testing.assert_frame_equal(read_localisation(path), ROWS, check_dtype=False)


def test_overlaps_are_read_where_they_are_and_only_true_gaps_are_unknown(tmp_path) -> None:
    path = tmp_path / "localisation.csv"
    whole = ROWS.assign(**dict.fromkeys(OVERLAP_COLUMNS, 0.25)).assign(region_x=[0.5, np.nan])
    write_localisation(whole, path)
    pd.testing.assert_frame_equal(read_localisation(path), whole, check_dtype=False)
    whole.astype({"iou": "object"}).assign(iou=[0.5, "?"]).to_csv(path, index=False)
    with pytest.raises(DataError, match="column iou"):
        read_localisation(path)


def test_a_finding_without_a_fixed_spot_has_no_rate_for_it(tmp_path) -> None:
    path = tmp_path / "localisation.csv"
    many = pd.concat([ROWS.iloc[[1]].assign(image=f"{i}.png") for i in range(12)])
    write_localisation(many, path)
    rates = hit_rates(read_localisation(path), n_resamples=50)["infiltration"]
    assert (rates.n, rates.peak.estimate, rates.centre.estimate) == (12, 0.0, 1.0)
    assert rates.random_point.estimate == pytest.approx(0.25)
    assert not rates.fixed_spot.estimable
    assert not rates.gain.estimable


@pytest.mark.parametrize(
    ("rows", "cause"),
    [
        (ROWS.drop(columns="centre_inside"), "centre_inside"),
        (ROWS.assign(inside="yes"), "column inside"),
        (ROWS.assign(box_area=[0.1, np.nan]), "column box_area"),
        (ROWS.iloc[:0], "no rows"),
    ],
)
def test_a_spoilt_table_is_one_sentence(tmp_path, rows, cause) -> None:
    path = tmp_path / "localisation.csv"
    rows.to_csv(path, index=False)
    with pytest.raises(DataError, match=cause):
        read_localisation(path)
