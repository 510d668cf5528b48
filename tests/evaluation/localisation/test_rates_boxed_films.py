"""The maps' peaks of a run: read with the patients of its table."""

from pathlib import Path

import pandas as pd
import pytest

from cxr_core.errors import DataError
from cxr_core.evaluation.localisation.pointing import LOCALISATION_COLUMNS
from cxr_core.evaluation.localisation.rates import localisation_metrics
from cxr_core.evaluation.run_folder import RunFolder


def write(folder: Path) -> None:
    """20 boxed films of Effusion; the peak is inside on every second one."""
    number = {name: 0.0 for name in LOCALISATION_COLUMNS if name not in ("image", "finding")}
    rows = [
        {**number, "image": f"{i}.png", "finding": "effusion", "inside": i % 2} for i in range(20)
    ]
    pd.DataFrame(rows).to_csv(folder / "localisation.csv", index=False)


def films(patients: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"image": [f"{i}.png" for i in range(20)], "patient": patients})


def test_only_findings_with_a_box_have_rates(tmp_path: Path) -> None:
    write(tmp_path)
    rates = localisation_metrics(
        RunFolder(tmp_path).localisation, films([str(i) for i in range(20)]), n_resamples=50
    ).hit_rates
    assert list(rates) == ["effusion"]
    assert (rates["effusion"].n, rates["effusion"].peak.estimate) == (20, 0.5)


def test_films_of_few_patients_tell_nothing(tmp_path: Path) -> None:
    write(tmp_path)
    same = localisation_metrics(
        RunFolder(tmp_path).localisation, films(["1"] * 20), n_resamples=50
    ).hit_rates
    assert not same["effusion"].peak.estimable
    # A film without a patient counts as one of its own.
    unknown = localisation_metrics(
        RunFolder(tmp_path).localisation, films([""] * 20), n_resamples=50
    ).hit_rates
    assert unknown["effusion"].peak.estimable


def test_without_a_run_or_boxes_there_is_nothing(tmp_path: Path) -> None:
    assert localisation_metrics(None, films(["1"] * 20)).hit_rates == {}
    assert localisation_metrics(RunFolder(tmp_path).localisation, films(["1"] * 20)).hit_rates == {}
    (tmp_path / "localisation.csv").write_text("image\nx\n")
    with pytest.raises(DataError, match="lacks required columns"):
        localisation_metrics(RunFolder(tmp_path).localisation, films(["1"] * 20))
