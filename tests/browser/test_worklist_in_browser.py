"""Six films, one of them bad, as a reader meets them: rows, order, open, come back, the CSV."""

import csv
import io
import math
from pathlib import Path

from playwright.sync_api import FilePayload, Page, expect

from cxr_core.findings import ABNORMAL_KEYS
from cxr_core.phantom.draw import phantom_png
from cxr_core.reading.batch import worklist_sort_key
from cxr_core.ui.film_view import SESSION_OVER
from tests.helpers.browser import download, press, settled, upload
from tests.helpers.zips import zip_bytes

LOADED = ".viewer .film:not([hidden])"


def numbers_shown(page: Page) -> list[int]:
    names = page.locator(".film-row .name strong").all_inner_texts()
    return [int(name.removeprefix("Film ")) for name in names]


def payload(name: str, data: bytes) -> FilePayload:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


def test_six_films_with_a_bad_one(
    page: Page, app_url: str, server_log: Path, tmp_path: Path
) -> None:
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    films = [phantom_png(seed, size=208) for seed in range(5)]
    packed = {f"DOE_{n}.png": film for n, film in enumerate(films[:3])} | {"DOE_3.png": b"text"}
    uploads = [payload("DOE_JANE.zip", zip_bytes(packed))]
    uploads += [payload(f"DOE_{n + 1}.png", films[n]) for n in (3, 4)]
    page.goto(f"{app_url}/Worklist")
    page.get_by_role("heading", name="Read many films").wait_for()
    upload(page, uploads)
    expect(page.locator(".film-row")).to_have_count(6)
    expect(page.get_by_role("progressbar")).to_have_count(0)
    shown = numbers_shown(page)
    assert sorted(shown) == list(range(1, 7))
    assert shown[0] == 4
    assert "Cannot be read" in page.locator(".film-row").first.inner_text()

    press(page, page.get_by_role("button", name="Export", exact=True))
    results = download(page, "Export (CSV)", tmp_path)
    page.keyboard.press("Escape")
    expect(page.get_by_text("Include file names")).to_be_hidden()  # closing moves the focus
    assert results.name == "cxr_results.csv"
    rows = list(csv.DictReader(io.StringIO(results.read_text())))
    assert [row["row"] for row in rows] == [str(number) for number in range(1, 7)]
    assert not any(row["file"] for row in rows)  # a name may tell a patient
    assert [row["status"] for row in rows].count("failed") == 1
    assert len({row["image_sha256"] for row in rows}) == 6
    assert in_order(rows) == shown

    page.set_viewport_size({"width": 1280, "height": 480})  # the last row lies below it
    # The last row, opened by keyboard alone: the film itself, and the way back to it.
    last = page.get_by_role("button", name=f"Open film {shown[-1]} in Read")
    settled(page, last).press("Enter")
    page.locator(LOADED).first.wait_for()
    expect(page.get_by_text(f"Film {shown[-1]}, 5 of 5", exact=True)).to_be_visible()
    press(page, page.get_by_role("link", name="Back to the worklist"))
    row = page.locator(f".st-key-film_{shown[-1]}")
    expect(row.get_by_text("✓ opened")).to_be_in_viewport()
    expect(row.get_by_role("button")).to_be_focused()
    assert numbers_shown(page) == shown
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280

    # Of all that has an address, the CSV has one, when it was asked for; no picture has.
    kept = [url for url in addresses if "/media/" in url and "/static/" not in url]
    assert [url.rpartition(".")[2] for url in kept] == ["csv"]
    # Names stand in the list until they are hidden, and never in an address or a log.
    assert "DOE_" in page.content()
    press(page, page.get_by_text("File names", exact=True))
    expect(page.locator(".film-row .name .quiet")).to_have_count(0)
    assert "DOE_" not in page.content() + page.url + server_log.read_text(errors="replace")


def in_order(rows: list[dict[str, str]]) -> list[int]:
    """The order by the CSV's own numbers: every margin is the logit less the point's."""
    keys = []
    for number, row in enumerate(rows, start=1):
        above = {key: row.get(f"flagged_{key}") == "1" for key in ABNORMAL_KEYS}
        read = (row["status"], row["gate"]) == ("read", "passed")
        keys.append(worklist_sort_key(number, margins(row) if read else None, above))
    return [number for _, _, number in sorted(keys)]


def margins(row: dict[str, str]) -> dict[str, float]:
    def logit(probability: str) -> float:
        return math.log(float(probability) / (1 - float(probability)))

    return {
        key: logit(row[f"probability_{key}"]) - logit(row[f"cutoff_{key}"]) for key in ABNORMAL_KEYS
    }


def test_the_list_outlives_a_reload_of_its_tab_and_of_no_other(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/Worklist")
    page.get_by_role("heading", name="Read many films").wait_for()
    upload(page, [payload(f"DOE_{n}.png", phantom_png(n, size=208)) for n in range(2)])
    expect(page.locator(".film-row")).to_have_count(2)
    stranger = page.context.new_page()
    stranger.goto(f"{app_url}/Worklist")
    stranger.get_by_role("heading", name="Read many films").wait_for()
    ticket = page.evaluate("sessionStorage.getItem('cxr-list')")

    page.reload()
    expect(page.locator(".film-row")).to_have_count(2)
    assert ticket not in page.url
    assert page.evaluate("sessionStorage.getItem('cxr-list')") not in ("", None, ticket)
    settled(stranger, stranger.get_by_role("heading", name="Read many films"))
    expect(stranger.locator(".film-row")).to_have_count(0)

    # The ticket was good once: whoever has it now gets nothing, and the list is where it was.
    stranger.evaluate(
        "ticket => { sessionStorage.setItem('cxr-session', 'x');"
        " sessionStorage.setItem('cxr-list', ticket); }",
        ticket,
    )
    stranger.reload()
    expect(stranger.get_by_text(SESSION_OVER)).to_be_visible()
    expect(stranger.locator(".film-row")).to_have_count(0)
    expect(page.locator(".film-row")).to_have_count(2)
