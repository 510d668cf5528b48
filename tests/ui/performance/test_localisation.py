"""Panels of peaks and overlaps: what is drawn and written are the values given."""

import pytest

from cxr_core.evaluation.localisation.pointing import HitRates
from cxr_core.evaluation.localisation.rates import BoxAreas, OverlapRates
from cxr_core.evaluation.metrics.bootstrap import NOT_ESTIMABLE, Interval
from cxr_core.ui.charts.localisation import overlap_figure, pointing_figure
from cxr_core.ui.performance.localisation import (
    box_area_sentence,
    missing_columns_sentence,
    overlap_sentence,
)
from cxr_core.ui.words import pointing_gain_sentence

AREA = Interval(0.8, 0.7, 0.85, "wide")
MORE, NONE = Interval(0.2, 0.1, 0.3, "wide"), Interval(0.0, -0.1, 0.1, "wide")
LESS = Interval(-0.2, -0.3, -0.1, "wide")


def rate(threshold: float, gain: Interval, *, n: int = 20) -> OverlapRates:
    share = NOT_ESTIMABLE if n < 10 else AREA
    return OverlapRates(n, threshold, share, share, share, share, NOT_ESTIMABLE, gain)


@pytest.mark.parametrize(
    ("gain", "words"),
    [
        (Interval(0.2, 0.1, 0.3, "wide"), "points better than"),
        (Interval(0.0, -0.1, 0.1, "wide"), "is not shown to point better"),
        (Interval(-0.2, -0.3, -0.1, "wide"), "points worse than"),
        (NOT_ESTIMABLE, "too few boxed films"),
    ],
)
def test_whether_a_map_points(gain: Interval, words: str) -> None:
    assert words in pointing_gain_sentence("effusion", gain)


def test_pointers_of_few_films_have_no_mark() -> None:
    rates = {
        "effusion": HitRates(20, AREA, AREA, AREA, AREA, AREA, AREA),
        "infiltration": HitRates(3, *[NOT_ESTIMABLE] * 5),
    }
    figure = pointing_figure(rates)
    assert [trace.name for trace in figure.data] == [
        "Map's peak",
        "Best fixed spot",
        "Centre",
        "Random point",
        "Randomized weights",
    ]
    assert figure.layout.title.text
    assert all(list(trace.x) == [0.8] for trace in figure.data)


def test_overlaps_stand_in_a_column_for_each_threshold() -> None:
    rates = {
        "effusion": (rate(0.1, MORE), rate(0.25, NONE)),
        "infiltration": (rate(0.1, NOT_ESTIMABLE, n=3), rate(0.25, NOT_ESTIMABLE, n=3)),
    }
    figure = overlap_figure(rates, "IoBB")
    assert "IoBB" in figure.layout.title.text
    assert [note.text for note in figure.layout.annotations] == ["over 0.1", "over 0.25"]
    assert len(figure.data) == 2 * 5
    assert [list(trace.x) for trace in figure.data] == ([[0.8]] * 4 + [[]]) * 2
    assert list(figure.layout.yaxis.ticktext) == ["Effusion (n 20)", "Infiltration (n 3)"]
    assert [trace.name for trace in figure.data if trace.showlegend] == [
        "Map's box",
        "Best fixed box",
        "Box in the centre",
        "Random box",
        "Randomized weights",
    ]


@pytest.mark.parametrize(
    ("gains", "words"),
    [
        ((MORE, MORE, NONE), "more often than one fixed box at threshold 0.1 and 0.25."),
        (
            (MORE, NONE, LESS),
            "more often than one fixed box at threshold 0.1, and less often at 0.5.",
        ),
        ((NONE, NONE, LESS), "overlaps less often than one fixed box at 0.5"),
        ((NONE, NONE, NONE), "is not shown to overlap more often"),
        ((NOT_ESTIMABLE, NOT_ESTIMABLE, NOT_ESTIMABLE), "too few boxed films"),
    ],
)
def test_overlap_in_words(gains: tuple[Interval, ...], words: str) -> None:
    rates = [rate(t, gain) for t, gain in zip((0.1, 0.25, 0.5), gains, strict=True)]
    assert words in overlap_sentence("effusion", rates)


def test_areas_and_missing_columns_in_words() -> None:
    said = box_area_sentence("effusion", BoxAreas(0.08, float("nan"), 0.05, float("nan")))
    assert said.endswith("the map's box 8.0 %, the radiologists' boxes 5.0 %.")
    assert "(iobb, iou): write it again with train.py --finalize" in missing_columns_sentence(
        ["iobb", "iou"]
    )
