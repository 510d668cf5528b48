"""Read and Worklist at every width and at 200 % zoom: all is reachable, nothing overlaps."""

import unicodedata
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FilePayload, FloatRect, Locator, Page, expect
from pypdf import PdfReader

from cxr_core.phantom.draw import phantom_png
from tests.helpers.browser import at_rest, press, serious_violations, settled, upload

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
  return { boxes, overlaps, outside: outside.map(({ name }) => name) };
}
"""


@pytest.fixture(scope="module")
def opened(shared_page: Page, app_url: str) -> Page:
    """The Read page with the phantom."""
    page = shared_page
    page.goto(f"{app_url}/Read")
    press(page, page.get_by_role("button", name="Try the phantom"))
    page.locator(".viewer .film[data-film]").first.wait_for()
    page.get_by_role("button", name="Show the map of Effusion").wait_for()
    return page


@pytest.fixture
def with_film(opened: Page) -> Page:
    """That page, on a screen and at rest."""
    opened.emulate_media(media="null")
    opened.set_viewport_size({"width": 1280, "height": 800})
    return at_rest(opened)


@pytest.fixture
def with_two_films(with_film: Page) -> Page:
    """The phantom, and another film beside it."""
    page = with_film
    beside = page.locator(".st-key-prior .film[data-film]")
    if not beside.count():
        press(page, page.get_by_role("button", name="Prior", exact=True))
        page.get_by_text("Film to put beside this one").wait_for()
        upload(page, payload("earlier.png", 2))
        beside.wait_for()
        page.keyboard.press("Escape")
    return at_rest(page)


def payload(name: str, seed: int) -> FilePayload:
    return {"name": name, "mimeType": "image/png", "buffer": phantom_png(seed, size=512)}


def laid_out(page: Page) -> Any:
    """The controls with their places, once Streamlit and the viewer have moved them last."""
    found, before, same = page.evaluate(CONTROLS), None, 0
    while same < 5:
        page.wait_for_timeout(50)
        before, found = found, page.evaluate(CONTROLS)
        same = same + 1 if found == before else 0
    return found


def assert_all_is_reached(page: Page, width: int, height: int, *, at_least: int) -> None:
    """In a window of this size: more controls than ``at_least``, none over another or outside."""
    page.set_viewport_size({"width": width, "height": height})
    found = laid_out(page)
    assert len(found["boxes"]) > at_least, width
    assert found["overlaps"] == [], width
    assert found["outside"] == [], width
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def box_of(element: Locator) -> FloatRect:
    box = element.bounding_box()
    assert box is not None
    return box


def test_a_films_result_has_no_serious_violation_and_the_film_is_large(with_film: Page) -> None:
    page = with_film
    assert serious_violations(page) == []
    page.set_viewport_size({"width": 820, "height": 1180})
    box = box_of(settled(page, page.locator(".viewer .film:not([hidden])").first))
    assert min(box["width"], box["height"]) > 0.7 * 820  # the film is what the page is about


def test_every_control_is_reached_and_nothing_overlaps(with_film: Page) -> None:
    page = with_film
    for width, height in SIZES:
        assert_all_is_reached(page, width, height, at_least=25)
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


def test_two_films_are_large_side_by_side_or_one_below_the_other(with_two_films: Page) -> None:
    page = with_two_films
    for width, height in SIZES:
        assert_all_is_reached(page, width, height, at_least=45)
        films = [
            box_of(page.locator(f".st-key-{slot} .film[data-film]")) for slot in ("film", "prior")
        ]
        frames = [
            box_of(page.locator(f".st-key-{slot} .frame >> nth=0")) for slot in ("film", "prior")
        ]
        first, second = frames
        assert first["width"] == pytest.approx(second["width"], abs=1), width
        assert first["height"] == pytest.approx(second["height"], abs=1), width
        if width > 960:
            assert first["y"] == pytest.approx(second["y"], abs=1), width
            assert first["x"] + first["width"] <= second["x"], width
        else:
            assert first["y"] + first["height"] <= second["y"], width
            assert first["x"] == pytest.approx(second["x"], abs=1), width
        for film in films:
            assert min(film["width"], film["height"]) >= min(280, height * 0.5), width
    assert serious_violations(page) == []


def test_two_films_are_printed_on_one_page_without_what_names_a_patient(
    with_two_films: Page, tmp_path: Path
) -> None:
    page = with_two_films
    expect(page.locator(".st-key-prior .stated")).to_contain_text("earlier.png")
    taken = tmp_path / "page.pdf"
    page.pdf(path=taken, format="A4", print_background=True)
    (sheet,) = PdfReader(taken).pages
    text = unicodedata.normalize("NFKC", sheet.extract_text())
    assert "Prior film" in text
    assert "Two readings of the same model" in text
    assert "earlier.png" not in text
    press(page, page.get_by_role("button", name="Open film"))
    press(page, page.get_by_text("Also when the page is printed"))
    page.keyboard.press("Escape")
    expect(page.locator(".stated .unprinted")).to_have_count(0)
    page.pdf(path=taken, format="A4", print_background=True)
    (sheet,) = PdfReader(taken).pages
    assert "earlier.png" in unicodedata.normalize("NFKC", sheet.extract_text())


def test_the_worklists_controls_stand_in_two_groups(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/Worklist")
    page.get_by_role("heading", name="Read many films").wait_for()
    upload(page, [payload("one.png", 1), payload("two.png", 2)])
    expect(page.locator(".film-row")).to_have_count(2)
    expect(page.get_by_role("progressbar")).to_have_count(0)
    at_rest(page)
    actions, switches = (
        page.locator(".st-key-worklist_actions"),
        page.locator(".st-key-worklist_switches"),
    )
    for width, height in SIZES:
        assert_all_is_reached(page, width, height, at_least=14)
        first, second = box_of(actions), box_of(switches)
        in_one_line = actions.locator("button").evaluate_all(
            "(all) => new Set(all.map((one) => one.getBoundingClientRect().top)).size"
        )
        assert in_one_line == 1, width
        if width >= 1024:  # both groups on one line
            assert first["x"] + first["width"] <= second["x"], width
            assert second["y"] < first["y"] + first["height"], width
