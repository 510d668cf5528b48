"""ROC and precision-recall charts: what is drawn are the values that were given."""

import numpy as np
import pytest

from cxr_core.evaluation.metrics.bootstrap import NOT_ESTIMABLE, Interval
from cxr_core.evaluation.metrics.ranking import Band
from cxr_core.findings import KEYS
from cxr_core.ui.charts.curves import Curve, CurvePoint, precision_recall_figure, roc_figure

AREA = Interval(0.75, 0.5, 1.0, "wide")
PLACES = np.array([0.0, 0.4, 1.0])


def line(**more) -> Curve:
    return Curve(PLACES, np.array([0.0, 0.7, 1.0]), np.array([0.9, 0.5, 0.1]),
                np.array([0.0, 0.7, 1.0]), 1 - PLACES, area=AREA, **more)  # fmt: skip


def test_roc_curves_differ_by_dash_and_name_their_areas() -> None:
    lines = {key: line() for key in KEYS}
    figure = roc_figure(lines, "ROC")
    drawn = figure.data[1:]
    assert [trace.name for trace in drawn[:2]] == [
        "Effusion 0.75 (0.50 to 1.00)",
        "Atelectasis 0.75 (0.50 to 1.00)",
    ]
    assert len({trace.line.dash for trace in drawn}) == len(KEYS)
    assert figure.layout.title.text == "ROC"
    assert "specificity" in figure.layout.xaxis.title.text


def test_the_hover_tells_threshold_sensitivity_and_specificity() -> None:
    mark = CurvePoint(0.4, 0.7, 0.5, 0.7, 0.6)
    figure = roc_figure({"effusion": line(operating_point=mark)}, "ROC")
    curve, point = figure.data[1:]
    assert curve.customdata[1].tolist() == pytest.approx([50.0, 0.7, 0.6])
    assert (point.x[0], point.y[0]) == (0.4, 0.7)
    assert point.customdata[0] == pytest.approx((50.0, 0.7, 0.6))
    for place, word in enumerate(("cut-off", "sensitivity", "specificity")):
        assert f"{word} %{{customdata[{place}]" in curve.hovertemplate
        assert f"{word} %{{customdata[{place}]" in point.hovertemplate


def test_a_band_is_a_filled_area_between_its_ends() -> None:
    band = Band(PLACES, np.array([0.0, 0.6, 0.9]), np.array([0.2, 0.8, 1.0]))
    figure = roc_figure({"effusion": line(band=band)}, "ROC")
    (area,) = [trace for trace in figure.data if trace.fill == "toself"]
    assert area.x.tolist() == [0.0, 0.4, 1.0, 1.0, 0.4, 0.0]
    assert area.y.tolist() == [0.2, 0.8, 1.0, 0.9, 0.6, 0.0]


def test_the_floor_of_precision_is_the_prevalence() -> None:
    figure = precision_recall_figure({"effusion": line()}, {"effusion": 0.18}, "PR")
    floor, curve = figure.data
    assert floor.y == (0.18, 0.18)
    assert floor.name == "Chance: prevalence 18 %"
    assert curve.line.shape == "vh"


def test_a_long_line_keeps_its_ends_and_an_empty_chart_is_drawn() -> None:
    steps = np.linspace(0, 1, 5001)
    long = Curve(steps, steps, 1 - steps, steps, 1 - steps, area=NOT_ESTIMABLE)
    curve = roc_figure({"effusion": long}, "ROC").data[1]
    assert len(curve.x) == 1200
    assert (curve.x[0], curve.x[-1]) == (0.0, 1.0)
    assert curve.name == "Effusion not estimable"
    assert len(precision_recall_figure({}, {}, "PR").data) == 0
