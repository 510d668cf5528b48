"""Shares of bands and of flags, counted by hand."""

import numpy as np
import pytest

from cxr_core.evaluation.cutoffs import Cutoffs
from cxr_core.evaluation.metrics.bootstrap import proportion_intervals, resample_units
from cxr_core.evaluation.metrics.flag_worth import band_shares, flag_worth
from cxr_core.findings import KEYS
from tests.helpers.models import make_points

CUTOFFS = Cutoffs(make_points((0.6,) * 4), make_points((0.3,) * 4))
# Twenty films in each band of every finding; of the unlikely 2, of the uncertain 5, of the likely
# 12 carry the label. No Finding goes the other way, so that normal films are flagged too.
P = np.repeat([0.1, 0.4, 0.8], 20)
Y = np.concatenate([np.arange(20) < n for n in (2, 5, 12)]).astype(int)
PROBABILITIES = np.stack([P, P, P, P], axis=1)
LABELS = np.stack([Y, Y, Y, 1 - Y], axis=1)
ALONE = resample_units([str(i) for i in range(60)], n_resamples=200)


def test_each_band_tells_its_own_share() -> None:
    found = band_shares(LABELS, PROBABILITIES, CUTOFFS, ALONE)
    for key in KEYS[:3]:
        counted = {band: (one.n, one.positives) for band, one in found[key].items()}
        assert counted == {"unlikely": (20, 2), "uncertain": (20, 5), "likely": (20, 12)}
        likely = found[key]["likely"].share
        assert likely.estimate == 0.6
        assert likely.low < 0.6 < likely.high
    assert found["no_finding"]["likely"].share.estimate == 0.4


def test_the_interval_is_that_of_the_dashboard_and_follows_patients() -> None:
    in_band, hit = P == 0.8, (P == 0.8) & (Y == 1)
    (expected,) = proportion_intervals(hit, in_band, ALONE)
    assert band_shares(LABELS, PROBABILITIES, CUTOFFS, ALONE)["effusion"]["likely"].share == (
        expected
    )
    # Two films of one label a patient: the same share, from half of the patients.
    order = np.argsort(P * 10 + Y, kind="stable")
    patients = np.empty(60, int)
    patients[order] = np.arange(60) // 2
    thirty = resample_units(patients, n_resamples=200)
    clustered = band_shares(LABELS, PROBABILITIES, CUTOFFS, thirty)["effusion"]["likely"].share
    assert clustered.high - clustered.low > 1.2 * (expected.high - expected.low)


def test_flags_in_both_settings_among_normal_films_too() -> None:
    found = flag_worth(LABELS, PROBABILITIES, CUTOFFS, ALONE)
    standard, sensitive = (found.rates[name]["effusion"] for name in ("standard", "sensitive"))
    assert (standard.n, sensitive.n) == (20, 40)
    assert standard.flagged.estimate == pytest.approx(20 / 60)
    # 41 films are No Finding: 8 of the likely, 15 of the uncertain, 18 of the unlikely.
    assert standard.flagged_normal.estimate == pytest.approx(8 / 41)
    assert sensitive.flagged_normal.estimate == pytest.approx(23 / 41)
    assert sensitive.with_label.estimate == pytest.approx(17 / 40)
    assert found.any_finding["standard"].n == 20  # the three go together here


def test_any_finding_counts_a_film_once() -> None:
    probabilities = PROBABILITIES.copy()
    probabilities[:, 1] = 0.1
    probabilities[:10, 2] = 0.9  # ten more films, for Infiltration alone
    found = flag_worth(LABELS, probabilities, CUTOFFS, ALONE).any_finding["standard"]
    assert found.n == 30


def test_one_cut_off_has_one_setting_and_an_empty_band() -> None:
    found = flag_worth(LABELS, PROBABILITIES, Cutoffs(make_points((0.6,) * 4)), ALONE)
    assert list(found.rates) == ["standard"]
    uncertain = found.bands["effusion"]["uncertain"]
    assert (uncertain.n, uncertain.share.estimable) == (0, False)
    assert found.bands["effusion"]["unlikely"].n == 40
