"""What a run's ``localisation.csv`` tells of the maps' peaks, with the patients of its table."""

from pathlib import Path

import pandas as pd

from cxr_core.evaluation.compare_models import LOCALISATION_FILE
from cxr_core.evaluation.localisation import HitRates, hit_rates
from cxr_core.evaluation.localisation_file import read_localisation


def boxed_rates(
    run: Path | None, table: pd.DataFrame, *, n_resamples: int = 2000, seed: int = 0
) -> dict[str, HitRates]:
    """How often each pointer hits, by finding key, of findings with a boxed film.

    Args:
        run: the folder that the table belongs to; None for a table from elsewhere.
        table: its validated predictions table, which names the patients.

    Returns:
        Empty where there is no run, or the run was given no boxes.

    Raises:
        DataError: the file is there and cannot be used.
    """
    path = None if run is None else run / LOCALISATION_FILE
    if path is None or not path.is_file():
        return {}
    patients = {}
    if "patient" in table:
        named = table[table["patient"] != ""]
        patients = dict(zip(named["image"], named["patient"], strict=True))
    rates = hit_rates(read_localisation(path), patients, n_resamples=n_resamples, seed=seed)
    return {key: found for key, found in rates.items() if found.n}
