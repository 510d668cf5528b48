"""What a reader's screen really shows, read back as pixels."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from cxr_core.export.overlay import PALE
from cxr_core.findings import LABELS
from cxr_core.phantom.draw import phantom_png
from tests.helpers.browser import at_rest, download, press, upload

FILM = ".viewer .film:not([hidden])"
MAP = ".viewer .map:not([hidden])"


def film(seed: int) -> bytes:
    return phantom_png(seed, findings=("effusion",), size=512)


def open_film(page: Page, data: bytes, name: str = "film.png") -> None:
    if page.get_by_role("button", name="Open film").count():
        press(page, page.get_by_role("button", name="Open film"))
    before = source(page)
    payload: FilePayload = {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    upload(page, payload)
    wait_for_another(page, before)
    at_rest(page)  # until then the page is hidden
    page.keyboard.press("Escape")


def source(page: Page) -> str:
    """Which film is drawn on the page; empty without one."""
    films = page.locator(FILM)
    return (films.first.get_attribute("data-film") or "") if films.count() else ""


def wait_for_another(page: Page, before: str) -> None:
    page.wait_for_function(
        "([selector, before]) => { const film = document.querySelector(selector);"
        " return film && film.dataset.film !== before; }",
        arg=[FILM, before],
    )


def on_screen(page: Page) -> np.ndarray:
    """The film's place on the screen, (H, W, 3)."""
    page.mouse.move(2, 2)
    box = page.locator(FILM).first.bounding_box()
    assert box is not None
    picture = page.screenshot(clip=box)
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)


def fade(page: Page, opacity: int) -> None:
    """Move the opacity by keyboard alone, as a reader may."""
    slider = page.get_by_role("slider", name="Map opacity")
    slider.focus()
    slider.press("Home" if opacity == 0 else "End")
    expect(slider).to_have_value(str(opacity))
    # The map of a finding that is not flagged is drawn pale.
    share = 1 if page.locator(".finding.shown.above").count() else PALE
    expect(page.locator(MAP)).to_have_css("opacity", f"{share * opacity / 100:g}")


def ask_for_a_map(page: Page) -> None:
    """Choose the row of the first finding that anything on the film pushed up: its map is drawn,
    flagged or not."""
    for label in LABELS.values():
        press(page, page.get_by_role("button", name=f"Show the map of {label}"))
        page.locator(".finding.shown", has_text=label).wait_for()
        page.locator(MAP).first.wait_for()
        if colour(on_screen(page)) > 0.01:
            return
    raise AssertionError("No finding has a map with any colour")


def colour(picture: np.ndarray) -> float:
    """The share of (H, W, 3) that is plainly not gray."""
    return float((np.ptp(picture, axis=2) > 12).mean())


def place_of(page: Page) -> tuple[str | None, str | None]:
    """How far the film is zoomed in, and what of it is in the middle."""
    viewer = page.locator(".viewer")
    return viewer.get_attribute("data-zoom"), viewer.get_attribute("data-centre")


@pytest.fixture(scope="module")
def opened(shared_page: Page, app_url: str) -> Page:
    """The Read page, with the film of the test before, if any."""
    shared_page.goto(f"{app_url}/Read")
    return shared_page


@pytest.fixture
def with_film(opened: Page) -> Page:
    """The Read page with a film, whichever it is, at its top."""
    if not opened.locator(FILM).count():
        open_film(opened, film(4))
    opened.evaluate("document.querySelector('[data-testid=stMain]').scrollTo(0, 0)")
    return opened


def test_pixels_on_the_screen_belong_to_the_film_and_its_map(opened: Page) -> None:
    page = opened
    open_film(page, film(1))
    ask_for_a_map(page)
    without_words = page.add_style_tag(content=".viewer .words { visibility: hidden; }")

    fade(page, 0)
    plain = on_screen(page)
    assert np.ptp(plain, axis=2).max() == 0  # not a trace of colour is left
    # The screen's own scaling stands between the pixels, so compare means of 16 x 16 blocks.
    height, width = plain.shape[:2]
    exact = Image.open(io.BytesIO(film(1))).convert("L").resize((width, height))
    blocks = [
        np.asarray(Image.fromarray(grey.astype(np.uint8)).resize((16, 16), Image.Resampling.BOX))
        for grey in (plain[..., 0], np.asarray(exact))
    ]
    assert np.abs(blocks[0].astype(int) - blocks[1]).max() <= 3

    fade(page, 100)
    first = on_screen(page)
    open_film(page, film(2))
    ask_for_a_map(page)
    second = on_screen(page)
    assert second.shape == first.shape
    overlay_changed = np.abs(np.ptp(first, axis=2) - np.ptp(second, axis=2)) > 8
    assert overlay_changed.mean() > 0.01
    without_words.evaluate("style => style.remove()")


