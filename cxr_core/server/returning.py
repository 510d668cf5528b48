"""A session is found again by the browser that had it, and by no other.

Streamlit gives a session, with the film that is open in it, to whoever names it when connecting,
even while its own browser is there. Its name is no secret: it stands in the address of each file
that is sent, and so in the logs of proxies on the way.
"""

from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from cxr_core.server.exports import browser_word, is_same_browser

_PROTOCOLS = "sec-websocket-protocol"
_SESSION = 2  # its place there, after Streamlit's own name and the word against forged requests


class ReturnGuard:
    """ASGI middleware: a web socket that asks for another browser's session gets a new one."""

    def __init__(self, app: ASGIApp, *, browser_of: Callable[[str], str | None]) -> None:
        """Wrap ``app``.

        Args:
            browser_of: the word of the browser that has a session, connected or not; None where
                the session is not known, or its browser takes no cookie: nobody gets it again.
        """
        self.app, self.browser_of = app, browser_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""
        if scope["type"] == "websocket":
            headers = Headers(scope=scope)
            protocols = [one.strip() for one in headers.get(_PROTOCOLS, "").split(",")]
            session = protocols[_SESSION] if len(protocols) > _SESSION else ""
            if session and not is_same_browser(self.browser_of(session), browser_word(headers)):
                scope = {**scope, "headers": list(scope["headers"])}
                MutableHeaders(scope=scope)[_PROTOCOLS] = ", ".join(protocols[:_SESSION])
        await self.app(scope, receive, send)
