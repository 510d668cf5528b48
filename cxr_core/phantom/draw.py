"""A drawn frontal chest radiograph with findings planted at known boxes."""

import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cxr_core.errors import ConfigError
from cxr_core.findings import ABNORMAL_KEYS
from cxr_core.phantom import anatomy
from cxr_core.phantom.anatomy import draw_bones, draw_vessels
from cxr_core.phantom.patient import Field, Film, draw_film, draw_patient, lay_frame, smooth_noise
from cxr_core.phantom.planted import draw_findings, plan_findings, volume_loss

LEAST_SIDE, LARGEST_SIDE = 64, 2048  # pixels


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
        boxes: one for each finding, in the order of ``ABNORMAL_KEYS``; each at most a tenth
            of the image, and around nearly all that the finding changes.
    """

    pixels: NDArray[np.uint8]
    findings: frozenset[str]
    boxes: tuple[Box, ...]


def draw_phantom(
    seed: int, *, findings: Iterable[str] = (), size: int = 512, film: int = 0
) -> Phantom:
    """Draw a patient's frontal chest film.

    The same arguments give the same film anywhere. Findings are the only difference between
    two films of one seed and number: noise, exposure and anatomy stay (but for a slightly
    raised diaphragm beside an atelectasis).

    Args:
        seed: the patient, 0 or more.
        findings: any of ``effusion, atelectasis, infiltration``; none for a normal film.
        size: side in pixels, 64 to 2048.
        film: which of the patient's films, 0 or more; pose and exposure differ, and a finding
            lies elsewhere.

    Raises:
        ConfigError: a finding that cannot be planted, or a number out of range.
    """
    wanted = _check(seed, findings, size, film)
    patient, shot = draw_patient(seed), draw_film(seed, film)
    plans = plan_findings(patient, shot, wanted, np.random.default_rng([seed, 3, film]))
    raised = volume_loss(plans)
    frame = lay_frame(patient, shot, size)
    lungs = anatomy.draw_lungs(patient, shot, frame, raised)
    density = anatomy.draw_body(patient, frame, lungs)
    density += anatomy.draw_mediastinum(patient, shot, frame, lungs)
    density += draw_bones(patient, frame, lungs)
    density += draw_vessels(patient, frame) * lungs.air
    density += anatomy.draw_fissure(patient, frame, lungs, raised[0])
    density += anatomy.draw_haze(shot, size) - lungs.air
    planted = draw_findings(plans, frame, lungs, size)
    boxes = tuple(Box(key, *extent) for key, extent in planted.extents)
    pixels = _develop(density + planted.density, shot, size)
    return Phantom(pixels, frozenset(wanted), boxes)


def phantom_png(
    seed: int, *, findings: Iterable[str] = (), size: int = 512, film: int = 0
) -> bytes:
    """``draw_phantom`` as the bytes of an 8-bit gray PNG."""
    return encode_png(draw_phantom(seed, findings=findings, size=size, film=film).pixels)


def encode_png(pixels: NDArray[np.uint8], compression: int = 6) -> bytes:
    """uint8 (H, W) as the bytes of an 8-bit gray PNG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", compress_level=compression)
    return buffer.getvalue()


def _develop(density: Field, film: Film, size: int) -> NDArray[np.uint8]:
    """Attenuation -> gray values: exposure, the film's S-shaped curve, noise."""
    exposed = np.maximum(density, 0.0) * np.float32(film.exposure)
    steep = np.power(exposed / np.float32(1.16), np.float32(2.5 * film.contrast))
    gray = 250.0 * steep / (1.0 + steep)
    rng = np.random.default_rng([film.seed, 2])
    grain = rng.standard_normal((size, size), dtype=np.float32) * np.float32(0.7)
    grain += np.float32(0.7) * smooth_noise(rng, size // 2, size)
    noisy = gray + np.float32(film.noise) * grain + 0.5
    pixels: NDArray[np.uint8] = np.clip(noisy, 0, 255).astype(np.uint8)
    return pixels


def _check(seed: int, findings: Iterable[str], size: int, film: int) -> tuple[str, ...]:
    """The findings in order, each once."""
    names = (findings,) if isinstance(findings, str) else tuple(findings)
    for name in names:
        if name not in ABNORMAL_KEYS:
            raise ConfigError(
                "The phantom cannot show this finding",
                value=name,
                remedy=f"Use any of {', '.join(ABNORMAL_KEYS)}, or none for a normal film.",
            )
    for what, number in (("seed", seed), ("film number", film)):
        if number < 0:
            raise ConfigError(
                f"The phantom's {what} is negative", value=number, remedy="Use 0 or more."
            )
    if not LEAST_SIDE <= size <= LARGEST_SIDE:
        raise ConfigError(
            "The phantom cannot be drawn at this size",
            value=f"{size} pixels",
            remedy=f"Use a side of {LEAST_SIDE} to {LARGEST_SIDE} pixels.",
        )
    return tuple(key for key in ABNORMAL_KEYS if key in names)
