"""The tools of the viewer on the Read page: what they draw, and that nothing is sent."""

import base64
import re

import numpy as np
import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from cxr_core.imaging.windowing import Window, apply_window
from cxr_core.phantom.draw import draw_phantom, phantom_png
from tests.helpers.browser import at_rest, press, serious_violations, upload
from tests.helpers.dicom_files import film_dataset, to_bytes

SIDE = 256
FILM = ".viewer .film[data-film]"
SPACING = 0.5  # mm
CANVAS = """
(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let letters = "";
  for (let at = 0; at < data.length; at += 4) letters += String.fromCharCode(data[at]);
  return [canvas.height, canvas.width, btoa(letters)];
}
"""


@pytest.fixture(scope="module")
def stored() -> np.ndarray:
    """A film of 12 bit, (256, 256)."""
    picture = draw_phantom(8, size=SIDE).pixels.astype(np.uint16)
    return picture * 16 + np.arange(SIDE, dtype=np.uint16) % 16


@pytest.fixture(scope="module")
def with_film(shared_page: Page, app_url: str, stored: np.ndarray) -> Page:
    """The Read page with that film, which gives a window and its pixel spacing."""
    ds = film_dataset(
        stored, BitsStored=12, HighBit=11, WindowCenter=1800, WindowWidth=3000,
        ImagerPixelSpacing=[SPACING, SPACING],
    )  # fmt: skip
    shared_page.goto(f"{app_url}/Read")
    shared_page.get_by_role("button", name="Try the phantom").wait_for()
    return open_file(shared_page, to_bytes(ds))


@pytest.fixture
def opened(with_film: Page) -> Page:
    """That page with the film as it opens: whole, in its first window, and no tool in hand."""
    page = with_film
    page.set_viewport_size({"width": 1280, "height": 800})
    page.mouse.move(5, 5)
    for name in ("Escape", "r"):
        key(page, name)
    expect(page.locator(".viewer")).to_have_attribute("data-zoom", "1.000")
    return page


def open_file(page: Page, data: bytes) -> Page:
    payload: FilePayload = {"name": "film", "mimeType": "", "buffer": data}
    upload(page, payload)
    page.locator(FILM).first.wait_for()
    page.get_by_role("button", name="Show the map of Effusion").wait_for()
    return at_rest(page)


def open_another(page: Page, seed: int) -> None:
    """A phantom as PNG, in place of the film on the page."""
    before = page.locator(FILM).first.get_attribute("data-film") or ""
    press(page, page.get_by_role("button", name="Open film"))
    open_file(page, phantom_png(seed, size=SIDE))
    expect(page.locator(FILM).first).not_to_have_attribute("data-film", before)
    page.keyboard.press("Escape")


def drawn(page: Page) -> np.ndarray:
    """What the canvas holds: the visible part of the film, (H, W)."""
    height, width, letters = page.locator(FILM).first.evaluate(CANVAS)
    return np.frombuffer(base64.b64decode(letters), np.uint8).reshape(height, width)


def key(page: Page, name: str) -> None:
    """A key, with the viewer in the focus; then a frame for it to be drawn."""
    page.locator(".viewer").press(name)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")


def words(page: Page) -> str:
    return page.locator(".viewer .words").inner_text()


def numbers(page: Page) -> tuple[int, int]:
    """Level and width, as they stand in the corner."""
    found = re.search(r"L (-?[\d,]+) W ([\d,]+)", words(page))
    assert found is not None, words(page)
    level, width = (int(text.replace(",", "")) for text in found.groups())
    return level, width


def drag(page: Page, *points: tuple[float, float], button: str = "left") -> None:
    """Through points of the film, given as shares of its picture on the screen."""
    box = page.locator(FILM).first.bounding_box()
    assert box is not None
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down(button=button)  # type: ignore[arg-type]
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up(button=button)  # type: ignore[arg-type]
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")


def tool(page: Page, name: str) -> Locator:
    return page.locator(".viewer .tools").get_by_role("button", name=name)


def test_one_to_one_shows_the_films_own_pixels_in_every_window(
    opened: Page, stored: np.ndarray
) -> None:
    page = opened
    assert words(page).startswith("As the model sees it")
    key(page, "o")
    expect(page.locator(".viewer .words")).to_contain_text("Zoom 100 %")
    file_window = Window("", 1800, 3000)
    model = apply_window(stored, file_window)
    np.testing.assert_array_equal(drawn(page), model)
    key(page, "i")
    assert "INVERTED" in words(page)
    assert "Display only: the model reads its own picture." in words(page)
    np.testing.assert_array_equal(drawn(page), 255 - model)
    key(page, "i")
    assert "INVERTED" not in words(page)
    assert "Display only" not in words(page)
    select = page.get_by_label("Window", exact=True)
    select.select_option("Full range")
    low, high = int(stored.min()), int(stored.max())
    whole = Window("", (low + high + 1) / 2, high - low + 1)
    expect(page.locator(".viewer .words")).to_contain_text("Full range: L")
    np.testing.assert_array_equal(drawn(page), apply_window(stored, whole))


