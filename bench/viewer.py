"""The viewer in a headless Chromium: a film from upload to numbers, and pictures a second.

    python -m bench.viewer [--side 2048] [--model models/default] [--checkout DIR]

Serves the app of a checkout (this one, or an older one to compare with), uploads a drawn DICOM film
of 12 bit, and times how long numbers and film take to appear; the second upload counts, the first
warms up. Then the window is dragged for a few seconds, with the mouse that a reader would use: with
the right button over the film, or, in checkouts up to 0.9, at the slider named Level. Counted are
the pictures that appeared. Then the same for moving and zooming the film.
"""

import argparse
import io
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from playwright.sync_api import FilePayload, Page, sync_playwright
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

from bench.served import wait_for
from cxr_core.phantom.draw import draw_phantom

PATIENCE = 300_000  # ms
# Pictures that appear: what is put on the film's canvas, or a new source of the film's image.
COUNT = """
() => {
  window.pictures = 0;
  const put = CanvasRenderingContext2D.prototype.putImageData;
  CanvasRenderingContext2D.prototype.putImageData = function (...given) {
    if (this.canvas.className === "film") window.pictures += 1;
    return put.apply(this, given);
  };
  new MutationObserver(() => (window.pictures += 1)).observe(document.body, {
    subtree: true, attributeFilter: ["src"],
  });
}
"""


def film(seed: int, side: int) -> bytes:
    """A drawn film of 12 bit as DICOM, ``side`` pixels square."""
    drawn = draw_phantom(seed, findings=("effusion",), size=min(side, 2048)).pixels
    repeat = -(-side // drawn.shape[0])
    values = drawn.repeat(repeat, 0).repeat(repeat, 1)[:side, :side].astype(np.uint16) * 16
    values += np.random.default_rng(seed).integers(0, 16, values.shape, dtype=np.uint16)
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = DigitalXRayImageStorageForPresentation
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.Modality, ds.BodyPartExamined, ds.ViewPosition = "DX", "CHEST", "PA"
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, "MONOCHROME2", 0
    ds.Rows, ds.Columns = values.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 12, 11
    ds.WindowCenter, ds.WindowWidth = 2048, 4096
    ds.PixelData = values.tobytes()
    ds["PixelData"].VR = "OW"
    stream = io.BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def upload(page: Page, data: bytes) -> tuple[float, float]:
    """Seconds until the numbers and until the film of an upload are on the page."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    payload: FilePayload = {"name": "film.dcm", "mimeType": "", "buffer": data}
    started = time.perf_counter()
    page.set_input_files("input[type=file]", payload)
    page.wait_for_function(
        """() => [...document.querySelectorAll(".finding")].filter(
            (row) => row.checkVisibility({ visibilityProperty: true })).length === 4"""
    )
    numbers = time.perf_counter() - started
    page.wait_for_function(
        """() => [...document.querySelectorAll(".viewer .film:not([hidden])")].some(
            (film) => film.dataset.film || film.complete)"""
    )
    return numbers, time.perf_counter() - started


def rate(page: Page, move: Callable[[int], None], seconds: float) -> float:
    """Pictures a second while ``move`` is called again and again."""
    page.evaluate("window.pictures = 0")
    started = time.perf_counter()
    step = 0
    while time.perf_counter() - started < seconds:
        move(step)
        step += 1
    shown = float(page.evaluate("window.pictures"))
    return shown / (time.perf_counter() - started)


def drag(page: Page, button: str, x: float, y: float, seconds: float) -> float:
    """Pictures a second while the mouse goes to and fro with a button held down."""
    page.mouse.move(x, y)
    page.mouse.down(button=button)  # type: ignore[arg-type]
    found = rate(page, lambda step: page.mouse.move(x + 60 * np.sin(step / 9), y), seconds)
    page.mouse.up(button=button)  # type: ignore[arg-type]
    return found


def measure(page: Page, address: str, side: int, seconds: float) -> None:
    """Measure one served app and print."""
    page.goto(f"{address}/Read")
    page.get_by_role("button", name="Try the phantom").wait_for()
    upload(page, film(1, side))
    page.reload()
    page.get_by_role("button", name="Try the phantom").wait_for()
    numbers, picture = upload(page, film(2, side))
    print(f"upload to numbers {numbers:5.2f} s, to the film {picture:5.2f} s ({side} px, 12 bit)")
    page.wait_for_timeout(1000)
    page.evaluate(COUNT)
    old = page.locator(".viewer canvas").count() == 0
    frame = page.locator(".viewer .frame").first.bounding_box()
    assert frame is not None
    middle = frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2
    if old:
        page.get_by_text("Window", exact=True).click()
        thumb = page.get_by_role("slider", name="Level")
        thumb.wait_for()
        page.wait_for_timeout(1000)
        box = thumb.bounding_box()
        assert box is not None
        at = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        print(f"window drag {drag(page, 'left', *at, seconds):6.1f} pictures a second")
        return
    print(f"window drag {drag(page, 'right', *middle, seconds):6.1f} pictures a second")
    page.mouse.move(*middle)
    zooms = rate(page, lambda step: page.mouse.wheel(0, 40 * (-1) ** (step // 20 + 1)), seconds)
    print(f"zoom        {zooms:6.1f} pictures a second")
    page.mouse.wheel(0, -400)
    print(f"move        {drag(page, 'left', *middle, seconds):6.1f} pictures a second")


def main() -> int:
    """Serve, measure and print; returns 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=2048, help="of the film, pixels")
    parser.add_argument("--model", type=Path, default=Path("models/default"))
    parser.add_argument("--checkout", type=Path, default=Path(), help="whose app is served")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each drag")
    arguments = parser.parse_args()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "serve.py", "--server.headless", "true"]
    served = subprocess.Popen(
        [*command, "--server.port", str(port)],
        cwd=arguments.checkout,
        env={**os.environ, "CXR_MODEL": str(arguments.model.resolve())},
        stdout=subprocess.DEVNULL,
    )
    try:
        address = f"http://localhost:{port}"
        wait_for(f"{address}/_stcore/health")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.set_default_timeout(PATIENCE)
            measure(page, address, arguments.side, arguments.seconds)
            browser.close()
    finally:
        served.terminate()
        served.wait(timeout=30)
    return 0


if __name__ == "__main__":
    sys.exit(main())
