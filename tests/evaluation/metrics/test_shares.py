"""Differences of shares against published tables, scipy, and the formulas written out again."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import binom, norm

from cxr_core.evaluation.metrics.bootstrap import resample_units, wilson_interval
from cxr_core.evaluation.metrics.shares import (
    design_effect,
    group_difference,
    mcnemar_mid_p,
    newcombe_paired,
    paired_difference,
    square_and_add,
    wilson_bounds,
)


def films(both: int, first: int, second: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    """Hits of two pointers on films of a 2 x 2 table."""
    counts = [both, first, second, neither]
    return np.repeat([1, 1, 0, 0], counts), np.repeat([1, 0, 1, 0], counts)


def mcnemar_by_scipy(b: int, c: int) -> float:
    """The mid-p as Fagerland et al. write it, from the binomial distribution."""
    less, n = min(b, c), b + c
    return float(min(1.0, 2 * binom.cdf(less, n, 0.5) - binom.pmf(less, n, 0.5)))


def test_published_values() -> None:
    # Bentur et al.'s 21 children, in Fagerland, Lydersen and Laake 2013: mid-p 0.039; and their
    # book's Newcombe interval, -0.507 to -0.026.
    assert mcnemar_mid_p([1] + [-1] * 7) == pytest.approx(0.0391, abs=5e-5)
    assert newcombe_paired([1, 1, 7, 12]) == pytest.approx((-0.507, -0.026), abs=5e-4)
    # Newcombe 1998, page 2635, table III, method 10.
    assert newcombe_paired([20, 12, 2, 16]) == pytest.approx((0.0562, 0.3292), abs=5e-5)
    # Perondi et al.'s trial in the same book: independent shares of 7 of 34 and 1 of 34.
    sides = wilson_bounds(7 / 34, 34), wilson_bounds(1 / 34, 34)
    assert square_and_add((7 / 34, 1 / 34), *sides) == pytest.approx((0.019, 0.34), abs=5e-4)


@pytest.mark.parametrize("hits", [0, 3, 17, 40])
def test_wilsons_interval_is_the_packages_own(hits: int) -> None:
    assert wilson_bounds(hits / 40, 40) == pytest.approx(wilson_interval(hits, 40), abs=1e-12)


@pytest.mark.parametrize(("b", "c"), [(0, 0), (1, 0), (5, 5), (12, 2), (3, 14), (60, 31)])
def test_mcnemars_test_equals_the_binomial(b: int, c: int) -> None:
    assert mcnemar_mid_p([1] * b + [-1] * c + [0] * 9) == pytest.approx(
        mcnemar_by_scipy(b, c), rel=1e-12
    )


def test_films_of_a_patient_change_sides_together() -> None:
    gains = [3, -1, 2, 1, 0, 2]
    total, signs = sum(gains), list(itertools.product([-1, 1], repeat=5))
    sums = [sum(s * g for s, g in zip(sign, [3, 1, 2, 1, 2], strict=True)) for sign in signs]
    above = sum(one > total for one in sums)
    expected = Fraction(2 * above + sum(one == total for one in sums), len(sums))
    assert mcnemar_mid_p(gains) == pytest.approx(float(expected), rel=1e-12)


def test_paired_films_of_many_patients() -> None:
    hits, others = films(6, 12, 2, 10)
    found = paired_difference(hits, others, np.arange(30))
    assert found.estimate == pytest.approx(10 / 30)
    assert (found.low, found.high) == pytest.approx(newcombe_paired([6, 12, 2, 10]))
    assert found.p_value == pytest.approx(mcnemar_by_scipy(12, 2))
    assert found.direction == "higher"
    back = paired_difference(others, hits, np.arange(30))
    assert back.low == pytest.approx(-found.high)
    assert back.direction == "lower"


def test_a_verdict_that_hangs_on_one_film_is_not_shown() -> None:
    hits, others = films(8, 5, 0, 11)  # with one film less, p = 2 * 0.5 ** 4 / 2 = 0.0625
    found = paired_difference(hits, others, np.arange(24))
    assert found.p_value == pytest.approx(0.03125)
    assert found.low > 0
    assert found.direction == "not shown"
    hits, others = films(8, 6, 0, 10)  # with one less, 0.03125
    assert paired_difference(hits, others, np.arange(24)).direction == "higher"


def test_films_of_one_patient_count_as_far_as_they_tell() -> None:
    hits, others = films(30, 18, 3, 29)
    alone = paired_difference(hits, others, np.arange(80))
    alike = paired_difference(hits, others, np.arange(80) // 4)
    assert alike.high - alike.low > 1.2 * (alone.high - alone.low)
    assert alike.p_value > alone.p_value
    # Patients as the only units: the variance of their means, by numpy.
    gain = (hits - others).reshape(20, 4).mean(axis=1)
    expected = gain.var(ddof=1) / 20 / ((hits - others).var(ddof=1) / 80)
    assert design_effect(hits - others, np.arange(80) // 4) == pytest.approx(expected)


def test_what_cannot_be_said() -> None:
    hits, others = films(3, 3, 2, 1)
    assert paired_difference(hits, others, np.arange(9)).verdict == "too few"
    hits, others = films(10, 10, 10, 10)
    assert paired_difference(hits, others, np.arange(40) // 5).verdict == "too few"  # 8 patients
    unknown = np.where(np.arange(40) == 3, np.nan, hits)
    assert paired_difference(unknown, others, np.arange(40)).direction == "not estimable"


def test_groups_of_other_patients() -> None:
    a, b = np.repeat([1, 0], [45, 15]), np.repeat([1, 0], [24, 36])
    found = group_difference(a, b, np.arange(60), np.arange(60, 120))
    # statsmodels' confint_proportions_2indep(45, 60, 24, 60, method="newcomb").
    low, high = (
        0.35
        + side
        * np.sqrt((wilson_bounds(0.75, 60)[i] - 0.75) ** 2 + (wilson_bounds(0.4, 60)[j] - 0.4) ** 2)
        for side, i, j in ((-1, 0, 1), (1, 1, 0))
    )
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-12)
    assert found.direction == "higher"
    # The p-value is that of the level at which the interval ends in 0.
    z = norm.isf(found.p_value / 2)
    ends = square_and_add((0.75, 0.4), wilson_bounds(0.75, 60, z), wilson_bounds(0.4, 60, z))
    assert ends[0] == pytest.approx(0.0, abs=1e-9)


def test_groups_that_share_patients_are_paired() -> None:
    rng = np.random.default_rng(4)
    ability = rng.random(200)
    a, b = (ability + rng.normal(scale=0.1, size=200) > cut for cut in (0.4, 0.5))
    paired = group_difference(a, b, np.arange(200), np.arange(200))
    apart = group_difference(a, b, np.arange(200), np.arange(200, 400))
    assert paired.estimate == apart.estimate
    assert paired.high - paired.low < 0.7 * (apart.high - apart.low)
    # About as wide as the normal interval of the films' differences.
    error = 1.96 * np.std(a.astype(int) - b.astype(int), ddof=1) / np.sqrt(200)
    assert (paired.high - paired.low) / 2 == pytest.approx(error, rel=0.1)


def test_the_seed_of_the_resampling_changes_nothing() -> None:
    hits, others = films(5, 9, 2, 8)
    found = [
        paired_difference(
            hits, others, resample_units(np.arange(24), n_resamples=5, seed=seed).patient_index
        )
        for seed in range(3)
    ]
    assert found[0] == found[1] == found[2]
