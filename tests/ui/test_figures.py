"""Charts and the film's figure: what is drawn are the values that were given."""

import base64
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cxr_core.evaluation.bootstrap import NOT_ESTIMABLE, Interval
from cxr_core.evaluation.curves import RocCurve, roc
from cxr_core.findings import KEYS
from cxr_core.ui.figures import history_figure, kept_epoch, label_figure, roc_figure
from cxr_core.ui.film_figure import data_uri, film_figure, fit_within

EMPTY = RocCurve(np.empty(0), np.empty(0), np.empty(0))


def test_the_film_travels_inside_the_figure_losslessly():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (80, 100, 3), dtype=np.uint8)
    figure = film_figure(picture, marks=None, identity="a")
    (image,) = figure.layout.images
    head, text = image.source.split(",")
    assert head == "data:image/png;base64"
    assert (np.asarray(Image.open(io.BytesIO(base64.b64decode(text)))) == picture).all()
    assert (image.sizex, image.sizey) == (100, 80)
    assert figure.layout.yaxis.scaleanchor == "x"  # one pixel is as high as it is wide
    assert not figure.layout.annotations


def test_sides_stand_at_the_films_edges():
    figure = film_figure(np.zeros((64, 90), np.uint8), marks=("R", "L"), identity="a")
    assert [(note.x, note.text) for note in figure.layout.annotations] == [
        (0, "<b>R</b>"),
        (90, "<b>L</b>"),
    ]


@pytest.mark.parametrize(
    ("shape", "expected"), [((100, 80), (100, 80)), ((400, 200), (128, 64)), ((2, 900), (1, 128))]
)
def test_only_large_films_are_scaled_for_the_screen(shape, expected):
    assert fit_within(np.full(shape, 7, np.uint8), 128).shape == expected


def test_a_data_uri_is_a_png():
    assert data_uri(np.zeros((4, 4), np.uint8)).startswith("data:image/png;base64,iVBOR")


def test_roc_curves_differ_by_dash_and_name_their_areas():
    curve = roc([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4])
    curves = {**dict.fromkeys(KEYS, curve), "no_finding": EMPTY}
    areas = {**dict.fromkeys(KEYS, Interval(0.75, 0.5, 1.0, "wide")), "no_finding": NOT_ESTIMABLE}
    figure = roc_figure(curves, areas, {"effusion": (0.8, 0.7)})
    lines = [trace for trace in figure.data if trace.mode == "lines"][1:]
    assert [line.name for line in lines] == [
        "Effusion 0.75 (0.50 to 1.00)",
        "Atelectasis 0.75 (0.50 to 1.00)",
        "Infiltration 0.75 (0.50 to 1.00)",
    ]
    assert len({line.line.dash for line in lines}) == 3
    assert (lines[0].x == curve.fpr).all()
    (mark,) = [trace for trace in figure.data if trace.mode == "markers"]
    assert (mark.x[0], mark.y[0]) == (pytest.approx(0.3), 0.8)


def test_label_counts_are_written_at_their_bars():
    figure = label_figure(dict(zip(KEYS, (5, 10, 0, 2), strict=True)), 40)
    (bars,) = figure.data
    assert list(bars.x) == [5, 10, 0, 2]
    assert bars.text[1] == "10 of 40 (25 %)"


def test_training_curves_show_what_is_there_and_mark_the_best_epoch():
    history = pd.DataFrame(
        {
            "epoch": [1, 2, 3],
            "train_loss": [3, 2, 1],
            "auroc_effusion": [0.5, 0.7, 0.6],
            "auroc_mean": [0.6, 0.8, 0.7],
        }
    )
    figure = history_figure(history)
    assert [trace.name for trace in figure.data] == ["Loss, training", "Effusion"]
    assert figure.layout.shapes[0].x0 == 2


@pytest.mark.parametrize(
    ("columns", "epoch"),
    [
        ({"auroc_mean": [0.6, 0.8, 0.7]}, 2),
        # Epochs at a smaller input are never kept, however good they were.
        ({"auroc_mean": [0.6, 0.8, 0.7], "px": [128, 128, 224]}, 3),
        ({"auroc_mean": [float("nan")] * 3}, None),
        ({}, None),
    ],
)
def test_which_epoch_was_kept(columns, epoch):
    assert kept_epoch(pd.DataFrame({"epoch": [1, 2, 3], **columns})) == epoch
