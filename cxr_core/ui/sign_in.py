"""Who is looking at the page: sign-in by OpenID Connect through Streamlit, and who needs none.

Streamlit keeps what the provider said of a user in a signed cookie and reads it when a session
begins. It looks neither at how old that is nor at what the user may do; both are asked here, on
every run of a page and for every download.
"""

import importlib.util
import secrets
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

from cxr_core.access.exposure import (
    NOBODY_IS_ASKED,
    WHO_ASKS,
    allows_anonymous,
    is_local_request,
    is_loopback,
)
from cxr_core.access.roles import (
    ANONYMOUS,
    Role,
    Standing,
    Visitor,
    judge_sign_in,
    sign_in_rules,
)
from cxr_core.errors import AccessError, ConfigError

MIN_COOKIE_SECRET = 32  # letters; it signs who somebody is
_CALLBACK = "/oauth2callback"
_EXAMPLE = "docs/deployment.md, Sign-in, has an example."
SIGN_IN_BUTTON, SIGN_OUT_BUTTON = "sign_in", "sign_out"  # keys
_SESSION = "visit"
_KEEP_SECONDS = 30 * 24 * 3600.0  # as long as Streamlit's cookie
STANDINGS = {
    Standing.EXPIRED: (
        "Your sign-in has expired. Sign in again. The films and readings of this page are gone."
    ),
    Standing.ENDED: "You have signed out. The films and readings of this page are gone.",
    Standing.NO_ROLE: (
        "You are signed in, but your account has no role in this app. Ask whoever runs it for one, "
        "or sign out and use another account."
    ),
    Standing.UNUSABLE: (
        "The sign-in does not say who you are and since when. Ask whoever runs the app."
    ),
    Standing.ABSENT: "Sign in to use this app.",
}


# Whether there is a sign-in, and whether it can work.


def sign_in_settings() -> Mapping[str, Any] | None:
    """The section ``[auth]`` of Streamlit's secrets, checked; None where sign-in is not set up.

    Raises:
        ConfigError: there are secrets that cannot be read, or a sign-in that cannot work: nobody is
            to come in because of a mistyped line.
    """
    if not st.secrets.load_if_toml_exists():
        for path in st.get_option("secrets.files"):
            if Path(path).exists():
                raise ConfigError(
                    "The secrets cannot be read, so it cannot be told who may come in",
                    value=Path(path).name,
                    remedy=f"Mend the file. {_EXAMPLE}",
                )
        return None
    if "auth" not in st.secrets:
        return None
    section = st.secrets["auth"]
    settings = dict(section) if isinstance(section, Mapping) else {}
    if problem := _problem_of(settings):
        raise ConfigError("Sign-in cannot work as it is set up", value=problem, remedy=_EXAMPLE)
    return settings


def _problem_of(settings: Mapping[str, Any]) -> str:
    needed = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")
    for name in needed:
        if not isinstance(settings.get(name), str) or not settings[name]:
            return f"[auth] has no {name}"
    if len(settings["cookie_secret"]) < MIN_COOKIE_SECRET:
        return f"cookie_secret has under {MIN_COOKIE_SECRET} letters"
    if not settings["redirect_uri"].endswith(_CALLBACK):
        return f"redirect_uri does not end with {_CALLBACK}"
    for name in ("redirect_uri", "server_metadata_url"):
        parts = urlsplit(settings[name])
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
            return f"{name} is not https"
    if st.get_option("server.trustedUserHeaders"):
        return "server.trustedUserHeaders would let a request say itself who it is from"
    if any(importlib.util.find_spec(name) is None for name in ("authlib", "httpx")):
        return "Authlib is not installed (pip install -r requirements-auth.lock)"
    return ""


def check_start() -> None:
    """Refuse to serve others without sign-in; called before the server listens.

    Raises:
        AccessError: others could come in and nobody would be asked.
        ConfigError: a setting that cannot work.
    """
    sign_in_rules()
    asked = sign_in_settings() is not None or allows_anonymous()
    if not asked and not is_loopback(st.get_option("server.address")):
        raise _open_error()


def _open_error() -> AccessError:
    address = st.get_option("server.address") or "not set, which is all addresses"
    through = (
        "the request came through a proxy or under another name"
        if is_loopback(address)
        else f"server.address is {address}"
    )
    return AccessError(NOBODY_IS_ASKED, value=through, remedy=WHO_ASKS)


