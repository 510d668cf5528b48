"""The panel of where the model looks: its maps' peaks against radiologists' boxes."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import streamlit as st

from cxr_core.errors import DataError
from cxr_core.evaluation.localisation import HitRates, hit_rates
from cxr_core.evaluation.localisation_file import read_localisation
from cxr_core.findings import LABELS
from cxr_core.ui.charts import show_chart
from cxr_core.ui.localisation_chart import localisation_chart, pointers_of
from cxr_core.ui.measured import Measured
from cxr_core.ui.page import quiet
from cxr_core.ui.pointing import LOCALISATION_FILE
from cxr_core.ui.tables import show_table


def where_it_looks(measured: Measured, folder: Path | None) -> None:
    """How often the peak lies inside a box, beside pointers that know nothing of the film.

    Args:
        folder: the run that the table belongs to; None for a table from elsewhere.
    """
    st.header("Where it looks", anchor=False)
    if folder is None:
        quiet(f"It needs {LOCALISATION_FILE} of a run folder; a table from elsewhere has none.")
        return
    path = folder / LOCALISATION_FILE
    if not path.is_file():
        quiet(
            f"There is no {LOCALISATION_FILE} beside the model: train.py --finish writes it when "
            "it is given radiologists' boxes."
        )
        return
    try:
        rows = read_localisation(path)
    except DataError as error:
        quiet(str(error))
        return
    _shares(_measured(rows, measured))


def _measured(rows: pd.DataFrame, measured: Measured) -> dict[str, HitRates]:
    """By finding key, of findings with a boxed film."""
    table = measured.table
    patients = {}
    if "patient" in table:
        named = table[table["patient"] != ""]
        patients = dict(zip(named["image"], named["patient"], strict=True))
    rates = hit_rates(rows, patients, seed=measured.report.seed)
    return {key: found for key, found in rates.items() if found.n}


def _shares(rates: Mapping[str, HitRates]) -> None:
    if not rates:
        quiet("The table of boxed films names none of the three findings.")
        return
    show_chart(
        localisation_chart(rates),
        key="localisation",
        name="Where the map peaks",
        alt="Share of boxed films with the map's peak inside a box. "
        + " ".join(f"{LABELS[key]}: {found.peak.text()}." for key, found in rates.items()),
    )
    quiet(
        "How to read it: findings sit in much the same place on most films, so the map tells "
        "something of the film only where its peak is inside a box more often than the best fixed "
        "spot of the training boxes, which is the same on every film."
    )
    show_table(
        ("Finding", "Films", *pointers_of(next(iter(rates.values()))), "Peak less fixed spot"),
        [localisation_row(key, found) for key, found in rates.items()],
        caption="Share of test films with a box on which the pointer is inside it, 0 to 1 (95 % "
        "interval, patients resampled); the difference is paired by film",
    )
    for key, found in rates.items():
        quiet(gain_sentence(key, found))
    quiet(
        "This table holds the maps' peaks only: the overlap of map and box (Wang et al.'s "
        "intersection over box and over union), and a model with shuffled weights, are not in it."
    )


def localisation_row(key: str, rates: HitRates) -> list[str]:
    """One finding as a row of texts."""
    pointed = [share.text() for share in pointers_of(rates).values()]
    return [LABELS[key], f"{rates.n:,}", *pointed, rates.gain.text().replace("-", "−")]


def gain_sentence(key: str, rates: HitRates) -> str:
    """Whether the map points better than a fixed spot, in words."""
    if not rates.gain.estimable:
        return f"{LABELS[key]}: too few boxed films to tell whether the map points at the finding."
    if rates.gain.low > 0:
        return f"{LABELS[key]}: the map points better than one fixed spot would."
    if rates.gain.high < 0:
        return f"{LABELS[key]}: the map points worse than one fixed spot would."
    return f"{LABELS[key]}: the map is not shown to point better than one fixed spot would."
