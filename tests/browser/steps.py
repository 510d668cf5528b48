"""Steps that several browser tests take, each as a reader takes it: when the page is at rest."""

from pathlib import Path

from playwright.sync_api import Locator, Page, expect

STEADY = """
async (element) => {
  const place = () => JSON.stringify(element.getBoundingClientRect());
  const pause = () => new Promise((done) => setTimeout(done, 100));
  for (let before = "", same = 0; same < 4; ) {
    const now = place();
    same = now === before ? same + 1 : 0;
    before = now;
    await pause();
  }
}
"""


def at_rest(page: Page, element: Locator) -> Locator:
    """``element``, once no script runs and it has kept its place for 0.4 seconds.

    A click on a part that still moves (an expander that opens, a film that is being laid out)
    can be pressed on it and let go beside it, which the page rightly takes for no click.
    """
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    element.scroll_into_view_if_needed()
    element.evaluate(STEADY)
    return element


def download(page: Page, button: str, folder: Path, *, exact: bool = False) -> Path:
    """The file that the (first) button of this name gives, under the name that it suggests."""
    element = at_rest(page, page.get_by_role("button", name=button, exact=exact).first)
    with page.expect_download() as taken:
        element.click()
    path = folder / taken.value.suggested_filename
    taken.value.save_as(path)
    return path
