"""The epochs of a training, as ``history.csv`` holds them."""

from pathlib import Path

import numpy as np
import pandas as pd

from cxr_core.config import short
from cxr_core.data.csv_files import read_columns, read_header, require_once
from cxr_core.errors import DataError

_MAX_EPOCHS = 1_000_000


def read_history(path: Path) -> pd.DataFrame:
    """Read ``history.csv`` of a run.

    Returns:
        A row an epoch: ``epoch`` as int, all other columns as numbers, nan where a cell is empty.

    Raises:
        DataError: unreadable, a column missing or twice, or a cell that is no number.
    """
    header = read_header(path)
    require_once(header, filter(None, header), path)
    positions = {name: at for at, name in enumerate(header) if name}
    if "epoch" not in positions:
        raise DataError(
            "The history of a run lacks its epochs",
            value=f"{path} (its columns: {', '.join(header)[:200]})",
            remedy="Restore history.csv as train.py wrote it.",
        )
    cells = read_columns(path, positions)
    rows: pd.DataFrame = cells.apply(pd.to_numeric, errors="coerce")
    epoch = rows["epoch"]
    odd = (rows.isna() & (cells != "") & (cells.apply(lambda one: one.str.lower()) != "nan")).any()
    if odd.any() or not (epoch.between(1, _MAX_EPOCHS) & (epoch % 1 == 0)).all():
        column = "epoch" if not odd.any() else str(odd.idxmax())
        raise DataError(
            f"The history of a run holds a value that it cannot have ({short(column)})",
            value=path,
            remedy="Restore history.csv as train.py wrote it.",
        )
    rows["epoch"] = epoch.astype("int64")
    return rows


def kept_epoch(history: pd.DataFrame) -> int | None:
    """The row (0, 1, …) of the epoch whose weights were kept: the highest area of those by which
    epochs were chosen, at the final input size; None where the table does not tell.

    Args:
        history: as ``history.csv``. Without ``selection_auroc``, which earlier versions did not
            write, epochs were chosen by ``auroc_mean``.
    """
    if "auroc_mean" not in history:
        return None
    areas = history["auroc_mean"]
    if "selection_auroc" in history:
        areas = history["selection_auroc"].fillna(areas)
    if "px" in history:
        areas = areas.where(history["px"] == history["px"].iloc[-1])
    return None if areas.isna().all() else int(np.nanargmax(areas.to_numpy(dtype=float)))
