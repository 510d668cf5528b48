"""What the decoders share: the film they return, its size limits, its scaling to 8 bits."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxr_core.errors import ImageError
from cxr_core.imaging.windowing import Window, by_rows

MIN_DECODED_SIDE = 64  # px; below this there is no film to read
MAX_PIXELS = 64_000_000  # four times the largest flat-panel detectors in use
# Of one picture with all its channels, as it comes from a decoder: 16-bit gray of that size.
MAX_DECODED_BYTES = 2 * MAX_PIXELS
MAX_FILE_BYTES = 160 * 2**20  # the largest such picture, uncompressed, and its tags
COLOUR_WARNING = "This image is in colour; only its brightness was read."
LUMINANCE_WEIGHTS = np.array([0.299, 0.587, 0.114])  # ITU-R 601
CHANNEL_TOLERANCE = 4  # gray levels between channels that JPEG's rounding explains
# Of a tint: the share of the brightest channel by which the channels may differ, and gray levels by
# which a pixel may differ from others of its brightness. A picture with less colour than the first
# share is looked at no further.
_PALE, _TINT_TOLERANCE = 0.35, 10
_MAX_MARK_FRACTION = 0.01
_MAX_TINT_SAMPLES = 1024  # a side


@dataclass(frozen=True)
class PixelSpacing:
    """How far apart a film's pixels are, as its file states it.

    Attributes:
        row, column: mm from one row to the next and from one column to the next.
        note: where these millimetres hold, a short phrase.
    """

    row: float
    column: float
    note: str


# eq=False: comparing arrays with == has no single answer, so films are equal by identity only.
@dataclass(frozen=True, kw_only=True, eq=False)
class DecodedFilm:
    """One film's gray values and what was done to them. No patient tag is ever kept.

    Attributes:
        stored: (H, W) values at full depth, after the modality LUT and before any window:
            uint8, uint16, int16 or float32. For the viewer's window and level.
        pixels: uint8 (H, W), bright is dense; what the model sees.
        file_format: "PNG", "JPEG", "TIFF" or "DICOM".
        processing_log: what was done, short sentences.
        warnings: what a reader should know, calm sentences.
        rejection_reasons: what the file itself says against its being a frontal chest film.
        colour_fraction: share of the picture that has colour, 0 to 1.
        view: DICOM ViewPosition, as "PA"; None otherwise.
        orientation: DICOM PatientOrientation, as ("L", "F"): where the patient lies towards the
            picture's right and towards its bottom; None when absent.
        model_window: by which ``pixels`` were made of ``stored``; None for 8 bits as they are.
        windows: all ways in which a DICOM file proposes to show ``stored``, by name.
        inverted: ``stored`` is MONOCHROME1, low is bright: a display must invert it.
        under_18: whether the file says that the patient is under 18; None when it does not say.
        portable: the file says that the film was taken at the bed.
        pixel_spacing: for measuring; None when the file states none.
    """

    stored: NDArray[Any]
    pixels: NDArray[np.uint8]
    file_format: str
    processing_log: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    rejection_reasons: tuple[str, ...] = ()
    colour_fraction: float = 0.0
    view: str | None = None
    orientation: tuple[str, str] | None = None
    model_window: Window | None = None
    windows: tuple[Window, ...] = ()
    inverted: bool = False
    under_18: bool | None = None
    portable: bool = False
    pixel_spacing: PixelSpacing | None = None

    @property
    def window(self) -> tuple[float, float] | None:
        """(center, width) of the file's own window or table that the film is read by, else None."""
        chosen = self.model_window
        return (chosen.center, chosen.width) if chosen is not None and chosen.key else None


