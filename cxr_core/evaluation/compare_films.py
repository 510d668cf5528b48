"""Two predictions tables of the same films: aligned, checked, and what either tells of them."""

import numpy as np
import pandas as pd

from cxr_core.data.tables import examples
from cxr_core.errors import DataError
from cxr_core.evaluation.predictions import labels_of, patients_of, validate_predictions
from cxr_core.evaluation.subgroups import MOST_VALUES
from cxr_core.findings import LABEL_COLUMNS

VIEWS = ("PA", "AP")
_DETAILS = ("patient", "view", "group")


def same_films(a: pd.DataFrame, b: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Check both tables and put B's rows into A's order.

    Returns:
        Two validated tables with the same films, row by row.

    Raises:
        DataError: a table breaks the contract, or the two differ in their films, in a label, or
            in the patients that they name; what differs is named.
    """
    a, b = validate_predictions(a), validate_predictions(b)
    _require_same_images(set(a["image"]), set(b["image"]))
    b = b.set_index("image").loc[a["image"]].reset_index()
    _require_same_labels(a, b)
    _require_same_patients(a, b)
    return a, b


def films_of(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """What the aligned tables tell of the films; B is asked where A does not tell.

    Returns:
        DataFrame ``image``, the labels, and ``patient, view, group`` as far as they are told.
    """
    films = a[["image", *LABEL_COLUMNS]]
    told = {name: next((t[name] for t in (a, b) if _tells(t, name)), None) for name in _DETAILS}
    return films.assign(**{name: column for name, column in told.items() if column is not None})


def film_notes(a: pd.DataFrame, b: pd.DataFrame) -> list[str]:
    """Sentences on what the aligned tables do not tell, or tell differently."""
    films = films_of(a, b)
    notes = []
    if patients_of(films) is None:
        notes.append(
            "No table names the patients, so images are resampled: intervals are too narrow if "
            "patients have several films."
        )
    if "view" not in films:
        notes.append(f"No table names the views: nothing within {' and '.join(VIEWS)}.")
    if "group" not in films:
        notes.append("No table names groups: none are shown.")
    elif (kinds := films.loc[films["group"] != "", "group"].nunique()) > MOST_VALUES:
        notes.append(f"Of {kinds:,} groups the {MOST_VALUES} commonest are shown.")
    for name in ("view", "group"):
        if _tells(a, name) and _tells(b, name) and (n := int((a[name] != b[name]).sum())):
            notes.append(f"The tables differ in the {name} of {n:,} films; A's is used.")
    return notes


def _tells(table: pd.DataFrame, name: str) -> bool:
    return name in table and bool((table[name] != "").any())


def _require_same_images(a: set[str], b: set[str]) -> None:
    only = {"A": a - b, "B": b - a}
    if not any(only.values()):
        return
    raise DataError(
        "The two tables are not of the same films",
        value="; ".join(
            f"{len(names):,} only in {side}: {examples(names)}"
            for side, names in only.items()
            if names
        ),
        remedy="Compare tables of the same films, for example the same split's test part.",
    )


def _require_same_labels(a: pd.DataFrame, b: pd.DataFrame) -> None:
    differs = labels_of(a) != labels_of(b)  # (N, 4)
    if not differs.any():
        return
    named = [
        f"{name} of {_films(a['image'][differs[:, k]])}"
        for k, name in enumerate(LABEL_COLUMNS)
        if differs[:, k].any()
    ]
    raise DataError(
        "The two tables do not give the same labels",
        value="; ".join(named),
        remedy="Compare tables made from the same Data_Entry_2017 table.",
    )


def _require_same_patients(a: pd.DataFrame, b: pd.DataFrame) -> None:
    of_a, of_b = patients_of(a), patients_of(b)
    if of_a is None or of_b is None or np.array_equal(of_a, of_b):
        return
    raise DataError(
        "The two tables do not name the same patients",
        value=f"patient of {_films(a['image'][of_a != of_b])}",
        remedy="Correct the column patient, or leave it out of one table; the other's is used.",
    )


def _films(images: pd.Series) -> str:
    return f"{len(images):,} films ({examples(images)})"
