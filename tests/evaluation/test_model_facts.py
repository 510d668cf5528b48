"""What stands beside a model's answers, from its own test films alone."""

from pathlib import Path

import numpy as np
import pytest

from cxr_core.errors import DataError
from cxr_core.evaluation.cutoffs import BANDS, Band
from cxr_core.evaluation.evaluated import evaluate_with_model
from cxr_core.evaluation.metrics.bootstrap import NOT_ESTIMABLE, Interval
from cxr_core.evaluation.metrics.flag_worth import BandShare
from cxr_core.evaluation.model_facts import (
    NOT_MEASURED,
    TOO_FEW,
    ModelFacts,
    read_model_facts,
    read_model_facts_if_usable,
)
from cxr_core.evaluation.predictions import read_predictions
from cxr_core.findings import ABNORMAL_KEYS, KEYS, LABELS
from cxr_core.ui.setting import sensitive_help
from cxr_core.wording import percent
from tests.helpers.models import make_metadata, make_points
from tests.helpers.predictions import make_predictions

DEMONSTRATION = make_metadata(
    operating_points=make_points((0.6,) * 4),
    sensitive_points=make_points((0.3,) * 4),
    provenance={"demonstration": True},
)
FULL = make_metadata(provenance={"demonstration": False})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_predictions().to_csv(tmp_path / "predictions_test.csv", index=False)
    return tmp_path


def test_the_shares_are_counted_in_the_folders_own_table(folder: Path) -> None:
    facts = read_model_facts(folder, DEMONSTRATION)
    table = make_predictions()
    assert facts.n_films == len(table)
    p = 1 / (1 + np.exp(-table["logit_effusion"].to_numpy()))
    likely = table["label_effusion"].to_numpy()[p >= 0.6]
    one = facts.share("effusion", "likely")
    assert one is not None
    assert (one.n, one.positives) == (len(likely), likely.sum())


def test_they_are_the_dashboards_figures(folder: Path) -> None:
    facts = read_model_facts(folder, DEMONSTRATION)
    table = read_predictions(folder / "predictions_test.csv")
    full = evaluate_with_model(table, "", DEMONSTRATION, calibration_metrics=False).full
    assert facts.bands == full.flag_worth.bands
    assert facts.mean_auroc is not None
    mean = np.mean([full.report.auroc[key].estimate for key in KEYS])
    assert facts.mean_auroc.estimate == pytest.approx(mean)


def test_how_many_films_have_a_flag_is_counted_and_said(folder: Path) -> None:
    facts = read_model_facts(folder, DEMONSTRATION)
    table = make_predictions()
    p = 1 / (1 + np.exp(-table[[f"logit_{key}" for key in ABNORMAL_KEYS]].to_numpy()))
    standard, sensitive = ((p >= cut).any(axis=1).mean() for cut in (0.6, 0.3))
    assert facts.flagged["standard"].estimate == pytest.approx(standard)
    assert sensitive > standard
    normal = table["label_no_finding"].to_numpy() == 1
    calm, alarmed = ((p >= cut).any(axis=1)[normal].mean() for cut in (0.6, 0.3))
    assert facts.flagged_sentence == (
        f"Some finding is flagged on {percent(standard)} of 240 test films, and on {percent(calm)} "
        f"of the normal ones; in the sensitive setting on {percent(sensitive)} and "
        f"{percent(alarmed)}."
    )
    assert facts.flagged_sentence in sensitive_help(facts)


def test_what_a_lists_results_are_worth_is_one_sentence(folder: Path) -> None:
    facts = read_model_facts(folder, DEMONSTRATION)
    shares = {
        band: ", ".join(
            f"{LABELS[key]} {percent(facts.bands[key][band].share.estimate)}"
            for key in ABNORMAL_KEYS
        )
        for band in BANDS
    }
    assert facts.bands_sentence(paired=True) == (
        f"Of test films called likely, this share carried the label: {shares['likely']}; "
        f"of those called uncertain: {shares['uncertain']}."
    )
    one = f"Of test films flagged, this share carried the label: {shares['likely']}."
    assert facts.bands_sentence(paired=False) == one
    assert ModelFacts().bands_sentence(paired=True) == ""


def test_a_model_without_test_films_gives_no_number() -> None:
    assert sensitive_help(ModelFacts()) == (
        "Misses fewer findings and raises more false alarms. Exports say which setting was on."
    )


def test_only_a_demonstration_model_says_so(folder: Path) -> None:
    facts = read_model_facts(folder, DEMONSTRATION)
    assert facts.mean_auroc is not None
    assert facts.sentence == (
        f"Demonstration model: mean AUROC {facts.mean_auroc.text()} on {facts.n_films} test films."
    )
    assert read_model_facts(folder, FULL).sentence == ""
    # A folder that does not tell shows no more than what the tool does.
    assert read_model_facts(folder, make_metadata()).demonstration


def test_without_test_films_all_is_said_in_words(tmp_path: Path) -> None:
    facts = read_model_facts(tmp_path, DEMONSTRATION)
    assert facts.sentence == "Demonstration model, with no test films to tell how good it is."
    assert facts.worth("effusion", "likely", called="flagged") == NOT_MEASURED
    assert facts.share("effusion", "likely") is None


def test_a_broken_table_counts_as_none_where_a_film_must_be_read(tmp_path: Path) -> None:
    (tmp_path / "predictions_test.csv").write_text("image\na.png\n")
    with pytest.raises(DataError):
        read_model_facts(tmp_path, DEMONSTRATION)
    facts = read_model_facts_if_usable(tmp_path, DEMONSTRATION)
    assert facts == ModelFacts(demonstration=True)


def test_the_sentence_of_a_flag() -> None:
    bands: dict[str, dict[Band, BandShare]] = {
        "effusion": {
            "likely": BandShare(257, 74, Interval(0.288, 0.2441, 0.3359, "enough")),
            "unlikely": BandShare(4, 0, NOT_ESTIMABLE),
        }
    }
    facts = ModelFacts(bands=bands)
    assert facts.worth("effusion", "likely", called="flagged") == (
        "of test films flagged like this 29 % carried the label (24 to 34 %)"
    )
    assert facts.worth("effusion", "likely") == (
        "of test films like this 29 % carried the label (24 to 34 %)"
    )
    assert facts.worth("effusion", "unlikely") == TOO_FEW
