"""Streamlit asks nobody for this machine's own address."""

import pytest
from streamlit import config, net_util
from streamlit.web import bootstrap
from streamlit.web.server.server_util import is_url_from_allowed_origins

from cxr_core.server.own_address import ask_nobody, where_served


class _AskedError(Exception):
    """Somebody was asked."""


@pytest.fixture(autouse=True)
def internet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is asked says so; nothing is known from an earlier test."""

    def ask(*where: object, **how: object) -> None:
        raise _AskedError

    monkeypatch.setattr(net_util, "_make_blocking_http_get", ask)
    monkeypatch.setattr(net_util, "_internal_ip", "10.1.2.3")
    monkeypatch.setattr(net_util, "_external_ip", None)
    for name in ("get_external_ip", "get_internal_ip"):  # put back after the test
        monkeypatch.setattr(net_util, name, getattr(net_util, name))


def test_a_web_socket_of_another_origin_asks_nobody() -> None:
    with pytest.raises(_AskedError):
        is_url_from_allowed_origins("http://strange.example")
    ask_nobody()
    assert not is_url_from_allowed_origins("http://strange.example")
    assert not is_url_from_allowed_origins("http://10.1.2.3")


def test_a_server_on_all_addresses_starts_without_asking(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings: dict[str, object] = {"server.address": "0.0.0.0", "server.headless": True}
    get = config.get_option
    monkeypatch.setattr(
        config, "get_option", lambda name: settings[name] if name in settings else get(name)
    )
    bootstrap._print_url(False)
    assert capsys.readouterr().out == ""
    settings["logger.hideWelcomeMessage"] = False
    with pytest.raises(_AskedError):
        bootstrap._print_url(False)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        (None, "http://localhost:8501"),
        ("0.0.0.0", "http://localhost:8501"),
        ("::", "http://localhost:8501"),
        ("ward-pc", "http://ward-pc:8501"),
        ("unix:/run/cxr.sock", "unix:/run/cxr.sock"),
    ],
)
def test_the_terminal_is_told_where_the_app_is(address: str | None, told: str) -> None:
    assert where_served(address) == told
