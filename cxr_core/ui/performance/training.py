"""The panel of the training: a run's curves, read again while the run is being written."""

import hashlib
from pathlib import Path

import pandas as pd
import streamlit as st

from cxr_core.evaluation.run_folder import HISTORY_FILE, Progress, progress_of, read_history
from cxr_core.ui.charts.show import Source, show_chart
from cxr_core.ui.charts.theme import history_figure
from cxr_core.ui.shell import quiet

SECONDS = 5.0  # between two looks at a run that is being written


def training(folder: Path | None) -> None:
    """Curves of a run; of an unfinished one they grow by themselves.

    Args:
        folder: of the run; None for a table from elsewhere.
    """
    st.header("Training", anchor=False)
    if folder is None:
        quiet(f"It needs {HISTORY_FILE} of a run folder; a table from elsewhere has none.")
        return
    live = progress_of(folder, len(read_history(folder))).unfinished
    with st.container(key="training"):  # its style keeps it from fading at every look
        st.fragment(_curves, run_every=SECONDS if live else None)(folder, live)


def _curves(folder: Path, live: bool) -> None:
    history = read_history(folder)
    progress = progress_of(folder, len(history))
    if live and not progress.unfinished:
        st.rerun()  # the whole page: its other panels have something to show now
    if sentence := progress_sentence(progress):
        quiet(sentence)
    if history.empty:
        if not live:
            quiet(f"There is no readable {HISTORY_FILE} in this run, so no curves can be shown.")
        return
    show_chart(
        history_figure(history, mark="best so far" if live else "kept"),
        key="history",
        name="Training curves",
        alt=f"Loss and validation AUROC over {len(history)} epochs.",
        source=_source(folder, len(history)),
    )
    quiet(
        "How to read it: left, the loss on training and on validation films. That on training "
        "films can be the higher one: they are altered at random, and it counts all that the run "
        "is taught, other findings and boxes too. Right, the validation area, 0.50 is chance; the "
        f"epoch that is marked {'is the best so far' if live else 'was kept'}."
        + growth_sentence(history)
    )


def _source(folder: Path, epochs: int) -> Source:
    """The curves come of ``history.csv``, not of the predictions that the page shows."""
    written = (folder / HISTORY_FILE).read_bytes()
    return Source(hashlib.sha256(written).hexdigest(), (HISTORY_FILE, f"{epochs} epochs"))


def progress_sentence(progress: Progress) -> str:
    """How far an unfinished run has come; empty for one that has ended."""
    if not progress.unfinished:
        return ""
    planned = "" if progress.planned is None else f" of {progress.planned}"
    if progress.done == progress.planned:
        return (
            f"All {progress.done} epochs are done, and the run's end is not: it is being measured, "
            f"or was stopped. Read again every {SECONDS:g} seconds."
        )
    return (
        f"This run is not finished: {progress.done}{planned} epochs are done. "
        f"Read again every {SECONDS:g} seconds."
    )


def growth_sentence(history: pd.DataFrame) -> str:
    """Why the curves may jump: the input grew during training."""
    if "px" not in history or history["px"].nunique() < 2:
        return ""
    first, last = history["px"].iloc[0], history["px"].iloc[-1]
    epoch = history.loc[history["px"] == last, "epoch"].iloc[0]
    return (
        f" From epoch {epoch} on the input was {last} instead of {first} pixels wide; only an "
        "epoch of that size could be kept."
    )
