"""Calibration errors and peaks in boxes of two models."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxr_core.config import Calibration
from cxr_core.errors import CheckpointError, DataError
from cxr_core.evaluation.comparison import calibration_errors, compare_hit_rates
from cxr_core.evaluation.localisation.pointing import hit_rates, write_localisation
from cxr_core.evaluation.predictions import validate_predictions
from cxr_core.evaluation.run_folder import RunFolder
from cxr_core.findings import KEYS, LABEL_COLUMNS, LOGIT_COLUMNS, PROBABILITY_COLUMNS
from cxr_core.model.metadata import write_metadata
from tests.helpers.models import make_metadata

CALIBRATION = Calibration(0.5, (0.0, 0.1, -0.1, 0.2))
FILMS = pd.DataFrame({"image": [f"{i:02}.png" for i in range(40)]}).assign(
    patient=[str(i // 2) for i in range(40)]
)


def rows(inside: list[int], finding: str = "effusion") -> pd.DataFrame:
    """Forty boxed films on which the peaks hit as often as ``inside``, repeated, says."""
    return FILMS[["image"]].assign(
        finding=finding,
        x=0.5,
        y=0.5,
        inside=np.resize(inside, 40),
        fixed_spot_inside=0,
        centre_inside=0,
        box_area=0.1,
    )


def peaks(a: pd.DataFrame | None, b: pd.DataFrame | None, films: pd.DataFrame = FILMS):
    return compare_hit_rates(a, b, films, n_resamples=200, seed=0)


def test_calibration_errors_by_hand() -> None:
    # Logit 0 is a probability of 0.5, of which 3 in 4 are ill; an offset of ln 3 mends it.
    films = pd.DataFrame({"image": list("abcd")}).assign(
        **{name: [1, 1, 1, 0] for name in LABEL_COLUMNS}, **dict.fromkeys(LOGIT_COLUMNS, 0.0)
    )
    found = calibration_errors(validate_predictions(films), Calibration(2.0, (np.log(3),) * 4))
    assert found.before == pytest.approx(dict.fromkeys(KEYS, 0.25))
    assert found.after == pytest.approx(dict.fromkeys(KEYS, 0.0))
    given = films.rename(columns=dict(zip(LOGIT_COLUMNS, PROBABILITY_COLUMNS, strict=True)))
    found = calibration_errors(validate_predictions(given), CALIBRATION)
    assert found.before == pytest.approx(dict.fromkeys(KEYS, 0.75))
    assert found.after == {}


def test_peaks_by_hand() -> None:
    found, notes = peaks(rows([1, 0, 0, 0]), rows([1, 1, 1, 0])[::-1])
    rate = found["effusion"].rate
    assert (rate.a.estimate, rate.b.estimate, rate.difference.estimate) == (0.25, 0.75, 0.5)
    # Of 40 films both hit 10, B alone 20, A alone none, neither 10: Newcombe's interval of these
    # (10 * 10 less 20 * 0, less n / 2, is 80; phi is that over the root of the margins).
    a_low, b_high, b_low, a_high = 0.14187, 0.85813, 0.59810, 0.40190
    phi = 80 / np.sqrt(10 * 30 * 30 * 10)
    low, high = (
        0.5 + sign * np.sqrt(b * b - 2 * phi * b * a + a * a)
        for sign, b, a in (
            (-1, 0.75 - b_low, a_high - 0.25),
            (1, b_high - 0.75, 0.25 - a_low),
        )
    )
    assert rate.difference.low == pytest.approx(low, abs=1e-4)
    assert rate.difference.high == pytest.approx(high, abs=1e-4)
    assert rate.difference.direction == "higher"
    assert (found["effusion"].n, found["atelectasis"].n, found["all"].n) == (40, 0, 40)
    assert found["all"].rate == rate
    assert found["atelectasis"].rate.difference.text() == "not estimable"
    assert notes == []


def test_peaks_equal_each_models_own_hit_rates() -> None:
    a, b = rows([1, 0, 0, 1, 0, 0, 1]), rows([0, 1, 1, 1, 0])
    patients = dict(zip(FILMS["image"], FILMS["patient"], strict=True))
    found = peaks(a, b)[0]["effusion"].rate
    assert found.a == hit_rates(a, patients, n_resamples=200)["effusion"].peak
    assert found.b == hit_rates(b, patients, n_resamples=200)["effusion"].peak
    back = peaks(b, a)[0]["effusion"].rate
    assert back.difference.estimate == pytest.approx(-found.difference.estimate)
    assert back.difference.low == pytest.approx(-found.difference.high)
    same = peaks(a, a)[0]["effusion"].rate.difference
    assert (same.estimate, same.p_value, same.direction) == (0.0, 1.0, "not shown")
    assert same.low < 0 < same.high  # so few films do not show them equal


def test_all_findings_together() -> None:
    a = pd.concat([rows([0]), rows([1, 0], "atelectasis")])
    found, _ = peaks(a, a.assign(inside=1))
    assert found["all"].n == 80
    assert found["all"].rate.a.estimate == 0.25
    assert found["all"].rate.difference.estimate == 0.75


def test_only_boxes_that_both_models_were_asked_about_count() -> None:
    a = rows([0]).assign(box_area=np.repeat([0.1, 0.2], [35, 5]))
    found, notes = peaks(a, rows([1])[5:])
    assert found["effusion"].n == 30
    assert notes == [
        "15 rows of the two localisation.csv files (40 and 35 on these films) have no counterpart "
        "with boxes of the same area and were left out."
    ]


def test_boxes_of_other_films_do_not_count() -> None:
    found, notes = peaks(rows([0]), rows([1]), FILMS.assign(image="other " + FILMS["image"]))
    assert found == {}
    assert notes == ["The two localisation.csv files share no box on these films."]


def test_without_both_tables_no_peaks_are_compared() -> None:
    found, (note,) = peaks(rows([1]), None)
    assert found == {}
    assert "At least one model has no localisation.csv" in note


def write_model(folder: Path) -> Path:
    write_metadata(folder, make_metadata(calibration=CALIBRATION), weights_sha256="0" * 64)
    return folder


def test_a_model_is_read_from_its_folder(tmp_path: Path) -> None:
    found = RunFolder(write_model(tmp_path))
    assert (found.model.calibration, found.localisation) == (CALIBRATION, None)
    written = rows([1, 0]).assign(fixed_spot_inside=np.nan)
    write_localisation(written, tmp_path / "localisation.csv")
    found = RunFolder(tmp_path)
    assert found.localisation is not None
    pd.testing.assert_frame_equal(
        found.localisation, written, check_dtype=False, check_column_type=False
    )


@pytest.mark.parametrize(
    ("table", "problem", "value"),
    [
        (rows([1]).assign(inside=["", *[1] * 39]), "not between 0 and 1", "column inside"),
        (pd.concat([rows([1]), rows([1])[3:4]]), "twice for one finding", "03.png"),
    ],
)
def test_a_broken_localisation_is_refused(
    tmp_path: Path, table: pd.DataFrame, problem: str, value: str
) -> None:
    write_localisation(table, write_model(tmp_path) / "localisation.csv")
    with pytest.raises(DataError) as raised:
        _ = RunFolder(tmp_path).localisation
    assert problem in raised.value.problem
    assert value in str(raised.value.value)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no model in this folder"):
        _ = RunFolder(tmp_path).model
