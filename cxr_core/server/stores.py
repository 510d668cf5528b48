"""Our own stores of sessions, uploads and exports in Streamlit's place, and what frees them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from streamlit.runtime import Runtime, RuntimeConfig, get_instance
from streamlit.web.cache_storage_manager_config import create_default_cache_storage_manager

from cxr_core.errors import ConfigError
from cxr_core.memory import overwrite_on_free, set_program_aside
from cxr_core.server.connections import Connections, take_descriptors
from cxr_core.server.connections import install as install_limits
from cxr_core.server.exports import COOKIE, ExportGuard, ExportStorage
from cxr_core.server.messages import MessageGuard
from cxr_core.server.returning import ReturnGuard
from cxr_core.server.sessions import (
    WaitingSessions,
    close_overdue,
    close_unused,
    sweep_for_ever,
)
from cxr_core.server.uploads import ExpectedUploads, UploadGuard, keep_uploads_in_memory
from cxr_core.ui.limits import Limits
from cxr_core.ui.places import PLACES


class Stores:
    """What the server keeps of its sessions. ``st.App`` gets ``middleware`` and ``lifespan``, and
    is then given to ``install``."""

    def __init__(self, limits: Limits, *, max_upload_bytes: int, max_message_bytes: int) -> None:
        """Empty stores.

        Args:
            max_upload_bytes: of one file.
            max_message_bytes: of one message of a page's own connection.
        """
        keep_uploads_in_memory(max_upload_bytes)
        self.exports = ExportStorage("/media")
        self.uploads = ExpectedUploads("/_stcore/upload_file", limits)
        self.waiting = WaitingSessions(
            limits.reconnect_seconds, has_page=PLACES.has, browser_of=browser_of
        )
        self.idle_seconds = 60.0 * limits.idle_minutes
        self.connections, self.max_message_bytes = Connections(), max_message_bytes
        self.middleware = [
            Middleware(MessageGuard),
            Middleware(ReturnGuard, browser_of=self._owner_of),
            Middleware(UploadGuard, uploads=self.uploads, max_bytes=max_upload_bytes),
            Middleware(ExportGuard, storage=self.exports, browser_of=browser_of),
        ]

    def install(self, app: st.App) -> None:
        """Have ``app`` use these stores.

        Streamlit's ``RuntimeConfig`` takes such stores, but ``st.App`` makes one without them, in a
        method of its own. ``lifespan`` refuses to start where that method is no longer asked.
        """
        script = app.script_path

        def create_runtime() -> Runtime:
            return Runtime(
                RuntimeConfig(
                    script_path=str(Path(script).resolve()),
                    media_file_storage=self.exports,
                    uploaded_file_manager=self.uploads,
                    session_storage=self.waiting,
                    cache_storage_manager=create_default_cache_storage_manager(),
                )
            )

        app._create_runtime = create_runtime  # type: ignore[method-assign]
        install_limits(self.connections, max_message_bytes=self.max_message_bytes)

    def _owner_of(self, session: str) -> str | None:
        return browser_of(session) or self.waiting.browser_of(session)

    @asynccontextmanager
    async def lifespan(self, app: st.App) -> AsyncIterator[None]:
        """While the server runs, what nobody will come back for is freed.

        Raises:
            ConfigError: this version of Streamlit does not use these stores and limits.
        """
        if not self.connections.installed or get_instance().uploaded_file_mgr is not self.uploads:
            raise ConfigError(
                "This version of Streamlit cannot serve the app safely",
                value=st.__version__,
                remedy="Install the version of requirements.lock.",
            )
        overwrite_on_free()
        take_descriptors()
        set_program_aside()
        sweeping = asyncio.create_task(sweep_for_ever(self.sweep))
        try:
            yield
        finally:
            sweeping.cancel()
            with suppress(asyncio.CancelledError):
                await sweeping

    def sweep(self) -> bool:
        """Free what nobody will come back for; on the event loop's thread.

        Returns:
            whether there was anything of a session among it.
        """
        unused = PLACES.unused_for(self.idle_seconds)
        closed = close_unused(get_instance(), unused) + close_overdue(get_instance(), self.waiting)
        for session in closed:
            self.exports.drop(session=session)
        dropped = self.exports.drop() + self.uploads.drop_untaken()
        return bool(closed or dropped)


def browser_of(session: str) -> str | None:
    """The word of the browser that holds a session's connection (``server.exports.COOKIE``)."""
    client = get_instance().get_client(session)
    context = None if client is None else client.client_context
    return None if context is None else context.cookies.get(COOKIE)
