"""A chart as PNG and SVG, drawn by a Chromium in a process of its own; also that process.

A browser that hangs must not hang a page, so it is asked from a child process that is ended when
its time is up. Nothing is fetched from a network: plotly.js is the one that came with plotly, and
MathJax is off. The chart travels through pipes, never through a file.
"""

import asyncio
import base64
import contextlib
import json
import logging
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxr_core.errors import ExportError

if TYPE_CHECKING:
    from kaleido import Kaleido

DEFAULT_TIMEOUT = 45.0  # a first start of Chromium on a busy machine takes ten
_TO_CLOSE = 10.0
_TO_KILL = 20.0
_SCALE = 2  # pixels of the PNG a pixel of the figure
_NO_BROWSER = 3  # exit status of the child
_ROOT = Path(__file__).resolve().parents[2]
_HTML_STAYS = "The HTML export needs no browser on the server."


@dataclass(frozen=True)
class ChartImages:
    """One chart: ``png`` at twice its size, ``svg`` as UTF-8."""

    png: bytes
    svg: bytes


def render_chart(
    figure: str,
    *,
    width: int,
    height: int,
    timeout: float = DEFAULT_TIMEOUT,
    browser: str | None = None,
) -> ChartImages:
    """Draw a chart without a network; it takes a few seconds.

    Args:
        figure: Plotly's JSON of it.
        width, height: pixels.
        timeout: the longest that drawing may take; ending a stuck browser may add 30.
        browser: path of a Chromium; without it, ``BROWSER_PATH`` or the one on PATH.

    Raises:
        ExportError: no browser, or it did not draw the chart in time.
    """
    request = {"figure": json.loads(figure), "width": width, "height": height, "seconds": timeout}
    environment = dict(os.environ) | ({} if browser is None else {"BROWSER_PATH": browser})
    # What the browser puts down goes into a folder that is removed, however it ends.
    with tempfile.TemporaryDirectory(prefix="chart_", ignore_cleanup_errors=True) as folder:
        try:
            done = subprocess.run(
                [sys.executable, "-m", __name__],
                input=json.dumps(request).encode(),
                capture_output=True,
                cwd=_ROOT,
                env=environment | {"TMPDIR": folder},
                timeout=timeout + _TO_CLOSE + _TO_KILL,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise _failed("the browser did not end in time") from error
    if done.returncode == _NO_BROWSER:
        raise ExportError(
            "PNG and SVG need a Chromium, and none was found",
            value=environment.get("BROWSER_PATH") or "nothing on PATH",
            remedy=f"Install Chromium, or set BROWSER_PATH to one. {_HTML_STAYS}",
        )
    if done.returncode != 0:
        words = done.stderr.decode(errors="replace").split()
        raise _failed(words[-1] if words else f"status {done.returncode}")
    drawn = json.loads(done.stdout)
    return ChartImages(base64.b64decode(drawn["png"]), drawn["svg"].encode())


def _failed(why: str) -> ExportError:
    return ExportError(
        "The figure could not be exported as PNG and SVG",
        value=why,
        remedy=f"Try again. {_HTML_STAYS}",
    )


def main() -> int:
    """The child: a request on standard input, the pictures as JSON on standard output."""
    logging.disable(logging.CRITICAL)  # the last word of standard error says what went wrong
    request = json.load(sys.stdin)
    try:
        png, svg = asyncio.run(_draw(request))
    except Exception as error:
        name = type(error).__name__
        print(name, file=sys.stderr)
        return _NO_BROWSER if name == "ChromeNotFoundError" else 1
    print(json.dumps({"png": base64.b64encode(png).decode(), "svg": svg.decode()}))
    return 0


async def _draw(request: dict[str, Any]) -> list[bytes]:
    # Imported late: only the child needs it.
    from kaleido import Kaleido

    browser = Kaleido(mathjax=False, timeout=None)
    try:
        return await asyncio.wait_for(_pictures(browser, request), request["seconds"])
    finally:
        await _end(browser)


async def _pictures(browser: "Kaleido", request: dict[str, Any]) -> list[bytes]:
    await browser.open()
    size = {"width": request["width"], "height": request["height"]}
    return [
        await browser.calc_fig(request["figure"], opts={**size, "format": form, "scale": scale})
        for form, scale in (("png", _SCALE), ("svg", 1))
    ]


async def _end(browser: "Kaleido") -> None:
    """Close the browser; one that does not answer is killed with all its processes."""
    from choreographer.utils._kill import kill

    with contextlib.suppress(Exception):
        await asyncio.wait_for(browser.close(), _TO_CLOSE)
    process = getattr(browser, "subprocess", None)
    if process is not None and process.poll() is None:
        kill(process)


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # threads that still wait for a stuck browser must not keep the child
