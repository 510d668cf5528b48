"""The viewer's script on an empty page, without a server: two films, measures by keyboard."""

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from cxr_core.imaging.decoded import PixelSpacing
from cxr_core.imaging.windowing import Window
from cxr_core.phantom.draw import draw_phantom
from cxr_core.ui.film_source import pack_film
from cxr_core.ui.film_view import viewer_script
from tests.helpers import ROOT
from tests.helpers.analyses import make_radiograph
from tests.helpers.browser import serious_violations

ADDRESS = "http://viewer.test/"
SIDE = 256
PAGE = """<!doctype html><html lang="en"><title>.</title><style>
  html { background: #121212; color: #dcdde0 }
  main { display: flex; gap: 8px } main > div { width: 600px; height: 620px }
</style><main><div id="film"></div><div id="prior"></div></main><i id="data_film"></i>
<i id="data_prior"></i>"""
OPEN = """
async ([packed, view]) => {
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const at = (id) => document.getElementById(id);
  viewer.default({ data: bytes, parentElement: at(`data_${view.slot}`) });
  window.ends[view.slot] = viewer.default({ data: view, parentElement: at(view.slot) });
}
"""
MM = PixelSpacing(0.5, 0.5, "at the detector")


@pytest.fixture(scope="module")
def script(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.route(ADDRESS, lambda route: route.fulfill(body=PAGE, content_type="text/html"))
    yield page
    page.close()


@pytest.fixture
def empty(script: Page) -> Page:
    """The viewer's module as ``viewer`` on a page that has just been opened."""
    script.goto(ADDRESS)
    script.add_style_tag(path=ROOT / "cxr_core/ui/style.css")
    script.evaluate(
        """async (script) => {
            const file = new Blob([script], { type: "text/javascript" });
            window.viewer = await import(URL.createObjectURL(file));
            window.ends = {};
        }""",
        viewer_script(),
    )
    return script


def open_film(page: Page, slot: str, stored: np.ndarray, **changes: Any) -> Locator:
    """A film of these values in its place, (256, 256); returns its viewer."""
    in_step = changes.pop("in_step", True)
    window = Window("the file's", float(stored.mean()), float(np.ptp(stored)) / 2, key="window_1")
    film = make_radiograph(
        stored=stored,
        pixels=draw_phantom(8, size=SIDE).pixels,
        model_window=window,
        windows=(window,),
        **changes,
    )
    view = {
        "map": "", "height": SIDE, "width": SIDE, "opacity": 1, "beside": False, "blink": False,
        "marks": None, "identity": slot, "label": slot, "shortcuts": [], "session": "",
        "slot": slot, "title": f"The {slot}", "stated": "", "printStated": False, "inStep": in_step,
    }  # fmt: skip
    page.evaluate(OPEN, [base64.b64encode(pack_film(film, slot)).decode(), view])
    viewer = page.locator(f"#{slot} .viewer")
    viewer.locator(".film[data-film]").wait_for()
    return viewer


def phantom(bits: int, seed: int = 8) -> np.ndarray:
    gray = draw_phantom(seed, size=SIDE).pixels
    return gray if bits == 8 else gray.astype(np.uint16) * 2 ** (bits - 8)


def numbers(viewer: Locator) -> tuple[float, float]:
    """Level and width, as they stand in the corner."""
    text = viewer.locator(".words").inner_text().splitlines()[0]
    level, width = text.partition("L ")[2].replace(",", "").replace("·", "").split(" W ")
    return float(level), float(width.split()[0])


def place_of(viewer: Locator) -> list[float]:
    zoom, centre = (viewer.get_attribute(f"data-{name}") or "" for name in ("zoom", "centre"))
    return [float(number) for number in (zoom, *centre.split())]


def press(page: Page, viewer: Locator, *keys: str) -> None:
    for key in keys:
        viewer.press(key)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")


def test_zoom_and_place_go_together_and_alignment_by_hand_is_kept(empty: Page) -> None:
    one = open_film(empty, "film", phantom(8))
    other = open_film(empty, "prior", phantom(12, seed=9))
    press(empty, one, "+", "+", "ArrowLeft")
    assert place_of(one) == place_of(other)
    assert place_of(one)[0] == 1.563
    box = other.locator(".frame").first.bounding_box()
    assert box is not None
    empty.mouse.move(box["x"] + 200, box["y"] + 300)  # the wheel over either
    empty.mouse.wheel(0, -200)
    expect(one).not_to_have_attribute("data-zoom", "1.563")
    assert place_of(one) == place_of(other)
    # Out of step one is moved alone; in step again, the distance between the two is kept.
    open_film(empty, "film", phantom(8), in_step=False)
    open_film(empty, "prior", phantom(12, seed=9), in_step=False)
    press(empty, other, "ArrowUp", "ArrowUp")
    assert place_of(one) != place_of(other)
    apart = np.subtract(place_of(other), place_of(one))
    open_film(empty, "film", phantom(8))
    open_film(empty, "prior", phantom(12, seed=9))
    press(empty, one, "ArrowRight", "ArrowDown")
    assert np.subtract(place_of(other), place_of(one)) == pytest.approx(apart, abs=2e-4)
    press(empty, one, "r")
    assert place_of(one) == place_of(other) == [1.0, 0.5, 0.5]


def test_a_film_beside_opens_where_the_first_one_is(empty: Page) -> None:
    one = open_film(empty, "film", phantom(8))
    press(empty, one, "+", "ArrowLeft")
    assert place_of(open_film(empty, "prior", phantom(12))) == place_of(one)


@pytest.mark.parametrize("turned", [False, True])
def test_a_window_changes_alike_whatever_the_depths(empty: Page, turned: bool) -> None:
    first, second = phantom(8), phantom(12, seed=9)
    if turned:  # stored with its low values bright
        second = (4095 - second).astype(np.uint16)
    one = open_film(empty, "film", first)
    other = open_film(empty, "prior", second, inverted=turned)
    before = [(float(v.mean()), float(np.ptp(v)) / 2) for v in (first, second)]
    press(empty, one, "w", *["ArrowDown"] * 2, *["ArrowRight"] * 3)
    now = [numbers(one), numbers(other)]
    moved = [(n[0] - b[0]) / b[1] for n, b in zip(now, before, strict=True)]
    wider = [n[1] / b[1] for n, b in zip(now, before, strict=True)]
    assert moved[0] > 0.05
    assert wider[0] > 1.1
    assert wider[1] == pytest.approx(wider[0], rel=0.02)  # the corner's numbers are rounded
    # A higher level is darker, but of a film whose low values are bright.
    assert moved[1] == pytest.approx(-moved[0] if turned else moved[0], abs=0.02)
    press(empty, one, "i")
    expect(other).to_have_attribute("data-inverted", "true")
    one.get_by_label("Window", exact=True).select_option("Full range")
    expect(other.locator(".words")).to_contain_text("Full range: L")
    press(empty, other, "r")
    for viewer in (one, other):
        expect(viewer.locator(".words")).to_contain_text("As the model sees it")
        expect(viewer).to_have_attribute("data-inverted", "false")


def test_out_of_step_each_film_is_alone(empty: Page) -> None:
    one = open_film(empty, "film", phantom(8), in_step=False)
    other = open_film(empty, "prior", phantom(12), in_step=False)
    press(empty, one, "+", "i", "w", "ArrowDown")
    assert place_of(other) == [1.0, 0.5, 0.5]
    assert other.locator(".words").inner_text().startswith("As the model sees it")
    expect(other).to_have_attribute("data-inverted", "false")


def test_a_key_goes_to_one_viewer_and_a_closed_one_has_none(empty: Page) -> None:
    one = open_film(empty, "film", phantom(8), in_step=False)
    other = open_film(empty, "prior", phantom(8), in_step=False)
    empty.evaluate("document.activeElement.blur()")
    empty.keyboard.press("i")  # nowhere: the first film's
    expect(one).to_have_attribute("data-inverted", "true")
    expect(other).to_have_attribute("data-inverted", "false")
    other.focus()
    empty.evaluate("document.activeElement.blur()")
    empty.keyboard.press("i")  # the one that was used last
    expect(other).to_have_attribute("data-inverted", "true")
    empty.evaluate("() => { ends.prior(); document.getElementById('prior').replaceChildren(); }")
    empty.keyboard.press("i")
    expect(one).to_have_attribute("data-inverted", "false")


def value(viewer: Locator) -> str:
    return viewer.locator(".measured").inner_text()


def spoken(viewer: Locator) -> str:
    return viewer.locator("[role=status]").inner_text()


def test_a_ruler_is_placed_and_moved_by_keys(empty: Page) -> None:
    viewer = open_film(empty, "film", phantom(8), pixel_spacing=MM)
    viewer.focus()
    press(empty, viewer, "l")
    assert "press Enter" in spoken(viewer)
    press(empty, viewer, "Enter")
    # 0.35 to 0.65 of a film of 256 pixels of half a millimetre, all of it seen in a square frame.
    first = float(value(viewer).removeprefix("Ruler: ").removesuffix(" mm."))
    assert spoken(viewer).startswith("First end, 1 of 2. Ruler: ")
    box = viewer.locator(".film").first.bounding_box()
    assert box is not None
    assert first == pytest.approx(0.3 * SIDE * 0.5, abs=0.1)
    mm = SIDE * 0.5 / box["width"]  # a pixel of the page
    press(empty, viewer, "ArrowLeft", "ArrowLeft")
    assert float(value(viewer).split()[1]) == pytest.approx(first + 16 * mm, abs=0.1)
    assert spoken(viewer) == value(viewer)
    press(empty, viewer, "Tab", "Shift+ArrowRight")
    assert float(value(viewer).split()[1]) == pytest.approx(first + 17 * mm, abs=0.1)
    expect(viewer.locator(".measures .held")).to_have_count(1)
    expect(viewer).to_be_focused()  # Tab went to the other end
    press(empty, viewer, "Enter")
    assert spoken(viewer).startswith("Done. Ruler: ")
    expect(viewer.locator(".measures .held")).to_have_count(0)
    done = value(viewer)
    press(empty, viewer, "e", "ArrowDown", "ArrowDown")
    assert value(viewer) != done
    press(empty, viewer, "Escape")
    assert value(viewer) == done
    press(empty, viewer, "e", "Delete")
    assert value(viewer) == ""
    press(empty, viewer, "Enter", "Escape")  # a new one, cancelled
    assert value(viewer) == ""
    viewer.press("Tab")
    expect(viewer).not_to_be_focused()  # nothing is held, so Tab goes on


def test_angle_and_ratio_by_keys(empty: Page) -> None:
    viewer = open_film(empty, "film", phantom(8), pixel_spacing=MM)
    viewer.focus()
    press(empty, viewer, "a", "Enter", "Tab", "Tab")
    assert spoken(viewer).startswith("End of the other side, 3 of 3. Angle: ")
    before = value(viewer)
    press(empty, viewer, "ArrowLeft", "Enter")
    assert value(viewer) != before
    press(empty, viewer, "t", "Enter")
    assert value(viewer).endswith("ratio 0.50.")
    box = viewer.locator(".film").first.bounding_box()
    assert box is not None
    share = 8 / box["width"]
    press(empty, viewer, "ArrowLeft", "ArrowDown", "Tab", "Tab", "Tab", "ArrowRight")
    ratio = (0.3 + share) / (0.6 + share)
    assert value(viewer).endswith(f"ratio {ratio:.2f}.")
    heights = [
        circle.get_attribute("cy") for circle in viewer.locator(".measures circle.end").all()[3:5]
    ]
    assert heights[0] == heights[1]  # the heart's line stays level
    press(empty, viewer, "Tab")
    assert spoken(viewer).startswith("Heart, first end, 1 of 4.")
    press(empty, viewer, "?")
    dialog = empty.get_by_role("dialog", name="Keys of the viewer").first
    expect(dialog.get_by_text("Arrow keys move the end")).to_be_visible()
    assert serious_violations(empty) == []


def test_a_tool_taken_by_keyboard_hands_the_next_key_to_the_film(empty: Page) -> None:
    viewer = open_film(empty, "film", phantom(8))
    viewer.get_by_role("button", name="Cardiothoracic ratio").press("Enter")
    expect(viewer).to_be_focused()
    press(empty, viewer, "Enter")
    assert value(viewer) == "Cardiothoracic ratio: Heart, Chest, ratio 0.50."
