"""One reading in two settings: what is flagged moves with the cut-off, the numbers do not."""

import numpy as np
import pytest
from scipy.special import logit

from cxr_core.evaluation.cutoffs import Cutoffs
from cxr_core.export.record import (
    result_headline,
    result_words,
    setting_sentence,
    uncertain_sentence,
)
from cxr_core.findings import KEYS
from cxr_core.reading.analyzer import Analysis, at_setting, no_finding_statement
from tests.helpers.analyses import make_analysis
from tests.helpers.models import make_points

UPPER, LOWER = (0.4, 0.35, 0.4, 0.35), (0.1, 0.1, 0.15, 0.1)


def analysis(*probabilities: float) -> Analysis:
    cutoffs = Cutoffs(make_points(UPPER), make_points(LOWER))
    return make_analysis(probabilities, cutoffs=UPPER, pair=cutoffs)


MIXED = analysis(0.5, 0.2, 0.05, 0.2)


def test_only_what_is_likely_is_flagged() -> None:
    assert list(MIXED.bands.values()) == ["likely", "uncertain", "unlikely", "uncertain"]
    assert MIXED.above == dict(zip(KEYS, (True, False, False, False), strict=True))
    assert result_headline(MIXED) == "Flagged: Effusion"
    assert uncertain_sentence(MIXED) == "Uncertain: Atelectasis."
    assert result_words(MIXED, "atelectasis") == "uncertain, not flagged"
    assert result_words(MIXED, "no_finding") == "uncertain, not called normal"
    assert setting_sentence(MIXED) == ""


def test_the_sensitive_setting_flags_what_is_uncertain_and_calls_nothing_else_normal() -> None:
    sensitive = at_setting(MIXED, "sensitive")
    assert sensitive.probabilities == MIXED.probabilities
    assert sensitive.bands == MIXED.bands
    assert sensitive.above == dict(zip(KEYS, (True, True, False, False), strict=True))
    assert result_headline(sensitive) == "Flagged: Effusion, Atelectasis"
    assert uncertain_sentence(sensitive) == ""
    assert result_words(sensitive, "atelectasis") == "uncertain, flagged"
    assert "uncertain findings are flagged too" in setting_sentence(sensitive)


def test_a_maps_zero_goes_with_the_cut_off() -> None:
    sensitive = at_setting(MIXED, "sensitive")
    for key, lower in zip(KEYS[:3], LOWER, strict=False):
        margin = logit(MIXED.probabilities[key]) - logit(lower)
        assert sensitive.margins[key] == pytest.approx(margin)
        moved = sensitive.margin_maps[key] - MIXED.margin_maps[key]
        assert moved == pytest.approx(margin - MIXED.margins[key], abs=1e-5)
        assert sensitive.margin_maps[key].dtype == np.float32
    assert sensitive.margins["no_finding"] == MIXED.margins["no_finding"]


def test_there_and_back_is_the_same_reading() -> None:
    back = at_setting(at_setting(MIXED, "sensitive"), "standard")
    assert (back.above, back.operating_points) == (MIXED.above, MIXED.operating_points)
    assert back.margins == pytest.approx(MIXED.margins)


def test_a_model_of_one_cut_off_has_no_bands_and_one_setting() -> None:
    single = make_analysis((0.5, 0.2, 0.05, 0.2), cutoffs=UPPER)
    assert at_setting(single, "sensitive") is single
    assert result_words(single, "effusion") == "flagged"
    assert result_words(single, "atelectasis") == "not flagged"
    assert uncertain_sentence(single) == ""


def test_an_uncertain_flag_contradicts_no_normal_film() -> None:
    normal = at_setting(analysis(0.2, 0.05, 0.05, 0.6), "sensitive")
    assert normal.above["effusion"]
    assert normal.above["no_finding"]
    statement = no_finding_statement(normal.probabilities, normal.above, normal.likely)
    assert not statement.contradiction
    assert "only the sensitive setting" in statement.sentence
    assert result_headline(normal) == "Flagged: Effusion"
    both = analysis(0.45, 0.05, 0.05, 0.5)
    assert result_headline(both) == "Unclear: contradictory"
    assert result_headline(at_setting(both, "sensitive")) == "Unclear: contradictory"