def test_a_drag_windows_at_once_and_sends_nothing(opened: Page, stored: np.ndarray) -> None:
    page = opened
    sent: list[object] = []
    page.on("request", lambda request: sent.append(request.url))
    page.evaluate(
        """() => {
            window.sent = 0;
            const send = WebSocket.prototype.send;
            WebSocket.prototype.send = function (data) { window.sent += 1; send.call(this, data); };
        }"""
    )
    key(page, "o")
    drag(page, (0.4, 0.4), (0.5, 0.7), button="right")
    level, width = numbers(page)
    assert level > 1800  # down: darker
    assert width > 3000  # to the right: flatter
    assert page.get_by_label("Window", exact=True).input_value() == "-1"
    off = np.abs(drawn(page).astype(int) - apply_window(stored, Window("", level, width)))
    assert off.max() <= 1  # the corner's numbers are rounded
    tool(page, "Window and level").click()
    drag(page, (0.6, 0.6), (0.5, 0.3))
    back = numbers(page)
    assert back[0] < level
    assert back[1] < width
    key(page, "ArrowUp")
    assert numbers(page)[0] < back[0]
    key(page, "ArrowRight")
    assert numbers(page)[1] > back[1]
    key(page, "r")
    assert words(page).startswith("As the model sees it")
    assert page.locator(".viewer").get_attribute("data-zoom") == "1.000"
    tool(page, "Move the film").click()
    assert not sent
    assert page.evaluate("window.sent") == 0


def test_the_wheel_zooms_at_the_pointer_and_the_page_scrolls_beside_it(opened: Page) -> None:
    page = opened
    box = page.locator(FILM).first.bounding_box()
    assert box is not None
    x, y = box["x"] + 0.2 * box["width"], box["y"] + 0.7 * box["height"]
    share = """
    ([x, y]) => {
      const box = document.querySelector(".viewer .sheet").getBoundingClientRect();
      return [(x - box.left) / box.width, (y - box.top) / box.height, box.width];
    }
    """
    before = page.evaluate(share, [x, y])
    page.mouse.move(x, y)
    page.mouse.wheel(0, -300)
    expect(page.locator(".viewer")).not_to_have_attribute("data-zoom", "1.000")
    after = page.evaluate(share, [x, y])
    assert after[2] > 1.5 * before[2]
    assert after[:2] == pytest.approx(before[:2], abs=0.005)
    page.mouse.dblclick(x, y)
    expect(page.locator(".viewer")).to_have_attribute("data-zoom", "1.000")
    frame = page.locator(".viewer .frame").first.bounding_box()
    assert frame is not None
    page.set_viewport_size({"width": 1280, "height": 500})
    page.mouse.move(frame["x"] + 3, 300)  # beside a square film in a wide frame
    page.mouse.wheel(0, 200)
    page.wait_for_function("document.querySelector('[data-testid=stMain]').scrollTop > 0")
    assert page.locator(".viewer").get_attribute("data-zoom") == "1.000"


