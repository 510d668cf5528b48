"""One rule of enough, wide and too few: every kind of figure follows it at the same film."""

import numpy as np
import pytest

from cxr_core.evaluation.metrics.bootstrap import proportion_intervals, resample_units
from cxr_core.evaluation.metrics.labels import expected_verdict
from cxr_core.evaluation.metrics.ranking import auroc_interval
from cxr_core.evaluation.metrics.shares import group_difference, paired_difference
from cxr_core.evaluation.metrics.sufficiency import has_enough, verdict_of_width


@pytest.mark.parametrize(("films", "patients"), [(10, 10), (9, 9), (30, 9), (30, 10)])
def test_every_figure_needs_ten_films_of_ten_patients(films: int, patients: int) -> None:
    """Beside 60 films of other patients, which may not make up for it."""
    rng = np.random.default_rng(0)
    y = np.repeat([1, 0], [films, 60])
    unit = np.concatenate([np.resize(np.arange(patients), films), 100 + np.arange(60)])
    resamples = resample_units(unit, n_resamples=20)
    scores, hits = rng.normal(size=len(y)), rng.random(len(y)) < 0.5
    enough = films >= 10 and patients >= 10
    assert has_enough(films, patients) is enough
    assert auroc_interval(y, scores, resamples).estimable is enough
    assert proportion_intervals(hits * y, y, resamples)[0].estimable is enough
    assert (expected_verdict(films, 60, patients) != "too few") is enough
    index = resamples.patient_index
    one, other = y == 1, y == 0
    gap = group_difference(hits[one], hits[other], index[one], index[other])
    assert gap.estimable is enough
    pair = paired_difference(hits[one], ~hits[one], index[one])
    assert pair.estimable is enough


def test_wide_begins_above_a_tenth() -> None:
    assert (verdict_of_width(0.1), verdict_of_width(0.1001)) == ("enough", "wide")


def test_the_word_for_an_area_hangs_on_no_seed() -> None:
    """Two hundred draws make this interval narrower or wider than a tenth, as it comes."""
    rng = np.random.default_rng(300)
    y = (rng.random(300) < 0.35).astype(int)
    scores = rng.normal(size=300) + 1.2 * y
    intervals = [
        auroc_interval(y, scores, resample_units(np.arange(300), n_resamples=200, seed=seed))
        for seed in range(6)
    ]
    widths = [one.high - one.low for one in intervals]
    assert min(widths) < 0.1 < max(widths)
    assert {one.verdict for one in intervals} == {"wide"}
