"""Whether a model has seen the films that it is compared on, as its run's ``split.csv`` tells.

A model that was trained or chosen on films looks better on them than on new ones. So two runs of
different splits cannot be compared on films that one of them has seen and the other has not.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxr_core.data.keys import identifier_key, image_key
from cxr_core.data.split_files import read_split
from cxr_core.errors import DataError
from cxr_core.evaluation.compare_films import films_of, shared_films
from cxr_core.evaluation.run_folder import SPLIT_FILE

_SEEN = {"train": "training", "validation": "validation"}  # the worse first


def split_of(folder: Path | None) -> pd.DataFrame | None:
    """A run folder's split, as ``data.split_files.read_split``; None where there is none.

    Raises:
        DataError: there is one that cannot be used.
    """
    if folder is None or not (folder / SPLIT_FILE).is_file():
        return None
    return read_split(folder / SPLIT_FILE)


def split_stamp(folder: Path | None) -> str:
    """Tells a run's split, as it lies there now, from another; "" without a folder."""
    if folder is None:
        return ""
    try:
        return f"{folder} {(folder / SPLIT_FILE).stat().st_mtime_ns}"
    except OSError:
        return str(folder)


def sides_of(films: pd.DataFrame, split: pd.DataFrame) -> NDArray[np.str_]:
    """The part of a split in which each film stands, (N,): ``train``, ``validation``, ``test``.

    A film that the split does not name stands where its patient's films stand, training before
    validation before test, as films of one patient are alike; "" where it names neither.

    Args:
        films: with ``image`` and maybe ``patient``.
        split: as ``read_split`` returns it.
    """
    sides = image_key(films["image"]).map(split["split"])
    if "patient" in split and "patient" in films:
        named = split[split["patient"] != ""]
        ranks = named["split"].map({"train": 0, "validation": 1, "test": 2})
        worst = named.assign(rank=ranks).sort_values("rank").drop_duplicates("patient")
        by_patient = identifier_key(films["patient"]).map(worst.set_index("patient")["split"])
        sides = sides.where(sides.notna(), by_patient)
    return sides.fillna("").to_numpy(dtype=str)


def seen_of(
    a: pd.DataFrame,
    b: pd.DataFrame,
    *,
    split_a: pd.DataFrame | None,
    split_b: pd.DataFrame | None,
) -> list[str]:
    """``require_unseen`` of the films in both tables; two bare tables tell nothing of it.

    Raises:
        DataError: as ``require_unseen``, or no film to compare.
    """
    if split_a is None and split_b is None:
        return []
    shared = shared_films(a, b)
    return require_unseen(films_of(shared.a, shared.b), split_a=split_a, split_b=split_b)


def require_unseen(
    films: pd.DataFrame, *, split_a: pd.DataFrame | None, split_b: pd.DataFrame | None
) -> list[str]:
    """Refuse films that one model was trained or chosen on and the other was not.

    Args:
        films: those that are compared, with ``image`` and maybe ``patient``.
        split_a, split_b: of the two runs; None for a table that tells no split.

    Returns:
        Sentences on what cannot be known, or holds for both models alike.

    Raises:
        DataError: both tell their split, and on some of the films they differ; names how many.
    """
    sides = {
        model: sides_of(films, split)
        for model, split in (("A", split_a), ("B", split_b))
        if split is not None
    }
    if len(sides) == 2:
        _refuse_differing(sides)
    notes = [
        f"{model} does not tell its split: whether it has seen these films is not known, and a "
        "model looks better on films it has seen."
        for model in "AB"
        if model not in sides
    ]
    for part, verb in (("train", "trained on"), ("validation", "chosen by")):
        seen = {model: n for model, side in sides.items() if (n := int((side == part).sum()))}
        if seen:
            models = "Both models were" if len(seen) == 2 else f"{next(iter(seen))} was"
            notes.append(
                f"{models} {verb} {max(seen.values()):,} of these films, so figures on them "
                "are optimistic."
            )
    return notes


def _refuse_differing(sides: Mapping[str, NDArray[np.str_]]) -> None:
    """Sides by model, A first; a film on the same side for both speaks for neither."""
    differs = sides["A"] != sides["B"]
    told = []
    for model, other in (("A", "B"), ("B", "A")):
        for part, name in _SEEN.items():
            if n := int((differs & (sides[model] == part)).sum()):
                told.append(f"{n:,} of the {len(differs):,} compared films of {other} are in "
                            f"{model}'s {name} part")  # fmt: skip
    if told:
        raise DataError(
            "The two runs are split differently, and one has seen what the other is tested on",
            value="; ".join(told),
            remedy="Compare runs of the same split: a model looks better on films it was trained "
            "or chosen on.",
        )
