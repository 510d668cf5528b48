"""The viewer's own arithmetic, run in the browser: unpacking and windows, against numpy's."""

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from cxr_core.imaging.radiograph import Radiograph
from cxr_core.imaging.windowing import Window, apply_window
from cxr_core.ui.film_source import pack_film, window_choices
from cxr_core.ui.film_view import viewer_script

ADDRESS = "http://viewer.test/"
TABLE = np.random.default_rng(5).integers(0, 256, 900).astype(np.uint8)
# What the browser makes of a packed film: its codes, and the gray levels of each in every window.
UNPACK = """
async ([packed, inverted]) => {
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const size = new DataView(bytes.buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size)));
  const film = await viewer.unpack(header, bytes.subarray(4 + size));
  const text = (numbers) => {
    const raw = new Uint8Array(numbers.buffer);
    let letters = "";
    for (let at = 0; at < raw.length; at += 8192) {
      letters += String.fromCharCode(...raw.subarray(at, at + 8192));
    }
    return btoa(letters);
  };
  return {
    planes: film.planes.map(([level]) => text(level.values)),
    pictures: film.windows.map((_, preset) => {
      const [plane, table] = viewer.displayOf(film, { preset, inverted, custom: null });
      return [plane, text(table)];
    }),
  };
}
"""


@pytest.fixture(scope="module")
def viewer(browser: Browser) -> Iterator[Page]:
    """An empty page with the viewer's module as ``viewer``."""
    page = browser.new_page()
    page.route(ADDRESS, lambda route: route.fulfill(body="<title>.</title>"))
    page.goto(ADDRESS)
    page.evaluate(
        """async (script) => {
            const file = new Blob([script], { type: "text/javascript" });
            window.viewer = await import(URL.createObjectURL(file));
        }""",
        viewer_script(),
    )
    yield page
    page.close()


def film(stored: np.ndarray, windows: tuple[Window, ...], *, inverted: bool) -> Radiograph:
    return Radiograph(
        stored=stored,
        pixels=apply_window(stored, windows[0], inverted=inverted),
        file_format="DICOM",
        processing_log=(),
        model_window=windows[0],
        windows=windows,
        inverted=inverted,
        sha256="0" * 64,
    )


def in_browser(page: Page, packed: bytes, *, inverted: bool, kind: type) -> list[np.ndarray]:
    """What the browser shows in each window on offer, pixel for pixel."""
    found: Any = page.evaluate(UNPACK, [base64.b64encode(packed).decode(), inverted])

    def numbers(text: str, of: type) -> np.ndarray:
        return np.frombuffer(base64.b64decode(text), of)

    planes = [numbers(found["planes"][0], kind)]
    planes += [numbers(plane, np.uint8) for plane in found["planes"][1:]]
    return [numbers(levels, np.uint8)[planes[plane]] for plane, levels in found["pictures"]]


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize(
    ("stored", "kind"),
    [
        (np.arange(64 * 64, dtype=np.uint16).reshape(64, 64), np.uint16),
        (np.arange(65536, dtype=np.uint16).reshape(256, 256), np.uint16),
        (np.arange(-2048, 2048, dtype=np.int16).reshape(64, 64), np.uint16),
        (np.arange(256, dtype=np.uint8).repeat(64).reshape(64, 256), np.uint8),
    ],
)
def test_every_window_is_that_of_the_reader(
    viewer: Page, stored: np.ndarray, kind: type, inverted: bool
) -> None:
    low, span = float(stored.min()), float(np.ptp(stored))
    middle = low + span / 2
    windows = (
        Window("linear", middle, span / 2),
        Window("odd", middle + 0.37, span / 3.3),
        Window("step", middle, 1),
        Window("narrow", middle, 2),
        Window("exact", middle + 0.5, span / 2.7, "LINEAR_EXACT"),
        Window("very narrow", middle, 0.5, "LINEAR_EXACT"),
        Window("sigmoid", middle, span / 5, "SIGMOID"),
        Window("table", middle, 900, lut=TABLE, lut_start=int(middle) - 100),
    )
    radiograph = film(stored, windows, inverted=inverted)
    shown = in_browser(viewer, pack_film(radiograph, "key"), inverted=False, kind=kind)
    np.testing.assert_array_equal(shown[0], radiograph.pixels.ravel())
    for window, picture in list(zip(window_choices(radiograph), shown, strict=True))[1:]:
        expected = apply_window(stored, window, inverted=inverted).ravel()
        # numpy's exponential and the browser's may differ in their last digit.
        allowed = 1 if window.function == "SIGMOID" else 0
        off = np.abs(picture.astype(int) - expected)
        assert off.max() <= allowed, window.name
        assert (off > 0).mean() <= 0.001, window.name


def test_inverted_by_the_reader_is_the_negative(viewer: Page) -> None:
    stored = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
    packed = pack_film(film(stored, (Window("w", 2000, 3000),), inverted=False), "key")
    plain, negative = (
        in_browser(viewer, packed, inverted=i, kind=np.uint16) for i in (False, True)
    )
    for one, other in zip(plain, negative, strict=True):
        np.testing.assert_array_equal(other, 255 - one)


def test_fractions_are_windowed_to_a_gray_level(viewer: Page) -> None:
    stored = np.random.default_rng(1).normal(0.3, 2, (80, 90)).astype(np.float32)
    radiograph = film(stored, (Window("w", 0.25, 3.5, "LINEAR_EXACT"),), inverted=False)
    shown = in_browser(viewer, pack_film(radiograph, "key"), inverted=False, kind=np.uint16)
    np.testing.assert_array_equal(shown[0], radiograph.pixels.ravel())
    for window, picture in list(zip(window_choices(radiograph), shown, strict=True))[1:]:
        expected = apply_window(stored, window).ravel()
        assert np.abs(picture.astype(int) - expected).max() <= 1


def test_half_size_is_the_mean_of_four_and_between_pixels_it_is_linear(viewer: Page) -> None:
    found = viewer.evaluate(
        """() => {
            const values = Uint16Array.from([10, 30, 50, 20, 40, 60, 100, 100, 100]);
            const plane = [{ width: 3, height: 3, values }];
            const part = { left: 0, top: 0, step: 2, width: 2, height: 2 };
            const between = { left: 0.5, top: 0, step: 1, width: 2, height: 1 };
            return [part, between].map((of) => [...viewer.resample(plane, of)]);
        }"""
    )
    assert found == [[25, 55, 100, 100], [20, 40]]
