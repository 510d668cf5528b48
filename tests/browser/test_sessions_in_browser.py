"""Sessions on the running server: whose exports, whose uploads, and what is left of closed ones."""

import http.client
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, FilePayload, Page, Request, Route, expect

from cxr_core.phantom.draw import phantom_png
from tests.browser.conftest import START_TIMEOUT, ServedApp, new_context
from tests.helpers.browser import download, press, upload
from tests.helpers.cut_line import CutLine
from tests.helpers.dicom_files import film_dataset, to_bytes
from tests.helpers.films import noisy_film
from tests.helpers.models import write_model_folder
from tests.helpers.process_memory import memory_hits

FILM = ".viewer .film:not([hidden])"
PNG: FilePayload = {
    "name": "film.png", "mimeType": "image/png", "buffer": phantom_png(1, size=208),
}  # fmt: skip


@pytest.fixture(scope="module")
def short_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedApp]:
    """A server that closes sessions soon, and has room for one film of 512 px in each."""
    folder = tmp_path_factory.mktemp("short")
    app = ServedApp(
        write_model_folder(folder / "model"),
        folder / "server.log",
        CXR_RECONNECT_SECONDS="8",
        CXR_SESSION_MEGABYTES="1",
    )
    app.start()
    try:
        yield app
    finally:
        app.stop()


def ask(url: str, method: str = "GET", body: bytes | None = None, **headers: str) -> int:
    """The status that somebody gets who is no browser of ours."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=START_TIMEOUT)
    connection.request(method, parts.path, body=body, headers=headers)
    answer = connection.getresponse()
    connection.close()
    return answer.status


def read_film(page: Page, url: str, film: FilePayload = PNG) -> None:
    page.goto(f"{url}/Read")
    page.get_by_role("heading", name="Open one frontal chest radiograph").wait_for()
    upload(page, film)
    page.locator(FILM).first.wait_for()
    expect(page.locator(".finding .probability")).to_have_count(4)


def test_a_page_sends_what_it_asked_for_and_its_browser_alone_gets_its_exports(
    page: Page, short_app: ServedApp, tmp_path: Path
) -> None:
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))
    read_film(page, short_app.url)
    sent = next(request for request in asked if request.method == "PUT")
    headers = sent.all_headers()
    shown = {
        "X-Xsrftoken": headers["x-xsrftoken"],
        "Cookie": headers["cookie"],
        "Content-Type": headers["content-type"],
    }
    used, (start, session, _) = sent.url, sent.url.rsplit("/", 2)
    body = b"--x--"
    for url in (
        used,
        f"{start}/{session}/{uuid.uuid4()}",
        f"{start}/{uuid.uuid4()}/{uuid.uuid4()}",
    ):
        assert ask(url, "PUT", body, **shown) == 403
        assert ask(url, "POST", body, **shown) == 403

    strangers: list[int] = []

    def stranger_first(route: Route) -> None:
        strangers.append(ask(route.request.url))
        strangers.append(ask(route.request.url, Cookie="cxr_browser=" + "0" * 48))
        route.continue_()

    page.route("**/media/*.csv", stranger_first)
    press(page, page.get_by_text("Export", exact=True))
    for click in range(1, 3):  # the second click works, too
        taken = download(page, "Result (CSV)", tmp_path)
        assert b"image_sha256" in taken.read_bytes()
        addresses = [request.url for request in asked if request.url.endswith(".csv")]
        assert len(set(addresses)) == click
    assert strangers
    assert set(strangers) == {404}
    # Once fetched it is gone, for its own browser too.
    again = page.request.get(addresses[0])
    assert again.status == 404


def test_a_full_session_says_so(page: Page, short_app: ServedApp) -> None:
    page.goto(f"{short_app.url}/Read")
    page.get_by_role("heading", name="Open one frontal chest radiograph").wait_for()
    large: FilePayload = {"name": "a.dcm", "mimeType": "", "buffer": bytes(2 * 2**20)}
    upload(page, large)
    expect(
        page.get_by_text("This session is full: it holds at most 1 MB of files. Close a film")
    ).to_be_visible()
    upload(page, PNG)  # and there is room for a smaller one
    expect(page.locator(".finding .probability")).to_have_count(4)
    expect(page.get_by_text("This session is full")).to_have_count(0)


def test_a_flaky_connection_loses_no_film(page: Page, short_app: ServedApp) -> None:
    line = CutLine(int(short_app.url.rpartition(":")[2]))
    try:
        read_film(page, line.url)
        before = page.locator(".finding .probability").all_inner_texts()
        for _ in range(2):
            known = line.n_connections
            line.cut()
            deadline = time.monotonic() + START_TIMEOUT
            while line.n_connections == known and time.monotonic() < deadline:
                page.wait_for_timeout(100)
            press(page, page.get_by_role("button", name="Open film"))  # it answers again
            page.keyboard.press("Escape")
            page.locator(FILM).first.wait_for()
            assert page.locator(".finding .probability").all_inner_texts() == before
    finally:
        line.close()


def n_found(pid: int, marks: list[bytes]) -> int:
    """How many of the marks stand somewhere in a process's memory."""
    return sum(count > 0 for count in memory_hits(pid, marks).values())


def test_a_closed_session_is_freed_though_nobody_comes(
    browser: Browser, short_app: ServedApp
) -> None:
    film = to_bytes(film_dataset(noisy_film(256)))
    # Of the pixels: no other film has these.
    step = len(film) // 10
    marks = [film[at : at + 64] for at in range(2 * step, len(film) - step, step)]
    with new_context(browser) as context:
        payload: FilePayload = {"name": "a.dcm", "mimeType": "", "buffer": film}
        read_film(context.new_page(), short_app.url, payload)
        assert n_found(short_app.pid, marks) == len(marks)
    # Nothing holds the film. Small pieces of freed memory may stay until they are used again.
    deadline = time.monotonic() + 60
    while n_found(short_app.pid, marks) > len(marks) // 4 and time.monotonic() < deadline:
        time.sleep(1)
    assert n_found(short_app.pid, marks) <= len(marks) // 4
