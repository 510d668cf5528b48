"""The figure's layers against another library's compositing, and its geometry."""

import base64
import io

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

from cxr_core.export.overlay import evidence_layer, flatten
from cxr_core.ui.film_figure import film_figure, fit_within


def pictures(figure: go.Figure) -> list[Image.Image]:
    sources = [image["source"] for image in figure.to_dict()["layout"]["images"]]
    return [Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))) for source in sources]


def film_of(shape: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("form", ["colour", "contour"])
@pytest.mark.parametrize("opacity", [0.6, 1.0])
def test_layers_laid_over_each_other_are_the_renderers_picture(form, opacity):
    film = film_of((120, 90))
    evidence = np.random.default_rng(2).normal(0, 0.5, (7, 7)).astype(np.float32)
    layer = evidence_layer(evidence, film.shape, maximum=1.0, signed=True, form=form)
    figure = film_figure(film, layer, opacity=opacity, marks=None, identity="a")
    below, above = (picture.convert("RGBA") for picture in pictures(figure))
    shown = figure.to_dict()["layout"]["images"][1]["opacity"]
    above.putalpha(above.getchannel("A").point(lambda alpha: round(alpha * shown)))
    laid = np.asarray(Image.alpha_composite(below, above).convert("RGB")).astype(int)
    assert np.abs(laid - flatten(film, layer, opacity=opacity)).max() <= 1


def test_a_layer_of_any_size_lies_over_the_whole_film():
    layer = np.zeros((50, 40, 4), np.uint8)
    layout = film_figure(film_of((100, 80)), layer, marks=None, identity="a").to_dict()["layout"]
    for image in layout["images"]:
        assert (image["x"], image["y"], image["sizex"], image["sizey"]) == (0, 0, 80, 100)
        assert image["sizing"] == "stretch"
    assert (layout["xaxis"]["range"], layout["yaxis"]["range"]) == ([0, 80], [100, 0])


def test_beside_each_other_both_panels_move_in_step():
    layer = np.zeros((50, 40, 4), np.uint8)
    figure = film_figure(
        film_of((100, 80)), layer, beside=True, marks=("R", "L"), identity="a"
    ).to_dict()
    layout = figure["layout"]
    assert (layout["xaxis2"]["matches"], layout["yaxis2"]["matches"]) == ("x", "y")
    assert [image["xref"] for image in layout["images"]] == ["x", "x2", "x2"]
    assert layout["xaxis"]["domain"][1] < layout["xaxis2"]["domain"][0]
    assert [mark["text"] for mark in layout["annotations"]] == ["<b>R</b>", "<b>L</b>"] * 2


def test_a_large_film_is_reduced_in_its_own_depth():
    film = np.repeat(np.array([[0, 1000, 4000]], np.uint16), 30, axis=0).repeat(20, axis=1)
    small = fit_within(film, 30)
    assert small.shape == (15, 30)
    assert small.dtype == np.uint16
    assert small[0, [0, 15, 29]].tolist() == [0, 1000, 4000]
    assert fit_within(film, 60) is film
    assert fit_within(film.astype(np.float32) / 8, 30)[0, 29] == 500
