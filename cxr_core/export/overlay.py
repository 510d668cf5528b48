"""The one renderer of a film with its map: for the page, the PNG, the PDF and DICOM."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from contourpy import contour_generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from cxr_core.findings import ABNORMAL_KEYS, NORMAL_KEY

if TYPE_CHECKING:
    from cxr_core.reading.analyzer import Analysis

N_COLOURS = 256
# Lightness 0 to 1, chroma, hue in degrees, at the weakest and at the strongest evidence.
POSITIVE_LCH_ENDS = ((0.50, 0.17, 32.0), (0.84, 0.17, 80.0))
NEGATIVE_LCH_ENDS = ((0.46, 0.15, 262.0), (0.86, 0.09, 218.0))
# OKLab -> cone responses -> linear sRGB, the matrices of Ottosson's article.
_OKLAB_TO_LMS = np.array(
    [[1.0, 0.3963377774, 0.2158037573], [1.0, -0.1055613458, -0.0638541728],
     [1.0, -0.0894841775, -1.2914855480]]
)  # fmt: skip
_LMS_TO_LINEAR_RGB = np.array(
    [[4.0767416621, -3.3077115913, 0.2309699292], [-1.2684380046, 2.6097574011, -0.3413193965],
     [-0.0041960863, -0.7034186147, 1.7076147010]]
)  # fmt: skip
CONTOUR_LEVELS = (0.25, 0.5, 0.75)  # shares of the scale
# Lengths of a dash and of a gap, in the width of a line with its casing.
_DASH = 2.4
_GAP = 1.8
_MAX_SUPERSAMPLED_SIDE = 2200  # longest side that is drawn at twice its size, for smooth edges
_MIN_LINE_WIDTH = 3  # pixels, so that a small multiple shows its lines
_OUTLINE_COLOUR = (12, 12, 12)
Stroke = tuple[list[tuple[float, float]], int, tuple[int, int, int]]  # points, width, colour
MapMode = Literal["colour", "contour"]
SIGNED_CONTOUR_LEVEL = 0.25  # where the signed colours are ringed; weaker evidence gets no line
# The veil at the scale's end; a film shows through the strongest evidence at full opacity too.
MAX_ALPHA = 0.7
PALE = 0.4  # of its opacity: how the map of a finding that is not flagged is drawn
_WEAKEST_LINE = 0.35  # of the ramp, so that the lowest line is still bright enough to be seen
_CONTOUR_UPSAMPLING = 32  # points a map cell on which a contour is traced


# The two colour ramps of the evidence maps: warm for positive, cool for negative.
#
# Both are straight lines in OKLCH (Ottosson, "A perceptual color space for image processing",
# 2020), so equal steps of evidence are equal steps of perceived lightness, and lightness alone
# orders them for a reader who sees no hue. Orange against blue stays apart in every common form
# of colour blindness.


def oklch_to_rgb(lch: NDArray[np.float64]) -> NDArray[np.uint8]:
    """(N, 3) lightness 0 to 1, chroma, hue in degrees -> (N, 3) sRGB, clipped to the gamut."""
    lightness, chroma, hue = lch[:, 0], lch[:, 1], np.deg2rad(lch[:, 2])
    lab = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], axis=1)  # (N, 3)
    linear = np.clip((lab @ _OKLAB_TO_LMS.T) ** 3 @ _LMS_TO_LINEAR_RGB.T, 0.0, 1.0)  # (N, 3)
    encoded = np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * np.power(linear, 1 / 2.4) - 0.055
    )
    rgb: NDArray[np.uint8] = np.round(encoded * 255).astype(np.uint8)
    return rgb


@cache
def evidence_colormap(*, negative: bool = False) -> NDArray[np.uint8]:
    """(256, 3) sRGB colours from the weakest to the strongest evidence; not to be written to."""
    start, end = (np.array(lch) for lch in (NEGATIVE_LCH_ENDS if negative else POSITIVE_LCH_ENDS))
    share = np.linspace(0.0, 1.0, N_COLOURS)[:, None]  # (256, 1)
    ramp = oklch_to_rgb(start + (end - start) * share)
    ramp.setflags(write=False)
    return ramp


# Lines of equal evidence, drawn into a layer: solid where it raises, dashed where it lowers.
#
# Each line has a dark casing, so that it stands out on bright and on dark film, and grows in weight
# and brightness with its level, so that the levels are told apart in grey print too.


def draw_contours(
    layer: NDArray[np.uint8],
    fraction: NDArray[np.float32],
    levels: Sequence[float],
    *,
    signed: bool,
) -> NDArray[np.uint8]:
    """Draw lines at shares of the scale into a layer.

    Args:
        layer: (H, W, 4) RGBA, not written to.
        fraction: (h, w) the map as a share of the scale, -1 to 1, on any grid over the whole film.
        levels: 0 to 1, rising.
        signed: draw dashed lines at the same negative levels too.

    Returns:
        uint8 (H, W, 4), RGBA.
    """
    height, width = layer.shape[:2]
    scale = 2 if max(height, width) <= _MAX_SUPERSAMPLED_SIDE else 1
    strokes = list(_strokes(fraction, levels, (height * scale, width * scale), signed=signed))
    if not strokes:
        return layer
    size = (width * scale, height * scale)
    ink, mask = Image.new("RGB", size), Image.new("L", size)
    pen, mask_pen = ImageDraw.Draw(ink), ImageDraw.Draw(mask)
    casing = _outline_width(max(size))
    for points, weight, _ in strokes:
        pen.line(points, fill=_OUTLINE_COLOUR, width=weight + 2 * casing, joint="curve")
        mask_pen.line(points, fill=255, width=weight + 2 * casing, joint="curve")
    for points, weight, colour in strokes:
        pen.line(points, fill=colour, width=weight, joint="curve")
    # What was not drawn is black, so the reduced ink is already weighted by its mask.
    return _composite_lines(layer, np.asarray(ink.reduce(scale)), np.asarray(mask.reduce(scale)))


def _composite_lines(
    layer: NDArray[np.uint8], ink: NDArray[np.uint8], mask: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Ink (H, W, 3), weighted by its mask (H, W), over a layer (H, W, 4)."""
    result = layer.copy()
    drawn = mask > 0
    below = layer[drawn].astype(np.float32)  # (n, 4)
    left = below[:, 3] / 255 * (1 - mask[drawn] / 255)  # (n,) what shows of the layer
    alpha = mask[drawn] / 255 + left  # (n,)
    colour = (ink[drawn] + below[:, :3] * left[:, None]) / alpha[:, None]  # (n, 3)
    result[drawn] = np.rint(np.column_stack([colour, alpha * 255])).clip(0, 255).astype(np.uint8)
    return result


