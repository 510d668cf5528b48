"""Who can reach the app: addresses, requests, and what whoever runs it has said."""

import pytest

from cxr_core.access.exposure import (
    ANONYMOUS_ENV_VAR,
    allows_anonymous,
    is_local_request,
    is_loopback,
)
from cxr_core.errors import ConfigError


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("localhost", True),
        ("LOCALHOST.", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("::ffff:127.0.0.1", True),
        (None, False),
        ("", False),
        ("0.0.0.0", False),
        ("::", False),
        ("10.1.2.3", False),
        ("::ffff:10.1.2.3", False),
        ("ward-pc", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("2130706433", False),
    ],
)
def test_a_loopback_address_is_this_machines_own(name: str | None, own: bool) -> None:
    assert is_loopback(name) is own


@pytest.mark.parametrize(
    ("address", "headers", "local"),
    [
        ("localhost", {"host": "localhost:8501"}, True),
        ("127.0.0.1", {"host": "[::1]:8501"}, True),
        ("localhost", {}, True),
        # A proxy on the same machine, by what each kind of it leaves in a request.
        ("localhost", {"host": "cxr.example.org"}, False),
        ("localhost", {"host": "10.1.2.3"}, False),
        ("localhost", {"host": "localhost", "x-forwarded-for": "10.1.2.3"}, False),
        ("localhost", {"host": "localhost", "forwarded": "for=10.1.2.3"}, False),
        ("localhost", {"host": "localhost", "x-real-ip": "10.1.2.3"}, False),
        ("localhost", {"host": "local/host"}, False),
        ("0.0.0.0", {"host": "localhost:8501"}, False),
        (None, {"host": "localhost:8501"}, False),
    ],
)
def test_a_request_is_local_when_all_of_it_is(
    address: str | None, headers: dict[str, str], local: bool
) -> None:
    assert is_local_request(address, headers) is local


@pytest.mark.parametrize(("stated", "allowed"), [("1", True), ("0", False), ("", False)])
def test_anonymous_use_is_allowed_by_one_word(monkeypatch, stated: str, allowed: bool) -> None:
    monkeypatch.setenv(ANONYMOUS_ENV_VAR, stated)
    assert allows_anonymous() is allowed


@pytest.mark.parametrize("stated", ["yes", "true", "2"])
def test_another_word_is_not_guessed(monkeypatch, stated: str) -> None:
    monkeypatch.setenv(ANONYMOUS_ENV_VAR, stated)
    with pytest.raises(ConfigError, match=stated):
        allows_anonymous()
