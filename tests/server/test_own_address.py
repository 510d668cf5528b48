"""Streamlit asks nobody for this machine's own address."""

import socket

import pytest
import requests
from streamlit import config, net_util
from streamlit.web import bootstrap
from streamlit.web.server.server_util import is_url_from_allowed_origins

from cxr_core.server.own_address import ask_nobody


def test_neither_at_the_start_nor_for_a_web_socket_is_the_address_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def ask(*where: object, **how: object) -> None:
        asked.append(str(where))
        raise ConnectionError

    monkeypatch.setattr(requests, "get", ask)
    monkeypatch.setattr(socket, "socket", ask)
    for name in ("get_external_ip", "get_internal_ip"):
        monkeypatch.setattr(net_util, name, getattr(net_util, name))  # put back after the test
        monkeypatch.setattr(net_util, name.removeprefix("get"), None)  # what an earlier test found
    settings = {"server.address": "0.0.0.0", "server.headless": True}
    get = config.get_option
    monkeypatch.setattr(config, "get_option", lambda name: settings.get(name) or get(name))

    with pytest.raises(ConnectionError):  # it does ask where nothing is done about it
        is_url_from_allowed_origins("http://strange.example")
    assert asked
    asked.clear()
    ask_nobody()
    assert not is_url_from_allowed_origins("http://strange.example")
    bootstrap._print_url(False)
    assert "http://localhost:8501" in capsys.readouterr().out
    assert asked == []
