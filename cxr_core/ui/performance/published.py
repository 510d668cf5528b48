"""The panel of the published figures: apart by kind of split, and set against one kind alone."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from cxr_core.errors import DataError
from cxr_core.evaluation.leakage import split_of, split_stamp
from cxr_core.evaluation.published import (
    CAUTION,
    OFFICIAL,
    RANDOM,
    SMALL,
    UNKNOWN,
    Published,
    kind_of_split,
    less_published,
    read_published,
    refusal,
)
from cxr_core.findings import ABNORMAL_KEYS, LABELS
from cxr_core.ui.evaluated import Measured
from cxr_core.ui.performance.two_models import signed
from cxr_core.ui.shell import quiet, show_table

_TOLD = {
    UNKNOWN: "Another, or not known",
    OFFICIAL: "NIH's official lists",
    RANDOM: "Random by patient, of NIH's whole collection",
}


def published(measured: Measured, folder: Path | None) -> None:
    """Other models' figures, and the difference to those of the same kind of split.

    Args:
        folder: the run that the table belongs to, whose split tells its kind where it can.
    """
    st.header("Beside the published", anchor=False)
    quiet(CAUTION)
    models = read_published()
    report = measured.report
    show_table(
        ("Model", "Films", *(LABELS[key] for key in ABNORMAL_KEYS)),
        [["This table", f"{report.n_films:,}"] + [report.auroc[k].text() for k in ABNORMAL_KEYS]],
        caption="AUROC of this page's own films (95 % interval)",
    )
    kind = _kind(measured, folder)
    for split in dict.fromkeys(model.split for model in models):
        some = [model for model in models if model.split == split]
        show_table(
            ("Model", "Year", "Source", *(LABELS[key] for key in ABNORMAL_KEYS)),
            [
                [model.model, str(model.year), model.source]
                + [_published_area(model.auroc[key]) for key in ABNORMAL_KEYS]
                for model in some
            ],
            caption=f"AUROC on NIH ChestX-ray14, split: {split}",
            words=3,
        )
        if reason := refusal(kind, split):
            quiet(reason)
        else:
            _differences(measured, some, split)


def difference_row(measured: Measured, model: Published) -> list[str]:
    """A published model's name, and this table's areas less its areas."""
    cells = []
    for key in ABNORMAL_KEYS:
        area, theirs = measured.report.auroc[key], model.auroc[key]
        cells.append("–" if theirs is None else signed(less_published(area, theirs)))
    return [model.model, *cells]


def _differences(measured: Measured, models: Sequence[Published], split: str) -> None:
    show_table(
        ("Model", *(LABELS[key] for key in ABNORMAL_KEYS)),
        [difference_row(measured, model) for model in models],
        caption=f"This table's AUROC less the published one, split: {split} (95 % interval of "
        "this table alone; the published figures come without)",
    )
    quiet(
        "How to read it: above 0 this table's model ranks its films better than the other did "
        "its own. Both splits are of one kind, and still not the same films."
    )


def _kind(measured: Measured, folder: Path | None) -> str:
    """The kind of split of the films on screen: computed from a run's split, or told."""
    try:
        computed = _computed(folder, split_stamp(folder))
    except DataError as error:
        quiet(str(error))
        computed = UNKNOWN
    if computed is not None:
        what = "computed from its split.csv" if computed == SMALL else "its split.csv does not tell"
        quiet(f"Kind of split of this run: {computed} ({what}).")
        return computed
    return st.selectbox(
        "How were these films split from those that the model was trained on?",
        list(_TOLD), format_func=_TOLD.__getitem__, key=f"split_kind_{measured.identity}",
        width=480,
    )  # fmt: skip


@st.cache_data(max_entries=4, show_spinner=False, scope="session")
def _computed(_folder: Path | None, stamp: str) -> str | None:
    return kind_of_split(split_of(_folder))


def _published_area(area: float | None) -> str:
    return "–" if area is None else f"{area:g}"  # with as many digits as were published
