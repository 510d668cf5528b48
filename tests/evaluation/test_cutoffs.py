"""Bands between two cut-offs, and at which of them a finding is flagged."""

import numpy as np
import pytest

from cxr_core.errors import CheckpointError, ConfigError
from cxr_core.evaluation.cutoffs import BANDS, Cutoffs, cutoffs_of_model
from cxr_core.findings import ABNORMAL_KEYS, KEYS
from cxr_core.model.metadata import load_metadata, write_metadata
from tests.helpers.models import make_metadata, make_points

LOWER, UPPER = make_points((0.1, 0.2, 0.3, 0.4)), make_points((0.5, 0.5, 0.3, 0.6))
PAIR, SINGLE = Cutoffs(UPPER, LOWER), Cutoffs(UPPER)


@pytest.mark.parametrize(
    ("probability", "band"),
    [(0.0, "unlikely"), (0.0999, "unlikely"), (0.1, "uncertain"), (0.4999, "uncertain"),
     (0.5, "likely"), (1.0, "likely")],
)  # fmt: skip
def test_a_probability_on_a_cut_off_is_in_the_band_above(probability, band) -> None:
    assert PAIR.band("effusion", probability) == band


def test_where_both_are_one_nothing_is_uncertain() -> None:
    probabilities = np.linspace(0, 1, 101)
    assert {PAIR.band("infiltration", p) for p in probabilities} == {"unlikely", "likely"}


def test_arrays_agree_with_single_probabilities() -> None:
    probabilities = np.random.default_rng(0).random((200, 4))
    for cutoffs in (PAIR, SINGLE):
        for key, column in zip(KEYS, probabilities.T, strict=True):
            found = cutoffs.band_indices(key, column)
            assert [BANDS[place] for place in found] == [cutoffs.band(key, p) for p in column]


def test_the_sensitive_setting_flags_more_but_calls_no_more_films_normal() -> None:
    assert PAIR.points("standard") == UPPER
    sensitive = PAIR.points("sensitive")
    assert {key: sensitive[key] for key in ABNORMAL_KEYS} == {k: LOWER[k] for k in ABNORMAL_KEYS}
    assert sensitive["no_finding"] == UPPER["no_finding"]


def test_one_cut_off_is_the_same_in_both_settings_and_nothing_is_uncertain() -> None:
    assert not SINGLE.paired
    assert SINGLE.points("sensitive") == SINGLE.points("standard") == UPPER
    assert SINGLE.band("effusion", 0.3) == "unlikely"


def test_both_are_stored_and_come_back(tmp_path) -> None:
    write_metadata(
        tmp_path, make_metadata(operating_points=UPPER, sensitive_points=LOWER), weights_sha256="w"
    )
    assert cutoffs_of_model(load_metadata(tmp_path)) == PAIR


def test_a_folder_of_an_earlier_version_has_one(tmp_path) -> None:
    write_metadata(tmp_path, make_metadata(operating_points=UPPER), weights_sha256="w")
    assert "sensitive_points" not in (tmp_path / "model.json").read_text()
    assert cutoffs_of_model(load_metadata(tmp_path)) == SINGLE


def test_a_sensitive_cut_off_above_the_other_is_refused(tmp_path) -> None:
    with pytest.raises(ConfigError, match="sensitive cut-off of Effusion lies above"):
        make_metadata(operating_points=LOWER, sensitive_points=UPPER)


def test_a_folder_with_half_of_the_sensitive_cut_offs_is_refused(tmp_path, monkeypatch) -> None:
    metadata = make_metadata(operating_points=UPPER, sensitive_points=LOWER)
    monkeypatch.setattr(
        "cxr_core.model.metadata._points_document",
        lambda points: {"effusion": {}} if points is LOWER else {k: vars(points[k]) for k in KEYS},
    )
    write_metadata(tmp_path, metadata, weights_sha256="w")
    with pytest.raises(CheckpointError, match="lacks a value"):
        load_metadata(tmp_path)
