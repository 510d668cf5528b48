"""The panel of the published figures: apart by kind of split, and set against one kind alone."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from cxr_core.errors import DataError
from cxr_core.evaluation.leakage import read_run_split, split_cache_key
from cxr_core.evaluation.published import (
    AUROC_CAUTION,
    OFFICIAL_SPLIT,
    RANDOM_SPLIT,
    SMALL_FOLDER_SPLIT,
    UNKNOWN_SPLIT,
    PublishedAuroc,
    difference_to_published,
    read_published_auroc,
    split_kind,
    why_not_comparable,
)
from cxr_core.findings import ABNORMAL_KEYS, LABELS
from cxr_core.ui.evaluated import EvaluatedTable
from cxr_core.ui.performance.two_models import signed_interval
from cxr_core.ui.shell import caption, show_table

_SPLIT_CHOICES = {
    UNKNOWN_SPLIT: "Another kind, or unknown",
    OFFICIAL_SPLIT: "NIH's official lists",
    RANDOM_SPLIT: "Random by patient, of NIH's whole collection",
}


def published_panel(evaluated: EvaluatedTable, folder: Path | None) -> None:
    """Other models' figures, and the difference to those of the same kind of split.

    Args:
        folder: the run that the table belongs to, whose split tells its kind where it can.
    """
    st.header("Comparison with published results", anchor=False)
    caption(AUROC_CAUTION)
    models = read_published_auroc()
    report = evaluated.report
    show_table(
        ("Model", "Films", *(LABELS[key] for key in ABNORMAL_KEYS)),
        [["This table", f"{report.n_films:,}"] + [report.auroc[k].text() for k in ABNORMAL_KEYS]],
        caption="AUROC of this page's own films (95 % interval)",
    )
    kind = _split_kind(evaluated, folder)
    for split in dict.fromkeys(model.split for model in models):
        same_split = [model for model in models if model.split == split]
        show_table(
            ("Model", "Year", "Source", *(LABELS[key] for key in ABNORMAL_KEYS)),
            [
                [model.model, str(model.year), model.source]
                + [_published_area(model.auroc[key]) for key in ABNORMAL_KEYS]
                for model in same_split
            ],
            caption=f"AUROC on NIH ChestX-ray14, split: {split}",
            n_text_columns=3,
        )
        if reason := why_not_comparable(kind, split):
            caption(reason)
        else:
            _differences(evaluated, same_split, split)


def difference_row(evaluated: EvaluatedTable, model: PublishedAuroc) -> list[str]:
    """A published model's name, and this table's areas less its areas."""
    cells = []
    for key in ABNORMAL_KEYS:
        area, theirs = evaluated.report.auroc[key], model.auroc[key]
        cells.append(
            "–" if theirs is None else signed_interval(difference_to_published(area, theirs))
        )
    return [model.model, *cells]


def _differences(evaluated: EvaluatedTable, models: Sequence[PublishedAuroc], split: str) -> None:
    show_table(
        ("Model", *(LABELS[key] for key in ABNORMAL_KEYS)),
        [difference_row(evaluated, model) for model in models],
        caption=f"This table's AUROC less the published one, split: {split} (95 % interval of "
        "this table alone; the published figures come without)",
    )
    caption(
        "Above 0, this model does better on its films than the other on its own. Both splits are "
        "of one kind, but not the same films."
    )


def _split_kind(evaluated: EvaluatedTable, folder: Path | None) -> str:
    """The kind of split of the films on screen: computed from a run's split, or told."""
    try:
        computed = _cached_split_kind(folder, split_cache_key(folder))
    except DataError as error:
        caption(str(error))
        computed = UNKNOWN_SPLIT
    if computed is not None:
        what = (
            "computed from its split.csv"
            if computed == SMALL_FOLDER_SPLIT
            else "split.csv does not show it"
        )
        caption(f"Kind of split of this run: {computed} ({what}).")
        return computed
    return st.selectbox(
        "How were these films split from the training films?",
        list(_SPLIT_CHOICES),
        format_func=_SPLIT_CHOICES.__getitem__,
        key=f"split_kind_{evaluated.cache_key}",
        width=480,
    )


@st.cache_data(max_entries=4, show_spinner=False, scope="session")
def _cached_split_kind(_folder: Path | None, stamp: str) -> str | None:
    return split_kind(read_run_split(_folder))


def _published_area(area: float | None) -> str:
    return "–" if area is None else f"{area:g}"  # with as many digits as were published
