"""The cells of a predictions table's columns as text, numbers, labels and scores."""

import numpy as np
import pandas as pd

from cxr_core.errors import DataError

MAX_ROWS = 250_000  # twice NIH's set; resamples of more need more memory than a desk has
MAX_NAME_LENGTH = 300  # of an image's or patient's name
MAX_QUOTED = 60  # letters of a cell that a message quotes
LABEL_WORDS = {  # in small letters
    **dict.fromkeys(("true", "t", "yes", "y", "positive", "pos", "present"), 1.0),
    **dict.fromkeys(("false", "f", "no", "n", "negative", "neg", "absent"), 0.0),
}
MISSING_LABEL = -1  # in a validated table
MISSING_WORDS = ("", "nan", "na", "n/a", "<na>", "null")  # in small letters


def as_text(cells: pd.Series) -> pd.Series:
    """Cells as stripped text, "" where missing.

    Raises:
        DataError: a text longer than any name, as a quote that is closed far below makes it.
    """
    text = cells.astype("object").where(cells.notna(), "").astype("str").str.strip()
    letters = text.str.len().to_numpy()
    if len(letters) and letters.max() > MAX_NAME_LENGTH:
        row = int(letters.argmax())
        raise DataError(
            "A cell of the predictions table is too long for a name",
            value=f"row {row + 1:,} below the header: {cells.name} has {letters[row]:,} characters",
            remedy="Look for a broken quote in that line.",
        )
    return text


def as_number(cells: pd.Series) -> pd.Series:
    """Cells as float, nan where missing or no number."""
    return pd.to_numeric(cells, errors="coerce").astype("float64")


def _in_small_letters(cells: pd.Series) -> pd.Series:
    """Cells as stripped text of any length, "" where missing."""
    text = cells.astype("object").where(cells.notna(), "").astype("str")
    return text.str.strip().str.lower()


def as_labels(cells: pd.Series, images: pd.Series, *, may_be_missing: bool = False) -> pd.Series:
    """A label column as int 0 and 1; also True and False, yes and no.

    Args:
        may_be_missing: an empty cell, NaN and -1 become ``MISSING_LABEL``.

    Raises:
        DataError: another value, named with its image.
    """
    text = _in_small_letters(cells)
    words = text.map(LABEL_WORDS)
    numbers = as_number(cells).where(words.isna(), words)
    allowed = [0.0, 1.0]
    remedy = "Write 1 where the film has the finding and 0 where it does not"
    if may_be_missing:
        numbers = numbers.where(~text.isin(MISSING_WORDS), MISSING_LABEL)
        allowed.append(MISSING_LABEL)
        remedy += ", and leave the cell empty where its label is not known"
    _refuse(
        ~numbers.isin(allowed),
        cells,
        images,
        problem="A label is neither 0 nor 1",
        remedy=f"{remedy}.",
    )
    return numbers.astype("int64")


def as_scores(cells: pd.Series, images: pd.Series, *, may_be_missing: bool = False) -> pd.Series:
    """A logit or probability column as finite float.

    Args:
        may_be_missing: an empty cell and NaN become nan.

    Raises:
        DataError: a logit that is missing, text or infinite, or a probability outside 0 to 1.
    """
    numbers = as_number(cells)
    absent = _in_small_letters(cells).isin(MISSING_WORDS) & may_be_missing
    if str(cells.name).startswith("probability_"):
        _refuse(
            ~(numbers.between(0.0, 1.0) | absent),
            cells,
            images,
            problem="A probability is not a number from 0 to 1",
            remedy="Correct it, or name the column logit_… if it holds logits.",
        )
    _refuse(
        ~(np.isfinite(numbers) | absent),
        cells,
        images,
        problem="A logit is not a finite number",
        remedy="Remove these images, or run the model on them again.",
    )
    return numbers


def _refuse(
    bad: pd.Series, cells: pd.Series, images: pd.Series, *, problem: str, remedy: str
) -> None:
    rows = np.flatnonzero(bad.to_numpy())
    if len(rows) == 0:
        return
    first = int(rows[0])
    cell = str(cells.iloc[first]).strip()[:MAX_QUOTED] or "empty"
    image = images.iloc[first][:MAX_QUOTED]
    more = f" and {len(rows) - 1:,} more rows" if len(rows) > 1 else ""
    raise DataError(
        problem,
        value=f"row {first + 1:,} below the header: {cells.name} is {cell} for {image}{more}",
        remedy=remedy,
    )
