"""A server that is killed and started again: the page says so, and shows nothing that is gone."""

import pytest
from playwright.sync_api import FilePayload, Page, expect

from cxr_core.phantom.draw import phantom_png
from cxr_core.ui.film_view import SESSION_OVER
from tests.browser.conftest import ServedApp
from tests.helpers.browser import press, upload

pytestmark = pytest.mark.slow  # two starts of a server
FILM = ".viewer .film:not([hidden])"


def test_after_a_restart_sessions_are_over_and_nothing_of_them_is_left(
    page: Page, own_app: ServedApp
) -> None:
    page.goto(f"{own_app.url}/Read")
    press(page, page.get_by_role("button", name="Try the phantom"))
    page.locator(FILM).first.wait_for()
    expect(page.locator(".finding .probability")).to_have_count(4)
    worklist = page.context.new_page()
    worklist.goto(f"{own_app.url}/Worklist")
    worklist.get_by_role("heading", name="Read many films").wait_for()
    files: list[FilePayload] = [
        {"name": f"DOE_{n}.png", "mimeType": "image/png", "buffer": phantom_png(n, size=208)}
        for n in range(2)
    ]
    upload(worklist, files)
    expect(worklist.locator(".film-row")).to_have_count(2)

    own_app.kill()
    # Whether a session is over is not known yet, so what is on screen is not to be relied on.
    expect(page.locator(FILM).first).to_be_hidden()
    for number in page.locator(".finding .probability").all():
        expect(number).to_be_hidden()
    expect(worklist.locator(".film-row").first).to_be_hidden()

    own_app.start()
    expect(page.get_by_text(SESSION_OVER)).to_be_visible()
    expect(page.locator(".viewer")).to_have_count(0)
    expect(page.locator(".finding")).to_have_count(0)
    expect(page.get_by_text("%", exact=False)).to_have_count(0)
    expect(page.get_by_role("heading", name="Open one frontal chest radiograph")).to_be_visible()
    expect(worklist.get_by_text(SESSION_OVER)).to_be_visible()
    expect(worklist.locator(".film-row")).to_have_count(0)
    assert "DOE_" not in worklist.inner_text("body")

    # It is told until the reader goes on, and the page is as good as new.
    press(page, page.get_by_role("button", name="Try the phantom"))
    page.locator(FILM).first.wait_for()
    expect(page.locator(".finding .probability")).to_have_count(4)
    expect(page.get_by_text(SESSION_OVER)).to_have_count(0)
