"""Requests that no page of the app makes are turned away; answers say what browsers may not do."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cxr_core.access.exposure import parse_host
from cxr_core.server.health import HEALTH_PATH

# Streamlit's page evaluates no text from elsewhere, but Plotly and Streamlit itself build functions
# from strings and put styles in place; pictures of films come as data.
CONTENT_POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
# The program's own scripts, whose names change with their content, and which Streamlit says anybody
# may keep; all else may hold a film.
_CACHEABLE, _KEPT_BY_ANYBODY = "/static/", "public"
# How much is served and to how many is nobody's business who has not signed in; and no program
# drives the app from outside.
_CLOSED = re.compile(r"/_stcore/(metrics|agent)(/|$)")


@dataclass(frozen=True)
class HostRule:
    """By which names the app may be asked for.

    A page of another site cannot reach the app under a name of its own that it has pointed here
    (DNS rebinding): without a list only addresses are let in, and the names of this machine's own.

    Attributes:
        names: as Streamlit's ``server.allowedHosts``: names, ``*.`` before a domain for those below
            it, or ``*`` for all.
        address: ``server.address``, at which the app is served.
    """

    names: tuple[str, ...] = ()
    address: str | None = None

    def allows(self, host: str | None) -> bool:
        """Whether a request with this ``Host`` header is let in."""
        try:
            name = parse_host(host or "")
        except ValueError:
            return False
        if self.names:
            return any(
                _matches(name, pattern.strip().lower().rstrip(".")) for pattern in self.names
            )
        return name in ("localhost", (self.address or "").lower()) or _is_address(name)


def _matches(name: str, pattern: str) -> bool:
    if pattern.startswith("*."):
        return name.endswith(pattern[1:])
    return pattern in ("*", name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class RequestGuard:
    """ASGI middleware: the host rule, the origin of web sockets, and the headers of answers.

    A web socket of another origin is refused here, before Streamlit asks the internet for this
    machine's own address to compare it with.
    """

    def __init__(self, app: ASGIApp, *, hosts: HostRule, origins: Sequence[str] = ()) -> None:
        """Wrap ``app``.

        Args:
            origins: of other sites that may open a web socket, as Streamlit's
                ``server.corsAllowedOrigins``.
        """
        self.app, self.hosts = app, hosts
        self.origins = {origin.rstrip("/").lower() for origin in origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if not self._expects(scope, headers.get("host")):
            await _refuse(
                scope,
                receive,
                send,
                "The app is not served under this name. Whoever runs it can allow the name with "
                "server.allowedHosts.",
                status=421,
            )
        elif scope["type"] == "websocket":
            if self._own_origin(headers):
                await self.app(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1008})
        elif _CLOSED.search(scope["path"]):
            await _refuse(scope, receive, send, "Not found.", status=404)
        else:
            await self.app(scope, receive, _adding_headers(send, scope["path"]))

    def _expects(self, scope: Scope, host: str | None) -> bool:
        """Whoever watches over the process asks by its address, and learns one word."""
        return self.hosts.allows(host) or (scope["type"] == "http" and scope["path"] == HEALTH_PATH)

    def _own_origin(self, headers: Headers) -> bool:
        """Browsers always say where a web socket's page is from; other programs need not."""
        origin = headers.get("origin")
        if origin is None or origin.rstrip("/").lower() in self.origins:
            return True
        try:
            return urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
        except ValueError:  # no address at all
            return False


async def _refuse(scope: Scope, receive: Receive, send: Send, text: str, *, status: int) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    response = PlainTextResponse(text, status_code=status)
    await response(scope, receive, _adding_headers(send, scope["path"]))


def _adding_headers(send: Send, path: str) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            kept = _CACHEABLE in path and _KEPT_BY_ANYBODY in headers.get("Cache-Control", "")
            if not kept:
                headers["Cache-Control"] = "no-store"
        await send(message)

    return send_with_headers
