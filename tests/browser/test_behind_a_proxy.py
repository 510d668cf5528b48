"""The app behind the proxies of ``deploy/``, with TLS, in a browser."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, Page, WebSocket, expect

from cxr_core.phantom.draw import phantom_png
from cxr_core.server.guard import HEADERS
from cxr_core.ui.film_view import SESSION_OVER
from tests.browser.conftest import ServedApp, new_context
from tests.helpers.browser import press, upload
from tests.helpers.models import write_model_folder
from tests.helpers.proxies import NAME, SETUPS, Proxy, get_from, running_proxy

pytestmark = pytest.mark.slow  # two starts of the app
FILM = ".viewer .film:not([hidden])"


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ServedApp]]:
    """The app twice, served under the proxy's name."""
    folder = tmp_path_factory.mktemp("replicas")
    model = write_model_folder(folder / "model")
    with ExitStack() as stack:
        both = [ServedApp(model, folder / f"{n}.log") for n in range(2)]
        for app in both:
            app.options = ["--server.allowedHosts", NAME]
            app.environment = {"CXR_ALLOW_ANONYMOUS": "1"}  # who comes is not what is tried here
            stack.callback(app.stop)
            app.start()
            # Its first question loads the model, which no page has to wait for then.
            assert get_from(app.port, "/healthz", host="127.0.0.1").status == 200
        yield both


@pytest.fixture(params=SETUPS)
def proxy(
    request: pytest.FixtureRequest, tmp_path: Path, replicas: list[ServedApp]
) -> Iterator[Proxy]:
    program = request.getfixturevalue(request.param)
    ports = [app.port for app in replicas]
    with running_proxy(request.param, program, tmp_path / "proxy", ports) as one:
        yield one


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a browser that takes the test's own certificate."""
    with new_context(browser, ignore_https_errors=True) as context:
        yield context.new_page()


def expect_a_reading(page: Page) -> None:
    page.locator(FILM).first.wait_for()
    expect(page.locator(".finding .probability")).to_have_count(4)


def test_a_film_is_read_through_tls_and_leaves_no_file_and_no_name(
    page: Page, proxy: Proxy
) -> None:
    sockets: list[str] = []

    def note(socket: WebSocket) -> None:
        sockets.append(socket.url)

    page.on("websocket", note)
    page.goto(f"{proxy.url}/Read")
    page.get_by_role("heading", name="Open one frontal chest radiograph").wait_for()
    film: FilePayload = {
        "name": "DOE_JANE.png",
        "mimeType": "image/png",
        "buffer": phantom_png(3, size=1024),
    }
    upload(page, film)
    expect_a_reading(page)
    assert set(sockets) == {f"wss://{NAME}:{proxy.port}/_stcore/stream"}

    proxy.stop()
    said = proxy.log.read_text()
    assert "temporary file" not in said
    assert "DOE_JANE" not in said
    if proxy.access_log.exists():
        log = proxy.access_log.read_text()
        assert "PUT /_stcore/upload_file/... 204" in log
        assert "DOE_JANE" not in log


def test_each_header_is_there_once(proxy: Proxy) -> None:
    for path in ("/", "/_stcore/health", "/healthz", "/media/none.png", "/static/none.js"):
        answer = proxy.get(path)
        for name, value in HEADERS.items():
            assert answer.all(name) == [value], (path, name)
        assert len(answer.all("Cache-Control")) <= 1, path
        assert answer.all("Strict-Transport-Security") == ["max-age=31536000"], path


def test_the_app_itself_answers_to_the_proxys_name_alone(
    proxy: Proxy, replicas: list[ServedApp]
) -> None:
    assert proxy.get("/").status == 200
    assert get_from(replicas[0].port, "/", host=NAME).status == 200
    assert get_from(replicas[0].port, "/", host="localhost").status == 421
    # Whoever watches over the process asks by its address.
    assert get_from(replicas[0].port, "/healthz", host="10.0.0.7:8501").status == 200


def ports_asked(proxy: Proxy) -> list[int]:
    """The replica of each request that nginx has logged."""
    lines = proxy.access_log.read_text().splitlines()
    return [int(line.rpartition(":")[2]) for line in lines]


def visitor_of(proxy: Proxy, port: int) -> str:
    """The ``cxr_route`` of a visitor whom nginx sent to this replica; one in two is."""
    for _ in range(60):
        begun = len(ports_asked(proxy))
        (cookie,) = proxy.get("/").all("Set-Cookie")
        while len(ports := ports_asked(proxy)) == begun:  # it answers before it logs
            time.sleep(0.01)
        if ports[-1] == port:
            return cookie.split(";")[0].removeprefix("cxr_route=")
    pytest.fail("Every visitor comes to the other replica", pytrace=False)


@pytest.mark.parametrize("proxy", ["nginx"], indirect=True)
def test_a_session_stays_with_its_replica_and_ends_with_it_alone(
    browser: Browser, page: Page, proxy: Proxy, replicas: list[ServedApp]
) -> None:
    mine, other = replicas
    visitors = [visitor_of(proxy, app.port) for app in (mine, other)]
    page.context.add_cookies([{"name": "cxr_route", "value": visitors[0], "url": proxy.url}])
    begun = len(ports_asked(proxy))
    page.goto(f"{proxy.url}/Read")
    press(page, page.get_by_role("button", name="Try the phantom"))
    expect_a_reading(page)
    assert set(ports_asked(proxy)[begun:]) == {mine.port}
    with new_context(browser, ignore_https_errors=True) as context:
        elsewhere = context.new_page()
        context.add_cookies([{"name": "cxr_route", "value": visitors[1], "url": proxy.url}])
        elsewhere.goto(f"{proxy.url}/Read")
        press(elsewhere, elsewhere.get_by_role("button", name="Try the phantom"))
        expect_a_reading(elsewhere)
        mine.kill()
        try:
            expect(page.get_by_text(SESSION_OVER)).to_be_visible()
            expect(page.locator(".finding")).to_have_count(0)
            # The other replica's visitor goes on in the same session: its film is still there.
            press(elsewhere, elsewhere.get_by_role("link", name="Worklist"))
            press(elsewhere, elsewhere.get_by_role("link", name="Read", exact=True))
            expect_a_reading(elsewhere)
            # And the one whose replica ended begins anew there.
            press(page, page.get_by_role("button", name="Try the phantom"))
            expect_a_reading(page)
        finally:
            mine.start()
