"""What a predictions table must hold, each breach in its own words."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxr_core.data.tables import examples
from cxr_core.errors import DataError
from cxr_core.findings import LABEL_COLUMNS, LOGIT_COLUMNS, PROBABILITY_COLUMNS

MOST_LETTERS = 300  # of an image's or patient's name
_LONGEST = 60  # letters of a cell that a message quotes


def score_columns(names: Sequence[str]) -> tuple[str, ...]:
    """The columns that hold what the model said: logits, or probabilities where they fail.

    Where neither set is whole, the one that is meant, so that a message can name the gap.
    """
    present = set(names)
    for columns in (LOGIT_COLUMNS, PROBABILITY_COLUMNS):
        if present.issuperset(columns):
            return columns
    started = present.intersection(PROBABILITY_COLUMNS) and not present.intersection(LOGIT_COLUMNS)
    return PROBABILITY_COLUMNS if started else LOGIT_COLUMNS


def require_columns(names: Sequence[str], where: str) -> None:
    """Refuse a table without its required columns, or with one of them twice.

    Args:
        names: the table's columns.
        where: the table as the user knows it, for the message.
    """
    required = ("image", *LABEL_COLUMNS, *score_columns(names))
    missing = [name for name in required if name not in names]
    if missing:
        raise DataError(
            "The predictions table lacks columns that it needs",
            value=f"{', '.join(missing)} ({where})",
            remedy=(
                "It needs image, label_effusion, label_atelectasis, label_infiltration, "
                "label_no_finding, and the same four as logit_… or as probability_…."
            ),
        )
    twice = [name for name in dict.fromkeys(names) if list(names).count(name) > 1]
    if twice:
        raise DataError(
            "The predictions table has a column twice",
            value=f"{', '.join(twice)} ({where})",
            remedy="Keep one of them.",
        )


def require_commas(header: Sequence[str]) -> None:
    """Refuse a table whose cells another sign parts, as spreadsheets write it in much of Europe."""
    for sign, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if len(header) == 1 and sign in header[0]:
            raise DataError(
                "The predictions table is not separated by commas",
                value=f"{name} in its first line",
                remedy="Save it as CSV with commas between the cells and points in the numbers.",
            )


def require_images(images: pd.Series) -> None:
    """Refuse a table without rows, with a nameless image, or with an image twice."""
    if images.empty:
        raise DataError(
            "The predictions table has no row",
            value="0 images",
            remedy="Give a table with at least one image.",
        )
    nameless = np.flatnonzero(images == "")
    if len(nameless):
        raise DataError(
            "A row of the predictions table names no image",
            value=f"row {nameless[0] + 1} below the header, {len(nameless):,} such rows",
            remedy="Give every row its image's file name.",
        )
    repeated = images[images.duplicated()].unique()
    if len(repeated):
        raise DataError(
            "An image stands in the predictions table more than once",
            value=f"{len(repeated):,} images: {examples(name[:_LONGEST] for name in repeated)}",
            remedy="Keep one row an image.",
        )


def as_text(cells: pd.Series) -> pd.Series:
    """Cells as stripped text, "" where missing.

    Raises:
        DataError: a text longer than any name, as a quote that is closed far below makes it.
    """
    text = cells.astype("object").where(cells.notna(), "").astype("str").str.strip()
    letters = text.str.len().to_numpy()
    if len(letters) and letters.max() > MOST_LETTERS:
        row = int(letters.argmax())
        raise DataError(
            "A cell of the predictions table is too long for a name",
            value=f"row {row + 1:,} below the header: {cells.name} has {letters[row]:,} letters",
            remedy="Look for a broken quote in that line.",
        )
    return text


def as_number(cells: pd.Series) -> pd.Series:
    """Cells as float, nan where missing or no number."""
    return pd.to_numeric(cells, errors="coerce").astype("float64")


def as_labels(cells: pd.Series, images: pd.Series) -> pd.Series:
    """A label column as int 0 and 1.

    Raises:
        DataError: another value, named with its image.
    """
    numbers = as_number(cells)
    _refuse(
        ~numbers.isin([0.0, 1.0]),
        cells,
        images,
        problem="A label is neither 0 nor 1",
        remedy="Write 1 where the film has the finding and 0 where it has not.",
    )
    return numbers.astype("int64")


def as_scores(cells: pd.Series, images: pd.Series) -> pd.Series:
    """A logit or probability column as finite float.

    Raises:
        DataError: a logit that is missing, text or infinite, or a probability outside 0 to 1.
    """
    numbers = as_number(cells)
    if cells.name in PROBABILITY_COLUMNS:
        _refuse(
            ~numbers.between(0.0, 1.0),
            cells,
            images,
            problem="A probability is not a number from 0 to 1",
            remedy="Correct it, or name the column logit_… if it holds logits.",
        )
    _refuse(
        ~np.isfinite(numbers),
        cells,
        images,
        problem="A logit is not a finite number",
        remedy="Leave these images out, or run the model on them again.",
    )
    return numbers


def _refuse(
    bad: pd.Series, cells: pd.Series, images: pd.Series, *, problem: str, remedy: str
) -> None:
    rows = np.flatnonzero(bad.to_numpy())
    if len(rows) == 0:
        return
    first = int(rows[0])
    cell = str(cells.iloc[first]).strip()[:_LONGEST] or "empty"
    image = images.iloc[first][:_LONGEST]
    more = f" and {len(rows) - 1:,} more rows" if len(rows) > 1 else ""
    raise DataError(
        problem,
        value=f"row {first + 1:,} below the header: {cells.name} is {cell} for {image}{more}",
        remedy=remedy,
    )
