"""The drawn chest: the same everywhere, and a chest without findings when none are asked for."""

import hashlib
import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from cxr_core.errors import ConfigError
from cxr_core.findings import ABNORMAL_KEYS
from cxr_core.phantom.draw import draw_phantom, phantom_png
from cxr_core.phantom.patient import sample_patient
from tests.helpers import ROOT

SMALL = 96  # pixels


def gray(pixels: np.ndarray, x: tuple[float, float], y: tuple[float, float]) -> float:
    """Mean gray of a rectangle given in fractions of the film."""
    side = len(pixels)
    rows, columns = (slice(round(a * side), round(b * side)) for a, b in (y, x))
    return float(pixels[rows, columns].mean())


def test_a_film_has_the_asked_size_and_uses_the_gray_scale() -> None:
    phantom = draw_phantom(3, size=200)
    assert phantom.pixels.shape == (200, 200)
    assert phantom.pixels.dtype == np.uint8
    assert phantom.pixels.max() - phantom.pixels.min() > 180
    assert phantom.findings == frozenset()
    assert phantom.boxes == ()


def test_the_same_arguments_give_the_same_film_in_another_process() -> None:
    here = draw_phantom(11, findings=ABNORMAL_KEYS, size=SMALL)
    code = (
        "import hashlib; from cxr_core.phantom.draw import draw_phantom; "
        "from cxr_core.findings import ABNORMAL_KEYS; "
        f"film = draw_phantom(11, findings=ABNORMAL_KEYS, size={SMALL}); "
        "print(hashlib.sha256(film.pixels.tobytes()).hexdigest(), film.boxes)"
    )
    there = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    digest = hashlib.sha256(here.pixels.tobytes()).hexdigest()
    assert there.stdout.strip() == f"{digest} {here.boxes}"


def test_the_order_and_repetition_of_findings_do_not_matter() -> None:
    one = draw_phantom(5, findings=["effusion", "infiltration"], size=SMALL)
    other = draw_phantom(5, findings=["infiltration", "effusion", "effusion"], size=SMALL)
    np.testing.assert_array_equal(one.pixels, other.pixels)
    assert one.boxes == other.boxes
    assert [box.finding for box in one.boxes] == ["effusion", "infiltration"]


def test_another_seed_is_another_patient_and_another_film_the_same_one() -> None:
    between_films, between_patients = [], []
    for seed in range(8):
        first = draw_phantom(seed, size=SMALL).pixels.astype(float)
        again = draw_phantom(seed, size=SMALL, film_index=1).pixels.astype(float)
        other = draw_phantom(seed + 100, size=SMALL).pixels.astype(float)
        between_films.append(np.abs(first - again).mean())
        between_patients.append(np.abs(first - other).mean())
    assert min(between_films) > 2  # gray values
    assert np.mean(between_patients) > np.mean(between_films) + 2


def test_a_chest_is_where_a_frontal_film_shows_it() -> None:
    mean = np.mean([draw_phantom(seed, size=SMALL).pixels for seed in range(40)], axis=0)
    right_lung = gray(mean, (0.22, 0.38), (0.25, 0.50))
    left_lung = gray(mean, (0.62, 0.78), (0.25, 0.45))
    belly = gray(mean, (0.25, 0.75), (0.80, 0.95))
    middle = gray(mean, (0.47, 0.53), (0.45, 0.60))
    air = gray(mean, (0.00, 0.08), (0.00, 0.08))
    assert air < 15
    assert max(right_lung, left_lung) < 100
    assert min(belly, middle) > 170
    # The heart's apex points to the image's right.
    assert gray(mean, (0.60, 0.68), (0.55, 0.60)) > 40 + gray(mean, (0.32, 0.40), (0.55, 0.60))


def test_the_right_hemidiaphragm_is_the_higher_one() -> None:
    for seed in range(100):
        patient = sample_patient(seed)
        assert 0.03 < patient.dome_drop < 0.11


def test_one_patient_looks_alike_at_two_sizes() -> None:
    small = draw_phantom(9, findings=["atelectasis"], size=128)
    large = draw_phantom(9, findings=["atelectasis"], size=512)
    reduced = large.pixels.reshape(128, 4, 128, 4).mean(axis=(1, 3))
    assert np.corrcoef(reduced.ravel(), small.pixels.ravel().astype(float))[0, 1] > 0.99
    for a, b in zip(small.boxes, large.boxes, strict=True):
        assert b.x / 4 == pytest.approx(a.x, abs=2)
        assert b.y / 4 == pytest.approx(a.y, abs=2)
        assert b.width / 4 == pytest.approx(a.width, abs=3)
        assert b.height / 4 == pytest.approx(a.height, abs=3)


def test_the_png_holds_the_same_pixels() -> None:
    data = phantom_png(4, findings=["effusion"], size=SMALL)
    image = Image.open(io.BytesIO(data))
    assert image.format == "PNG"
    assert image.mode == "L"
    expected = draw_phantom(4, findings=["effusion"], size=SMALL).pixels
    np.testing.assert_array_equal(np.asarray(image), expected)


@pytest.mark.parametrize("findings", ["no_finding", ["effusion", "no_finding"], ["Effusion"]])
def test_a_finding_that_cannot_be_planted_is_refused(findings: str | list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        draw_phantom(0, findings=findings, size=SMALL)
    assert caught.value.problem == "The phantom cannot show this finding"
    assert caught.value.value == (findings if isinstance(findings, str) else findings[-1])
    assert caught.value.remedy.startswith("Use any of effusion, atelectasis, infiltration")


@pytest.mark.parametrize("size", [0, 63, 2049])
def test_a_size_out_of_range_is_refused(size: int) -> None:
    with pytest.raises(ConfigError) as caught:
        draw_phantom(0, size=size)
    assert caught.value.problem == "The phantom cannot be drawn at this size"
    assert caught.value.value == f"{size} pixels"
    assert caught.value.remedy == "Use a side of 64 to 2048 pixels."


@pytest.mark.parametrize(
    ("seed", "film", "problem"),
    [(-1, 0, "The phantom's seed is negative"), (0, -2, "The phantom's film number is negative")],
)
def test_a_negative_number_is_refused(seed: int, film: int, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        draw_phantom(seed, film_index=film, size=SMALL)
    assert caught.value.problem == problem
    assert caught.value.value == min(seed, film)
    assert caught.value.remedy == "Use 0 or more."
