"""The Read page at every width and at 200 % zoom: all is reachable, nothing overlaps."""

import unicodedata
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from tests.helpers.browser import press

# A page of 1280 x 800 at 200 % is one of 640 x 400.
SIZES = ((390, 844), (640, 960), (768, 1024), (1024, 768), (1280, 800), (1920, 1080), (640, 400))
# What can be pressed, moved or typed in, with its place on the page; a row of the findings is one
# button laid over its own words, so it stands for them.
CONTROLS = """
() => {
  const named = (element) => element.getAttribute("aria-label") || element.innerText;
  const all = [...document.querySelectorAll(
    "button, a[href], select, summary, [role=slider], [role=radiogroup] label, [type=checkbox]",
  )];
  const shown = all.filter((element) => {
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    return box.width > 1 && box.height > 1 && style.visibility === "visible"
      && element.checkVisibility() && !element.closest("[data-testid=stToolbar]");
  });
  const boxes = shown.map((element) => {
    const { left, top, right, bottom } = element.getBoundingClientRect();
    return { name: named(element).trim().slice(0, 40), left, top, right, bottom };
  });
  const overlaps = [];
  shown.forEach((one, i) => shown.forEach((other, j) => {
    if (j <= i || one.contains(other) || other.contains(one)) return;
    const [a, b] = [boxes[i], boxes[j]];
    const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (across > 1 && down > 1) overlaps.push(`${a.name} and ${b.name}`);
  }));
  const width = document.documentElement.clientWidth;
  const outside = boxes.filter(({ left, right }) => left < -1 || right > width + 1);
  return { count: boxes.length, overlaps, outside: outside.map(({ name }) => name) };
}
"""


@pytest.fixture
def with_film(page: Page, app_url: str) -> Page:
    page.goto(f"{app_url}/Read")
    press(page, page.get_by_role("button", name="Try the phantom"))
    page.locator(".viewer .film[data-film]").first.wait_for()
    page.get_by_role("button", name="Show the map of Effusion").wait_for()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    return page


def test_every_control_is_reached_and_nothing_overlaps(with_film: Page) -> None:
    page = with_film
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(500)  # Streamlit and the viewer lay out anew
        found = page.evaluate(CONTROLS)
        assert found["count"] > 25, width
        assert found["overlaps"] == [], width
        assert found["outside"] == [], width
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        film = page.locator(".viewer .film[data-film]").first.bounding_box()
        frame = page.locator(".viewer .frame").first.bounding_box()
        assert film is not None
        assert frame is not None
        assert min(film["width"], film["height"]) >= min(280, height * 0.5), width
        assert film["width"] <= frame["width"] + 1
        assert film["height"] <= frame["height"] + 1


def test_printed_it_is_one_light_page(with_film: Page, tmp_path: Path) -> None:
    page = with_film
    taken = tmp_path / "page.pdf"
    page.pdf(path=taken, format="A4", print_background=True)
    (sheet,) = PdfReader(taken).pages
    text = unicodedata.normalize("NFKC", sheet.extract_text())  # its font joins letters
    assert "Effusion" in text
    assert "Show the map" not in text
    assert "Open film" not in text
    page.emulate_media(media="print")
    background = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    assert background == "rgb(255, 255, 255)"
    expect(page.locator(".viewer .tools")).to_be_hidden()
    expect(page.locator(".viewer .film").first).to_be_visible()
