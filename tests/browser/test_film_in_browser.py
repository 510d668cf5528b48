"""What a reader's screen really shows, read back as pixels."""

import io
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from cxr_core.findings import LABELS
from cxr_core.imaging.phantom import phantom_png

FIGURE = ".st-key-film .js-plotly-plot"


def film(seed: int) -> bytes:
    return phantom_png(seed, findings=("effusion",), size=512)


def open_film(page: Page, data: bytes, name: str = "film.png") -> None:
    if page.get_by_role("button", name="Open film").count():
        page.get_by_role("button", name="Open film").click()
    before = source(page)
    payload: FilePayload = {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    page.set_input_files("input[type=file]", payload)
    wait_for_another(page, before)
    page.keyboard.press("Escape")


def source(page: Page) -> str:
    """The picture inside the figure, as its data URI; empty without one."""
    images = page.locator(f"{FIGURE} image")
    return (images.first.get_attribute("href") or "") if images.count() else ""


def wait_for_another(page: Page, before: str) -> None:
    page.wait_for_function(
        "([selector, before]) => { const image = document.querySelector(selector);"
        " return image && image.getAttribute('href') !== before; }",
        arg=[f"{FIGURE} image", before],
    )


def on_screen(page: Page) -> np.ndarray:
    """The film's place on the screen, (H, W, 3)."""
    page.mouse.move(2, 2)
    box = page.locator(f"{FIGURE} image").first.bounding_box()
    assert box is not None
    picture = page.screenshot(clip=box)
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)


def fade(page: Page, opacity: int) -> None:
    """Move the opacity by keyboard alone, as a reader may."""
    slider = page.get_by_role("slider", name="Map opacity")
    slider.focus()
    before = source(page)
    slider.press("Home" if opacity == 0 else "End")
    wait_for_another(page, before)
    expect(slider).to_have_value(str(opacity))


def test_pixels_on_the_screen_belong_to_the_film_and_its_map(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/Read")
    open_film(page, film(1))
    with_map = on_screen(page)
    assert (np.ptp(with_map, axis=2) > 12).mean() > 0.01  # there is colour

    fade(page, 0)
    plain = on_screen(page)
    below_toolbar = plain[48:]
    assert np.ptp(below_toolbar, axis=2).max() == 0  # not a trace of colour is left
    # The screen's own scaling stands between the pixels, so compare means of 16 x 16 blocks.
    height, width = plain.shape[:2]
    exact = Image.open(io.BytesIO(film(1))).convert("L").resize((width, height))
    blocks = [
        np.asarray(Image.fromarray(grey.astype(np.uint8)).resize((16, 16), Image.Resampling.BOX))
        for grey in (plain[..., 0], np.asarray(exact))
    ]
    inner = (slice(2, 14), slice(0, 14))  # the toolbar lies over the upper edge
    assert np.abs(blocks[0][inner].astype(int) - blocks[1][inner]).max() <= 3

    fade(page, 100)
    first = on_screen(page)
    open_film(page, film(2))
    second = on_screen(page)
    assert second.shape == first.shape
    overlay_changed = np.abs(np.ptp(first, axis=2) - np.ptp(second, axis=2)) > 8
    assert overlay_changed.mean() > 0.01


def test_a_film_survives_a_page_switch_and_has_no_address(
    page: Page, app_url: str, served_log: Path, tmp_path: Path
) -> None:
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    page.goto(f"{app_url}/Read")
    open_film(page, film(3), "DOE_JANE_1960.dcm")
    before = source(page)
    page.get_by_role("link", name="Model card").click()
    expect(page.get_by_role("heading", level=1, name="Model card")).to_be_visible()
    page.get_by_role("link", name="Read").click()
    page.locator(f"{FIGURE} image").first.wait_for()
    assert source(page) == before
    assert not [url for url in addresses if "/media/" in url and "/static/" not in url]
    assert "DOE_JANE" not in page.content() + page.url
    assert "DOE_JANE" not in served_log.read_text(errors="replace")

    with page.expect_download() as download:
        page.get_by_role("button", name="Download result").click()
    assert download.value.suggested_filename == "cxr_result.csv"
    download.value.save_as(tmp_path / "result.csv")
    header, row = (tmp_path / "result.csv").read_text().splitlines()
    assert header.startswith("file,image_sha256,model_sha256")
    assert row.startswith(",")


def test_every_map_is_reached_by_keyboard(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/Read")
    page.get_by_role("button", name="Try the phantom").click()
    page.locator(f"{FIGURE} image").first.wait_for()
    for key, name in LABELS.items():
        row = page.get_by_role("button", name=f"Show the map of {name}")
        row.focus()
        row.press("Enter")
        expect(page.locator(f".st-key-row_{key} .shown")).to_be_visible()
        expect(page.locator(".shown")).to_have_count(1)
        expect(row).to_be_focused()  # a reader goes on from where she is


def test_nothing_is_cut_off_at_either_size(page: Page, app_url: str) -> None:
    for width, height in ((1280, 800), (820, 1180)):
        page.set_viewport_size({"width": width, "height": height})
        for path in ("", "Read", "Worklist", "Performance", "Model_card"):
            page.goto(f"{app_url}/{path}")
            page.get_by_role("heading", level=1).wait_for()
            page.wait_for_load_state("networkidle")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page.goto(f"{app_url}/Read")
    page.get_by_role("button", name="Try the phantom").click()
    box = page.locator(f"{FIGURE} image").first.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) > 0.7 * 820  # the film is what the page is about
