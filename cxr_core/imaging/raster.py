"""PNG and JPEG -> ``DecodedFilm``: gray values told exactly, nothing saturated."""

import io

from PIL import Image, JpegImagePlugin, PngImagePlugin

from cxr_core.errors import ImageError
from cxr_core.imaging.decoded import DecodedFilm, check_size
from cxr_core.imaging.gray import to_gray, upright

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8\xff"


def is_raster(data: bytes) -> bool:
    """Whether the bytes begin as a PNG or a JPEG file does."""
    return data.startswith((PNG_SIGNATURE, JPEG_SIGNATURE))


def decode_raster(data: bytes) -> DecodedFilm:
    """Decode one PNG or JPEG.

    8-bit gray is kept exactly; 16-bit gray is scaled linearly, its least value to 0 and its
    greatest to 255 (Pillow's own conversion would saturate above 255). Where a picture is partly
    transparent it is laid on black, as the unexposed border of a film is; an opaque alpha channel
    (some NIH films have one) changes nothing. Colour is reduced to ITU-R 601 luminance.

    Raises:
        ImageError: damaged, cut short, an animation, too small or too large.
    """
    kind = "PNG" if data.startswith(PNG_SIGNATURE) else "JPEG"
    image = _open(data, kind)
    check_size(*image.size)
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        raise ImageError(
            "The picture is an animation, a radiograph is one frame",
            value=f"{frames} frames",
            remedy="Save the frame you mean as a PNG of its own.",
        )
    depth = data[24] if kind == "PNG" else 8  # IHDR: bits a channel (PNG 3rd edition, 11.2.1)
    try:
        image.load()
        turned, turn = upright(image)
        gray = to_gray(turned, depth)
    except ImageError:
        raise
    except Exception as error:  # whatever a decoder raises on hostile bytes
        raise _damaged(data, kind) from error
    return DecodedFilm(
        stored=gray.stored,
        pixels=gray.pixels,
        kind=kind,
        steps=(*turn, *gray.steps),
        warnings=gray.warnings,
        colour=gray.colour,
    )


def _open(data: bytes, kind: str) -> Image.Image:
    """Read the header only. The plugin itself, since ``Image.open`` has a size limit of its own
    that warns by a process-wide setting, and may hand a JPEG on to other plugins."""
    try:
        if kind == "PNG":
            return PngImagePlugin.PngImageFile(io.BytesIO(data))
        return JpegImagePlugin.JpegImageFile(io.BytesIO(data))
    except Exception as error:  # whatever a parser raises on hostile bytes
        raise _damaged(data, kind) from error


def _damaged(data: bytes, kind: str) -> ImageError:
    end = b"IEND" if kind == "PNG" else b"\xff\xd9"
    size = f"{kind}, {len(data):,} bytes"
    if end not in data[-1024:]:
        return ImageError(
            "The picture is cut short: its end is missing",
            value=size,
            remedy="Copy or download the file again; the transfer was probably interrupted.",
        )
    return ImageError(
        "The picture is damaged and cannot be decoded",
        value=size,
        remedy="Export the film again as PNG, JPEG, TIFF or DICOM.",
    )
