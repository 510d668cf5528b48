"""The app served for a browser, and the browser."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect, sync_playwright

from tests.helpers import ROOT
from tests.helpers.models import write_model_folder

START_TIMEOUT = 120  # seconds, patient for slow machines
BROWSER_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="session")
def server_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """File that takes all that the server prints."""
    return tmp_path_factory.mktemp("served") / "server.log"


@pytest.fixture(scope="session")
def app_url(server_log: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the app, served on a small random model."""
    app = ServedApp(write_model_folder(tmp_path_factory.mktemp("model")), server_log)
    # Half of what a click costs the server. What is freed, and when, is tried on other servers.
    app.options = ["--runner.postScriptGC", "false"]
    app.start()
    try:
        yield app.url
    finally:
        app.stop()


@pytest.fixture
def own_app(tmp_path: Path) -> Iterator["ServedApp"]:
    """A server for one test alone, which may end it and start it again."""
    app = ServedApp(write_model_folder(tmp_path / "model"), tmp_path / "server.log")
    app.start()
    try:
        yield app
    finally:
        app.stop()


class ServedApp:
    """The app on a port of its own.

    Attributes:
        port: the same at every start.
        options: further ones of Streamlit, and
        environment: what is set besides; taken at each start.
        folder: of the app's code.
    """

    def __init__(
        self, model: Path, log: Path, *, under: Sequence[str] = (), **settings: str
    ) -> None:
        """Not started yet.

        Args:
            under: a command that runs the server's, as a tracer does.
            settings: further environment variables of it; an empty one is left out.
        """
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.options: list[str] = []
        self.environment: dict[str, str] = settings
        self.folder = ROOT
        self._model, self._log = model, log
        self._under = list(under)
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers; the port stays the same."""
        command = [sys.executable, "-m", "streamlit", "run", "serve.py"]
        options = ["--server.port", str(self.port), "--server.headless", "true", *self.options]
        environment = {**os.environ, "CXR_MODEL": str(self._model), **self.environment}
        environment = {name: value for name, value in environment.items() if value}
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(
                [*self._under, *command, *options],
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=bool(self._under),
            )
        try:
            wait_for(f"{self.url}/_stcore/health", self._server)
        except BaseException:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self._server is not None
        return self._server.pid

    def stop(self) -> None:
        """End the server as one does, and at once where it takes long over it."""
        if self._server is not None:
            self._server.terminate()
            try:
                self._server.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.kill()
            self._end_what_ran_under()

    def _end_what_ran_under(self) -> None:
        """A tracer that ends leaves the server behind."""
        if self._under and self._server is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._server.pid, signal.SIGKILL)

    def kill(self) -> None:
        """End it at once, as a crash does: it can tell nobody."""
        if self._server is not None:
            self._server.kill()
            self._server.wait(timeout=START_TIMEOUT)
            self._end_what_ran_under()


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    """Until a server answers; fails when it ends or takes too long."""
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if server.poll() is not None:
            pytest.fail(f"The server ended with status {server.returncode}", pytrace=False)
        try:
            with urlopen(url, timeout=5):
                return
        except HTTPError:  # not under this name, but it answers
            return
        except (URLError, OSError):
            time.sleep(0.3)
    pytest.fail("The server did not start", pytrace=False)


# Of this folder, and not of the session: Playwright keeps an event loop running, in which no other
# test could run one of its own.
@pytest.fixture(scope="package")
def browser(chromium: str) -> Iterator[Browser]:
    """One Chromium for all tests of this folder."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=BROWSER_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def new_context(
    browser: Browser, *, timeout: int = 60_000, **options: Any
) -> Iterator[BrowserContext]:
    """A window of 1280 x 800 that shares nothing with an earlier one (cookies, storage, cache).

    Args:
        timeout: milliseconds, patient for slow machines.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 800}, **options)
    context.set_default_timeout(timeout)
    expect.set_options(timeout=timeout)
    try:
        yield context
    finally:
        context.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page for one test alone."""
    with new_context(browser) as context:
        yield context.new_page()


@pytest.fixture(scope="module")
def shared_page(browser: Browser) -> Iterator[Page]:
    """A page for the tests of a module, which take it as the one before left it.

    To open the app takes a browser and a server seconds of work each time.
    """
    with new_context(browser) as context:
        yield context.new_page()


def _words_on(page: Page) -> str:
    """The page's last words; of a browser that is gone, that it is: a report must not fail."""
    try:
        return page.inner_text("body", timeout=5_000)[-4000:]
    except Error as error:
        return f"It cannot be read: {error.message}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows what the server said last and what stood on the page."""
    report = yield
    arguments = getattr(item, "funcargs", {})
    if report.when == "call" and report.failed:
        if "server_log" in arguments:
            said = arguments["server_log"].read_text(errors="replace")[-4000:]
            report.sections.append(("The server's last words", said))
        if pages := [value for value in arguments.values() if isinstance(value, Page)]:
            report.sections.append(("On the page", _words_on(pages[0])))
    return report