def _strokes(
    share: NDArray[np.float32], levels: Sequence[float], shape: tuple[int, int], *, signed: bool
) -> Iterator[Stroke]:
    height, width = shape
    rows, columns = share.shape
    for negative in (False, True) if signed else (False,):
        # A border below every level closes the lines at the film's edge.
        padded = np.pad(-share if negative else share, 1, constant_values=-1.0)
        contours = contour_generator(z=padded)
        for level in levels:
            step = round((_WEAKEST_LINE + (1 - _WEAKEST_LINE) * level) * (N_COLOURS - 1))
            red, green, blue = (int(c) for c in evidence_colormap(negative=negative)[step])
            weight = max(_MIN_LINE_WIDTH, round(max(height, width) / 360 * (0.5 + level)))
            length = weight + 2 * _outline_width(max(height, width))
            for line in contours.lines(level):
                # Sample i of the padded grid is the centre of sample i - 1 of the map.
                points = (np.asarray(line) - 0.5) * (width / columns, height / rows)  # (n, 2)
                for piece in _dashes(points, length) if negative else [points]:
                    yield [(float(x), float(y)) for x, y in piece], weight, (red, green, blue)


def _outline_width(longest: int) -> int:
    """Its width on either side of a line, in pixels."""
    return max(1, round(longest / 900))


def _dashes(points: NDArray[np.float64], length: int) -> Iterator[NDArray[np.float64]]:
    """A polyline (n, 2) cut into dashes, each (m, 2)."""
    steps = np.hypot(*np.diff(points, axis=0).T)  # (n - 1,)
    along = np.concatenate([[0.0], np.cumsum(steps)])  # (n,)
    for start in np.arange(0.0, along[-1], (_DASH + _GAP) * length):
        inside = np.linspace(start, min(start + _DASH * length, along[-1]), 6)
        yield np.stack([np.interp(inside, along, points[:, axis]) for axis in (0, 1)], axis=1)


@dataclass(frozen=True)
class MapStyle:
    """How a map lies over a film.

    Attributes:
        mode: ``colour`` (a veil), or ``contour`` (lines only, nothing of the film is hidden).
        opacity: 0 to 1; at 0 the result is the plain film exactly.
        signed: show what speaks against the finding too.
    """

    mode: MapMode = "colour"
    opacity: float = 0.6
    signed: bool = False


def style_on_film(
    analysis: Analysis, key: str, style: MapStyle, *, requested: bool = False
) -> MapStyle:
    """How one finding's map is drawn: in full where the finding is flagged, pale where the reader
    asked for the map of another, and else not at all (opacity 0)."""
    if is_flagged(analysis, key):
        return style
    return replace(style, opacity=PALE * style.opacity if requested else 0.0)


