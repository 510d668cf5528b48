"""Sign-in with a provider on this machine: who comes in, who does not, what is logged of it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from cxr_core.audit.log import AUDIT_ENV_VAR
from cxr_core.audit.verify import file_lines, verify_chain
from tests.browser.conftest import ServedApp, free_port, new_context, wait_for
from tests.browser.test_served_headers import get
from tests.helpers.browser import download, press
from tests.helpers.models import write_model_folder

pytestmark = pytest.mark.usefixtures("sign_in_packages")
WARM_SECONDS = 300  # patient for slow machines
ASKED = "Sign in to use this app."
PEOPLE = {
    "reader-7": {
        "name": "Rita Reader",
        "email": "rita@hospital.example",
        "roles": ["reader", "staff"],
    },
    "reviewer-8": {"name": "Ravi Reviewer", "roles": "reviewer"},
    "nobody-9": {"name": "Nora Nobody", "roles": ["staff"]},
}


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """Address of an OpenID provider that knows three people."""
    port = free_port()
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://localhost:{port}"
    try:
        wait_for(f"{url}/.well-known/openid-configuration", server)
        for subject, claims in PEOPLE.items():
            body = json.dumps(claims).encode()
            headers = {"Content-Type": "application/json"}
            with urlopen(Request(f"{url}/users/{subject}", body, headers, method="PUT")):
                pass
        yield url
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.fixture(scope="module")
def audit_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("audit") / "audit.jsonl"


@pytest.fixture(scope="module")
def guarded_app(
    provider: str, audit_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedApp]:
    """The app with sign-in and an audit log."""
    folder = tmp_path_factory.mktemp("guarded")
    app = ServedApp(write_model_folder(folder / "model"), folder / "server.log")
    secrets = folder / "secrets.toml"
    secrets.write_text(
        f"""[auth]
        redirect_uri = "{app.url}/oauth2callback"
        cookie_secret = "of the tests alone, and long enough for them"
        client_id = "cxr"
        client_secret = "of the tests"
        server_metadata_url = "{provider}/.well-known/openid-configuration"
        """
    )
    app.options = ["--secrets.files", str(secrets)]
    app.environment = {AUDIT_ENV_VAR: str(audit_file)}
    app.start()
    warm_up(app)
    try:
        yield app
    finally:
        app.stop()


def warm_up(app: ServedApp) -> None:
    """Wait until the model has read a film: what a page's first visitor would wait for."""
    with urlopen(f"{app.url}/healthz", timeout=WARM_SECONDS):
        pass


@pytest.fixture
def person(browser: Browser, guarded_app: ServedApp) -> Iterator[BrowserContext]:
    """A browser of somebody who has not signed in."""
    with new_context(browser, timeout=120_000) as context:
        context.route(lambda url: "localhost" not in url, _abort)  # the provider's style sheet
        yield context


def _abort(route: Route) -> None:
    route.abort()


def sign_in(context: BrowserContext, url: str, subject: str) -> Page:
    page = context.new_page()
    page.goto(url)
    press(page, page.get_by_role("button", name="Sign in"))
    page.get_by_placeholder("sub").fill(subject)
    page.get_by_role("button", name="Authorize", exact=True).click()
    return page