def test_two_fingers_zoom_between_them_and_carry_the_film_along(opened: Page) -> None:
    page = opened
    frame = page.locator(".viewer .frame").first.bounding_box()
    assert frame is not None
    x, y = frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2
    touch = page.context.new_cdp_session(page)
    place = "document.querySelector('[data-testid=stMain]').scrollTop"
    before = page.evaluate(place)

    def fingers(kind: str, *ys: float) -> None:
        points = [{"x": x, "y": at, "id": finger} for finger, at in enumerate(ys)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", y - 20)
    fingers("touchStart", y - 20, y + 20)
    for step in range(1, 6):  # up and down, the way in which one finger scrolls the page
        fingers("touchMove", y - 20 - 4 * step, y + 20 + 4 * step)
    expect(page.locator(".viewer")).to_have_attribute("data-zoom", "2.000")
    expect(page.locator(".viewer")).to_have_attribute("data-centre", "0.5000 0.5000")
    fingers("touchMove", y - 20, y + 60)  # both down: no zoom
    expect(page.locator(".viewer")).to_have_attribute("data-zoom", "2.000")
    _, down = (page.locator(".viewer").get_attribute("data-centre") or "").split()
    assert 0.5 - float(down) == pytest.approx(20 / frame["height"] / 2, rel=0.05)
    fingers("touchEnd")
    touch.detach()
    assert page.evaluate(place) == before


def test_keys_move_the_map_and_list_themselves(opened: Page) -> None:
    page = opened
    film_map = page.locator(".viewer .map:not([hidden])")
    expect(film_map).to_have_count(1)
    key(page, "Space")
    expect(film_map).to_have_count(0)
    assert "MAP HIDDEN" in words(page)
    key(page, "Space")
    expect(film_map).to_have_count(1)
    page.mouse.click(5, 5)  # the focus is nowhere
    page.keyboard.press("3")
    expect(page.locator(".st-key-row_infiltration .shown")).to_be_visible()
    page.locator(".viewer").focus()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys of the viewer")
    expect(dialog.get_by_text("Map of Infiltration")).to_be_visible()
    assert serious_violations(page) == []
    dialog.get_by_role("checkbox").uncheck()
    dialog.get_by_role("button", name="Close").click()
    page.mouse.click(5, 5)
    page.keyboard.press("i")
    expect(page.locator(".viewer")).to_have_attribute("data-inverted", "false")
    key(page, "i")
    expect(page.locator(".viewer")).to_have_attribute("data-inverted", "true")
    key(page, "?")
    dialog.get_by_role("checkbox").check()
    dialog.get_by_role("button", name="Close").click()


def test_measures_are_in_the_files_millimetres(opened: Page) -> None:
    page = opened
    labels = page.locator(".viewer .frame >> nth=0").locator(".measures text")
    key(page, "l")
    drag(page, (0.25, 0.5), (0.75, 0.5))
    (length,) = labels.all_text_contents()
    assert float(length.removesuffix(" mm")) == pytest.approx(0.5 * SIDE * SPACING, abs=0.6)
    assert "at the detector, not corrected for magnification" in words(page)
    key(page, "Delete")
    expect(labels).to_have_count(0)
    key(page, "a")
    drag(page, (0.2, 0.5), (0.5, 0.5))
    drag(page, (0.5, 0.2), (0.5, 0.2))  # a press at the other end
    assert float(labels.all_text_contents()[-1].removesuffix("°")) == pytest.approx(90, abs=1)
    key(page, "Delete")
    key(page, "t")
    drag(page, (0.35, 0.6), (0.65, 0.7))
    assert "Now drag across the inside of the chest" in words(page)
    drag(page, (0.2, 0.8), (0.8, 0.8))
    heart, chest = labels.all_text_contents()
    assert heart in ("Heart 38 mm", "Heart 39 mm")
    assert chest.endswith("ratio 0.50")
    heights = page.locator(".viewer .measures .line").first.get_attribute("points")
    assert heights is not None
    (_, y0), (_, y1) = (point.split(",") for point in heights.split())
    assert y0 == y1  # widths are taken level
    key(page, "+")  # a measure belongs to the film, not to the screen
    assert labels.all_text_contents() == [heart, chest]
    key(page, "Delete")


def test_the_magnifier_shows_what_is_under_the_pointer(opened: Page) -> None:
    page = opened
    key(page, "m")
    box = page.locator(FILM).first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    lens = page.locator(".viewer .lens:not([hidden])")
    expect(lens).to_have_count(1)
    middle = lens.evaluate(
        """(lens) => lens.getContext("2d")
            .getImageData(lens.width / 2, lens.height / 2, 1, 1).data[0]"""
    )
    shown = drawn(page)
    around = shown[shown.shape[0] // 2 - 6 :, shown.shape[1] // 2 - 6 :][:12, :12]
    assert int(around.min()) - 2 <= middle <= int(around.max()) + 2
    page.mouse.move(5, 5)
    expect(lens).to_have_count(0)


def test_what_was_chosen_outlasts_a_page_switch_and_ends_with_the_film(opened: Page) -> None:
    page = opened
    drag(page, (0.4, 0.4), (0.5, 0.6), button="right")
    key(page, "i")
    key(page, "+")
    before = words(page)
    press(page, page.get_by_role("button", name="Show the map of Infiltration"))
    expect(page.locator(".st-key-row_infiltration .shown")).to_be_visible()
    assert words(page) == before
    press(page, page.get_by_role("link", name="Model card"))
    expect(page.get_by_role("heading", level=1, name="Model card")).to_be_visible()
    press(page, page.get_by_role("link", name="Read"))
    page.locator(FILM).first.wait_for()
    assert words(page) == before
    open_another(page, 9)
    expect(page.locator(".viewer .words")).to_contain_text(
        re.compile(r"As the model sees it: L \d+ W \d+\nZoom")
    )
    assert "INVERTED" not in words(page)


def test_without_a_pixel_spacing_there_is_no_ruler(opened: Page) -> None:
    page = opened
    open_another(page, 10)
    expect(tool(page, "Ruler")).to_be_disabled()
    expect(tool(page, "Angle")).to_be_disabled()
    expect(tool(page, "Ruler")).to_have_attribute("title", re.compile("states no pixel spacing"))
    tool(page, "Cardiothoracic ratio").click()
    drag(page, (0.35, 0.6), (0.65, 0.6))
    drag(page, (0.2, 0.8), (0.8, 0.8))
    labels = page.locator(".viewer .measures text").all_text_contents()
    assert labels == ["Heart", "Chest, ratio 0.50"]
