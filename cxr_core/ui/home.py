"""What the home page says of the model in use."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from cxr_core.errors import CheckpointError
from cxr_core.evaluation.cutoffs import cutoffs_of_model
from cxr_core.evaluation.model_facts import facts_of_flags
from cxr_core.evaluation.render.figures import discrimination
from cxr_core.evaluation.render.further_figures import (
    further_patients_table,
    other_sources_table,
)
from cxr_core.evaluation.render.hub_header import without_header
from cxr_core.evaluation.run_folder import CARD_FILE
from cxr_core.model.metadata import (
    UNCALIBRATED_WARNING,
    load_metadata,
    uses_external_data,
    why_uncalibrated,
)
from cxr_core.ui.evaluated import evaluate_model, further_films_of_model
from cxr_core.ui.foreign import without_commands
from cxr_core.ui.model import approved_folder
from cxr_core.ui.shell import caption, show_table

_TITLE = re.compile(r"\A\s*# [^\n]*\n+")
TRAINING_COMMAND = (
    "python train.py --entries Data_Entry_2017_v2020.csv --images images \\\n"
    "    --train-val-list train_val_list.txt --test-list test_list.txt \\\n"
    "    --out models/full"
)


# The model card of the loaded folder, as text for the page.


def read_card(folder: Path) -> str:
    """``MODEL_CARD.md`` without its title, as the page has its own, and without what a page would
    follow: links, pictures, icons.

    Raises:
        CheckpointError: the folder has no readable card.
    """
    path = folder / CARD_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(
            "There is no readable model card in this folder",
            value=path,
            remedy="Write it again with train.py --finalize.",
        ) from error
    return without_commands(_TITLE.sub("", without_header(text)))


def describe_model(provenance: dict[str, Any]) -> str:
    """One or two sentences on what the model is, from what its folder says of itself."""
    counts = provenance.get("counts", {}).get("train", {})
    films = f"{counts['films']:,} films" if "films" in counts else "an unstated number of films"
    patients = f" of {counts['patients']:,} patients" if "patients" in counts else ""
    start = "" if uses_external_data(provenance) else ", without pre-trained weights"
    teachers = len(provenance.get("config", {}).get("teachers", ()))
    taught = ("", ", taught by another network", ", taught by other networks")[min(teachers, 2)]
    learnt = f"It was trained on {films}{patients}{start}{taught}."
    if why_uncalibrated(provenance):
        learnt += " " + UNCALIBRATED_WARNING
    if provenance.get("demonstration", True):
        return (
            "This is a demonstration model: it shows what the tool does, not how well it can do "
            f"it. {learnt}"
        )
    return learnt


def model_summary() -> None:
    """Which model is loaded and how good it measured.

    Raises:
        CXRError: the folder has no usable model or no usable table.
    """
    folder = approved_folder()
    metadata = load_metadata(folder)
    st.markdown(describe_model(metadata.provenance))
    full = evaluate_model(folder).full
    report = full.report
    patients = "" if report.n_patients is None else f" of {report.n_patients:,} patients"
    shown = f"On {report.n_films:,} test films{patients}, not used for training (95 % intervals)"
    for table in discrimination(full):
        show_table(replace(table, caption=shown))
    facts = facts_of_flags(full.flag_worth, report.n_films)
    paired = cutoffs_of_model(metadata).paired
    caption(f"{facts.flagged_sentence} {facts.bands_sentence(paired=paired)}".strip())
    further, sources = further_films_of_model(folder)
    if further is not None:
        show_table(further_patients_table(further))
    if sources:
        show_table(other_sources_table(sources))
    caption(
        "AUROC: how often a film with the finding scores higher than one without it; 0.50 is "
        f"chance. Model {metadata.model_sha256[:12]}."
    )