def entries(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("path", ["/", "/Read"])  # each page: tests/pages/test_access_on_pages.py
def test_a_page_asks(person: BrowserContext, guarded_app: ServedApp, path: str) -> None:
    page = person.new_page()
    page.goto(guarded_app.url + path)
    expect(page.get_by_text(ASKED)).to_be_visible()
    expect(page.get_by_role("link", name="Worklist")).to_have_count(0)
    expect(page.locator("input[type=file]")).to_have_count(0)


def test_downloads_and_uploads_ask_too(guarded_app: ServedApp) -> None:
    for path in ("/media/none.pdf", "/_stcore/upload_file/none/none"):
        assert get(guarded_app.url, path).status == 403
        forged = {"Cookie": "_streamlit_user=2|1:0|10:1|15:_streamlit_user|4:e30=|00"}
        assert get(guarded_app.url, path, forged).status == 403
    assert get(guarded_app.url, "/healthz").status == 200


def test_a_reader_reads_exports_and_signs_out_and_the_log_tells_it(
    person: BrowserContext, guarded_app: ServedApp, audit_file: Path, tmp_path: Path
) -> None:
    page = sign_in(person, guarded_app.url, "reader-7")
    expect(page.get_by_text("Rita Reader, reader")).to_be_visible()
    second = person.new_page()
    second.goto(f"{guarded_app.url}/Performance")
    expect(second.get_by_text("test films")).not_to_have_count(0)
    expect(second.get_by_text("Open a run or table")).to_have_count(0)
    page.get_by_role("link", name="Read", exact=True).click()
    press(page, page.get_by_role("button", name="Try the phantom"))
    press(page, page.get_by_text("Export", exact=True))
    taken = download(page, "Result (CSV)", tmp_path)
    assert taken.stat().st_size
    press(page, page.get_by_role("button", name="Sign out"))
    page.wait_for_url("**/oauth2/end_session?*")  # at the provider, which leads back
    page.get_by_role("button", name="End session").click()
    expect(page.get_by_text(ASKED)).to_be_visible()
    # The other tab looks now and then whether it may stay: it clears itself, touched or not.
    expect(second.get_by_text("You have signed out.")).to_be_visible()
    told = [entry for entry in entries(audit_file) if entry["who"] == "reader-7"]
    events = [entry["event"] for entry in told]
    assert [event for event in events if event != "exported"] == [
        "signed_in", "film_read", "film_shown", "signed_out",
    ]  # fmt: skip
    assert "exported" in events[3:-1]
    (film,) = {entry["image"] for entry in told if "image" in entry}
    (model,) = {entry["model"] for entry in told if "model" in entry}
    assert film in taken.read_text("utf-8")
    assert "model_loaded" in [e["event"] for e in entries(audit_file) if e.get("model") == model]
    written = audit_file.read_text("utf-8")
    assert not any(word in written for word in ("Rita", "rita", "hospital.example"))
    assert verify_chain(file_lines([audit_file.read_bytes().splitlines()])).faults == []


def test_who_has_no_role_is_refused(
    person: BrowserContext, guarded_app: ServedApp, audit_file: Path
) -> None:
    page = sign_in(person, guarded_app.url, "nobody-9")
    expect(page.get_by_text("your account has no role in this app")).to_be_visible()
    expect(page.get_by_text("Signed in as Nora Nobody.")).to_be_visible()
    page.goto(f"{guarded_app.url}/Read")
    expect(page.get_by_text("your account has no role in this app")).to_be_visible()
    expect(page.locator("input[type=file]")).to_have_count(0)
    cookies = "; ".join(f"{one.get('name')}={one.get('value')}" for one in person.cookies())
    assert get(guarded_app.url, "/media/none.pdf", {"Cookie": cookies}).status == 403
    told = [entry["event"] for entry in entries(audit_file) if entry["who"] == "nobody-9"]
    assert told == ["sign_in_refused"]


# The last one with this server: with what it is started here, no sign-in lasts.
def test_a_reviewer_opens_runs_and_tables_until_the_sign_in_has_expired(
    person: BrowserContext, guarded_app: ServedApp, audit_file: Path
) -> None:
    page = sign_in(person, guarded_app.url, "reviewer-8")
    expect(page.get_by_text("Ravi Reviewer, reviewer")).to_be_visible()
    page.get_by_role("link", name="Performance", exact=True).click()
    expect(page.get_by_text("Open a run or table")).to_be_visible()
    cookies = "; ".join(f"{one.get('name')}={one.get('value')}" for one in person.cookies())
    assert get(guarded_app.url, "/media/none.pdf", {"Cookie": cookies}).status == 404
    guarded_app.stop()
    guarded_app.environment["CXR_SIGN_IN_HOURS"] = "0.0000001"
    guarded_app.start()
    page.goto(f"{guarded_app.url}/Read")
    expect(page.get_by_text("Your sign-in has expired.")).to_be_visible()
    expect(page.locator("input[type=file]")).to_have_count(0)
    assert get(guarded_app.url, "/media/none.pdf", {"Cookie": cookies}).status == 403
    assert "sign_in_expired" in [
        e["event"] for e in entries(audit_file) if e["who"] == "reviewer-8"
    ]


def test_others_are_served_with_sign_in_or_not_at_all(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "streamlit", "run", "serve.py"]
    options = ["--server.address", "0.0.0.0", "--server.headless", "true", "--server.port"]
    ended = subprocess.run(
        [*command, *options, str(free_port())], env={**os.environ, "CXR_ALLOW_ANONYMOUS": "0"},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "nobody is asked to sign in: server.address is 0.0.0.0." in ended.stderr
