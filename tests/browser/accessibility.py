"""What axe-core finds on a page."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def serious_faults(page: Page) -> list[str]:
    """Serious and critical faults of the whole page, Streamlit's markup included, a line each."""
    found = Axe().run(page).response["violations"]
    return [
        f"{fault['impact']} {fault['id']}: {node['html'][:160]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]
