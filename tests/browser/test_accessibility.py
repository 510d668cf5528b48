"""Every page as it opens: axe-core, and room for all of it on either screen."""

import pytest
from playwright.sync_api import Page

from tests.helpers.browser import serious_violations

READY = {
    "": "The model in use",
    "Read": "Open one frontal chest radiograph",
    "Worklist": "Read many films",
    "Performance": "Discrimination (ROC, precision-recall)",
    "Model_card": "It knows nothing.",
}


@pytest.mark.parametrize("address", list(READY))
def test_a_page_has_no_serious_violation_and_nothing_is_cut_off(
    page: Page, app_url: str, address: str
) -> None:
    page.goto(f"{app_url}/{address}")
    page.get_by_text(READY[address]).first.wait_for()
    page.wait_for_load_state("networkidle")
    assert serious_violations(page) == []
    page.get_by_role("heading", level=1).wait_for()
    for width, height in ((1280, 800), (820, 1180)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(100)  # charts are drawn anew for another width
        assert page.evaluate("document.documentElement.scrollWidth") <= width
