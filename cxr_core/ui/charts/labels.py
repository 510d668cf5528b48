"""The chart of labels: how much of each part carries them."""

from collections.abc import Sequence

import plotly.graph_objects as go

from cxr_core.data.splits import PART_TITLES
from cxr_core.evaluation.metrics.labels import SplitLabels
from cxr_core.findings import KEYS, label_of
from cxr_core.ui.charts.theme import apply_template
from cxr_core.ui.words import percent

# Greys that differ by lightness, and a pattern for those who cannot tell them apart.
_FILLS = {
    "train": ("#dcdde0", ""),
    "validation": ("#a2a5ab", "/"),
    "validation_more": ("#a2a5ab", "\\"),
    "test": ("#72757c", "."),
}


def split_labels_figure(parts: Sequence[SplitLabels]) -> go.Figure:
    """A bar a part and finding: the share of its films with the label, in percent."""
    figure = go.Figure()
    for part in parts:
        colour, pattern = _FILLS[part.part]
        counts = [part.counts[key] for key in KEYS]
        figure.add_bar(
            x=[label_of(key) for key in KEYS],
            y=[100 * count.prevalence for count in counts],
            name=f"{PART_TITLES[part.part]} ({part.n_films:,} films)",
            text=[f"{count.positives:,}" for count in counts],
            textposition="outside",
            cliponaxis=False,
            marker={
                "color": colour,
                "pattern": {"shape": pattern, "bgcolor": colour, "fgcolor": "#121212", "size": 6},
            },
            customdata=[[count.positives, count.n, percent(count.prevalence)] for count in counts],
            hovertemplate="%{x}: %{customdata[0]:,} of %{customdata[1]:,} films "
            "(%{customdata[2]})<extra></extra>",
        )
    apply_template(
        figure, title="Share of films with each label, by set", x="Label",
        y="Films with the label (%)", height=380,
    )  # fmt: skip
    figure.update_layout(
        barmode="group",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        margin_t=72,  # for title and legend
    )
    return figure
