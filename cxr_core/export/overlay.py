"""The one renderer of a film with its map: for the page, the PNG, the PDF and DICOM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cxr_core.export.colours import STEPS, evidence_ramp
from cxr_core.export.contours import CONTOUR_LEVELS, draw_contours

if TYPE_CHECKING:  # the words of every page come by here, and PyTorch takes seconds
    from cxr_core.reading.analyzer import Analysis

Form = Literal["colour", "contour"]
RING_LEVEL = 0.25  # where the signed colours are ringed; weaker evidence gets no line
# The veil at the scale's end; a film shows through the strongest evidence at full opacity too.
MOST_COVER = 0.7
_TRACING_CELLS = 32  # points a map cell on which a contour is traced


@dataclass(frozen=True)
class MapStyle:
    """How a map lies over a film.

    Attributes:
        form: ``colour`` (a veil), or ``contour`` (lines only, nothing of the film is hidden).
        opacity: 0 to 1; at 0 the result is the plain film exactly.
        signed: show what speaks against the finding too.
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
    shape = (pixels.shape[0], pixels.shape[1])
    return flatten(pixels, map_layer(analysis, key, shape, style), opacity=style.opacity)


def map_layer(
    analysis: Analysis, key: str, shape: tuple[int, int], style: MapStyle
) -> NDArray[np.uint8]:
    """One finding's map as a layer (H, W, 4), RGBA, before ``style.opacity``."""
    return evidence_layer(
        shown_map(analysis, key),
        shape,
        maximum=analysis.evidence_scale.maximum,
        signed=style.signed,
        form=style.form,
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
    """How much a share 0 to 1 of the scale hides of the film, 0 to ``MOST_COVER``.

    In even steps, as the colours are: twice the evidence is twice the veil.
    """
    veil: NDArray[np.float32] = MOST_COVER * share
    return veil


def evidence_layer(
    evidence: NDArray[np.float32],
    shape: tuple[int, int],
    *,
    maximum: float,
    signed: bool = False,
    form: Form = "colour",
) -> NDArray[np.uint8]:
    """Evidence as a layer to lay over a film.

    Colour and cover grow with |evidence| and saturate at ``maximum``, the one fixed scale. No
    evidence is clear glass. Positive evidence is warm. With ``signed``, negative evidence is cool,
    and solid lines ring positive, dashed lines negative evidence, so that the sign survives grey
    print and colour blindness. As ``contour`` there are the lines alone.

    Args:
        evidence: (h, w) in logit units.
        shape: (H, W) of the film.
        maximum: logit units, positive (``analysis.evidence_scale.maximum``).
        signed: show negative evidence too.

    Returns:
        uint8 (H, W, 4), RGBA.
    """
    if form == "contour":
        clear = np.zeros((*shape, 4), dtype=np.uint8)
        return draw_contours(clear, _traced(evidence, maximum), CONTOUR_LEVELS, signed=signed)
    veil = _veil(upsample_evidence(evidence, shape) / maximum, signed=signed)
    if not signed:
        return veil
    return draw_contours(veil, _traced(evidence, maximum), (RING_LEVEL,), signed=True)


def _traced(evidence: NDArray[np.float32], maximum: float) -> NDArray[np.float32]:
    """The map as shares of the scale, fine enough for smooth lines."""
    rows, columns = (cells * _TRACING_CELLS for cells in evidence.shape)
    return upsample_evidence(evidence, (rows, columns)) / np.float32(maximum)


def _veil(share: NDArray[np.float32], *, signed: bool) -> NDArray[np.uint8]:
    """Shares of the scale (H, W) as colours and cover (H, W, 4)."""
    share = np.clip(share, -1.0 if signed else 0.0, 1.0)
    strength = np.rint(np.abs(share) * (STEPS - 1)).astype(np.uint8)  # (H, W)
    covers = np.rint(cover(np.linspace(0, 1, STEPS, dtype=np.float32)) * 255).astype(np.uint8)
    layer = np.empty((*share.shape, 4), dtype=np.uint8)
    layer[..., :3] = evidence_ramp()[strength]
    layer[..., 3] = covers[strength]
    if signed:
        negative = share < 0
        layer[negative, :3] = evidence_ramp(negative=True)[strength[negative]]
    return layer


def flatten(
    pixels: NDArray[np.uint8], layer: NDArray[np.uint8], *, opacity: float
) -> NDArray[np.uint8]:
    """Lay a layer over a film.

    Args:
        pixels: (H, W) gray film.
        layer: (H, W, 4) RGBA.
        opacity: of the layer, 0 to 1; at 0 the result is the plain film exactly.

    Returns:
        uint8 (H, W, 3), RGB.
    """
    film = pixels[..., None].astype(np.float32)  # (H, W, 1)
    alpha = layer[..., 3:].astype(np.float32) * (opacity / 255)  # (H, W, 1)
    blended = film + (layer[..., :3] - film) * alpha  # (H, W, 3)
    return np.rint(blended).astype(np.uint8)


def strongest_share(evidence: NDArray[np.float32], *, maximum: float) -> float:
    """The strongest positive evidence of a map as a share of the scale, 0 to 1; 0 for none."""
    return float(np.clip(evidence.max() / maximum, 0.0, 1.0))
