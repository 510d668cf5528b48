"""Panels of groups, labels and errors: what is drawn and written are the values given."""

import math

import pytest

from cxr_core.evaluation.metrics.bootstrap import NOT_ESTIMABLE, Interval
from cxr_core.evaluation.metrics.errors import FilmError
from cxr_core.evaluation.metrics.labels import LabelCount, SplitLabels
from cxr_core.evaluation.metrics.subgroups import SubgroupMetrics
from cxr_core.findings import KEYS
from cxr_core.ui.charts.groups import subgroup_figure, subgroup_name
from cxr_core.ui.charts.labels import split_labels_figure
from cxr_core.ui.performance.errors import error_row
from cxr_core.ui.performance.groups import subgroup_row
from cxr_core.ui.performance.labels import co_occurrence_cell, multi_label_sentence

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
    assert subgroup_row(RATES[1])[3:] == ["not estimable", "not estimable", "0.80 (0.70 to 0.85)"]


def test_a_users_names_bring_no_tags_into_a_chart() -> None:
    names = subgroup_figure(RATES).layout.yaxis.ticktext
    assert names[1] == "View: AP (n 12)"
    assert not any("<" in name or "&" in name for name in names)


def test_without_operating_points_the_chart_is_of_areas() -> None:
    marks = [
        t for t in subgroup_figure(RATES, has_operating_points=False).data if t.mode == "markers"
    ]
    assert len(marks) == 1


def test_names_of_groups() -> None:
    assert subgroup_name("label", "not No Finding") == "Films that are not No Finding"
    assert subgroup_name("follow_up", "first film") == "Follow-up: first film"


def test_a_bar_is_the_share_of_its_part() -> None:
    counts = {key: LabelCount(40, n, "wide") for key, n in zip(KEYS, (10, 20, 0, 4), strict=True)}
    (bars,) = split_labels_figure([SplitLabels("train", 40, 30, counts)]).data
    assert list(bars.y) == [25, 50, 0, 10]
    assert list(bars.text) == ["10", "20", "0", "4"]


def test_labels_in_words() -> None:
    assert co_occurrence_cell(3, 12, is_diagonal=False) == "3 (25 %)"
    assert co_occurrence_cell(0, 0, is_diagonal=False) == "no film"
    assert multi_label_sentence((50, 30, 8, 2, 0)) == "25 % of those with any carry two or more"
    assert multi_label_sentence((5, 0, 0, 0, 0)) == "no film carries any"


def test_an_error_as_a_row() -> None:
    error = FilmError("a.png", 0.063, 0.252, -1.609, "Effusion", "", math.nan)
    assert error_row(error) == ["a.png", "Effusion", "–", "–", "6.3 %", "25.2 %", "−1.61"]
