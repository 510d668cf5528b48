"""Steps of the browser tests, each taken when the page is at rest, and axe-core's findings."""

from collections.abc import Sequence
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Download,
    Error,
    FilePayload,
    Locator,
    Page,
    TimeoutError,
)

_ATTEMPTS = 5
_AT_REST = '[data-testid="stApp"][data-test-script-state="notRunning"]'

WAIT_UNTIL_STILL = """
async (element) => {
  const place = () => JSON.stringify(element.getBoundingClientRect());
  const pause = () => new Promise((done) => setTimeout(done, 50));
  for (let before = "", same = 0; same < 4; ) {
    const now = place();
    same = now === before ? same + 1 : 0;
    before = now;
    await pause();
  }
}
"""


def at_rest(page: Page) -> Page:
    """The page, once no script runs for it."""
    # Waited for in the page itself: `expect` asks from outside, in the end once a second.
    page.locator(_AT_REST).wait_for(state="attached")
    return page


def settled(page: Page, element: Locator) -> Locator:
    """``element``, once no script runs and it has kept its place for 0.2 seconds.

    A click on a part that still moves (an expander that opens, a film that is being laid out)
    can be pressed on it and let go beside it, which the page rightly takes for no click.
    """
    for attempt in range(_ATTEMPTS):
        at_rest(page)
        try:
            element.scroll_into_view_if_needed()
            element.evaluate(WAIT_UNTIL_STILL)
        except Error as error:
            # Streamlit may put a new element in its place meanwhile, as it does with every chart.
            if isinstance(error, TimeoutError) or attempt + 1 == _ATTEMPTS:
                raise
        else:
            if page.locator(_AT_REST).count():  # what was done before has not only begun by now
                break
    return element


def press(page: Page, element: Locator) -> None:
    """Click ``element`` once the page is at rest: before, a click may be lost."""
    settled(page, element).click()


def upload(page: Page, files: FilePayload | Sequence[FilePayload]) -> None:
    """Give the page's file field these files once no script runs: before, they may be lost."""
    at_rest(page)
    page.set_input_files("input[type=file]", files)


def download(page: Page, button: str, folder: Path, *, exact: bool = False) -> Path:
    """The file that the (first) button of this name gives, under the name that it suggests.

    A reader whose click brings nothing clicks again, and so does this, once.
    """
    element = page.get_by_role("button", name=button, exact=exact).first
    try:
        taken = _clicked(page, settled(page, element), patience=20_000)
    except TimeoutError:
        taken = _clicked(page, settled(page, element), patience=60_000)
    path = folder / taken.suggested_filename
    taken.save_as(path)
    return path


def _clicked(page: Page, element: Locator, *, patience: int) -> Download:
    """The download that a click begins within ``patience`` milliseconds."""
    with page.expect_download(timeout=patience) as taken:
        element.click()
    return taken.value


def serious_violations(page: Page) -> list[str]:
    """Serious and critical ones of the whole page, Streamlit's markup included, a line each.

    What Streamlit is about to draw anew is pale for a moment; contrast is that of the page at rest.
    """
    page.wait_for_function("() => !document.querySelector('[data-stale=\"true\"]')")
    # Ended and not waited for: where no frame is drawn, as in a busy browser, they never do.
    page.evaluate(
        """() => document.getAnimations()
            .filter((one) => one instanceof CSSTransition).forEach((one) => one.finish())"""
    )
    found = Axe().run(page).response["violations"]
    return [
        f"{fault['impact']} {fault['id']}: {node['html'][:160]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]
