"""axe-core on every page, as it opens and with a film."""

import pytest
from playwright.sync_api import Page

from tests.browser.accessibility import serious_faults

READY = {
    "": "The model in use",
    "Read": "Open one frontal chest radiograph",
    "Worklist": "Read many films",
    "Performance": "Discrimination (ROC, precision-recall)",
    "Model_card": "It knows nothing.",
}


@pytest.mark.parametrize("address", list(READY))
def test_a_page_has_no_serious_fault(page: Page, app_url: str, address: str) -> None:
    page.goto(f"{app_url}/{address}")
    page.get_by_text(READY[address]).first.wait_for()
    page.wait_for_load_state("networkidle")
    assert serious_faults(page) == []


def test_a_films_result_has_no_serious_fault(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/Read")
    page.get_by_role("button", name="Try the phantom").click()
    page.get_by_role("button", name="Show the map of Effusion").wait_for()
    assert serious_faults(page) == []
