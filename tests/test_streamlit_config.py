"""``.streamlit/config.toml``: Streamlit knows and obeys every key, and text is legible."""

import tomllib
from collections.abc import Iterator

import pytest
from streamlit import config

from tests.helpers import ROOT

SETTINGS = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))


def _flat(section: str, values: dict[str, object]) -> Iterator[tuple[str, object]]:
    for key, value in values.items():
        name = f"{section}.{key}"
        if isinstance(value, dict):
            yield from _flat(name, value)
        else:
            yield name, value


OPTIONS = [option for section, values in SETTINGS.items() for option in _flat(section, values)]


@pytest.mark.parametrize(("name", "value"), OPTIONS)
def test_streamlit_obeys_the_setting(name: str, value: object) -> None:
    assert config.get_option(name) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("browser.gatherUsageStats", False),
        ("logger.hideWelcomeMessage", True),
        ("client.showErrorDetails", "none"),
        ("server.enableXsrfProtection", True),
        ("server.enableStaticServing", False),
        ("server.enableAgentApi", False),
        ("server.maxUploadSize", 256),
        ("server.maxWidgetStateSize", 4),
    ],
)
def test_what_protects_patients_is_set(name: str, value: object) -> None:
    assert config.get_option(name) == value


def _luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb``, 0 to 1 (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_21_between_black_and_white() -> None:
    assert _contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("text", ["textColor", "primaryColor", "linkColor"])
@pytest.mark.parametrize("ground", ["backgroundColor", "secondaryBackgroundColor"])
def test_text_stands_out_at_least_seven_to_one(text: str, ground: str) -> None:
    assert _contrast(SETTINGS["theme"][text], SETTINGS["theme"][ground]) >= 7
