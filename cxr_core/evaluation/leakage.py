"""Two predictions tables and the films they share: aligned, checked, and what either tells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxr_core.data.csv_files import first_few, normalise_identifiers, normalise_image_names
from cxr_core.data.splits import VALIDATION_MORE
from cxr_core.errors import DataError
from cxr_core.evaluation.metrics.labelled import missing_label_notes
from cxr_core.evaluation.metrics.subgroups import MAX_CATEGORIES
from cxr_core.evaluation.metrics.sufficiency import MIN_COUNT
from cxr_core.evaluation.predictions import (
    has_logits,
    is_labelled,
    keys_of,
    labels_of,
    patients_of,
)
from cxr_core.findings import label_of

VIEWS = ("PA", "AP")
_METADATA_COLUMNS = ("patient", "view", "group")
_SEEN_PARTS = {"train": "training", "validation": "validation"}  # the worse first


@dataclass(frozen=True, eq=False)
class SharedFilms:
    """Two validated tables of the same films, row by row.

    Attributes:
        a, b: the rows of the films that stand in both, in A's order, and the findings that both
            hold; a label that one of them lacks is the other's.
        only_a, only_b: films that stand in one table alone and were left out.
        n_completed: labels that one table lacked and the other had.
        not_shared: findings that one table alone holds, and were left out.
    """

    a: pd.DataFrame
    b: pd.DataFrame
    only_a: int
    only_b: int
    n_completed: int = 0
    not_shared: tuple[str, ...] = ()


def shared_films(a: pd.DataFrame, b: pd.DataFrame, *, min_count: int = MIN_COUNT) -> SharedFilms:
    """Keep the films in both tables, matched by the name of their image.

    Args:
        a, b: validated predictions tables.
        min_count: films that have to be in both; with fewer nothing is estimable.

    Raises:
        DataError: too few films are in both, or the two differ in a label that both have of these,
            or in the patients that they name; what differs is named.
    """
    both = a["image"].isin(b["image"])
    n = int(both.sum())
    only_a, only_b = len(a) - n, len(b) - n
    if n < min_count:
        raise _too_few(n, a["image"], b["image"])
    keys, b = keys_of(a), same_findings(a, b)
    not_shared = tuple(
        key
        for key in dict.fromkeys((*keys, *keys_of(b)))
        if key not in keys or key not in keys_of(b)
    )
    a = _with_findings(a[both].reset_index(drop=True), not_shared)
    b = _with_findings(b.set_index("image").loc[a["image"]].reset_index(), not_shared)
    _require_same_labels(a, b)
    _require_same_patients(a, b)
    of_a, of_b = labels_of(a), labels_of(b)  # (N, 4)
    completed = np.where(is_labelled(of_a), of_a, of_b)
    labels = {f"label_{key}": completed[:, k] for k, key in enumerate(keys_of(a))}
    n_completed = int((is_labelled(of_a) != is_labelled(of_b)).sum())
    a, b = a.assign(**labels), b.assign(**labels)
    return SharedFilms(a, b, only_a, only_b, n_completed, not_shared)


def same_findings(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """B with the names of its findings, and their order, as A has them; what is in B alone last.

    Raises:
        DataError: the two hold no finding in common.
    """
    ours = {key.casefold(): key for key in keys_of(a)}
    theirs = {key: ours.get(key.casefold(), key) for key in keys_of(b)}
    if not set(theirs.values()) & set(ours.values()):
        raise DataError(
            "The two tables hold no finding in common",
            value=f"{', '.join(keys_of(a))} in A and {', '.join(keys_of(b))} in B",
            remedy="Compare tables of the same findings; a mapping can name them alike.",
        )
    kinds = ("label_", "logit_" if has_logits(b) else "probability_")
    b = b.rename(columns={f"{kind}{old}": f"{kind}{new}" for kind in kinds
                          for old, new in theirs.items()})  # fmt: skip
    ordered = [key for key in keys_of(a) if key in theirs.values()]
    ordered += [key for key in keys_of(b) if key not in ordered]
    others = [name for name in b.columns if not str(name).startswith(kinds)]
    return b[[*others, *(f"{kind}{key}" for kind in kinds for key in ordered)]]


def _with_findings(table: pd.DataFrame, left_out: Sequence[str]) -> pd.DataFrame:
    """The table without some of its findings."""
    dropped = [f"{kind}_{key}" for kind in ("label", "logit", "probability") for key in left_out]
    return table.drop(columns=[name for name in dropped if name in table.columns])


def film_metadata(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """What the aligned tables tell of the films; B is asked where A does not tell.

    Returns:
        DataFrame ``image``, the labels, and ``patient, view, group`` as far as they are told.
    """
    films = a[["image", *(f"label_{key}" for key in keys_of(a))]]
    told = {
        name: next((t[name] for t in (a, b) if _has_values(t, name)), None)
        for name in _METADATA_COLUMNS
    }
    return films.assign(**{name: column for name, column in told.items() if column is not None})


def alignment_notes(shared: SharedFilms) -> list[str]:
    """Sentences on the films that are not in both tables, and on what the aligned tables do not
    tell, or tell differently."""
    a, b = shared.a, shared.b
    films = film_metadata(a, b)
    notes = []
    if left_out := unmatched_note(shared):
        notes.append(left_out)
    if shared.n_completed:
        notes.append(
            f"{shared.n_completed:,} labels that one table lacks are taken from the other."
        )
    if shared.not_shared:
        named = ", ".join(label_of(key) for key in shared.not_shared)
        notes.append(f"In one table alone, so not compared: {named}.")
    notes += missing_label_notes(labels_of(films), keys_of(films))
    if patients_of(films) is None:
        notes.append(
            "Neither table names patients, so images are resampled. Intervals are too narrow if "
            "patients have several films."
        )
    if "view" not in films:
        notes.append(
            f"Neither table names the views, so {' and '.join(VIEWS)} films are not compared apart."
        )
    if "group" not in films:
        notes.append("Neither table names groups, so none are shown.")
    elif (kinds := films.loc[films["group"] != "", "group"].nunique()) > MAX_CATEGORIES:
        notes.append(f"Of {kinds:,} groups the {MAX_CATEGORIES} most common are shown.")
    for name in ("view", "group"):
        if _has_values(a, name) and _has_values(b, name) and (n := int((a[name] != b[name]).sum())):
            notes.append(f"The tables differ in the {name} of {n:,} films; A's is used.")
    return notes


def unmatched_note(shared: SharedFilms) -> str:
    """The sentence on films that stand in one table alone; empty where there are none."""
    if not (shared.only_a or shared.only_b):
        return ""
    return (
        f"The {len(shared.a):,} films in both tables are compared; {shared.only_a:,} only in A and "
        f"{shared.only_b:,} only in B are left out."
    )


def _has_values(table: pd.DataFrame, name: str) -> bool:
    return name in table and bool((table[name] != "").any())


def _too_few(n: int, a: pd.Series, b: pd.Series) -> DataError:
    return DataError(
        "Too few films are in both tables" if n else "No film is in both tables",
        value=f"{n:,} of {len(a):,} in A (such as {a.iloc[0]}) and {len(b):,} in B "
        f"(such as {b.iloc[0]})",
        remedy="Compare tables of the same films, for example of the same test set; films are "
        "matched by the column image.",
    )


def _require_same_labels(a: pd.DataFrame, b: pd.DataFrame) -> None:
    of_a, of_b = labels_of(a), labels_of(b)  # (N, 4)
    differs = (of_a != of_b) & is_labelled(of_a) & is_labelled(of_b)
    if not differs.any():
        return
    named = [
        f"label_{key} of {_films(a['image'][differs[:, k]])}"
        for k, key in enumerate(keys_of(a))
        if differs[:, k].any()
    ]
    raise DataError(
        "The two tables have different labels",
        value="; ".join(named),
        remedy="Compare tables made from the same Data_Entry_2017 table.",
    )


def _require_same_patients(a: pd.DataFrame, b: pd.DataFrame) -> None:
    of_a, of_b = patients_of(a), patients_of(b)
    if of_a is None or of_b is None:
        return
    # One table may write 00000013 where the other writes 13.
    keys_a, keys_b = (normalise_identifiers(pd.Series(of)).to_numpy() for of in (of_a, of_b))
    differs = keys_a != keys_b
    if not differs.any():
        return
    raise DataError(
        "The two tables name different patients",
        value=f"patient of {_films(a['image'][differs])}",
        remedy=(
            "Correct the column patient, or remove it from one table; the other one is then used."
        ),
    )


def _films(images: pd.Series) -> str:
    return f"{len(images):,} films ({first_few(images)})"


# Whether a model has seen the films that it is compared on, as its run's ``split.csv`` tells.
#
# A model that was trained or chosen on films looks better on them than on new ones. So two runs of
# different splits cannot be compared on films that one of them has seen and the other has not.


def split_part_of(films: pd.DataFrame, split: pd.DataFrame) -> NDArray[np.str_]:
    """The part of a split in which each film stands, (N,): ``train``, ``validation``, ``test``.

    ``validation_more`` counts as validation: it chose as well.

    A film that the split does not name stands where its patient's films stand, training before
    validation before test, as films of one patient are alike; "" where it names neither.

    Args:
        films: with ``image`` and maybe ``patient``.
        split: as ``read_split`` returns it.
    """
    split = split.assign(split=split["split"].replace(VALIDATION_MORE, "validation"))
    sides = normalise_image_names(films["image"]).map(split["split"])
    if "patient" in split and "patient" in films:
        named = split[split["patient"] != ""]
        ranks = named["split"].map({"train": 0, "validation": 1, "test": 2})
        worst = named.assign(rank=ranks).sort_values("rank").drop_duplicates("patient")
        by_patient = normalise_identifiers(films["patient"]).map(
            worst.set_index("patient")["split"]
        )
        sides = sides.where(sides.notna(), by_patient)
    return sides.fillna("").to_numpy(dtype=str)


def leakage_notes(
    a: pd.DataFrame,
    b: pd.DataFrame,
    *,
    split_a: pd.DataFrame | None,
    split_b: pd.DataFrame | None,
    letters: str = "AB",
) -> list[str]:
    """``require_no_leakage`` of the films in both tables; two bare tables tell nothing of it.

    Raises:
        DataError: as ``require_no_leakage``, or no film to compare.
    """
    if split_a is None and split_b is None:
        return []
    shared = shared_films(a, b)
    films = film_metadata(shared.a, shared.b)
    return require_no_leakage(films, split_a=split_a, split_b=split_b, letters=letters)


def require_no_leakage(
    films: pd.DataFrame,
    *,
    split_a: pd.DataFrame | None,
    split_b: pd.DataFrame | None,
    letters: str = "AB",
) -> list[str]:
    """Refuse films that one model was trained or chosen on and the other was not.

    Args:
        films: those that are compared, with ``image`` and maybe ``patient``.
        split_a, split_b: of the two runs; None for a table that tells no split.
        letters: what the two are called, where more than two are compared.

    Returns:
        Sentences on what cannot be known, or holds for both models alike.

    Raises:
        DataError: both tell their split, and on some of the films they differ; names how many.
    """
    sides = {
        model: split_part_of(films, split)
        for model, split in zip(letters, (split_a, split_b), strict=True)
        if split is not None
    }
    if len(sides) == 2:
        _refuse_differing(sides)
    notes = [
        f"The split of {model} is not known, so it may have been trained on these films. A model "
        "looks better on films that it has seen."
        for model in letters
        if model not in sides
    ]
    for part, verb in (("train", "trained on"), ("validation", "selected on")):
        seen = {model: n for model, side in sides.items() if (n := int((side == part).sum()))}
        if seen:
            models = f"{' and '.join(seen)} {'were' if len(seen) == 2 else 'was'}"
            notes.append(
                f"{models} {verb} {max(seen.values()):,} of these films, so figures on them "
                "are optimistic."
            )
    return notes


def _refuse_differing(sides: Mapping[str, NDArray[np.str_]]) -> None:
    """Sides by model, A first; a film on the same side for both speaks for neither."""
    a, b = sides
    differs = sides[a] != sides[b]
    told = []
    for model, other in ((a, b), (b, a)):
        for part, name in _SEEN_PARTS.items():
            if n := int((differs & (sides[model] == part)).sum()):
                told.append(
                    f"{n:,} of the {len(differs):,} compared films of {other} are in {model}'s "
                    f"{name} set"
                )  # fmt: skip
    if told:
        raise DataError(
            "The two runs have different splits: one model has seen films that the other is tested "
            "on",
            value="; ".join(told),
            remedy="Compare runs with the same split. A model looks better on films it was trained "
            "or selected on.",
        )
