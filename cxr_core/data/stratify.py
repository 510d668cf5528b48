"""Dividing patients into parts so that every kind of film is shared out alike."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxr_core.findings import LABEL_COLUMNS

_SWEEPS = 4  # the objective no longer falls after two or three
_SOFTENING = 1.0  # films; keeps a kind with one or two films from outweighing the rest


def strata_counts(table: pd.DataFrame) -> NDArray[np.float64]:
    """Count each patient's films of every kind that a division should share out alike.

    Kinds: any film, each finding, only other findings; each view and each group; each
    finding within each view and within each group (README bias 1: the view alone predicts
    No Finding, so figures are given within PA and AP and need both in every part).

    Args:
        table: label columns, ``patient``, and ``view`` and ``group`` where they are known.

    Returns:
        (P, K) films of kind k of patient p, patients in sorted order.
    """
    labels = table[list(LABEL_COLUMNS)].to_numpy(dtype=np.float64)  # (N, 4)
    other = (labels.sum(axis=1, keepdims=True) == 0).astype(np.float64)  # (N, 1)
    base = np.concatenate([np.ones((len(table), 1)), labels, other], axis=1)  # (N, 6)
    blocks = [base]
    for name in ("view", "group"):
        if name in table.columns:
            kinds = pd.get_dummies(table[name].fillna("")).to_numpy(dtype=np.float64)  # (N, C)
            blocks += [base * kinds[:, [c]] for c in range(kinds.shape[1])]  # each (N, 6)
    films = np.concatenate(blocks, axis=1)  # (N, K)
    patients, codes = np.unique(table["patient"].to_numpy(dtype=str), return_inverse=True)
    counts = np.zeros((len(patients), films.shape[1]))
    np.add.at(counts, codes, films)
    return counts[:, counts.any(axis=0)]


def divide(
    counts: NDArray[np.float64], fractions: Sequence[float], *, seed: int
) -> NDArray[np.int64]:
    """Assign whole patients to parts so that every kind of film nears its fraction.

    Greedy, in the manner of iterative stratification (Sechidis, Tsoumakas and Vlahavas, "On
    the stratification of multi-label data", ECML PKDD 2011), then sweeps of single moves.
    What falls is sum over parts s and kinds k of (n_sk - f_s N_k)^2 / (f_s (N_k + 1)).
    Patients with most films go first, since the small ones can still even things out.

    Args:
        counts: (P, K) films of kind k of patient p.
        fractions: share of each of S parts, positive, summing to 1.
        seed: order among patients with equally many films.

    Returns:
        (P,) part of each patient, 0..S-1.
    """
    shares = np.asarray(fractions, dtype=np.float64)[:, None]  # (S, 1)
    totals = counts.sum(axis=0)  # (K,)
    weight = 1.0 / (shares * (totals + _SOFTENING))  # (S, K)
    surplus = np.zeros_like(weight) - shares * totals  # (S, K): films above a part's due
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(counts))
    order = order[np.argsort(-counts[order].sum(axis=1), kind="stable")]
    parts = np.full(len(counts), -1, dtype=np.int64)
    for sweep in range(1 + _SWEEPS):
        moved = 0
        for patient in order:
            films = counts[patient]  # (K,)
            before = parts[patient]
            if sweep:
                surplus[before] -= films
            cost = (weight * films * (2.0 * surplus + films)).sum(axis=1)  # (S,): growth if added
            # A tie must not move anyone, or two equal patients could change places for ever.
            best = int(cost.argmin())
            after = before if sweep and cost[before] <= cost[best] + 1e-12 else best
            surplus[after] += films
            parts[patient] = after
            moved += int(after != before)
        if not moved:
            break
    return parts
