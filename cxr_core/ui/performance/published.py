"""The panel of the published figures: apart by kind of split, and set against one kind alone."""

from collections.abc import Sequence

import streamlit as st

from cxr_core.errors import DataError
from cxr_core.evaluation.evaluated import EvaluatedTable
from cxr_core.evaluation.published import (
    AUROC_CAUTION,
    OFFICIAL_SPLIT,
    RANDOM_SPLIT,
    SMALL_FOLDER_SPLIT,
    UNKNOWN_SPLIT,
    PublishedAuroc,
    read_published_auroc,
    split_kind,
    why_not_comparable,
)
from cxr_core.evaluation.render.comparison_figures import (
    own_auroc,
    published_auroc,
    published_differences,
)
from cxr_core.evaluation.run_folder import SPLIT_FILE, RunFolder
from cxr_core.findings import ABNORMAL_KEYS, label_of
from cxr_core.ui.shell import caption, show_table

_SPLIT_CHOICES = {
    UNKNOWN_SPLIT: "Another kind, or unknown",
    OFFICIAL_SPLIT: "NIH's official lists",
    RANDOM_SPLIT: "Random by patient, of NIH's whole collection",
}


def published_panel(evaluated: EvaluatedTable, run: RunFolder | None) -> None:
    """Other models' figures, and the difference to those of the same kind of split.

    Args:
        run: that the table belongs to, whose split tells its kind where it can.
    """
    st.header("Comparison with published results", anchor=False)
    if not set(ABNORMAL_KEYS) & set(evaluated.keys):
        named = ", ".join(label_of(key) for key in ABNORMAL_KEYS)
        caption(f"The published figures kept here are of {named}, which this table does not hold.")
        return
    caption(AUROC_CAUTION)
    models = read_published_auroc()
    show_table(own_auroc(evaluated.report))
    kind = _split_kind(evaluated, run)
    for split in dict.fromkeys(model.split for model in models):
        same_split = [model for model in models if model.split == split]
        show_table(published_auroc(same_split, split))
        if reason := why_not_comparable(kind, split):
            caption(reason)
        else:
            _differences(evaluated, same_split, split)


def _differences(evaluated: EvaluatedTable, models: Sequence[PublishedAuroc], split: str) -> None:
    show_table(published_differences(evaluated.report, models, split))
    caption(
        "Above 0, this model does better on its films than the other on its own. Both splits are "
        "of one kind, but not the same films."
    )


def _split_kind(evaluated: EvaluatedTable, run: RunFolder | None) -> str:
    """The kind of split of the films on screen: computed from a run's split, or told."""
    try:
        computed = None if run is None else _cached_split_kind(run, run.stamp(SPLIT_FILE))
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
def _cached_split_kind(_run: RunFolder, stamp: str) -> str | None:
    return split_kind(_run.split)
