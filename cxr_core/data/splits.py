"""Which films train, which tune and which judge: always whole patients."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxr_core.data.csv_files import first_few, write_csv
from cxr_core.data.split_files import read_image_list, read_split
from cxr_core.errors import ConfigError, DataError, PatientLeakError
from cxr_core.findings import LABEL_COLUMNS

_MAX_SWEEPS = 4  # the objective no longer falls after two or three
_SOFTENING = 1.0  # films; keeps a kind with one or two films from outweighing the rest
SPLITS: tuple[str, str, str] = ("train", "validation", "test")
VALIDATION_MORE = "validation_more"  # films of further patients, beside a split that is kept
PART_TITLES = {
    "train": "Train",
    "validation": "Validation",
    VALIDATION_MORE: "Further validation",
    "test": "Test",
}
_MAX_NAMED_PATIENTS = 5
logger = logging.getLogger(__name__)


# Dividing patients into parts so that every kind of film is shared out alike.


def strata_counts(table: pd.DataFrame) -> NDArray[np.float64]:
    """Count each patient's films of every kind that a division should share out alike.

    Kinds: any film, each finding, only other findings; each view and each group; each
    finding within each view and within each group (the view alone predicts No
    Finding, so figures are given within PA and AP and need both in every part).

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


def assign_parts(
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
    for sweep in range(1 + _MAX_SWEEPS):
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
    return _without_empty_part(parts, counts, order, n_parts=len(fractions))


def _without_empty_part(
    parts: NDArray[np.int64], counts: NDArray[np.float64], order: NDArray[np.intp], *, n_parts: int
) -> NDArray[np.int64]:
    """Give a part that the balance of a few films left empty the patient with fewest films, of a
    part that keeps another one."""
    if len(parts) < n_parts:
        return parts
    parts = parts.copy()
    for empty in range(n_parts):
        sizes = np.bincount(parts, minlength=n_parts)
        if not sizes[empty]:
            movable = order[sizes[parts[order]] > 1]
            parts[movable[counts[movable].sum(axis=1).argmin()]] = empty
    return parts


def split_by_csv(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Apply a split that was decided before.

    The file has columns ``image`` and ``split`` (train, validation or val, test; case and
    spaces do not matter); where it also has ``patient``, patients must agree. It may name
    more images than the table has.

    Returns:
        The table with the column ``split``.

    Raises:
        DataError: the file cannot be used, patients differ, images of the table are not in
            it, or a side is left empty.
        PatientLeakError: a patient on more than one side.
    """
    rows = read_split(path)
    parts = table["image"].map(rows["split"])
    _require_all_assigned(table, parts.notna(), f"the split {path}")
    if "patient" in rows.columns:
        differ = table["image"].map(rows["patient"]) != table["patient"]
        if differ.any():
            raise DataError(
                "The split and the table name different patients for the same images",
                value=f"{int(differ.sum()):,} images of {path}: "
                f"{first_few(table.loc[differ, 'image'])}",
                remedy="Use a split that was made from this table.",
            )
    return _with_split(table, parts.to_numpy(dtype=str))


def extend_split(
    table: pd.DataFrame, path: Path, *, validation_fraction: float = 0.1, seed: int = 0
) -> pd.DataFrame:
    """Keep a split and give further films a place beside it, by patient.

    A film that the split names stays where it is. A further film of one of its training patients
    trains too; one of its validation or test patients is left out, so that these parts stay as
    they are. Of the patients that the split does not name, a stratified share forms the part
    ``validation_more``; the others train.

    Args:
        table: one row an image, with label columns and, where known, ``view``.
        path: a table ``image, patient, split``, as ``split.csv`` of a run.
        validation_fraction: share of the further patients' films, between 0 and 1.
        seed: of the draw.

    Returns:
        The table with the column ``split``, without the films that are left out.

    Raises:
        DataError: the file cannot be used, or names no patients.
        PatientLeakError: a patient on more than one side.
    """
    fractions = (1.0 - validation_fraction, validation_fraction)
    _require_fractions(fractions)
    rows = read_split(path)
    if "patient" not in rows.columns:
        raise DataError(
            "The split names no patients, so further films cannot be kept apart from its own",
            value=path,
            remedy="Give the split.csv of a run, or add the column patient.",
        )
    known = table["image"].isin(rows.index)
    sides = rows.drop_duplicates("patient").set_index("patient")["split"]
    side = table["patient"].map(sides)  # of the film's patient
    further = ~known & side.isna()
    parts = table["image"].map(rows["split"]).where(known, side.where(side == "train"))
    if further.any():
        drawn = np.array(["train", VALIDATION_MORE])[
            _assign_rows(table[further], fractions, seed=seed)
        ]
        parts = parts.astype(object)
        parts[further] = drawn
    kept = parts.notna()
    logger.info(
        "The split is kept for %d films; %d further films train, %d validate, %d are left out "
        "because their patients validate or test.",
        int(known.sum()),
        int((~known & (parts == "train")).sum()),
        int((parts == VALIDATION_MORE).sum()),
        int((~kept).sum()),
    )
    return _with_split(table[kept].reset_index(drop=True), parts[kept].to_numpy(dtype=str))


def split_by_lists(
    table: pd.DataFrame,
    train_val_list: Path,
    test_list: Path,
    *,
    validation_fraction: float = 0.1,
    seed: int = 0,
) -> pd.DataFrame:
    """Apply the official lists; validation is taken from train_val by patient, stratified.

    Args:
        table: one row an image, with label columns and, where known, ``view`` and ``group``.
        train_val_list, test_list: text files, one image name a line.
        validation_fraction: share of the train_val films that tune, between 0 and 1.
        seed: of the draw.

    Returns:
        The table with the column ``split``.

    Raises:
        ConfigError: the fraction is not between 0 and 1.
        DataError: a list cannot be read, images on both lists or on neither, or an empty side.
        PatientLeakError: a patient on both lists.
    """
    fractions = (1.0 - validation_fraction, validation_fraction)
    _require_fractions(fractions)
    development, test = read_image_list(train_val_list), read_image_list(test_list)
    if on_both := development & test:
        raise DataError(
            "Images are on both lists",
            value=f"{len(on_both):,} images: {first_few(on_both)}",
            remedy=f"Take them out of {train_val_list} or of {test_list}.",
        )
    in_test = table["image"].isin(test).to_numpy()
    listed = table["image"].isin(development) | in_test
    _require_all_assigned(table, listed, f"the lists {train_val_list} and {test_list}")
    check_patients_disjoint(table.assign(split=np.where(in_test, "test", "train and validation")))
    parts = np.full(len(table), "test", dtype="<U10")
    parts[~in_test] = np.asarray(SPLITS)[_assign_rows(table[~in_test], fractions, seed=seed)]
    return _with_split(table, parts)


def split_by_patient(
    table: pd.DataFrame,
    *,
    fractions: tuple[float, float, float] = (0.7, 0.1, 0.2),
    groups: pd.Series | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Draw train, validation and test by patient, alike in labels, views and groups.

    The draw depends on the seed and on the films, not on the order of the rows.

    Args:
        table: one row an image, with label columns and, where known, ``view``.
        fractions: of the films, for train, validation and test; positive, summing to 1.
        groups: image name -> group, from :func:`read_groups`; adds the column ``group``.
            Without it a column ``group`` that is there already is used.
        seed: of the draw.

    Returns:
        The table with the column ``split``.

    Raises:
        ConfigError: the fractions are not positive numbers that sum to 1.
        DataError: too few patients to give each side a film.
    """
    _require_fractions(fractions)
    if groups is not None:
        table = add_groups(table, groups)
    return _with_split(table, np.asarray(SPLITS)[_assign_rows(table, fractions, seed=seed)])


def add_groups(table: pd.DataFrame, groups: pd.Series) -> pd.DataFrame:
    """Return the table with the column ``group`` ("" for an image without one).

    Raises:
        DataError: no image of the table has a group.
    """
    group = table["image"].map(groups)
    if group.isna().all():
        raise DataError(
            "No image of the table has a group",
            value=f"the groups name {first_few(groups.index)}",
            remedy="Check that the groups belong to this table; they are matched by file name.",
        )
    if missing := int(group.isna().sum()):
        logger.warning("%d images have no group; they form one of their own.", missing)
    return table.assign(group=group.fillna("").astype("str"))


def check_patients_disjoint(table: pd.DataFrame) -> None:
    """Raise PatientLeakError when a patient has films on more than one side."""
    pairs = table[["patient", "split"]].drop_duplicates()
    leaked = sorted(pairs.loc[pairs["patient"].duplicated(), "patient"].unique())
    if leaked:
        more = len(leaked) - _MAX_NAMED_PATIENTS
        raise PatientLeakError(
            "Patients have films in more than one set",
            value=f"patients {', '.join(leaked[:_MAX_NAMED_PATIENTS])}"
            + (f" and {more:,} more" if more > 0 else ""),
            remedy="Put all films of a patient in one set.",
        )


def write_split(table: pd.DataFrame, path: Path) -> None:
    """Write ``image, patient, split, label_*`` (and ``group`` where there is one) as CSV."""
    group = ["group"] if "group" in table.columns else []
    write_csv(table[["image", "patient", "split", *LABEL_COLUMNS, *group]], path)


def _assign_rows(
    table: pd.DataFrame, fractions: Sequence[float], *, seed: int
) -> NDArray[np.int64]:
    """Return the part (0..S-1) of each row of the table, (N,), whole patients together."""
    _, codes = np.unique(table["patient"].to_numpy(dtype=str), return_inverse=True)
    return assign_parts(strata_counts(table), fractions, seed=seed)[codes]


def _with_split(table: pd.DataFrame, parts: NDArray[np.str_]) -> pd.DataFrame:
    """Add the column ``split`` and check that it holds."""
    result = table.assign(split=pd.Series(parts, index=table.index, dtype="str"))
    check_patients_disjoint(result)
    counts = {side: int((result["split"] == side).sum()) for side in SPLITS}
    if not all(counts.values()):
        raise DataError(
            "A set of the split has no film",
            value=", ".join(f"{side} {count:,}" for side, count in counts.items()),
            remedy="Give more patients, or another split; each set needs at least one film.",
        )
    return result


def _require_all_assigned(table: pd.DataFrame, covered: pd.Series, where: str) -> None:
    if not covered.all():
        missing = table.loc[~covered, "image"]
        raise DataError(
            f"Images of the table are not in {where}",
            value=f"{len(missing):,} of {len(table):,} images: {first_few(missing)}",
            remedy="Add them, or use a split that was made for this table.",
        )


def _require_fractions(fractions: Sequence[float]) -> None:
    if min(fractions) <= 0 or abs(sum(fractions) - 1.0) > 1e-6:
        raise ConfigError(
            "The fractions of the split are not positive numbers that sum to 1",
            value=", ".join(f"{fraction:g}" for fraction in fractions),
            remedy="Use for example 0.7, 0.1 and 0.2.",
        )
