"""Limits come from the environment, one variable each."""

from dataclasses import fields

import pytest

from cxr_core.errors import ConfigError
from cxr_core.ui.limits import Limits
from tests.helpers import ROOT


def test_each_limit_has_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    for number, field in enumerate(fields(Limits), start=7):
        monkeypatch.setenv(f"CXR_{field.name.upper()}", str(number))
    stated = Limits.from_environment()
    assert [getattr(stated, field.name) for field in fields(Limits)] == list(
        range(7, 7 + len(fields(Limits)))
    )
    assert stated.slots == stated.films_at_once


def test_without_variables_the_defaults_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in fields(Limits):
        monkeypatch.delenv(f"CXR_{field.name.upper()}", raising=False)
    assert Limits.from_environment() == Limits()
    assert 1 <= Limits().slots <= 4


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5", "1e3", "٣", "9" * 5000])
def test_what_is_no_limit_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("CXR_SESSION_FILMS", value)
    with pytest.raises(ConfigError, match="CXR_SESSION_FILMS is no limit"):
        Limits.from_environment()


def test_the_documentation_names_each_limit_and_its_default() -> None:
    text = (ROOT / "docs" / "deployment.md").read_text("utf-8")
    for field in fields(Limits):
        assert f"| `CXR_{field.name.upper()}` | {field.default:,} |" in text
