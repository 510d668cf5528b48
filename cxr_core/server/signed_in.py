"""Files of a session are given and taken where somebody is signed in who may, and nowhere else."""

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.auth_util import get_cookie_with_chunks
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from cxr_core.access.roles import Standing
from cxr_core.errors import CXRError
from cxr_core.ui.sign_in import judge_request

# Downloads; uploads; the agent interface, which is off. Pages ask by themselves.
GUARDED = ("/media/", "/_stcore/upload_file/", "/_stcore/agent/")
REFUSED = "Sign in first."


class SignedInOnly:
    """ASGI middleware: without a good sign-in, where one is needed, no download and no upload."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with 403, or pass on."""
        if not _is_guarded(scope) or _is_admitted(Headers(scope=scope)):
            await self.app(scope, receive, send)
        else:
            await PlainTextResponse(REFUSED, status_code=403)(scope, receive, send)


def _is_guarded(scope: Scope) -> bool:
    if scope["type"] != "http":  # a web socket asks by itself; the server's own start has no path
        return False
    base = f"/{(st.get_option('server.baseUrlPath') or '').strip('/')}".rstrip("/")
    path: str = scope["path"]
    return path.removeprefix(base).startswith(GUARDED)


def _is_admitted(headers: Headers) -> bool:
    try:
        standing, _ = judge_request(cookie_claims(headers.get("cookie", "")), headers)
    except CXRError:  # a page says what is wrong
        return False
    return standing is Standing.ADMITTED


def cookie_claims(header: str) -> Mapping[str, Any]:
    """What Streamlit's signed cookie says, as in ``st.user``; empty without a good one."""
    cookies = cookie_parser(header)
    secret = get_cookie_secret()

    def part(name: str) -> bytes | None:
        value = cookies.get(name)
        return None if value is None else decode_signed_value(secret, name, value.encode("latin-1"))

    decoded = get_cookie_with_chunks(part, USER_COOKIE_NAME)
    try:
        claims = json.loads(decoded) if decoded else {}
    except ValueError:  # signed, and yet no JSON
        return {}
    return claims if isinstance(claims, dict) else {}
