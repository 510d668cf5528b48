"""The panel of the training: a run's curves, read again while the run is being written."""

import hashlib
from pathlib import Path

import pandas as pd
import streamlit as st

from cxr_core.evaluation.run_folder import HISTORY_FILE, RunFolder, RunProgress
from cxr_core.ui.charts.show import ChartSource, show_chart
from cxr_core.ui.charts.theme import training_history_figure
from cxr_core.ui.places import use_place
from cxr_core.ui.shell import caption, guarded_fragment

POLL_SECONDS = 5.0  # between two looks at a run that is being written


def training_panel(run: RunFolder | None) -> None:
    """Curves of a run; of an unfinished one they grow by themselves.

    Args:
        run: its folder; None for a table from elsewhere.
    """
    st.header("Training", anchor=False)
    if run is None:
        caption(f"Needs {HISTORY_FILE} of a run folder; a table from elsewhere has none.")
        return
    unfinished = run.progress.unfinished
    with st.container(key="training"):  # its style keeps it from fading at every look
        every = POLL_SECONDS if unfinished else None
        guarded_fragment(_curves, run_every=every)(run, unfinished)


def _curves(last: RunFolder, live: bool) -> None:
    if live:
        use_place()  # whoever watches a training does not click
    run = RunFolder(last.path, last.strict)  # anew at every look, as its files grow
    history, progress = run.history, run.progress
    if live and not progress.unfinished:
        st.rerun()  # the whole page: its other panels have something to show now
    if sentence := progress_sentence(progress):
        caption(sentence)
    if history.empty:
        if not live:
            caption(f"No readable {HISTORY_FILE} in this run.")
        return
    show_chart(
        training_history_figure(history, best_label="best so far" if live else "kept"),
        key="history",
        wide=True,
        title="Training curves",
        alt=f"Loss and validation AUROC over {len(history)} epochs.",
        source=_source(run.path, len(history)),
    )
    caption(
        "Left: loss on training and validation films. The training loss can be higher: it is "
        "computed on augmented films and includes auxiliary losses (other findings, boxes). Right: "
        "validation AUROC; 0.50 is chance. The marked epoch "
        f"{'is the best so far' if live else 'was kept'}." + input_size_sentence(history)
    )


def _source(folder: Path, epochs: int) -> ChartSource:
    """The curves come of ``history.csv``, not of the predictions that the page shows."""
    written = (folder / HISTORY_FILE).read_bytes()
    return ChartSource(hashlib.sha256(written).hexdigest(), (HISTORY_FILE, f"{epochs} epochs"))


def progress_sentence(progress: RunProgress) -> str:
    """How far an unfinished run has come; empty for one that has ended."""
    if not progress.unfinished:
        return ""
    planned = "" if progress.epochs_planned is None else f" of {progress.epochs_planned}"
    if progress.epochs_done == progress.epochs_planned:
        return (
            f"All {progress.epochs_done} epochs are done; the final evaluation is running, or was "
            f"stopped. Refreshed every {POLL_SECONDS:g} seconds."
        )
    return (
        f"Run not finished: {progress.epochs_done}{planned} epochs done. Refreshed every "
        f"{POLL_SECONDS:g} seconds."
    )


def input_size_sentence(history: pd.DataFrame) -> str:
    """Why the curves may jump: the input grew during training."""
    if "px" not in history or history["px"].nunique() < 2:
        return ""
    first, last = history["px"].iloc[0], history["px"].iloc[-1]
    epoch = history.loc[history["px"] == last, "epoch"].iloc[0]
    return (
        f" From epoch {epoch} the input was {last} instead of {first} pixels; only an epoch of "
        "that size could be kept."
    )