def is_flagged(analysis: Analysis, key: str) -> bool:
    """Whether one of the three is flagged; No Finding is called normal, and never flagged."""
    return key in ABNORMAL_KEYS and analysis.above[key]


def scale_layer(style: MapStyle, n: int) -> NDArray[np.uint8]:
    """The colour scale from its low to its high end as a layer (n, 4), RGBA, before the style's
    opacity: veils as strong as over a film, or the colours of the lines."""
    share = np.linspace(-1.0 if style.signed else 0.0, 1.0, n, dtype=np.float32)
    if style.mode == "colour":
        return _colour_layer(share, signed=style.signed)
    bright = np.sign(share) * (_WEAKEST_LINE + (1 - _WEAKEST_LINE) * np.abs(share))
    layer = _colour_layer(bright.astype(np.float32), signed=style.signed)
    layer[:, 3] = 255
    return layer


def typical_gray(pixels: NDArray[np.uint8]) -> int:
    """The gray over which the scale of a film's maps is shown: its median."""
    return round(float(np.median(pixels)))


def display_map(analysis: Analysis, key: str) -> NDArray[np.float32]:
    """(h, w) the map as it is shown, calibrated logit units.

    That of No Finding is turned round: it shows the regions that lower No Finding.
    """
    margin_map = analysis.margin_maps[key]
    return -margin_map if key == NORMAL_KEY else margin_map


def draw_map(
    pixels: NDArray[np.uint8], analysis: Analysis, key: str, style: MapStyle
) -> NDArray[np.uint8]:
    """A film's copy (H, W), of any size, under one finding's map: uint8 (H, W, 3), RGB."""
    shape = (pixels.shape[0], pixels.shape[1])
    return alpha_composite(pixels, map_layer(analysis, key, shape, style), opacity=style.opacity)


def map_layer(
    analysis: Analysis, key: str, shape: tuple[int, int], style: MapStyle
) -> NDArray[np.uint8]:
    """One finding's map as a layer (H, W, 4), RGBA, before ``style.opacity``."""
    return evidence_layer(
        display_map(analysis, key),
        shape,
        maximum=analysis.evidence_scale.maximum,
        signed=style.signed,
        mode=style.mode,
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
    clipped: NDArray[np.float32] = np.clip(large, evidence.min(), evidence.max())
    return clipped


def evidence_alpha(fraction: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much a share 0 to 1 of the scale hides of the film, 0 to ``MAX_ALPHA``.

    In even steps, as the colours are: twice the evidence is twice the veil.
    """
    alpha: NDArray[np.float32] = MAX_ALPHA * fraction
    return alpha


def evidence_layer(
    evidence: NDArray[np.float32],
    shape: tuple[int, int],
    *,
    maximum: float,
    signed: bool = False,
    mode: MapMode = "colour",
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
    if mode == "contour":
        clear = np.zeros((*shape, 4), dtype=np.uint8)
        return draw_contours(clear, _contour_grid(evidence, maximum), CONTOUR_LEVELS, signed=signed)
    veil = _colour_layer(upsample_evidence(evidence, shape) / maximum, signed=signed)
    if not signed:
        return veil
    return draw_contours(
        veil, _contour_grid(evidence, maximum), (SIGNED_CONTOUR_LEVEL,), signed=True
    )


def _contour_grid(evidence: NDArray[np.float32], maximum: float) -> NDArray[np.float32]:
    """The map as shares of the scale, fine enough for smooth lines."""
    rows, columns = (cells * _CONTOUR_UPSAMPLING for cells in evidence.shape)
    return upsample_evidence(evidence, (rows, columns)) / np.float32(maximum)


def _colour_layer(share: NDArray[np.float32], *, signed: bool) -> NDArray[np.uint8]:
    """Shares of the scale (H, W) as colours and cover (H, W, 4)."""
    share = np.clip(share, -1.0 if signed else 0.0, 1.0)
    strength = np.rint(np.abs(share) * (N_COLOURS - 1)).astype(np.uint8)  # (H, W)
    alphas = np.rint(evidence_alpha(np.linspace(0, 1, N_COLOURS, dtype=np.float32)) * 255).astype(
        np.uint8
    )
    layer = np.empty((*share.shape, 4), dtype=np.uint8)
    layer[..., :3] = evidence_colormap()[strength]
    layer[..., 3] = alphas[strength]
    if signed:
        negative = share < 0
        layer[negative, :3] = evidence_colormap(negative=True)[strength[negative]]
    return layer


def alpha_composite(
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


def peak_fraction(evidence: NDArray[np.float32], *, maximum: float) -> float:
    """The strongest positive evidence of a map as a share of the scale, 0 to 1; 0 for none."""
    return float(np.clip(evidence.max() / maximum, 0.0, 1.0))
