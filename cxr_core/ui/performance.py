"""The panels of the Performance page, each a function of one evaluated table."""

import hashlib
from pathlib import Path

import pandas as pd
import streamlit as st

from cxr_core.evaluation.published import CAUTION, read_published
from cxr_core.evaluation.results import EvaluationReport
from cxr_core.findings import ABNORMAL_KEYS, KEYS, LABELS
from cxr_core.ui.charts import show_chart
from cxr_core.ui.figure_file import Source
from cxr_core.ui.figures import history_figure
from cxr_core.ui.measured import HISTORY_FILE, Measured
from cxr_core.ui.page import quiet
from cxr_core.ui.tables import show_table

VERDICTS = {"enough": "enough films", "wide": "wide interval", "too few": "too few films"}


def area_table(report: EvaluationReport, *, caption: str) -> None:
    """AUROC of the four findings, each with its interval and what it can bear."""
    show_table(
        ("Finding", "AUROC (95 % interval)", "Films with it", "Verdict"),
        [
            [
                LABELS[key],
                report.auroc[key].text(),
                f"{report.label_distribution[key].positives:,}",
                VERDICTS[report.label_distribution[key].verdict],
            ]
            for key in KEYS
        ],
        caption=caption,
    )


def published(measured: Measured) -> None:
    """Other models' figures, apart by the kind of their split."""
    st.header("Beside the published", anchor=False)
    quiet(CAUTION)
    models = read_published()
    for split in dict.fromkeys(model.split for model in models):
        show_table(
            ("Model", "Year", "Source", *(LABELS[key] for key in ABNORMAL_KEYS)),
            [
                [model.model, str(model.year), model.source]
                + [_published_area(model.auroc[key]) for key in ABNORMAL_KEYS]
                for model in models
                if model.split == split
            ],
            caption=f"AUROC on NIH ChestX-ray14, split: {split}",
            words=3,
        )
    report = measured.report
    show_table(
        ("Model", "Films", *(LABELS[key] for key in ABNORMAL_KEYS)),
        [["This table", f"{report.n_films:,}"] + [report.auroc[k].text() for k in ABNORMAL_KEYS]],
        caption="This page's own films: another selection and another split",
    )


def _published_area(area: float | None) -> str:
    return "–" if area is None else f"{area:g}"  # with as many digits as were published


def training(folder: Path) -> None:
    """Curves of the run that made the model."""
    st.header("Training", anchor=False)
    path = folder / HISTORY_FILE
    try:
        history = pd.read_csv(path)
    except (OSError, ValueError):  # absent, empty or no table: the panel is masked
        history = pd.DataFrame()
    if "epoch" not in history or history.empty:
        quiet(f"There is no readable {HISTORY_FILE} beside the model, so no curves can be shown.")
        return
    show_chart(
        history_figure(history),
        key="history",
        name="Training curves",
        alt=f"Loss and validation AUROC over {len(history)} epochs.",
        source=Source(hashlib.sha256(path.read_bytes()).hexdigest(), (HISTORY_FILE,)),
    )
    quiet(
        "Left: the loss on training and on validation films; training films are altered at "
        "random, so their loss can be the higher one. Right: the validation area; the epoch that "
        "is marked was kept." + _growth(history)
    )


def _growth(history: pd.DataFrame) -> str:
    """Why the curves may jump: the input grew during training."""
    if "px" not in history or history["px"].nunique() < 2:
        return ""
    first, last = history["px"].iloc[0], history["px"].iloc[-1]
    epoch = history.loc[history["px"] == last, "epoch"].iloc[0]
    return (
        f" From epoch {epoch} on the input was {last} instead of {first} pixels wide; only an "
        "epoch of that size could be kept."
    )
