"""Who is let in, what a sign-in must have to work, and that nothing on the pages goes around it."""

import ast
import importlib.util
import re
import time
from pathlib import Path
from typing import Any

import pytest
import streamlit as st

from cxr_core.access.exposure import ANONYMOUS_ENV_VAR
from cxr_core.access.roles import ANONYMOUS, Role, Standing, Visitor
from cxr_core.errors import AccessError, ConfigError
from cxr_core.ui import sign_in
from cxr_core.ui.sign_in import check_start, judge_request, require_still, sign_in_settings
from tests.helpers import ROOT

LOCAL = {"host": "localhost:8501"}
GOOD = {
    "redirect_uri": "https://cxr.example.org/oauth2callback",
    "cookie_secret": "x" * 32,
    "client_id": "cxr",
    "client_secret": "s",
    "server_metadata_url": "https://idp.example.org/.well-known/openid-configuration",
}


@pytest.fixture
def served_at(monkeypatch: pytest.MonkeyPatch):
    """Set ``server.address``."""

    def serve(address: str | None) -> None:
        get = st.get_option
        monkeypatch.setattr(
            st, "get_option", lambda name: address if name == "server.address" else get(name)
        )

    return serve


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch):
    """Set the secrets, and have Authlib there."""

    class Given(dict):
        def load_if_toml_exists(self) -> bool:
            return True

    def give(**sections: Any) -> None:
        monkeypatch.setattr(st, "secrets", Given(sections))
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)

    return give


def claims(**changes: Any) -> dict[str, Any]:
    usual = {"is_logged_in": True, "sub": "7", "iat": time.time() - 5, "roles": "reader"}
    return usual | changes


def test_who_sits_at_the_machine_needs_no_sign_in() -> None:
    assert judge_request({}, LOCAL) == (Standing.ADMITTED, Visitor(ANONYMOUS, Role.ADMIN))


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("0.0.0.0", LOCAL),
        (None, LOCAL),
        ("localhost", {"host": "cxr.example.org"}),
        ("localhost", LOCAL | {"x-forwarded-for": "10.1.2.3"}),
    ],
)
def test_others_are_let_in_only_when_that_was_said(
    served_at, monkeypatch, address, headers
) -> None:
    served_at(address)
    with pytest.raises(AccessError, match="nobody is asked to sign in"):
        judge_request({}, headers)
    with pytest.raises(AccessError):
        judge_request(claims(), headers)  # of a cookie from the time when there was a sign-in
    monkeypatch.setenv(ANONYMOUS_ENV_VAR, "1")
    assert judge_request({}, headers) == (Standing.ADMITTED, Visitor(ANONYMOUS, Role.REVIEWER))


def test_with_sign_in_this_machines_user_is_asked_too(secrets, monkeypatch) -> None:
    secrets(auth=GOOD)
    monkeypatch.setenv(ANONYMOUS_ENV_VAR, "1")
    assert judge_request({}, LOCAL)[0] is Standing.ABSENT
    standing, visitor = judge_request(claims(), LOCAL)
    assert standing is Standing.ADMITTED
    assert visitor is not None
    assert visitor.role is Role.READER
    assert judge_request(claims(roles="guest"), LOCAL)[0] is Standing.NO_ROLE
    assert judge_request(claims(iat=0), LOCAL)[0] is Standing.EXPIRED


