"""Give a model folder of an earlier version both cut-offs of each finding, without its films.

They are fitted as ``train.py --finalize`` does, from the folder's own ``predictions_val.csv`` and
its stored calibration; ``model.json`` and what the card tells of cut-offs are written anew. The
same folder always gives the same result. The maps keep their colour scale, which needs the films.
"""

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd

from cxr_core.errors import DataError
from cxr_core.evaluation.evaluated import evaluate_with_model, measure_all
from cxr_core.evaluation.metrics.operating_points import fit_cutoffs
from cxr_core.evaluation.predictions import (
    labels_of,
    patients_of,
    probabilities_of,
    read_predictions,
)
from cxr_core.evaluation.run_folder import (
    CARD_FILE,
    TEST_PREDICTIONS_FILE,
    VALIDATION_PREDICTIONS_FILE,
    RunFolder,
)
from cxr_core.files import atomic_write
from cxr_core.model.checkpoint import save_metadata
from cxr_core.model.folder import file_sha256
from cxr_core.model.metadata import ModelMetadata
from cxr_core.training.lineage import stored_lineage
from cxr_core.training.model_card import PERFORMANCE_TITLE, CardData, performance

_PERFORMANCE = re.compile(
    rf"^{re.escape(PERFORMANCE_TITLE)}\n.*?(?=^## )", re.MULTILINE | re.DOTALL
)


def refit_cutoffs(folder: Path) -> ModelMetadata:
    """Fit and store both cut-offs of every finding; returns what ``model.json`` now says.

    Raises:
        CheckpointError: the folder is incomplete or was altered.
        DataError: it has no validation predictions, or none on which cut-offs can be fitted.
    """
    run = RunFolder(folder)
    metadata = run.model
    run.verify_weights()
    table = run.validation
    if table is None:
        raise DataError(
            "The cut-offs cannot be fitted: the folder has no validation predictions",
            value=folder / VALIDATION_PREDICTIONS_FILE,
            remedy="Run train.py --finalize with the films.",
        )
    patients = patients_of(table)
    seed = int(metadata.provenance.get("config", {}).get("seed", 0))
    cutoffs = fit_cutoffs(
        probabilities_of(table, metadata.calibration),
        labels_of(table),
        table["image"].to_numpy(dtype=str) if patients is None else patients,
        seed=seed,
    )
    fitted = save_metadata(
        folder,
        replace(
            metadata,
            operating_points=dict(cutoffs.specific),
            sensitive_points=None if cutoffs.sensitive is None else dict(cutoffs.sensitive),
        ),
    )
    card, predictions = folder / CARD_FILE, folder / TEST_PREDICTIONS_FILE
    if card.is_file() and predictions.is_file():
        text = card.read_text(encoding="utf-8")
        text = text.replace(metadata.model_sha256, fitted.model_sha256, 1)
        section = _performance_section(folder, fitted)
        with atomic_write(card) as temporary:
            temporary.write_text(_PERFORMANCE.sub(lambda _: section, text), encoding="utf-8")
    return fitted


def _performance_section(folder: Path, metadata: ModelMetadata) -> str:
    path = folder / TEST_PREDICTIONS_FILE
    evaluated = evaluate_with_model(read_predictions(path), file_sha256(path), metadata)
    report = measure_all(evaluated, RunFolder(folder))
    # The films' own table is needed for other sections alone.
    data = CardData(metadata, report, pd.DataFrame(), (), stored_lineage(folder))
    return performance(data) + "\n\n"