def test_a_film_survives_a_page_switch_and_has_no_address(
    opened: Page, server_log: Path, tmp_path: Path
) -> None:
    page = opened
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    open_film(page, film(3), "DOE_JANE_1960.dcm")
    before = source(page)
    press(page, page.get_by_role("link", name="Model card"))
    expect(page.get_by_role("heading", level=1, name="Model card")).to_be_visible()
    press(page, page.get_by_role("link", name="Read"))
    page.locator(FILM).first.wait_for()
    assert source(page) == before
    assert not [url for url in addresses if "/media/" in url and "/static/" not in url]
    # The file's name stands over the film until it is hidden, and never in an address or a log.
    expect(page.locator(".viewer .stated")).to_contain_text("DOE_JANE")
    press(page, page.get_by_role("button", name="Open film"))
    press(page, page.get_by_text("Show what the file says of itself"))
    expect(page.locator(".viewer .stated")).to_be_hidden()
    page.keyboard.press("Escape")
    assert "DOE_JANE" not in page.content() + page.url
    assert "DOE_JANE" not in server_log.read_text(errors="replace")

    press(page, page.get_by_text("Export", exact=True))
    result = download(page, "Result (CSV)", tmp_path)
    assert result.name == "cxr_result.csv"
    header, row = result.read_text().splitlines()
    assert header.startswith('"row","file","image_sha256","status"')
    assert row.startswith("1,,")


def test_every_map_is_reached_by_keyboard(with_film: Page) -> None:
    page = with_film
    for key, name in LABELS.items():
        row = page.get_by_role("button", name=f"Show the map of {name}")
        row.focus()
        row.press("Enter")
        expect(page.locator(f".st-key-row_{key} .shown")).to_be_visible()
        expect(page.locator(".shown")).to_have_count(1)
        expect(row).to_be_focused()  # a reader goes on from where she is


def test_zoom_survives_the_display_and_goes_with_the_film(with_film: Page) -> None:
    page = with_film
    whole = place_of(page)
    assert whole == ("1.000", "0.5000 0.5000")
    viewer = page.locator(".viewer")
    viewer.focus()
    for key in ("+", "+", "ArrowLeft", "ArrowUp"):  # by keyboard alone
        viewer.press(key)
    by_key = place_of(page)
    assert by_key[0] == "1.563"
    assert all(float(at) < 0.5 for at in (by_key[1] or "").split())
    frame = page.locator(".viewer .frame").first.bounding_box()
    assert frame is not None
    x, y = frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2
    page.mouse.move(x, y)
    page.mouse.wheel(0, -200)
    expect(viewer).not_to_have_attribute("data-zoom", "1.563")
    page.mouse.down()
    page.mouse.move(x - 50, y - 30)
    page.mouse.up()
    zoomed = place_of(page)
    assert zoomed[1] != by_key[1]

    viewer.press("i")
    expect(viewer).to_have_attribute("data-inverted", "true")
    assert place_of(page) == zoomed
    press(page, page.get_by_text("Side by side"))
    expect(page.locator(FILM)).to_have_count(2)
    assert place_of(page) == zoomed
    left, right = (page.locator(".viewer .sheet").nth(panel).bounding_box() for panel in (0, 1))
    assert left is not None
    assert right is not None
    assert (left["width"], left["y"]) == pytest.approx((right["width"], right["y"]), abs=0.1)
    press(page, page.get_by_role("button", name="Map", exact=True))
    press(page, page.get_by_text("Blink the map"))
    expect(page.locator(MAP)).to_have_css("animation-name", "blink")
    expect(page.locator(FILM).first).to_have_css("animation-name", "none")  # the map alone
    page.emulate_media(reduced_motion="reduce")
    expect(page.locator(MAP)).to_have_css("animation-name", "none")
    page.emulate_media(reduced_motion="null")
    page.keyboard.press("Escape")
    assert place_of(page) == zoomed
    open_film(page, film(5))
    assert place_of(page) == whole


def test_a_stopped_film_is_corrected_on_request(opened: Page) -> None:
    page = opened
    stream = io.BytesIO()
    Image.new("L", (300, 300), 70).save(stream, "PNG")
    open_film(page, stream.getvalue())
    expect(page.get_by_role("heading", name="Not read")).to_be_visible()
    expect(page.locator(".finding")).to_have_count(0)
    press(page, page.get_by_role("button", name="Read it anyway"))
    expect(page.locator(".finding")).to_have_count(4)
    expect(page.get_by_text("almost uniformly gray")).to_be_visible()
    press(page, page.get_by_role("link", name="Model card"))
    expect(page.get_by_role("heading", level=1, name="Model card")).to_be_visible()
    press(page, page.get_by_role("link", name="Read"))
    expect(page.locator(".finding")).to_have_count(4)
    press(page, page.get_by_role("button", name="Open film"))
    press(page, page.get_by_text("Fix orientation, inversion or gray levels"))
    press(page, page.get_by_role("button", name="Invert and read"))
    expect(page.get_by_text("Inverted at your request")).to_be_visible()
    expect(page.get_by_role("heading", name="Not read")).to_be_visible()  # still even gray
    press(page, page.get_by_role("button", name="Undo"))
    expect(page.get_by_text("Corrected film")).to_have_count(0)
