"""No Finding beside the three: the two contradictions, and the three calm cases."""

from cxr_core.findings import KEYS
from cxr_core.reading.analyzer import NoFindingStatement, no_finding_statement


def word(probabilities: tuple[float, ...], above: tuple[bool, ...]) -> NoFindingStatement:
    return no_finding_statement(
        dict(zip(KEYS, probabilities, strict=True)), dict(zip(KEYS, above, strict=True))
    )


def test_no_finding_and_a_finding_both_above_contradict() -> None:
    one = word((0.3, 0.1, 0.1, 0.4), (True, False, False, True))
    assert one.contradiction
    assert one.sentence.startswith("Effusion is flagged, and the film is called normal")
    three = word((0.3, 0.2, 0.3, 0.4), (True, True, True, True))
    assert three.sentence.startswith("Effusion, Atelectasis and Infiltration are flagged")


def test_probabilities_over_100_percent_contradict() -> None:
    found = word((0.1, 0.45, 0.2, 0.56), (False, False, False, True))
    assert found.contradiction
    assert "No Finding and Atelectasis add up to more than 100 %." in found.sentence
    # Exactly 100 % is possible: any finding at all may be this one.
    assert not word((0.1, 0.25, 0.2, 0.75), (False, False, False, True)).contradiction


def test_none_above_and_no_finding_low_is_not_called_normal() -> None:
    found = word((0.1, 0.1, 0.1, 0.2), (False, False, False, False))
    assert not found.contradiction
    assert found.sentence.startswith("None of the three flagged, but not called normal")
    assert "Something else may be there" in found.sentence


def test_none_above_and_no_finding_above_is_said_plainly() -> None:
    found = word((0.1, 0.1, 0.1, 0.7), (False, False, False, True))
    assert not found.contradiction
    assert found.sentence == "None of the three flagged. The model did not look for anything else."


def test_a_finding_above_and_no_finding_low_needs_no_word() -> None:
    assert word((0.6, 0.1, 0.1, 0.1), (True, False, False, False)) == NoFindingStatement()
