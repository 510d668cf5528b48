"""What the page says of where a model's maps point: the Performance page's verdict, same tables."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import streamlit as st

from cxr_core.evaluation.localisation.rates import localisation_metrics, read_localisation
from cxr_core.evaluation.metrics.bootstrap import NOT_ESTIMABLE, Interval
from cxr_core.evaluation.predictions import read_predictions
from cxr_core.ui.read.findings import pointing_of
from cxr_core.ui.words import fixed_spot_sentence, pointing_gain_sentence, pointing_sentence
from tests.helpers.predictions import make_predictions


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A run of 40 boxed films: of Effusion the map hits 30, a fixed spot 12; of Atelectasis 10
    each."""
    table = make_predictions()
    table.to_csv(tmp_path / "predictions_test.csv", index=False)
    images = table["image"].to_numpy()[:40]
    place = np.arange(40)

    def films(finding: str, hits: int, fixed: int) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "image": images, "finding": finding, "x": 0.5, "y": 0.5,
                "inside": (place < hits).astype(int),
                "fixed_spot_inside": (place >= 40 - fixed).astype(int),
                "centre_inside": 0, "box_area": 0.1,
            }
        )  # fmt: skip

    rows = pd.concat([films("effusion", 30, 12), films("atelectasis", 10, 10)])
    rows.to_csv(tmp_path / "localisation.csv", index=False)
    yield tmp_path
    st.cache_data.clear()


def test_the_verdict_is_the_dashboards_own(folder: Path) -> None:
    shown = localisation_metrics(
        read_localisation(folder / "localisation.csv"),
        read_predictions(folder / "predictions_test.csv"),
    ).hit_rates
    found = pointing_of(folder)
    assert list(found) == list(shown) == ["effusion", "atelectasis"]
    for key, rates in shown.items():  # what is not estimable is nan, which equals nothing
        assert (found[key].peak, found[key].gain) == (rates.peak, rates.gain)
    effusion, atelectasis = (
        pointing_gain_sentence(key, found[key].gain) for key in ("effusion", "atelectasis")
    )
    assert effusion == "Effusion: the map points better than one fixed spot."
    assert "is not shown to point better" in atelectasis


def test_a_model_without_boxed_films_or_with_a_broken_table_says_nothing(folder: Path) -> None:
    (folder / "localisation.csv").write_text("image,finding\n")
    assert pointing_of(folder) == {}
    (folder / "localisation.csv").unlink()
    assert pointing_of(folder) == {}


def test_the_words() -> None:
    said = pointing_sentence(films=30, hits=21)
    assert said == "On 30 test films with a radiologist's box its peak was inside on 21."
    spot = fixed_spot_sentence(films=30, fixed_spot_hits=9)
    assert spot == "One fixed spot was inside the box on 9 of the 30."
    worse = pointing_gain_sentence("effusion", Interval(-0.3, -0.5, -0.1, "wide"))
    assert worse == "Effusion: the map points worse than one fixed spot."
    assert "too few boxed films" in pointing_gain_sentence("effusion", NOT_ESTIMABLE)
