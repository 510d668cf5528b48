"""A chart as a file: it can be read by itself, and it needs no network."""

import re
from datetime import UTC, datetime

import plotly.graph_objects as go
import pytest

from cxr_core.evaluation.metrics.labels import LabelCount
from cxr_core.findings import KEYS
from cxr_core.ui.charts.show import DARK_BACKGROUND, ChartSource, export_figure, figure_html
from cxr_core.ui.charts.theme import label_counts_figure, training_history_figure
from tests.helpers.models import make_history

SHA256 = "1a2b3c4d" + "0" * 56
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_source_names_table_films_model_and_day() -> None:
    source = ChartSource(SHA256, ("421 films", "model abc"))
    line = source.footer(NOON)
    assert line.startswith("Table 1a2b3c4d · 421 films · model abc · cxr_core ")
    assert line.endswith("2026-03-01")
    assert source.file_name("ROC of No Finding", "svg") == "roc_of_no_finding_1a2b3c4d.svg"
    assert source.file_name("../Doe^Jane", "png") == "doe_jane_1a2b3c4d.png"


@pytest.fixture
def alone() -> go.Figure:
    return export_figure(
        training_history_figure(make_history()), title="Training curves", footer="Table 1 · 3 films"
    )


def test_a_saved_figure_has_ground_title_axes_and_source(alone: go.Figure) -> None:
    shown = training_history_figure(make_history())
    assert alone.layout.title.text == "Training curves"
    assert alone.layout.paper_bgcolor == alone.layout.plot_bgcolor == DARK_BACKGROUND
    assert alone.layout.yaxis.title.text == "Loss (binary cross-entropy, nats)"
    assert alone.layout.annotations[-1].text == "Table 1 · 3 films"
    # The plot keeps its height, and a horizontal legend stands above it.
    kept = alone.layout.height - alone.layout.margin.t - alone.layout.margin.b
    assert kept == shown.layout.height - shown.layout.margin.t - shown.layout.margin.b
    assert alone.layout.legend.y == pytest.approx(1.01 + 24 / kept)  # and above the headings
    # The page's own figure is left as it was.
    assert shown.layout.title.text is None
    assert shown == training_history_figure(make_history())


def test_a_title_of_its_own_stays() -> None:
    figure = label_counts_figure({key: LabelCount(9, 1, "too few") for key in KEYS}, 9)
    figure.update_layout(title={"text": "Mine"})
    assert export_figure(figure, title="Another", footer="").layout.title.text == "Mine"


def test_the_html_stands_by_itself(alone: go.Figure) -> None:
    alone.add_scatter(x=[0], y=[0], text=["</script><script>alert(1)</script>"])
    page = figure_html(alone, title="A < B", alt='Loss "falls" & rises').decode()
    assert "<title>A &lt; B</title>" in page
    assert "Loss &quot;falls&quot; &amp; rises" in page
    assert not re.search(r"<(script|link|img)[^>]+(src|href)\s*=\s*[\"']?(https?:)?//", page)
    assert "<script>alert(1)" not in page
    assert f"background: {DARK_BACKGROUND}" in page
    assert len(page) > 1_000_000  # plotly.js stands inside
