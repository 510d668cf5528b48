"""The chart of groups: three figures of each group beside those of all films."""

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cxr_core.evaluation.metrics.bootstrap import Interval
from cxr_core.evaluation.metrics.subgroups import SubgroupMetrics
from cxr_core.evaluation.metrics.sufficiency import MIN_COUNT
from cxr_core.evaluation.render.subset_figures import subgroup_name
from cxr_core.findings import label_of
from cxr_core.ui.charts.theme import GRID_COLOUR, MUTED_COLOUR, TEXT_COLOUR, apply_template
from cxr_core.ui.foreign import plotly_text

_TITLES = ("AUROC (0.50 is chance)", "Sensitivity", "Specificity")
_ROW_PX = 30
_MAX_NAME_CHARS = 34  # letters of a group's name that the axis has room for
_TOO_FEW = f"under {MIN_COUNT} films or patients"


def subgroup_figure(
    rates: Sequence[SubgroupMetrics], *, has_operating_points: bool = True
) -> go.Figure:
    """A row a group: area, sensitivity and specificity with intervals; a thin line marks all films.

    Args:
        rates: of one finding, in the order of the rows.
        has_operating_points: whether there are operating points; else only the area is drawn.
    """
    columns = 3 if has_operating_points else 1
    figure = make_subplots(
        cols=columns, shared_yaxes=True, horizontal_spacing=0.03, subplot_titles=_TITLES[:columns]
    )
    rows = list(range(len(rates)))
    for column in range(columns):
        intervals = [_figures(one)[column] for one in rates]
        _points(figure, rates, intervals, column + 1)
        masked = [row for row in rows if not intervals[row].estimable]
        figure.add_scatter(
            x=[0.02] * len(masked),
            y=masked,
            mode="text",
            text=[
                "not labelled" if intervals[row].verdict == "not labelled" else _TOO_FEW
                for row in masked
            ],
            textposition="middle right",
            textfont={"color": MUTED_COLOUR, "size": 12},
            hoverinfo="skip",
            row=1,
            col=column + 1,
        )
        for one, figures in zip(rates, intervals, strict=True):
            if one.by == "films" and figures.estimable:
                figure.add_vline(
                    x=figures.estimate, line={"color": MUTED_COLOUR, "width": 1, "dash": "dot"},
                    row=1, col=column + 1,
                )  # fmt: skip
    finding = label_of(rates[0].finding) if rates else "A finding"
    apply_template(
        figure, title=f"{finding} by subgroup", x="0 to 1 (bar: 95 % interval)", y="",
        height=126 + _ROW_PX * len(rates),
    )  # fmt: skip
    figure.update_xaxes(range=[0, 1.02], dtick=0.25)
    figure.update_yaxes(
        tickvals=rows, ticktext=[_axis_name(one) for one in rates],
        range=[len(rates) - 0.4, -0.6], gridcolor=GRID_COLOUR,
    )  # fmt: skip
    figure.update_layout(showlegend=False, margin_t=72)  # for title and subtitles
    figure.update_annotations(font={"size": 13, "color": TEXT_COLOUR})
    return figure


def _points(
    figure: go.Figure, rates: Sequence[SubgroupMetrics], found: Sequence[Interval], column: int
) -> None:
    drawn = [row for row, figures in enumerate(found) if figures.estimable]
    figure.add_scatter(
        x=[found[row].estimate for row in drawn],
        y=drawn,
        mode="markers",
        marker={
            "color": TEXT_COLOUR,
            "size": 9,
            "symbol": ["diamond" if rates[row].by == "films" else "circle" for row in drawn],
        },
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [found[row].high - found[row].estimate for row in drawn],
            "arrayminus": [found[row].estimate - found[row].low for row in drawn],
            "color": MUTED_COLOUR,
            "thickness": 2,
            "width": 0,
        },
        text=[
            f"{plotly_text(subgroup_name(rates[row].by, rates[row].value))}, "
            f"{rates[row].n:,} films, {rates[row].positives:,} positive: {found[row].text()}"
            for row in drawn
        ],
        hovertemplate="%{text}<extra></extra>",
        row=1,
        col=column,
    )


def _figures(rates: SubgroupMetrics) -> tuple[Interval, Interval, Interval]:
    return rates.auroc, rates.sensitivity, rates.specificity


def _axis_name(rates: SubgroupMetrics) -> str:
    name = subgroup_name(rates.by, rates.value)
    short = name if len(name) <= _MAX_NAME_CHARS else name[: _MAX_NAME_CHARS - 1] + "…"
    return f"{plotly_text(short)} (n {rates.n:,})"
