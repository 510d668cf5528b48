"""Films beside the test set: areas known by hand, and tables that cannot be used."""

from pathlib import Path

import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from cxr_core.errors import DataError
from cxr_core.evaluation.evaluated import measure_further_films
from cxr_core.evaluation.further_films import (
    measure_further_patients,
    measure_other_sources,
    read_other_films,
    write_other_films,
)
from cxr_core.evaluation.predictions import validate_predictions, write_predictions
from cxr_core.evaluation.run_folder import FURTHER_PREDICTIONS_FILE, OTHER_FILMS_FILE, RunFolder
from cxr_core.findings import ABNORMAL_KEYS, KEYS, LOGIT_COLUMNS
from tests.helpers.predictions import make_predictions


def other_films() -> pd.DataFrame:
    """Twelve normal and twelve other films of one source, and a source with one kind alone."""
    labels = ["normal"] * 12 + ["viral pneumonia"] * 6 + ["bacterial pneumonia"] * 6
    # One normal film lies below all others: it loses 12 of the 144 pairs.
    logits = [-9.0, *[2.0] * 11, *[-1.0] * 12]
    rows = pd.DataFrame(
        {"image": [f"c{n}.png" for n in range(24)], "source": "A clinic", "label": labels}
    )
    rows = rows.assign(**dict.fromkeys(LOGIT_COLUMNS, 0.0)).assign(logit_no_finding=logits)
    alone = rows.head(3).assign(image=["d0.png", "d1.png", "d2.png"], source="B clinic")
    return pd.concat([rows, alone], ignore_index=True)


def test_normal_films_of_another_hospital_are_told_from_the_others(tmp_path: Path) -> None:
    write_other_films(other_films(), tmp_path / "o.csv")
    (found,) = measure_other_sources(read_other_films(tmp_path / "o.csv"), n_resamples=200)
    assert (found.source, found.n_films, found.n_normal) == ("A clinic", 24, 12)
    assert found.others == ("bacterial pneumonia", "viral pneumonia")
    assert found.normal_auroc.estimate == pytest.approx(132 / 144)
    assert found.normal_auroc.low < 132 / 144 < found.normal_auroc.high


def test_areas_of_further_patients_are_those_of_scikit_learn() -> None:
    table = validate_predictions(make_predictions(200))
    found = measure_further_patients(table, n_resamples=50)
    abnormal = table[table["label_no_finding"] == 0]
    assert (found.n_films, found.n_abnormal) == (200, len(abnormal))
    assert found.n_patients == table["patient"].nunique()
    for key in KEYS:
        area = roc_auc_score(table[f"label_{key}"], table[f"logit_{key}"])
        assert found.auroc[key].estimate == pytest.approx(area)
    assert tuple(found.abnormal_auroc) == ABNORMAL_KEYS
    for key, area in found.abnormal_auroc.items():
        expected = roc_auc_score(abnormal[f"label_{key}"], abnormal[f"logit_{key}"])
        assert area.estimate == pytest.approx(expected)


def test_a_run_folder_tells_of_both_or_of_neither(tmp_path: Path) -> None:
    assert measure_further_films(RunFolder(tmp_path)) == (None, ())
    write_predictions(make_predictions(60), tmp_path / FURTHER_PREDICTIONS_FILE)
    write_other_films(other_films(), tmp_path / OTHER_FILMS_FILE)
    patients, sources = measure_further_films(RunFolder(tmp_path), n_resamples=50)
    assert patients is not None
    assert patients.n_films == 60
    assert [one.source for one in sources] == ["A clinic"]


def test_a_logit_that_is_no_number_is_one_sentence(tmp_path: Path) -> None:
    broken = other_films().astype({"logit_effusion": object})
    broken.loc[0, "logit_effusion"] = "high"
    write_other_films(broken, tmp_path / "o.csv")
    with pytest.raises(DataError, match="logits that are not numbers"):
        read_other_films(tmp_path / "o.csv")
