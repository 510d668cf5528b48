"""The panels of the Performance page, each a function of one evaluated table."""

from pathlib import Path

import pandas as pd
import streamlit as st

from cxr_core.evaluation.published import CAUTION, read_published
from cxr_core.evaluation.results import EvaluationReport
from cxr_core.findings import ABNORMAL_KEYS, KEYS, LABELS
from cxr_core.ui.figures import CHART_CONFIG, history_figure, label_figure
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


def label_distribution(measured: Measured) -> None:
    """How many films carry each label."""
    st.header("Labels", anchor=False)
    counts = measured.report.label_distribution
    positives = {key: counts[key].positives for key in KEYS}
    total = measured.report.n_films
    st.plotly_chart(
        label_figure(positives, total),
        key="labels",
        theme=None,
        config=CHART_CONFIG,
        alt=f"Films with each label, of {total:,}: "
        + ", ".join(f"{LABELS[key]} {positives[key]:,}" for key in KEYS),
    )
    quiet("A film can carry several labels, or none of the four.")


def subgroups(measured: Measured) -> None:
    """The area within kinds of films, so that a shortcut shows."""
    st.header("Within groups of films", anchor=False)
    quiet(
        "A model that only knew the view, or only told No Finding from the rest, looks good over "
        "all films and falls to 0.50 within a group. Read the three findings among films that are "
        "not No Finding, and No Finding within PA and within AP."
    )
    table = measured.report.subgroups
    rows = [
        [_group_name(by, value), f"{int(part['n'].iloc[0]):,}", *(_area(part, k) for k in KEYS)]
        for (by, value), part in table.groupby(["by", "value"], sort=False)
    ]
    show_table(
        ("Films", "Number", *LABELS.values()),
        rows,
        caption="AUROC (95 % interval; films with the finding)",
    )
    for note in measured.report.notes:
        quiet(note)


def _group_name(by: object, value: object) -> str:
    return f"All that are {value}" if by == "label" else f"{str(by).capitalize()} {value}"


def _area(part: pd.DataFrame, key: str) -> str:
    rows = part[part["finding"] == key]
    if rows.empty:
        return "–"
    row = rows.iloc[0]
    if row["verdict"] == "too few":
        return f"not estimable; {row['positives']:,}"
    return f"{row['estimate']:.2f} ({row['low']:.2f} to {row['high']:.2f}; {row['positives']:,})"


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
    st.plotly_chart(
        history_figure(history),
        key="history",
        theme=None,
        config=CHART_CONFIG,
        alt=f"Loss and validation AUROC over {len(history)} epochs.",
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
