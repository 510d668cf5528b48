"""A drawn frontal chest radiograph with findings planted at known boxes."""

import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cxr_core.errors import ConfigError
from cxr_core.phantom import anatomy
from cxr_core.phantom.anatomy import draw_bones, draw_vessels
from cxr_core.phantom.patient import (
    Acquisition,
    FloatImage,
    make_patient_grid,
    sample_acquisition,
    sample_patient,
    smooth_noise,
)
from cxr_core.phantom.planted import PLANTED_KEYS, draw_findings, plan_findings, volume_loss

MIN_SIDE, MAX_SIDE = 64, 2048  # pixels


@dataclass(frozen=True)
class Box:
    """Where a finding was planted, in pixels of the phantom: upper left corner and extent."""

    finding: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Phantom:
    """A drawn radiograph.

    Attributes:
        pixels: uint8 (size, size), white is dense.
        findings: keys of what was planted; empty means No Finding.
        boxes: one for each finding, in the order of ``PLANTED_KEYS``; each at most a tenth
            of the image, and around nearly all that the finding changes.
    """

    pixels: NDArray[np.uint8]
    findings: frozenset[str]
    boxes: tuple[Box, ...]


def draw_phantom(
    seed: int, *, findings: Iterable[str] = (), size: int = 512, film_index: int = 0
) -> Phantom:
    """Draw a patient's frontal chest film.

    The same arguments give the same film anywhere. Findings are the only difference between
    two films of one seed and number: noise, exposure and anatomy stay (but for a slightly
    raised diaphragm beside an atelectasis).

    Args:
        seed: the patient, 0 or more.
        findings: any of ``effusion, atelectasis, infiltration``; none for a normal film.
        size: side in pixels, 64 to 2048.
        film_index: which of the patient's films, 0 or more; pose and exposure differ, and a finding
            lies elsewhere.

    Raises:
        ConfigError: a finding that cannot be planted, or a number out of range.
    """
    wanted = _validate(seed, findings, size, film_index)
    patient, acquisition = sample_patient(seed), sample_acquisition(seed, film_index)
    plans = plan_findings(
        patient, acquisition, wanted, np.random.default_rng([seed, 3, film_index])
    )
    raised = volume_loss(plans)
    frame = make_patient_grid(patient, acquisition, size)
    lungs = anatomy.draw_lungs(patient, acquisition, frame, raised)
    density = anatomy.draw_body(patient, frame, lungs)
    density += anatomy.draw_mediastinum(patient, acquisition, frame, lungs)
    density += draw_bones(patient, frame, lungs)
    density += draw_vessels(patient, frame) * lungs.air
    density += anatomy.draw_fissure(patient, frame, lungs, raised[0])
    density += anatomy.draw_haze(acquisition, size) - lungs.air
    planted = draw_findings(plans, frame, lungs, size)
    boxes = tuple(Box(key, *extent) for key, extent in planted.extents)
    pixels = _to_gray_levels(density + planted.density, acquisition, size)
    return Phantom(pixels, frozenset(wanted), boxes)


def phantom_png(
    seed: int, *, findings: Iterable[str] = (), size: int = 512, film_index: int = 0
) -> bytes:
    """``draw_phantom`` as the bytes of an 8-bit gray PNG."""
    return encode_png(
        draw_phantom(seed, findings=findings, size=size, film_index=film_index).pixels
    )


def encode_png(pixels: NDArray[np.uint8], compression: int = 6) -> bytes:
    """uint8 (H, W) as the bytes of an 8-bit gray PNG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", compress_level=compression)
    return buffer.getvalue()


def _to_gray_levels(density: FloatImage, acquisition: Acquisition, size: int) -> NDArray[np.uint8]:
    """Attenuation -> gray values: exposure, the film's S-shaped curve, noise."""
    exposed = np.maximum(density, 0.0) * np.float32(acquisition.exposure)
    steep = np.power(exposed / np.float32(1.16), np.float32(2.5 * acquisition.contrast))
    gray = 250.0 * steep / (1.0 + steep)
    rng = np.random.default_rng([acquisition.seed, 2])
    grain = rng.standard_normal((size, size), dtype=np.float32) * np.float32(0.7)
    grain += np.float32(0.7) * smooth_noise(rng, size // 2, size)
    noisy = gray + np.float32(acquisition.noise) * grain + 0.5
    pixels: NDArray[np.uint8] = np.clip(noisy, 0, 255).astype(np.uint8)
    return pixels


def _validate(seed: int, findings: Iterable[str], size: int, film_index: int) -> tuple[str, ...]:
    """The findings in order, each once."""
    names = (findings,) if isinstance(findings, str) else tuple(findings)
    for name in names:
        if name not in PLANTED_KEYS:
            raise ConfigError(
                "The phantom cannot show this finding",
                value=name,
                remedy=f"Use any of {', '.join(PLANTED_KEYS)}, or none for a normal film.",
            )
    for what, number in (("seed", seed), ("film number", film_index)):
        if number < 0:
            raise ConfigError(
                f"The phantom's {what} is negative", value=number, remedy="Use 0 or more."
            )
    if not MIN_SIDE <= size <= MAX_SIDE:
        raise ConfigError(
            "The phantom cannot be drawn at this size",
            value=f"{size} pixels",
            remedy=f"Use a side of {MIN_SIDE} to {MAX_SIDE} pixels.",
        )
    return tuple(key for key in PLANTED_KEYS if key in names)