# Who it is.


def judge_request(
    claims: Mapping[str, Any], headers: Mapping[str, str]
) -> tuple[Standing, Visitor | None]:
    """Whether somebody is let in, by what their cookie says and how their request came.

    Args:
        claims: as in ``st.user``; empty where nobody has signed in.
        headers: of the request, by names in lower case.

    Raises:
        AccessError: they could come in from elsewhere, and nobody is asked to sign in.
        ConfigError: a setting that cannot work.
    """
    if sign_in_settings() is not None:
        standing, visitor = judge_sign_in(claims, sign_in_rules(), now=time.time())
        if visitor is not None and _SIGNED_OUT.holds(visitor.sign_in):
            return Standing.ENDED, None
        return standing, visitor
    if is_local_request(st.get_option("server.address"), headers):
        return Standing.ADMITTED, Visitor(ANONYMOUS, Role.ADMIN)
    if allows_anonymous():
        return Standing.ADMITTED, Visitor(ANONYMOUS, Role.REVIEWER)
    raise _open_error()


def judge_page() -> tuple[Standing, Visitor | None]:
    """As ``judge_request``, of the session whose page is being drawn."""
    return judge_request(st.user.to_dict(), _page_headers())


def _page_headers() -> dict[str, str]:
    return {name.lower(): value for name, value in st.context.headers.items()}


def require_visitor() -> Visitor:
    """Who is looking at the page.

    Raises:
        AccessError: nobody who may; a page that began with ``begin_page`` has told so.
        ConfigError: a setting that cannot work.
    """
    standing, visitor = judge_page()
    if standing is not Standing.ADMITTED or visitor is None:
        raise refusal(standing)
    return visitor


def refusal(standing: Standing) -> AccessError:
    """The error of somebody who is not let in."""
    return AccessError(
        "This needs a sign-in that is good", value=standing.value, remedy=STANDINGS[standing]
    )


def require_still(visitor: Visitor) -> None:
    """Ask again for a visitor of a page that was drawn earlier, without its session.

    Raises:
        AccessError: the sign-in has ended meanwhile.
    """
    if time.time() >= visitor.expires:
        raise refusal(Standing.EXPIRED)
    if _SIGNED_OUT.holds(visitor.sign_in):
        raise refusal(Standing.ENDED)


def is_local_page() -> bool:
    """Whether whoever looks at the page sits at the machine that serves it."""
    return is_local_request(st.get_option("server.address"), _page_headers())


def may_open_paths() -> bool:
    """Whether whoever is looking at the page may open runs, tables and folders on Performance."""
    return require_visitor().role >= Role.REVIEWER


def visit_word() -> str:
    """A random word for this session, by which lines of the audit log belong together."""
    return str(st.session_state.setdefault(_SESSION, secrets.token_hex(8)))


# Sign-ins that were ended. Streamlit takes the cookie from one tab; its other tabs, and a copy of
# the cookie, would go on. Held in this process: a restart or another replica does not know of them.


class SignIns:
    """Sign-ins of which something is known, for as long as they can last."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._lock = threading.Lock()

    def add(self, visitor: Visitor) -> None:
        """Remember a visitor's."""
        with self._lock:
            # Longer than it lasts: what has expired is still told as what it is.
            oldest = time.time() - _KEEP_SECONDS
            self._until = {one: until for one, until in self._until.items() if until > oldest}
            self._until[visitor.sign_in] = visitor.expires

    def holds(self, sign_in: str) -> bool:
        """Whether this one is remembered."""
        with self._lock:
            return bool(sign_in) and sign_in in self._until


_SIGNED_OUT = SignIns()


def end_sign_in(visitor: Visitor) -> None:
    """Sign out: in every tab, and from the provider where it offers that."""
    _SIGNED_OUT.add(visitor)
    forget_session()
    st.logout()


def forget_session() -> None:
    """Drop all that the session holds, films and readings first of all; but not that one of the two
    buttons was just pressed."""
    for key in list(st.session_state):
        if key not in (SIGN_IN_BUTTON, SIGN_OUT_BUTTON):
            del st.session_state[key]
