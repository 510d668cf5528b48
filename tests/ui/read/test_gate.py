"""What is said beside a film that the input check stopped."""

from dataclasses import replace

import pytest
import streamlit as st

from cxr_core.imaging.gate import GateResult
from cxr_core.ui.read.gate import STOPPED_TITLE, stop_reasons
from tests.helpers.records import export_analysis


def test_what_the_title_says_is_not_said_again(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(st, "html", shown.append)
    reasons = ("This does not look like an upright frontal chest film.", "It is even gray.")
    analysis = replace(export_analysis(), gate=GateResult(passed=False, reasons=reasons))
    stop_reasons(analysis, STOPPED_TITLE)
    assert shown[0].lower().count("does not look like") == 1
    assert "<p" in shown[0]
    assert "It is even gray." in shown[0]
