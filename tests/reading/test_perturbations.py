"""Small changes of a film: identities of the pictures, one batch, and what is borderline."""

import hashlib

import numpy as np
import pytest
import torch
from PIL import Image

from cxr_core.config import Calibration, EvidenceScale, OperatingPoint, Preprocessing
from cxr_core.errors import ImageError
from cxr_core.evaluation.scoring import to_probabilities
from cxr_core.findings import KEYS
from cxr_core.imaging.preprocessing import normalise
from cxr_core.model.architectures import build_model
from cxr_core.model.metadata import ModelMetadata
from cxr_core.phantom.draw import phantom_png
from cxr_core.reading.analyzer import Analyzer
from cxr_core.reading.perturbations import UNCHANGED, Probes, perturb
from tests.helpers.models import served_by_torch

# Effusion's cut-off lies under every probability, Atelectasis's over it.
THRESHOLDS = (0.0, 1.0, 0.5, 0.5)
SIDE = 96  # a small square keeps eleven readings quick


def metadata() -> ModelMetadata:
    return ModelMetadata(
        preprocessing=Preprocessing(SIDE, (0.5,) * 3, (0.25,) * 3),
        calibration=Calibration(0.5, (0.4, -0.3, 0.2, 0.0)),
        operating_points={
            key: OperatingPoint(t, 0.0, 1.0, "sensitivity", 0.8, 0.8, 0.5)
            for key, t in zip(KEYS, THRESHOLDS, strict=True)
        },
        evidence_scale=EvidenceScale(3.0),
        model_sha256="m" * 64,
    )


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    torch.manual_seed(11)
    model = build_model().eval().requires_grad_(False)
    with torch.no_grad():
        model.classifier.weight.normal_(0, 0.12)
    return Analyzer(served_by_torch(model, metadata()))


def test_there_are_ten_changes_beside_the_film() -> None:
    square = np.random.default_rng(0).integers(0, 256, (224, 224), dtype=np.uint8)
    made = perturb(square, 224)
    assert len(made) == 11
    np.testing.assert_array_equal(made[UNCHANGED], square)
    assert all(film.shape == (224, 224) and film.dtype == np.uint8 for film in made.values())
    assert len({film.tobytes() for film in made.values()}) == 11


def test_an_even_film_only_feels_gamma() -> None:
    made = perturb(np.full((300, 240), 128, np.uint8), 224)
    for name, film in made.items():
        expected = {"gamma 0.9": 137, "gamma 1.1": 119}.get(name, 128)
        assert (film == expected).all(), name


def test_a_shift_moves_the_film_by_four_percent() -> None:
    square = np.zeros((224, 224), np.uint8)
    square[100, 60] = 255
    made = perturb(square, 224)
    places = {"right": (100, 69), "left": (100, 51), "up": (91, 60), "down": (109, 60)}
    for name, place in places.items():
        assert made[name][place] == 255
        assert int((made[name] > 0).sum()) == 1
    edge = np.tile(np.arange(224, dtype=np.uint8), (224, 1))
    assert (perturb(edge, 224)["left"][:, -9:] == 223).all()


@pytest.mark.parametrize("shape", [(224, 224), (448, 336)])
def test_a_turn_turns_the_film_and_not_the_square(shape: tuple[int, int]) -> None:
    """A smooth film, turned at full size by Pillow and then squashed, is the same picture."""
    rows, columns = np.indices(shape) / shape[1]
    film = (127 + 100 * np.sin(5 * rows) * np.cos(4 * columns)).astype(np.uint8)

    def squash(picture: Image.Image) -> Image.Image:
        return picture.resize((224, 224), Image.Resampling.BILINEAR)

    made = perturb(film, 224)
    for name, degrees in (("turned left", 5.0), ("turned right", -5.0)):
        turned = squash(Image.fromarray(film).rotate(degrees, Image.Resampling.BICUBIC))
        inside = (slice(30, -30), slice(30, -30))
        apart = np.abs(made[name][inside].astype(int) - np.asarray(turned)[inside])
        assert apart.max() <= 3


def test_contrast_and_gamma_by_hand() -> None:
    square = np.full((224, 224), 100, np.uint8)
    square[:, 112:] = 200
    made = perturb(square, 224)
    assert sorted(np.unique(made["harder"])) == [95, 205]
    assert sorted(np.unique(made["softer"])) == [105, 195]
    assert made["gamma 1.1"][0, 0] == round(255 * (100 / 255) ** 1.1)


def test_probes_hold_the_analysis_and_each_change_alone(analyzer: Analyzer) -> None:
    film = phantom_png(3, findings=["effusion"], size=300)
    analysis = analyzer.analyze(film, correction="invert")
    probes = analyzer.probe(film, analysis)
    assert probes.correction == "invert"
    assert probes.image_sha256 == hashlib.sha256(film).hexdigest()
    for key in KEYS:
        values = [named[key] for named in probes.probabilities.values()]
        assert probes.probabilities[UNCHANGED][key] == pytest.approx(
            analysis.probabilities[key], abs=1e-4
        )
        assert (probes.low[key], probes.high[key]) == (min(values), max(values))
        assert probes.low[key] < probes.high[key]
    # The batch gives what one of its films gives alone.
    darker = perturb(analysis.radiograph.pixels, SIDE)["gamma 1.1"]  # (S, S)
    alone = analyzer.model.logits(normalise(darker, analyzer.metadata.preprocessing))
    expected = to_probabilities(alone, analyzer.metadata.calibration)[0]
    assert list(probes.probabilities["gamma 1.1"].values()) == pytest.approx(expected, abs=1e-4)


def test_another_films_analysis_is_refused(analyzer: Analyzer) -> None:
    one, other = phantom_png(3, size=128), phantom_png(4, size=128)
    with pytest.raises(ImageError, match="do not match"):
        analyzer.probe(one, analyzer.analyze(other))


def test_what_crosses_its_point() -> None:
    point = OperatingPoint(0.3, 0.2, 0.4, "sensitivity", 0.8, 0.8, 0.5)

    def crosses(low: float, high: float) -> bool:
        probes = Probes({}, {"effusion": low}, {"effusion": high}, "", "", None)
        return probes.is_borderline("effusion", point)

    assert crosses(0.29, 0.31)
    assert crosses(0.29, 0.30)
    assert not crosses(0.30, 0.31)
    assert not crosses(0.28, 0.29)
