"""What two models' folders add to a comparison: calibration errors, and peaks in boxes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cxr_core.config import Calibration
from cxr_core.evaluation.calibration import Floats
from cxr_core.evaluation.compare_results import CalibrationErrors, ComparedRate, Paired
from cxr_core.evaluation.localisation import hit_rates
from cxr_core.evaluation.localisation_file import read_localisation
from cxr_core.evaluation.predictions import has_logits, labels_of, patients_of, probabilities_of
from cxr_core.evaluation.reliability import expected_calibration_error
from cxr_core.evaluation.run_folder import LOCALISATION_FILE
from cxr_core.findings import ABNORMAL_KEYS, KEYS
from cxr_core.model.metadata import load_metadata

ALL = "all"  # the key of all boxed findings together
_ROW = ["image", "finding"]


@dataclass(frozen=True, eq=False)
class ComparedModel:
    """What a model's folder tells beside its predictions.

    Attributes:
        calibration: applied to raw logits.
        localisation: rows of ``localisation.csv``; None where the folder has none.
    """

    calibration: Calibration
    localisation: pd.DataFrame | None = None


def read_model(folder: str | Path) -> ComparedModel:
    """Read a model folder's calibration and, where it is there, ``localisation.csv``.

    Raises:
        CheckpointError: no readable ``model.json``.
        DataError: ``localisation.csv`` is not as ``train.py`` writes it.
    """
    calibration = load_metadata(folder).calibration
    path = Path(folder) / LOCALISATION_FILE
    return ComparedModel(calibration, read_localisation(path) if path.is_file() else None)


def calibration_errors(table: pd.DataFrame, calibration: Calibration) -> CalibrationErrors:
    """Expected calibration errors of a validated predictions table."""
    labels, plain = labels_of(table), probabilities_of(table)  # (N, 4), (N, 4)

    def errors(probabilities: Floats) -> dict[str, float]:
        return {
            key: expected_calibration_error(probabilities[:, k], labels[:, k])
            for k, key in enumerate(KEYS)
        }

    after = errors(probabilities_of(table, calibration)) if has_logits(table) else {}
    return CalibrationErrors(errors(plain), after)


def compared_peaks(
    model_a: ComparedModel | None,
    model_b: ComparedModel | None,
    films: pd.DataFrame,
    *,
    n_resamples: int,
    seed: int,
) -> tuple[dict[str, ComparedRate], list[str]]:
    """How often the evidence's peak lies inside a box, paired by film and finding.

    Only rows of ``films`` count, and of these the ones that both models have, with boxes of the
    same area: else the two were not asked the same.

    Args:
        films: with ``image`` and, where they are known, ``patient``.

    Returns:
        Rates by finding key and of ``all``, empty without a row in common; and sentences on
        rows that were left out.
    """
    if model_a is None or model_b is None:
        return {}, []
    if model_a.localisation is None or model_b.localisation is None:
        return {}, ["Not both models have a localisation.csv: no peaks in boxes are compared."]
    tables = (model_a.localisation, model_b.localisation)
    a, b = (rows[rows["image"].isin(films["image"])] for rows in tables)
    both = b.merge(a[[*_ROW, "inside", "box_area"]], on=_ROW, suffixes=("", "_a"))
    both = both[np.isclose(both["box_area"], both["box_area_a"])]
    if both.empty:
        return {}, ["The models' localisation.csv have no box on these films in common."]
    notes = []
    if left_out := len(a) + len(b) - 2 * len(both):
        notes.append(
            f"{left_out:,} rows of the models' localisation.csv, {len(a):,} and {len(b):,} on "
            "these films, have no counterpart with boxes of the same area and were left out."
        )
    patients = patients_of(films)
    of_film = {} if patients is None else dict(zip(films["image"], patients, strict=True))
    parts = {key: both[both["finding"] == key] for key in ABNORMAL_KEYS} | {ALL: both}
    return {
        key: _rate(rows, of_film, n_resamples=n_resamples, seed=seed) for key, rows in parts.items()
    }, notes


def _rate(
    rows: pd.DataFrame, patients: dict[str, str], *, n_resamples: int, seed: int
) -> ComparedRate:
    """The rate of rows of any finding, taken together."""
    # hit_rates pairs each peak with a second pointer, the fixed spot; here that is A's peak.
    pointers = rows.assign(fixed_spot_inside=rows["inside_a"], finding=ABNORMAL_KEYS[0])
    rates = hit_rates(pointers, patients, n_resamples=n_resamples, seed=seed)[ABNORMAL_KEYS[0]]
    return ComparedRate(rates.n, Paired(a=rates.fixed_spot, b=rates.peak, difference=rates.gain))
