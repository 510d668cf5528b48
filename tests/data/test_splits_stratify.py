import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from cxr_core.data.splits import assign_parts, strata_counts
from cxr_core.findings import LABEL_COLUMNS


def test_kinds_are_counted_a_patient() -> None:
    table = pd.DataFrame(
        [[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]], columns=list(LABEL_COLUMNS)
    ).assign(patient=["2", "1", "2"])
    # Films, effusion, atelectasis, only others; the two kinds that nobody has are left out.
    assert strata_counts(table).tolist() == [[1, 1, 1, 0], [2, 1, 0, 1]]
    with_view = strata_counts(table.assign(view=["PA", "PA", "AP"]))
    # Then within AP: films, only others; within PA: films, effusion, atelectasis.
    assert with_view[1].tolist() == [2, 1, 0, 1, 1, 1, 1, 1, 0]


def test_what_can_be_divided_exactly_is() -> None:
    counts = np.tile(np.eye(3), (30, 1))  # 30 patients of each of three kinds
    parts = assign_parts(counts, (0.7, 0.1, 0.2), seed=0)
    for part, expected in enumerate((21, 3, 6)):
        assert counts[parts == part].sum(axis=0).tolist() == [expected] * 3


@given(st.integers(0, 10_000))
def test_a_division_is_more_even_than_chance(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 4, (25, 3)).astype(float)
    shares = np.array([0.6, 0.4])[:, None]

    def unevenness(parts: np.ndarray) -> float:
        sums = np.stack([counts[parts == s].sum(axis=0) for s in range(2)])
        totals = counts.sum(axis=0)
        return float(((sums - shares * totals) ** 2 / (shares * (totals + 1))).sum())

    parts = assign_parts(counts, (0.6, 0.4), seed=seed)
    at_random = np.median([unevenness(rng.permutation(parts)) for _ in range(20)])
    assert unevenness(parts) <= at_random
