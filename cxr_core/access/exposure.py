"""Whether others than this machine's own users can reach the app."""

import ipaddress
import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from cxr_core.errors import ConfigError

ANONYMOUS_ENV_VAR = "CXR_ALLOW_ANONYMOUS"
# What a proxy adds, so that the app behind it knows whom it serves. A browser adds none.
_PROXY_HEADERS = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
NOBODY_IS_ASKED = "The app can be reached from other machines, and nobody is asked to sign in"
WHO_ASKS = (
    "Whoever runs it sets up sign-in in .streamlit/secrets.toml, or sets CXR_ALLOW_ANONYMOUS=1 "
    "where something else keeps strangers out, or serves it to this machine alone "
    "(--server.address localhost); see docs/deployment.md, Sign-in."
)


def parse_host(text: str) -> str:
    """The name in a ``Host`` header, in lower case, without port, brackets and last dot.

    Raises:
        ValueError: it is no host name or address.
    """
    parts = urlsplit(f"//{text}")
    _ = parts.port  # a port out of range
    others = (parts.username, parts.password, parts.path, parts.query, parts.fragment)
    if not parts.hostname or any(others):
        raise ValueError(f"not a host name: {text!r}")
    return parts.hostname.lower().rstrip(".")


def is_loopback(name: str | None) -> bool:
    """Whether a name or address is this machine's own, which no other machine can reach.

    Args:
        name: as ``server.address``: without one a server listens everywhere. A name other than
            ``localhost`` counts as reachable, wherever it points today.
    """
    text = (name or "").strip().lower().rstrip(".")
    if text == "localhost":
        return True
    try:
        address = ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def is_local_request(address: str | None, headers: Mapping[str, str]) -> bool:
    """Whether a request is from this machine's own user, as far as it tells.

    A server that listens on the loopback address alone is reached from elsewhere through a proxy.
    A proxy says so in a header of its own, or passes the name on under which it was asked.

    Args:
        address: at which the server listens.
        headers: the request's, by names in lower case.
    """
    if not is_loopback(address) or any(name in headers for name in _PROXY_HEADERS):
        return False
    host = headers.get("host")
    if host is None:
        return True
    try:
        return is_loopback(parse_host(host))
    except ValueError:
        return False


def allows_anonymous() -> bool:
    """Whether whoever runs the app lets people in who have not signed in (``CXR_ALLOW_ANONYMOUS``).

    Raises:
        ConfigError: it is neither 1 nor 0; what was meant is not guessed.
    """
    stated = os.environ.get(ANONYMOUS_ENV_VAR, "").strip()
    if stated not in ("", "0", "1"):
        raise ConfigError(
            f"{ANONYMOUS_ENV_VAR} is neither 1 nor 0",
            value=repr(stated[:40]),
            remedy="Set it to 1 to let people in without sign-in, or do not set it.",
        )
    return stated == "1"
