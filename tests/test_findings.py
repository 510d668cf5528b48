from dataclasses import FrozenInstanceError

import pytest

from cxr_core import findings


def test_the_four_findings_stand_in_the_contract_s_order() -> None:
    assert findings.KEYS == ("effusion", "atelectasis", "infiltration", "no_finding")
    assert [finding.label for finding in findings.FINDINGS] == [
        "Effusion",
        "Atelectasis",
        "Infiltration",
        "No Finding",
    ]


def test_columns_follow_the_keys() -> None:
    assert findings.LABEL_COLUMNS == (
        "label_effusion",
        "label_atelectasis",
        "label_infiltration",
        "label_no_finding",
    )
    assert findings.LOGIT_COLUMNS[3] == "logit_no_finding"
    assert findings.PROBABILITY_COLUMNS[0] == "probability_effusion"
    assert len(findings.LOGIT_COLUMNS) == len(findings.PROBABILITY_COLUMNS) == 4


def test_no_finding_is_the_normal_one() -> None:
    assert findings.ABNORMAL_KEYS == ("effusion", "atelectasis", "infiltration")
    assert findings.NORMAL_KEY == "no_finding"
    assert (findings.ABNORMAL_INDICES, findings.NORMAL_INDEX) == ((0, 1, 2), 3)


def test_sentences_count_them() -> None:
    assert (findings.ALL_IN_WORDS, findings.ABNORMAL_IN_WORDS) == ("four", "three")


def test_no_two_findings_look_alike() -> None:
    for look in ("colour", "dash", "symbol"):
        assert len({getattr(finding, look) for finding in findings.FINDINGS}) == 4


def test_labels_are_nih_s_own_names() -> None:
    assert findings.LABELS["no_finding"] == "No Finding"
    assert tuple(findings.LABELS) == findings.KEYS


def test_a_finding_cannot_be_renamed() -> None:
    with pytest.raises(FrozenInstanceError):
        findings.FINDINGS[0].key = "other"  # type: ignore[misc]
