"""Charts for paper: every colour is exchanged, and what was bright on dark is dark on white."""

import json
import re
from itertools import pairwise
from pathlib import Path

import plotly.graph_objects as go
import pytest

from cxr_core.ui.charts import theme as white_ground
from cxr_core.ui.charts.show import DARK_BACKGROUND, export_figure, figure_html
from cxr_core.ui.charts.theme import (
    FINDING_COLOURS,
    GRID_COLOUR,
    LIGHT_BACKGROUND,
    LIGHT_COLOURS,
    MUTED_COLOUR,
    TEXT_COLOUR,
    to_light_template,
    training_history_figure,
)
from tests.helpers.models import make_history

CHARTS = sorted(Path(white_ground.__file__).parent.glob("*.py"))


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2.1, 1 to 21."""

    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


def test_every_colour_of_the_charts_has_one_for_paper() -> None:
    used = {
        hit.casefold()
        for path in CHARTS
        for hit in re.findall(r"#[0-9a-fA-F]{6}", path.read_text())
    }
    used -= {colour.casefold() for colour in LIGHT_COLOURS.values()}  # the theme holds both sides
    assert len(CHARTS) >= 6
    assert used
    assert used <= LIGHT_COLOURS.keys()


def test_lines_and_print_are_seen_on_white() -> None:
    assert LIGHT_COLOURS[DARK_BACKGROUND] == LIGHT_BACKGROUND
    for colour in (TEXT_COLOUR, MUTED_COLOUR):
        assert contrast(LIGHT_COLOURS[colour], LIGHT_BACKGROUND) >= 4.5
    for colour in FINDING_COLOURS.values():
        assert contrast(LIGHT_COLOURS[colour], LIGHT_BACKGROUND) >= 3
    assert contrast(LIGHT_COLOURS[GRID_COLOUR], LIGHT_BACKGROUND) < 1.5
    greys = sorted(colour for colour in LIGHT_COLOURS if len({colour[1:3], colour[3:5]}) == 1)
    assert all(LIGHT_COLOURS[dark] >= LIGHT_COLOURS[bright] for dark, bright in pairwise(greys))


def test_a_band_keeps_its_transparency_and_words_stay() -> None:
    figure = go.Figure().add_scatter(
        x=[0, 1], y=[0, 1], fillcolor="rgba(230,159,0,0.22)", name="not #e69f00",
        marker={"color": ["#e69f00", "#123456"]},
    )  # fmt: skip
    (trace,) = to_light_template(figure).data
    assert trace.fillcolor == "rgba(213,94,0,0.22)"
    assert tuple(trace.marker.color) == ("#d55e00", "#123456")
    assert trace.name == "not #e69f00"
    assert figure.data[0].fillcolor == "rgba(230,159,0,0.22)"


@pytest.mark.parametrize(("white", "ground"), [(True, LIGHT_BACKGROUND), (False, DARK_BACKGROUND)])
def test_a_saved_chart_is_on_the_ground_that_was_chosen(white: bool, ground: str) -> None:
    figure = training_history_figure(make_history())
    alone = export_figure(figure, title="Training", footer="Table 1", light=white)
    assert alone.layout.paper_bgcolor == alone.layout.plot_bgcolor == ground
    told = json.dumps(json.loads(alone.to_json())["layout"]["title"])
    assert (LIGHT_COLOURS[TEXT_COLOUR] in told) == white
    head = figure_html(alone, title="Training", alt="Curves").decode()[:600]
    assert f"background: {ground}" in head
