"""Panels of groups and labels: what is drawn and written are the values given."""

import pytest

from cxr_core.evaluation.metrics.bootstrap import NOT_ESTIMABLE, Interval
from cxr_core.evaluation.metrics.labels import LabelCount, SplitLabels
from cxr_core.evaluation.metrics.subgroups import SubgroupMetrics
from cxr_core.evaluation.render.subset_figures import subgroup_name
from cxr_core.findings import KEYS
from cxr_core.ui.charts.groups import subgroup_figure
from cxr_core.ui.charts.labels import split_labels_figure

AREA = Interval(0.8, 0.7, 0.85, "wide")
RATES = [
    SubgroupMetrics("films", "all films", "effusion", 200, 40, AREA, AREA, AREA),
    SubgroupMetrics("view", "AP", "effusion", 12, 3, NOT_ESTIMABLE, NOT_ESTIMABLE, AREA),
    SubgroupMetrics("group", "<b>&nbsp;", "effusion", 50, 20, AREA, AREA, AREA),
]


def test_a_masked_cell_is_words_and_has_no_mark() -> None:
    figure = subgroup_figure(RATES)
    marks = [trace for trace in figure.data if trace.mode == "markers"]
    words = [trace for trace in figure.data if trace.mode == "text"]
    assert [list(trace.y) for trace in marks] == [[0, 2], [0, 2], [0, 1, 2]]
    assert [list(trace.y) for trace in words] == [[1], [1], []]
    assert list(marks[0].error_x.array) == pytest.approx([0.05, 0.05])
    assert list(marks[0].error_x.arrayminus) == pytest.approx([0.1, 0.1])
    assert [line.x0 for line in figure.layout.shapes] == [0.8] * 3


def test_a_users_names_bring_no_tags_into_a_chart() -> None:
    names = subgroup_figure(RATES).layout.yaxis.ticktext
    assert names[1] == "View: AP (n 12)"
    assert "&lt;b&gt;&amp;nbsp;" in names[2]  # which Plotly shows as it was written
    assert not any("<" in name for name in names)


def test_without_operating_points_the_chart_is_of_areas() -> None:
    marks = [
        t for t in subgroup_figure(RATES, has_operating_points=False).data if t.mode == "markers"
    ]
    assert len(marks) == 1


def test_names_of_groups() -> None:
    assert subgroup_name("label", "not No Finding") == "No Finding excluded"
    assert subgroup_name("follow_up", "first film") == "Follow-up: first film"


def test_a_bar_is_the_share_of_its_part() -> None:
    counts = {key: LabelCount(40, n, "wide") for key, n in zip(KEYS, (10, 20, 0, 4), strict=True)}
    (bars,) = split_labels_figure([SplitLabels("train", 40, 30, counts)]).data
    assert list(bars.y) == [25, 50, 0, 10]
    assert list(bars.text) == ["10", "20", "0", "4"]