def test_a_start_for_others_needs_one_of_the_two(served_at, secrets, monkeypatch) -> None:
    check_start()
    served_at("0.0.0.0")
    with pytest.raises(AccessError, match=r"server.address is 0\.0\.0\.0"):
        check_start()
    monkeypatch.setenv(ANONYMOUS_ENV_VAR, "1")
    check_start()
    monkeypatch.delenv(ANONYMOUS_ENV_VAR)
    secrets(auth=GOOD)
    check_start()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        *(({name: None}, f"has no {name}") for name in GOOD),
        ({"cookie_secret": "short"}, "under 32 letters"),
        ({"redirect_uri": "https://cxr.example.org/"}, "does not end with /oauth2callback"),
        ({"redirect_uri": "http://cxr.example.org/oauth2callback"}, "redirect_uri is not https"),
        ({"server_metadata_url": "http://idp.example.org/x"}, "server_metadata_url is not https"),
    ],
)
def test_a_sign_in_that_cannot_work_lets_nobody_in(secrets, changes: dict, told: str) -> None:
    secrets(auth=GOOD | changes)
    for ask in (sign_in_settings, check_start, lambda: judge_request({}, LOCAL)):
        with pytest.raises(ConfigError, match=told):
            ask()


def test_headers_that_name_a_user_are_not_taken_beside_it(secrets, monkeypatch) -> None:
    secrets(auth=GOOD)
    get = st.get_option
    mapped = {"X-User": "sub"}
    monkeypatch.setattr(
        st, "get_option", lambda name: mapped if name == "server.trustedUserHeaders" else get(name)
    )
    with pytest.raises(ConfigError, match="trustedUserHeaders"):
        sign_in_settings()


def test_without_authlib_it_is_told(secrets, monkeypatch) -> None:
    secrets(auth=GOOD)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="Authlib is not installed"):
        sign_in_settings()


def test_a_provider_on_this_machine_needs_no_https(secrets) -> None:
    secrets(auth=GOOD | {"server_metadata_url": "http://localhost:9400/x"})
    assert sign_in_settings() is not None


def test_other_secrets_are_no_sign_in(secrets) -> None:
    secrets(database={"password": "x"})
    assert sign_in_settings() is None


def test_secrets_that_cannot_be_read_let_nobody_in(tmp_path: Path, monkeypatch) -> None:
    broken = tmp_path / "secrets.toml"
    broken.write_text("[auth\n")
    get = st.get_option
    monkeypatch.setattr(
        st, "get_option", lambda name: [str(broken)] if name == "secrets.files" else get(name)
    )
    with pytest.raises(ConfigError, match="The secrets cannot be read"):
        judge_request({}, LOCAL)


def test_a_download_asks_again(secrets, monkeypatch) -> None:
    secrets(auth=GOOD)
    now = time.time()
    require_still(Visitor("7", Role.READER, "a", now + 60))
    with pytest.raises(AccessError, match="expired"):
        require_still(Visitor("7", Role.READER, "a", now - 1))
    gone = Visitor("7", Role.READER, "signed out", now + 60)
    sign_in._SIGNED_OUT.add(gone)
    with pytest.raises(AccessError, match="signed out"):
        require_still(gone)


def test_a_sign_in_that_was_ended_is_ended_in_every_tab(secrets) -> None:
    secrets(auth=GOOD)
    held = claims(nonce="one")
    _, visitor = judge_request(held, LOCAL)
    assert visitor is not None
    sign_in._SIGNED_OUT.add(visitor)
    assert judge_request(held, LOCAL) == (Standing.ENDED, None)
    assert judge_request(claims(nonce="two"), LOCAL)[0] is Standing.ADMITTED


PAGES = [ROOT / "app.py", *sorted((ROOT / "pages").glob("*.py"))]
MODULES = [path for path in (ROOT / "cxr_core" / "ui").rglob("*.py") if path.name != "shell.py"]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_page_asks_before_anything_else(page: Path) -> None:
    calls = [
        node.value.func.id
        for node in ast.parse(page.read_text("utf-8")).body
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
    ]
    assert calls[0] == "begin_page"


def test_no_download_and_no_part_of_a_page_goes_around_the_shell() -> None:
    around = [
        f"{path.name}: {found}"
        for path in (*MODULES, *PAGES)
        for found in re.findall(
            r"\.fragment\b|\.download_button\b|\.link_button\b", path.read_text()
        )
    ]
    assert around == []
