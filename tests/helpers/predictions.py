"""Predictions tables drawn at random, of a model that knows something."""

import numpy as np
import pandas as pd

from cxr_core.findings import KEYS, LABEL_COLUMNS, LOGIT_COLUMNS

PREVALENCE = (0.2, 0.2, 0.25, 0.3)


def make_predictions(
    n_films: int = 240,
    *,
    seed: int = 0,
    prevalence: tuple[float, ...] = PREVALENCE,
    exclusive: bool = True,
) -> pd.DataFrame:
    """A table of every column; a logit is N(-1, 1), and 1.6 more where its label is 1.

    ``exclusive``: a film with a finding is not labelled No Finding.
    """
    rng = np.random.default_rng(seed)
    labels = (rng.random((n_films, len(KEYS))) < prevalence).astype(int)
    if exclusive:
        normal = KEYS.index("no_finding")
        labels[np.delete(labels, normal, axis=1).any(axis=1), normal] = 0
    logits = rng.normal(size=labels.shape) + 1.6 * labels - 1.0
    table = pd.DataFrame(
        {
            "image": [f"{index:08d}_000.png" for index in range(n_films)],
            "patient": rng.integers(0, max(1, n_films // 2), n_films).astype(str),
            "age": rng.integers(10, 90, n_films),
            "sex": rng.choice(["M", "F"], n_films),
            "view": rng.choice(["PA", "AP"], n_films),
            "follow_up": rng.integers(0, 5, n_films),
            "group": rng.choice(["sample", "boxed"], n_films),
        }
    )
    table[list(LABEL_COLUMNS)] = labels
    table[list(LOGIT_COLUMNS)] = logits.round(4)
    return table


def csv_bytes(table: pd.DataFrame) -> bytes:
    """The table as a browser uploads it."""
    return table.to_csv(index=False).encode()
