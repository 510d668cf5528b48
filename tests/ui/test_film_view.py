"""What the browser is told of a film, against another library's compositing."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from cxr_core.export.overlay import alpha_composite, evidence_layer
from cxr_core.ui.film_view import data_uri, downscale, fit_size


def picture(source: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(source.split(",")[1])))


@pytest.mark.parametrize("form", ["colour", "contour"])
@pytest.mark.parametrize("opacity", [0.6, 1.0])
def test_layers_laid_over_each_other_are_the_renderers_picture(form, opacity):
    film = np.random.default_rng(1).integers(0, 256, (120, 90), dtype=np.uint8)
    evidence = np.random.default_rng(2).normal(0, 0.5, (7, 7)).astype(np.float32)
    layer = evidence_layer(evidence, film.shape, maximum=1.0, signed=True, mode=form)
    below, above = picture(data_uri(film)).convert("RGBA"), picture(data_uri(layer))
    above.putalpha(above.getchannel("A").point(lambda alpha: round(alpha * opacity)))
    laid = np.asarray(Image.alpha_composite(below, above).convert("RGB")).astype(int)
    assert np.abs(laid - alpha_composite(film, layer, opacity=opacity)).max() <= 1


def test_the_film_travels_losslessly_in_a_data_uri():
    film = np.random.default_rng(0).integers(0, 256, (80, 100), dtype=np.uint8)
    assert data_uri(film).startswith("data:image/png;base64,iVBOR")
    assert (np.asarray(picture(data_uri(film))) == film).all()


@pytest.mark.parametrize(
    ("shape", "expected"), [((100, 80), (100, 80)), ((400, 200), (128, 64)), ((2, 900), (1, 128))]
)
def test_only_large_films_are_scaled_for_the_screen(shape, expected):
    assert downscale(np.full(shape, 7, np.uint8), 128).shape == expected


def test_a_large_film_is_reduced_in_its_own_depth():
    film = np.repeat(np.array([[0, 1000, 4000]], np.uint16), 30, axis=0).repeat(20, axis=1)
    small = downscale(film, 30)
    assert small.shape == (15, 30) == fit_size(film.shape, 30)
    assert small.dtype == np.uint16
    assert small[0, [0, 15, 29]].tolist() == [0, 1000, 4000]
    assert downscale(film, 60) is film
    assert downscale(film.astype(np.float32) / 8, 30)[0, 29] == 500
