"""The one renderer of a film with its map: for the page, the PNG, the PDF and DICOM."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from contourpy import contour_generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from cxr_core.export.colours import STEPS, evidence_ramp
from cxr_core.reading.analyzer import Analysis

Form = Literal["colour", "contour"]
CONTOUR_LEVEL = 0.25  # of the scale's maximum; weaker evidence gets no line in the signed view
_TRACING_CELLS = 32  # points a map cell on which the contour is traced
_DASH = 3.0  # length of a dash and of a gap, in line widths


@dataclass(frozen=True)
class MapStyle:
    """How a map lies over a film.

    Attributes:
        form: ``colour`` (a veil), or ``contour`` (lines only, nothing of the film is hidden).
        opacity: 0 to 1; at 0 the result is the plain film exactly.
        signed: show what lowers the score too.
    """

    form: Form = "colour"
    opacity: float = 0.6
    signed: bool = False


def shown_map(analysis: Analysis, key: str) -> NDArray[np.float32]:
    """(h, w) the map as it is shown, calibrated logit units.

    That of No Finding is turned round: it shows the regions that lower No Finding.
    """
    margin_map = analysis.margin_maps[key]
    return -margin_map if key == "no_finding" else margin_map


def draw_map(
    pixels: NDArray[np.uint8], analysis: Analysis, key: str, style: MapStyle
) -> NDArray[np.uint8]:
    """A film's copy (H, W), of any size, under one finding's map: uint8 (H, W, 3), RGB."""
    return compose_overlay(
        pixels,
        shown_map(analysis, key),
        maximum=analysis.evidence_scale.maximum,
        opacity=style.opacity,
        signed=style.signed,
    )


def upsample_evidence(evidence: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Un-squash a map to a film's shape, smoothly.

    The network saw the whole film squashed to a square, so the map covers the whole film.

    Args:
        evidence: (h, w) in logit units.
        shape: (H, W) of the film in pixels.

    Returns:
        float32 (H, W); bicubic, held within the map's own range so that smoothing never shows
        evidence of a sign or strength that no cell has.
    """
    height, width = shape
    small = Image.fromarray(np.ascontiguousarray(evidence, dtype=np.float32))
    large = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))  # (H, W)
    held: NDArray[np.float32] = np.clip(large, evidence.min(), evidence.max())
    return held


def cover(share: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much a share 0 to 1 of the scale hides of the film, 0 to 1.

    Like three panes of glass, each of which hides that share: most films' evidence is a tenth of
    the scale, which one pane would not show, and it still fades in without an edge.
    """
    panes: NDArray[np.float32] = 1.0 - (1.0 - share) ** 3
    return panes


def evidence_layer(
    evidence: NDArray[np.float32],
    shape: tuple[int, int],
    *,
    maximum: float,
    signed: bool = False,
) -> NDArray[np.uint8]:
    """Evidence as a layer to lay over a film.

    Colour and cover grow with |evidence| and saturate at ``maximum``, the one fixed scale. No
    evidence is clear glass.
    Positive evidence is warm. With ``signed``, negative evidence is cool, and a solid line rings
    positive, a dashed line negative evidence, so that the sign survives grey print and colour
    blindness.

    Args:
        evidence: (h, w) in logit units.
        shape: (H, W) of the film.
        maximum: logit units, positive (``analysis.evidence_scale.maximum``).
        signed: show negative evidence too.

    Returns:
        uint8 (H, W, 4), RGBA.
    """
    share = np.clip(upsample_evidence(evidence, shape) / maximum, -1.0, 1.0)  # (H, W)
    if not signed:
        share = np.maximum(share, 0.0)
    strength = np.round(np.abs(share) * (STEPS - 1)).astype(np.uint8)  # (H, W)
    layer = np.empty((*shape, 4), dtype=np.uint8)
    layer[..., :3] = evidence_ramp()[strength]
    if signed:
        negative = share < 0
        layer[negative, :3] = evidence_ramp(negative=True)[strength[negative]]
    layer[..., 3] = np.round(cover(np.abs(share)) * 255).astype(np.uint8)
    return _ring_signs(layer, evidence, maximum=maximum) if signed else layer


def compose_overlay(
    pixels: NDArray[np.uint8],
    evidence: NDArray[np.float32],
    *,
    maximum: float,
    opacity: float,
    signed: bool = False,
) -> NDArray[np.uint8]:
    """Lay a finding's evidence over a film.

    Args:
        pixels: (H, W) gray film.
        evidence: (h, w) in logit units.
        maximum: end of the fixed colour scale, logit units, positive.
        opacity: 0 to 1; at 0 the result is the plain film exactly.
        signed: show negative evidence too.

    Returns:
        uint8 (H, W, 3), RGB.
    """
    shape = (pixels.shape[0], pixels.shape[1])
    layer = evidence_layer(evidence, shape, maximum=maximum, signed=signed)
    film = pixels[..., None].astype(np.float32)  # (H, W, 1)
    alpha = layer[..., 3:].astype(np.float32) * (opacity / 255)  # (H, W, 1)
    blended = film + (layer[..., :3] - film) * alpha  # (H, W, 3)
    return np.round(blended).astype(np.uint8)


def strongest_share(evidence: NDArray[np.float32], *, maximum: float) -> float:
    """The strongest positive evidence of a map as a share of the scale, 0 to 1; 0 for none."""
    return float(np.clip(evidence.max() / maximum, 0.0, 1.0))


def _ring_signs(
    layer: NDArray[np.uint8], evidence: NDArray[np.float32], *, maximum: float
) -> NDArray[np.uint8]:
    """Draw the solid and the dashed rings into a layer (H, W, 4)."""
    height, width = layer.shape[:2]
    rows, columns = (cells * _TRACING_CELLS for cells in evidence.shape)
    # A border below every level closes the rings at the film's edge.
    traced = upsample_evidence(evidence, (rows, columns)) / maximum
    picture = Image.fromarray(layer)
    pen = ImageDraw.Draw(picture)
    thickness = max(1, round(max(height, width) / 400))
    for negative in (False, True):
        share = np.pad(-traced if negative else traced, 1, constant_values=-1.0)
        red, green, blue = (int(c) for c in evidence_ramp(negative=negative)[-1])
        for line in contour_generator(z=share).lines(CONTOUR_LEVEL):
            # Sample i of the padded grid is the centre of sample i - 1 of the map.
            points = (np.asarray(line) - 0.5) * (width / columns, height / rows)  # (n, 2) x, y
            for stroke in _dashes(points, thickness * _DASH) if negative else [points]:
                pen.line(
                    [(float(x), float(y)) for x, y in stroke],
                    fill=(red, green, blue, 255),
                    width=thickness,
                )
    return np.asarray(picture)


def _dashes(points: NDArray[np.float64], length: float) -> Iterator[NDArray[np.float64]]:
    """Every other piece of a polyline (n, 2) cut into pieces of one length, as (m, 2)."""
    steps = np.hypot(*np.diff(points, axis=0).T)  # (n - 1,)
    along = np.concatenate([[0.0], np.cumsum(steps)])  # (n,)
    for start in np.arange(0.0, along[-1], 2 * length):
        inside = np.linspace(start, min(start + length, along[-1]), 6)
        yield np.stack([np.interp(inside, along, points[:, axis]) for axis in (0, 1)], axis=1)
