"""What in a set of films lets a model be right for the wrong reason, in counted sentences."""

from collections.abc import Iterator

import pandas as pd

from cxr_core.evaluation.curves import auroc
from cxr_core.findings import ABNORMAL_KEYS, LABELS


def bias_lines(films: pd.DataFrame) -> list[str]:
    """Sentences about all films of a run.

    Args:
        films: with label columns and, where known, ``view`` and ``group``.
    """
    return [*_view(films), *_shortcut(films), *_groups(films)]


def _view(films: pd.DataFrame) -> Iterator[str]:
    if "view" not in films or not films["view"].isin(["PA", "AP"]).any():
        yield "The view (PA or AP) of the films is not known, so its influence cannot be counted."
        return
    known = films[films["view"].isin(["PA", "AP"])]
    portable = known["view"] == "AP"
    normal = known["label_no_finding"] == 1
    area = auroc(normal.to_numpy(), portable.to_numpy())
    yield (
        f"View: {portable[normal].mean():.0%} of the No Finding films are AP, and "
        f"{portable[~normal].mean():.0%} of the others. The view alone would reach an AUROC of "
        f"{max(area, 1 - area):.2f} for No Finding; judge it within PA and within AP."
    )


def _shortcut(films: pd.DataFrame) -> Iterator[str]:
    abnormal = 1 - films["label_no_finding"].to_numpy()
    areas = ", ".join(
        f"{LABELS[key]} {auroc(films[f'label_{key}'].to_numpy(), abnormal):.2f}"
        for key in ABNORMAL_KEYS
    )
    yield (
        'A score that only told "normal or not" would already reach '
        f"{areas}; judge the three findings also among the films that are not No Finding."
    )


def _groups(films: pd.DataFrame) -> Iterator[str]:
    if "group" not in films:
        return
    for group, rows in films.groupby("group"):
        counts = ", ".join(
            f"{label} {int(rows[f'label_{key}'].sum()):,}" for key, label in LABELS.items()
        )
        yield f"Films drawn as `{group!s}`: {len(rows):,} ({counts})."
