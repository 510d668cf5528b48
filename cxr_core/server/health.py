"""``/healthz``: whether the model loads and reads a film."""

import asyncio
import logging
import time
from threading import Lock

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cxr_core.errors import CXRError
from cxr_core.phantom.draw import phantom_png

logger = logging.getLogger(__name__)
HEALTH_PATH = "/healthz"
KEEP_SECONDS = 30.0  # whoever asks more often gets the last answer, and costs nothing
PHANTOM_PX = 256


class HealthCheck:
    """Reads a drawn film with the model in use, as a page does."""

    def __init__(self) -> None:
        self._lock, self._checked, self._problem = Lock(), float("-inf"), ""
        self._running: asyncio.Task[str] | None = None

    def problem(self) -> str:
        """What is wrong; empty where the model reads. At most one check at a time, and none
        within ``KEEP_SECONDS`` of the last."""
        with self._lock:
            if time.monotonic() - self._checked >= KEEP_SECONDS:
                self._problem = _check()
                self._checked = time.monotonic()
            return self._problem

    async def respond(self, request: Request) -> Response:
        """200 with ``{"status": "ok"}``, or 503; what is wrong is in the log alone, as it may name
        folders."""
        # All who ask meanwhile wait for one thread: files are served by threads of the same few.
        if self._running is None:
            self._running = asyncio.create_task(run_in_threadpool(self.problem))
            self._running.add_done_callback(self._done)
        problem = await asyncio.shield(self._running)
        if problem:
            return JSONResponse({"status": "the model cannot be used"}, status_code=503)
        return JSONResponse({"status": "ok"})

    def _done(self, task: asyncio.Task[str]) -> None:
        self._running = None


def _check() -> str:
    # Imported when asked for: Streamlit's caches want a running server.
    from cxr_core.ui.model import shared_analyzer

    try:
        analysis = shared_analyzer().analyze(phantom_png(0, size=PHANTOM_PX))
    except CXRError as error:
        logger.error("Health check: %s", error)
        return str(error)
    except Exception as error:
        logger.error("Health check: unforeseen %s", type(error).__name__)
        return type(error).__name__
    return "" if analysis.probabilities else "no probabilities"