def check_size(width: int, height: int, pixel_bytes: int = 1) -> None:
    """Refuse a picture by its header, before anything is decoded.

    Args:
        pixel_bytes: of all samples of one pixel, as a decoder hands them on.

    Raises:
        ImageError: a side is under ``MIN_DECODED_SIDE``, the area over ``MAX_PIXELS``, or all its
            samples over ``MAX_DECODED_BYTES``.
    """
    size = f"{width:,} x {height:,} pixels"
    if min(width, height) < MIN_DECODED_SIDE:
        raise ImageError(
            "The image is too small to be a radiograph",
            value=size,
            remedy=f"Upload the original film; each side needs at least {MIN_DECODED_SIDE} pixels.",
        )
    if width * height > MAX_PIXELS:
        raise ImageError(
            "The image is too large to be a radiograph",
            value=size,
            remedy=f"Save the film with at most {MAX_PIXELS // 1_000_000} million pixels.",
        )
    check_decoded_bytes(width, height, pixel_bytes)


def check_decoded_bytes(width: int, height: int, pixel_bytes: int) -> None:
    """The last of the checks of ``check_size``.

    Raises:
        ImageError: all samples of the picture take more than ``MAX_DECODED_BYTES``.
    """
    if width * height * pixel_bytes > MAX_DECODED_BYTES:
        raise ImageError(
            "The image takes too much memory to be a radiograph",
            value=f"{width:,} x {height:,} pixels of {pixel_bytes} bytes each",
            remedy="Save the film in grayscale, with 8 or 16 bits and no alpha channel.",
        )


def scale_to_uint8(values: NDArray[Any], *, low: float, high: float) -> NDArray[np.uint8]:
    """Map ``low`` to 0 and ``high`` to 255, linearly, rounded; clip what lies outside.

    Args:
        values: (H, W), any real type.
        low, high: in units of ``values``. Where they are equal there is no contrast to show,
            and all becomes 0.

    Returns:
        uint8 (H, W).
    """
    if not high > low:
        return np.zeros(values.shape, np.uint8)
    kind = np.float32 if values.dtype.itemsize <= 2 else np.float64  # exact for 16-bit values

    def scaled(rows: NDArray[Any]) -> NDArray[np.uint8]:
        exact: NDArray[Any] = rows.astype(kind)
        levels = (exact - low) * (255 / (high - low))
        return np.asarray(np.rint(levels.clip(0, 255)), dtype=np.uint8)

    return by_rows(scaled, values)


def has_colour(rgb: NDArray[np.uint8]) -> bool:
    """Whether the channels of a picture (H, W, 3) differ anywhere by more than rounding."""
    return bool((_spread(rgb) > CHANNEL_TOLERANCE).any())


def colour_fraction(rgb: NDArray[np.uint8]) -> float:
    """Share 0 to 1 of a uint8 (H, W, 3) picture whose channels differ by more than rounding.

    A pale tint that all of it has, as a scanned film on its blue base, is none: there each
    brightness has one colour.
    """
    coloured = _spread(rgb) > CHANNEL_TOLERANCE  # (H, W)
    share = float(coloured.mean())
    if share <= _MAX_MARK_FRACTION:
        return share
    height, width = coloured.shape
    step = np.s_[:: max(1, height // _MAX_TINT_SAMPLES), :: max(1, width // _MAX_TINT_SAMPLES)]
    sample = rgb[step].reshape(-1, 3)  # (N, 3)
    level = np.rint(sample @ LUMINANCE_WEIGHTS).astype(np.int64)  # (N,)
    tint = np.stack([_medians(level, sample[:, channel]) for channel in range(3)], axis=1)
    is_pale = np.ptp(tint, axis=1) <= _PALE * tint.max(axis=1) + CHANNEL_TOLERANCE  # (256,)
    off = np.abs(sample.astype(np.int64) - tint[level]).max(axis=1) > _TINT_TOLERANCE  # (N,)
    return float((off | ~is_pale[level]).mean())


def _medians(level: NDArray[np.int64], values: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The median of the values (N,) at each level 0 to 255: (256,), 0 where there are none."""
    counts = np.bincount(level * 256 + values, minlength=256 * 256).reshape(256, 256)
    up_to = np.cumsum(counts, axis=1)
    medians: NDArray[np.int64] = (2 * up_to >= up_to[:, -1:]).argmax(axis=1)
    return medians


def _spread(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    spread: NDArray[np.uint8] = rgb.max(axis=2) - rgb.min(axis=2)  # (H, W)
    return spread
