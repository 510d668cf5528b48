"""A table from elsewhere as a reviewer meets it: opened, kept on a page switch, and taken along."""

import hashlib
import json
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
from PIL import Image
from playwright.sync_api import Page, expect

from tests.helpers.browser import download, press, serious_violations, settled, upload
from tests.helpers.predictions import make_predictions

OPENED = "Your table: 120 films"


def _image(page: Page, folder: Path, button: str) -> Path:
    """The image that the camera over a chart's preview on white gives."""
    preview = settled(page, page.locator('[class*="st-key-save_roc_preview"]'))
    ground = preview.locator(".main-svg").first
    expect(ground).to_have_css("background-color", "rgb(255, 255, 255)")
    with page.expect_download() as taken:
        preview.locator(f'[data-title="{button}"]').click()
    path = folder / taken.value.suggested_filename
    taken.value.save_as(path)
    return path


def test_a_table_is_opened_kept_and_taken_along(page: Page, app_url: str, tmp_path: Path) -> None:
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    films = make_predictions(120)
    table = films.to_csv(index=False).encode()
    page.goto(f"{app_url}/Performance")
    press(page, page.get_by_role("button", name="Open a run or table"))
    upload(
        page,
        {"name": "DOE_JANE.csv", "mimeType": "text/csv", "buffer": table},
    )
    page.get_by_text(OPENED).wait_for()
    page.keyboard.press("Escape")
    press(page, page.get_by_role("link", name="Model card"))
    page.get_by_text("It knows nothing.").first.wait_for()
    press(page, page.get_by_role("link", name="Performance"))
    page.get_by_text(OPENED).wait_for()

    press(page, page.get_by_role("tab", name="Calibration"))
    expect(page.get_by_role("heading", name="Calibration")).to_be_visible()
    expect(page).to_have_url(f"{app_url}/Performance?source=uploaded-table&tab=calibration")
    press(page, page.locator(".st-key-corner").get_by_role("button", name="Export"))
    sha256 = hashlib.sha256(table).hexdigest()
    found = download(page, "Metrics (JSON)", tmp_path, exact=True)
    assert found.name == f"metrics_{sha256[:8]}.json"
    metrics = json.loads(found.read_text())
    patients = films["patient"].nunique()
    columns = metrics["table"].pop("columns")
    assert columns["findings"][0]["score"] == "logit_effusion"
    assert metrics["table"] == {"sha256": sha256, "films": 120, "patients": patients}
    assert metrics["calibration"]["before"]["effusion"]["brier"]["status"] == "estimable"
    rows = pd.read_csv(download(page, "Metrics (CSV)", tmp_path, exact=True))
    area = rows[(rows["finding"] == "effusion") & (rows["figure"] == "auroc")]["value"].iloc[0]
    assert area == metrics["auroc"]["effusion"]["estimate"]
    page.keyboard.press("Escape")
    assert serious_violations(page) == []

    press(page, page.get_by_role("tab", name="Discrimination"))
    press(page, page.locator(".st-key-save_roc summary"))
    figure = download(page, "HTML", tmp_path, exact=True).read_text()
    assert "ROC of Effusion" in figure
    assert "<script src" not in figure
    press(page, page.get_by_role("radio", name="White"))
    png = _image(page, tmp_path, "Download plot as a PNG")
    assert png.name == f"roc_of_effusion_{sha256[:8]}.png"
    picture = Image.open(png).convert("RGB")
    assert picture.width == 2000
    assert picture.getpixel((2, 2)) == (255, 255, 255)
    press(page, page.get_by_role("radio", name="SVG"))
    svg = _image(page, tmp_path, "Download plot")
    assert svg.suffix == ".svg"
    drawn = ElementTree.parse(svg).getroot()
    assert (drawn.get("width"), drawn.get("height")) == ("1000", f"{picture.height // 2}")
    said = "".join(drawn.itertext())
    assert "ROC of Effusion" in said
    assert f"Table {sha256[:8]} · 120 films" in said
    # Nothing is fetched from elsewhere, not even the tab's picture.
    kinds = (app_url, app_url.replace("http", "ws"), "data:", "blob:")
    assert [address for address in addresses if not address.startswith(kinds)] == []
    assert not any("DOE" in address or "_000.png" in address for address in addresses)
