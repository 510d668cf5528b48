"""Two evaluated tables, compared on the films in both, and what their models have seen."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from cxr_core.evaluation.bootstrap import Interval
from cxr_core.evaluation.compare import compare_predictions
from cxr_core.evaluation.compare_films import films_of, left_out_note, shared_films
from cxr_core.evaluation.compare_results import Comparison
from cxr_core.evaluation.curves import roc
from cxr_core.evaluation.predictions import labels_of
from cxr_core.evaluation.seen_films import require_unseen, split_of
from cxr_core.findings import KEYS
from cxr_core.ui.curve_figures import Line
from cxr_core.ui.measured import Measured


@dataclass(frozen=True, eq=False)
class Pair:
    """Two tables that were compared.

    Attributes:
        comparison: on the films in both.
        images: (N,) names of these films.
        seen: whole sentences on what the models have seen of these films.
        notes: whole sentences on what was absent or left out.
    """

    comparison: Comparison
    images: tuple[str, ...]
    seen: tuple[str, ...]
    notes: tuple[str, ...]

    def whole(self) -> Comparison:
        """The comparison with every sentence that belongs to it."""
        return replace(self.comparison, notes=(*self.seen, *self.comparison.notes))


@dataclass(frozen=True, eq=False)
class Beside:
    """What the page's table was compared with.

    Attributes:
        comparison: A is the page's table.
        sha256: of B's table.
    """

    comparison: Comparison
    sha256: str


def pair_of(
    a: pd.DataFrame,
    b: pd.DataFrame,
    *,
    folder_a: Path | None = None,
    folder_b: Path | None = None,
    n_resamples: int = 2000,
) -> Pair:
    """Compare two validated tables, without any cache.

    Args:
        folder_a, folder_b: their runs, whose ``split.csv`` tells what each model has seen.

    Raises:
        DataError: too few films in both, labels or patients that differ, or films that one model
            was trained or chosen on and the other was not.
    """
    shared = shared_films(a, b)
    seen = []
    if folder_a is not None or folder_b is not None:
        seen = require_unseen(
            films_of(shared.a, shared.b), split_a=split_of(folder_a), split_b=split_of(folder_b)
        )
    comparison = compare_predictions(a, b, n_resamples=n_resamples)
    films = left_out_note(shared)  # the page counts them apart
    notes = tuple(note for note in comparison.notes if note != films)
    return Pair(comparison, tuple(shared.a["image"]), tuple(seen), notes)


def matched_line(measured: Measured, images: Sequence[str], key: str, area: Interval) -> Line:
    """A model's ROC over the matched films; empty where a class is missing.

    Args:
        images: the films, all of them in the table.
        area: on these films, for the legend.
    """
    rows, k = pd.Index(measured.table["image"]).get_indexer(pd.Index(images)), KEYS.index(key)
    curve = roc(labels_of(measured.table)[rows, k], measured.probabilities[rows, k])
    return Line(curve.fpr, curve.tpr, curve.thresholds, curve.tpr, 1 - curve.fpr, area=area)
