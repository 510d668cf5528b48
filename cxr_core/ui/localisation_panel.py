"""The panel of where the model looks: its maps' peaks against radiologists' boxes."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import streamlit as st

from cxr_core.errors import DataError
from cxr_core.evaluation.bootstrap import Interval
from cxr_core.evaluation.boxed_films import BoxedFilms, boxed_films
from cxr_core.evaluation.localisation import HitRates
from cxr_core.evaluation.run_folder import LOCALISATION_FILE
from cxr_core.findings import LABELS
from cxr_core.ui.charts import show_chart, source_of_films
from cxr_core.ui.localisation_chart import boxed_words, localisation_chart, pointers_of
from cxr_core.ui.measured import Measured
from cxr_core.ui.overlap_panel import overlaps
from cxr_core.ui.page import quiet
from cxr_core.ui.tables import show_table


def where_it_looks(measured: Measured, folder: Path | None) -> None:
    """How often the map meets a box, beside pointers that know nothing of the film.

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
        found = kept_films(measured, folder)
    except DataError as error:
        quiet(str(error))
        return
    if not found.peaks:
        quiet("The table of boxed films names none of the three findings.")
        return
    _peaks(found.peaks)
    if found.missing:
        quiet(lacking_sentence(found.missing))
    else:
        overlaps(found.overlaps, found.areas)


def kept_films(measured: Measured, folder: Path | None) -> BoxedFilms:
    """What a run's boxed films tell, resampled once a session.

    Raises:
        DataError: the run's table of them cannot be used.
    """
    path = None if folder is None else folder / LOCALISATION_FILE
    if folder is None or path is None or not path.is_file():
        return BoxedFilms()
    written = hashlib.sha256(path.read_bytes()).hexdigest()
    return _kept(measured, folder, f"{measured.identity} {written}")


# Streamlit keys on what has no underscore: the hashes stand for both tables.
@st.cache_data(max_entries=2, show_spinner="Resampling patients …", scope="session")
def _kept(_measured: Measured, _folder: Path, identity: str) -> BoxedFilms:
    report = _measured.report
    return boxed_films(_folder, _measured.table, n_resamples=report.n_resamples, seed=report.seed)


def _peaks(rates: Mapping[str, HitRates]) -> None:
    show_chart(
        localisation_chart(rates),
        key="localisation",
        name="Where the map peaks",
        alt="Share of boxed films with the map's peak inside a box. "
        + " ".join(f"{LABELS[key]}: {found.peak.text()}." for key, found in rates.items()),
        source=source_of_films(boxed_words({key: found.n for key, found in rates.items()})),
    )
    quiet(
        "How to read it: findings sit in much the same place on most films, so the map tells "
        "something of the film only where its peak is inside a box more often than the best fixed "
        "spot of the training boxes, which is the same on every film. The same network with "
        "shuffled weights has learnt nothing: what it reaches comes with the films and the "
        "network's build."
    )
    show_table(
        ("Finding", "Films", *pointers_of(next(iter(rates.values()))), "Peak less fixed spot"),
        [localisation_row(key, found) for key, found in rates.items()],
        caption="Share of test films with a box on which the pointer is inside it, 0 to 1 (95 % "
        "interval, patients resampled); the difference is paired by film",
    )
    for key, found in rates.items():
        quiet(gain_sentence(key, found.gain))


def localisation_row(key: str, rates: HitRates) -> list[str]:
    """One finding as a row of texts."""
    pointed = [share.text() for share in pointers_of(rates).values()]
    return [LABELS[key], f"{rates.n:,}", *pointed, rates.gain.text().replace("-", "−")]


def gain_sentence(key: str, gain: Interval) -> str:
    """Whether the map points better than a fixed spot, in words."""
    if not gain.estimable:
        return f"{LABELS[key]}: too few boxed films tell the map from a fixed spot."
    if gain.low > 0:
        return f"{LABELS[key]}: the map points better than one fixed spot would."
    if gain.high < 0:
        return f"{LABELS[key]}: the map points worse than one fixed spot would."
    return f"{LABELS[key]}: the map is not shown to point better than one fixed spot would."


def lacking_sentence(missing: Sequence[str]) -> str:
    """What a table of an earlier version lacks, and how to get it."""
    named = ", ".join(missing[:3])
    named += f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    return (
        f"The overlap of map and box, and the model with shuffled weights, need columns that this "
        f"{LOCALISATION_FILE} lacks ({named}): write it again with train.py --finish and the boxes."
    )
