"""The chart of two models: one finding's ROC of both, over the same films."""

import plotly.graph_objects as go

from cxr_core.findings import LABELS
from cxr_core.ui.curve_figures import Line, add_curve, roc_frame

# Neither is a finding's colour; they differ in lightness, and the dash tells them apart too.
COLOUR_A, COLOUR_B = "#f0e442", "#009e73"


def two_roc_figure(a: Line, b: Line, key: str) -> go.Figure:
    """ROC of A, solid, and of B, dashed, each named with its area; an empty line is left out.

    Args:
        key: of the finding.
    """
    figure = roc_frame(f"ROC of {LABELS[key]}, A and B on the same films")
    for line, name, colour, dash in ((a, "A", COLOUR_A, "solid"), (b, "B", COLOUR_B, "dash")):
        if len(line.x):
            add_curve(figure, line, name, colour=colour, dash=dash)
    return figure
