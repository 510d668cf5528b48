"""A finding's row in words, and the test films that scored like it."""

import numpy as np
import pytest

from cxr_core.evaluation.metrics.errors import SimilarFilms
from cxr_core.findings import KEYS
from cxr_core.reading.perturbations import Probes
from cxr_core.ui import prevalence
from cxr_core.ui.evaluated import evaluate_bytes
from cxr_core.ui.read import findings as numbers
from cxr_core.ui.read import stability
from cxr_core.ui.read.findings import (
    FindingRow,
    finding_row,
    neighbours_of,
    neighbours_row,
)
from cxr_core.ui.read.stability import borderline_sentence, range_sentence
from tests.helpers.analyses import make_analysis
from tests.helpers.predictions import make_predictions

FILM = make_analysis((0.5, 0.1, 0.3, 0.6))
FOUND = SimilarFilms(
    n=50, n_positive=12, low=0.143, high=0.374, min_score=-1.0, max_score=0.0, prevalence=0.19
)


def probes(low: float, high: float) -> Probes:
    return Probes(
        probabilities={},
        low=dict.fromkeys(KEYS, low),
        high=dict.fromkeys(KEYS, high),
        image_sha256="",
        model_sha256="",
        correction=None,
    )


@pytest.fixture
def at_five_percent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Effusion at a site's 5 %, with odds a quarter of what the model assumes."""
    monkeypatch.setattr(prevalence, "site_prevalence", lambda: {"effusion": 0.05})
    monkeypatch.setattr(prevalence, "model_prevalence", lambda folder: {"effusion": 4 / 23})


def test_a_row_says_its_number_and_where_it_stands():
    assert finding_row(FILM, "effusion") == FindingRow(
        "50 %", "", "flagged (cut-off 25 %)", "", 0.5, 0.25
    )


@pytest.mark.usefixtures("at_five_percent")
def test_at_the_sites_prevalence_both_numbers_move_and_are_marked():
    # Odds 1 become 1/4; the cut-off's 1/3 become 1/12.
    row = finding_row(FILM, "effusion")
    assert (row.fill, row.tick) == pytest.approx((1 / 5, 1 / 13))
    assert (row.probability, row.flag) == ("20 %", "flagged (cut-off 8 %)")
    assert row.note == "at your prevalence 5 %"
    assert finding_row(FILM, "no_finding").note == ""
    said = range_sentence(probes(0.4, 0.5), "effusion", borderline=False)
    assert "between 14 and 20 % under small changes" in said
    assert said.endswith("at your prevalence 5 %.")


def test_a_finding_that_crosses_is_borderline(monkeypatch: pytest.MonkeyPatch):
    moved = probes(0.19, 0.31)  # the cut-offs are 0.25, 0.15, 0.2 and 0.35
    monkeypatch.setattr(stability, "cached_probes", lambda analysis: moved)
    assert finding_row(FILM, "effusion").note == "borderline"
    assert finding_row(FILM, "atelectasis").note == ""
    assert borderline_sentence(FILM).startswith(
        "Borderline: Effusion and Infiltration cross their cut-offs"
    )
    assert range_sentence(moved, "effusion", borderline=True) == (
        "Effusion moves between 19 and 31 % under small changes of the image. "
        "Borderline: it crosses its cut-off."
    )


def test_before_the_probes_nothing_is_borderline(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stability, "cached_probes", lambda analysis: None)
    assert borderline_sentence(FILM) == ""


def test_a_steady_number_stays():
    assert "Effusion stays at 31 % under" in range_sentence(
        probes(0.311, 0.314), "effusion", borderline=False
    )


def test_what_the_nearest_films_came_to():
    assert neighbours_row("effusion", FOUND) == [
        "Effusion", "12 of 50", "24 % (14 to 37 %)", "27 to 50 %",
    ]  # fmt: skip
    assert neighbours_row("effusion", None) == ["Effusion", "too few test films", "", ""]


def test_neighbours_are_found_among_a_models_own_test_films():
    measured = evaluate_bytes(make_predictions(240).to_csv(index=False).encode())
    found = neighbours_of(FILM, measured, "effusion")
    assert found is not None
    # The film's calibrated logit is 0, and so is the middle of its neighbours' scores, roughly.
    assert found.n == 50
    assert found.min_score < 0 < found.max_score
    column = measured.table["logit_effusion"].to_numpy()
    assert np.isclose(column, found.min_score).any()
    said = numbers.enriched_sentence(measured)
    assert f"Effusion {100 * measured.table['label_effusion'].mean():.0f} %" in said


def test_what_the_point_achieved_on_test():
    measured = evaluate_bytes(make_predictions(240).to_csv(index=False).encode())
    rates = measured.report.rates["effusion"]
    point = measured.report.operating_points["effusion"].threshold
    assert numbers.rates_on_test(measured, "effusion", point) == (
        rates.sensitivity.text(), rates.specificity.text(),
    )  # fmt: skip
    # At the lowest probability every film is flagged.
    everything = float(measured.probabilities[:, 0].min())
    assert numbers.rates_on_test(measured, "effusion", everything)[1].startswith("0.00 (")
    assert numbers.rates_on_test(None, "effusion", 0.5) == ("not measured", "not measured")
