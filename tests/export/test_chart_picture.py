"""A chart drawn by a Chromium: what the pictures hold, and what is said when there is none."""

import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from kaleido import PageGenerator
from PIL import Image

from cxr_core.errors import ExportError
from cxr_core.export.chart_picture import render_chart

FIGURE = {
    "data": [{"type": "scatter", "x": [0, 1], "y": [0, 1], "line": {"color": "#ff0000"}}],
    "layout": {"title": {"text": "Area of Effusion"}, "paper_bgcolor": "#1b1c1f"},
}


def test_a_chart_becomes_a_png_and_an_svg(chromium: str) -> None:
    drawn = render_chart(json.dumps(FIGURE), width=400, height=300, browser=chromium)
    picture = Image.open(io.BytesIO(drawn.png)).convert("RGB")
    assert picture.size == (800, 600)
    assert picture.getpixel((2, 2)) == (0x1B, 0x1C, 0x1F)
    counts = picture.getcolors(1 << 20)
    assert counts is not None
    assert (255, 0, 0) in {colour for _, colour in counts}  # the line is there
    svg = ElementTree.fromstring(drawn.svg)
    assert svg.tag == "{http://www.w3.org/2000/svg}svg"
    assert (svg.get("width"), svg.get("height")) == ("400", "300")
    assert "Area of Effusion" in "".join(svg.itertext())


def test_the_page_that_draws_fetches_nothing() -> None:
    page = PageGenerator(mathjax=False).generate_index()  # what the child asks Kaleido for
    sources = re.findall(r'src="([^"]*)"', page)
    assert len(sources) == 2
    assert all(source.startswith("file://") for source in sources)


def test_without_a_browser_it_says_what_is_missing(tmp_path: Path) -> None:
    missing = tmp_path / "chromium"
    with pytest.raises(ExportError, match="need a Chromium") as caught:
        render_chart(json.dumps(FIGURE), width=400, height=300, browser=str(missing))
    assert str(missing) in str(caught.value)
    assert "HTML" in caught.value.remedy


def test_a_browser_that_fails_is_a_sentence(tmp_path: Path) -> None:
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(ExportError, match="could not be drawn"):
        render_chart(json.dumps(FIGURE), width=400, height=300, browser=str(broken), timeout=20)
