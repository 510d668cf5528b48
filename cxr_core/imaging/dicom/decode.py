"""DICOM -> ``DecodedFilm``: any single-frame grayscale radiograph, whatever its SOP class."""

import io
import re

import numpy as np
import pydicom
from pydicom import Dataset
from pydicom.pixels.processing import apply_color_lut
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from cxr_core.errors import ImageError
from cxr_core.imaging.decoded import (
    COLOUR_WARNING,
    LUMINANCE_WEIGHTS,
    DecodedFilm,
    check_size,
    colour_fraction,
    has_colour,
)
from cxr_core.imaging.dicom.content import header_warnings, kind_refused, rejection_reasons
from cxr_core.imaging.dicom.deflated import inflate_if_deflated, parse_error
from cxr_core.imaging.dicom.pixels import DicomPixels, UndecodableError, decode_pixel_data
from cxr_core.imaging.dicom.render import render_film
from cxr_core.imaging.dicom.spacing import get_pixel_spacing
from cxr_core.imaging.dicom.tags import (
    PARSED_KEYWORDS,
    drop_malformed,
    get_code,
    get_int,
    get_orientation,
    get_text,
    is_portable,
    is_under_18,
)
from cxr_core.imaging.dicom.voi import (
    apply_modality_transform,
    file_windows,
)

_PIXEL_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_PIXEL_DATA_TAG = (b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10")  # little, big endian
# A coloured marker or a line of text on a gray film; a picture in colour has more.
_MAX_COLOUR_FRACTION = 0.02
_NO_PHOTOMETRIC = (
    "The file does not say which end of its values is bright (photometric interpretation); "
    "it is shown as MONOCHROME2."
)
# Transfer syntaxes of what is no single picture, or of a codec that nothing here reads.
_VIDEO = tuple(f"1.2.840.10008.1.2.4.{n}" for n in range(100, 109))
_JPEG_XL = tuple(f"1.2.840.10008.1.2.4.{n}" for n in range(110, 113))
_COLOUR_PHOTOMETRIC = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT", "PALETTE COLOR")


# What a DICOM file must be before its picture is decoded; each refusal in its own words.


def _check_kind(ds: Dataset) -> None:
    """Refuse what is no radiograph, by modality and SOP class; a Secondary Capture may well be one.

    Raises:
        ImageError: another kind of image, or a wrapped document.
    """
    if "EncapsulatedDocument" in ds:
        raise ImageError(
            "This DICOM file contains a document, not an image",
            value="an encapsulated document",
            remedy="Upload the frontal chest radiograph (modality CR or DX).",
        )
    refused = kind_refused(ds)
    if refused is not None:
        kind, tag = refused
        raise ImageError(
            f"This DICOM file is {kind}, not a chest radiograph",
            value=tag,
            remedy="Upload the frontal chest radiograph (modality CR or DX).",
        )


def _check_image_header(ds: Dataset, data: bytes) -> None:
    """Refuse by the header what cannot be one grayscale film, before anything is decoded.

    Args:
        data: the file's bytes, to tell a picture that was cut off from one that never was.

    Raises:
        ImageError: no picture, several frames, no size, too small, or too large.
    """
    if not any(keyword in ds and ds[keyword].value for keyword in _PIXEL_KEYWORDS):
        raise _no_pixel_data_error(data)
    _check_syntax(ds)
    frames = get_int(ds, "NumberOfFrames") or 1
    if frames > 1:
        raise ImageError(
            "This DICOM file has several frames; a radiograph has one",
            value=f"{frames} frames",
            remedy="Export the frame you need as a separate file.",
        )
    rows, columns = get_int(ds, "Rows") or 0, get_int(ds, "Columns") or 0
    if rows <= 0 or columns <= 0:
        raise ImageError(
            "This DICOM file does not state its image size",
            value=f"{rows} rows, {columns} columns",
            remedy="Export the film again.",
        )
    samples, bits = get_int(ds, "SamplesPerPixel") or 1, get_int(ds, "BitsAllocated") or 8
    check_size(columns, rows, max(1, samples * bits // 8))


def _check_syntax(ds: Dataset) -> None:
    """Refuse what is compressed in a way that no radiograph is, or that nothing here reads.

    Raises:
        ImageError: a video, or JPEG XL.
    """
    syntax = ds.file_meta.TransferSyntaxUID
    if syntax.startswith(tuple(f"{one}." for one in _VIDEO)) or syntax in _VIDEO:
        raise ImageError(
            "This DICOM file holds a video; a radiograph is a single image",
            value=f"transfer syntax {syntax.name}",
            remedy="Upload the frontal chest radiograph (modality CR or DX).",
        )
    if syntax in _JPEG_XL:
        raise ImageError(
            "The image in this DICOM file is compressed as JPEG XL, which cannot be read",
            value=f"transfer syntax {syntax}",
            remedy="Export the film again, uncompressed or as JPEG 2000.",
        )


def _no_pixel_data_error(data: bytes) -> ImageError:
    if any(tag in data for tag in _PIXEL_DATA_TAG):  # pydicom drops a picture without its end
        return ImageError(
            "This DICOM file is incomplete",
            value=f"{len(data):,} bytes",
            remedy="Copy or download the file again; the transfer was probably interrupted.",
        )
    return ImageError(
        "This DICOM file contains no image",
        value="no Pixel Data (7FE0,0010)",
        remedy="Upload the file of the film.",
    )


def _colour_error(ds: Dataset) -> ImageError:
    """The refusal of a colour picture."""
    return ImageError(
        "This DICOM file is in colour; a radiograph is grayscale",
        value=f"photometric interpretation {get_code(ds, 'PhotometricInterpretation')}",
        remedy="Upload the film as the X-ray system stored it (MONOCHROME1 or MONOCHROME2).",
    )


def is_dicom(data: bytes) -> bool:
    """Whether the bytes carry DICOM's prefix (PS3.10, 7.1)."""
    return data[128:132] == b"DICM"


def is_dicom_without_preamble(data: bytes) -> bool:
    """Whether the bytes are a DICOM data set without preamble and prefix, as old archives wrote.

    They must begin with group 0002 or 0008, in little endian, or with group 0008 in big endian and
    explicit VR, and say what kind of image they are.
    """
    little = data[:2] in (b"\x02\0", b"\x08\0") and data[3:4] == b"\0"
    big = data[:3] == b"\0\x08\0" and data[4:6].isalpha() and data[4:6].isupper()
    if not (little or big):
        return False
    try:
        ds = parse_dicom(data)
    except ImageError:
        return False
    return any(keyword in ds for keyword in ("SOPClassUID", "Modality", "Rows"))


def decode_dicom(data: bytes) -> DecodedFilm:
    """Decode one single-frame grayscale DICOM image.

    The order of DICOM PS3.3: modality LUT, then VOI LUT or window, then MONOCHROME1 is inverted;
    the result is scaled to 8 bits. Padding sets no range and is shown black. Malformed tags are
    taken as absent, with a warning where it matters. Only technical tags are parsed, and the few
    that ``tags`` turns into a yes or no.

    Raises:
        ImageError: not a radiograph, no picture, several frames, colour, too small or too large,
            damaged, or a compression that cannot be decoded.
    """
    ds = parse_dicom(data)
    try:
        _check_kind(ds)
        _check_image_header(ds, data)
        return _render(raw_pixels(ds), ds)
    except ImageError:
        raise
    except UndecodableError as error:
        raise _damage_error(ds, str(error)) from error
    except Exception as error:  # files are damaged, and tags lie, in more ways than can be listed
        raise _damage_error(ds) from error


def parse_dicom(data: bytes) -> Dataset:
    """The data set of a DICOM file: the tags in ``PARSED_KEYWORDS``, malformed ones left out.

    Raises:
        ImageError: damaged, or compressed as a whole to more than any film is.
    """
    # pydicom's complaints quote the values of tags, which belong in no log. Set, not switched
    # back: that would race between threads.
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    data = inflate_if_deflated(data)
    try:
        ds = pydicom.dcmread(io.BytesIO(data), force=True, specific_tags=list(PARSED_KEYWORDS))
        drop_malformed(ds)
        drop_malformed(ds.file_meta)
    except Exception as error:  # whatever a parser raises on hostile bytes
        raise parse_error(data) from error
    syntax = ds.file_meta.get("TransferSyntaxUID")
    if not (isinstance(syntax, UID) and syntax):
        implicit, little = ds.original_encoding
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        ds.file_meta.pop("TransferSyntaxUID", None)  # one of another VR would take no UID
        ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    return ds


def raw_pixels(ds: Dataset) -> DicomPixels:
    """The raw values (H, W) of a data set's one frame, before the modality LUT.

    Raises:
        ImageError: in colour, or of a shape that no film has.
        Exception: of other kinds where the frame cannot be decoded.
    """
    ds.pop("NumberOfFrames", None)  # one frame, however badly it was written
    for keyword, usual in (("SamplesPerPixel", 1), ("PixelRepresentation", 0)):
        if get_int(ds, keyword) is None:
            ds.pop(keyword, None)
            setattr(ds, keyword, usual)
    stated = get_text(ds, "PhotometricInterpretation")
    photometric = re.sub(r"[\s_]", "", stated.upper()).replace("MONOCHROME0", "MONOCHROME")
    if photometric not in ("MONOCHROME1", "MONOCHROME2"):
        photometric = get_code(ds, "PhotometricInterpretation")
    known = photometric in ("MONOCHROME1", "MONOCHROME2", *_COLOUR_PHOTOMETRIC)
    ds.pop("PhotometricInterpretation", None)
    ds.PhotometricInterpretation = photometric if known else "MONOCHROME2"
    raw = decode_pixel_data(ds)
    if not known and raw.values.ndim == 2:
        raw = raw._replace(warnings=(*raw.warnings, _NO_PHOTOMETRIC))
    if get_code(ds, "PhotometricInterpretation") == "PALETTE COLOR" and raw.values.ndim == 2:
        raw = raw._replace(values=apply_color_lut(raw.values, ds))  # 8 or 16 bits a channel
    if raw.values.ndim == 3 and raw.values.shape[2] == 3:
        return _to_gray(raw, ds)
    if raw.values.ndim != 2:
        raise _damage_error(ds)
    return raw


def _to_gray(raw: DicomPixels, ds: Dataset) -> DicomPixels:
    """A gray film saved in colour: its channels agree, but for a small coloured mark.

    Raises:
        ImageError: more of it is coloured than a mark.
    """
    deep = raw.values.dtype != np.uint8
    scale = max(1.0, float(raw.values.max()) / 255) if deep else 1.0
    levels = (raw.values / scale).astype(np.uint8) if deep else raw.values
    if colour_fraction(levels) > _MAX_COLOUR_FRACTION:
        raise _colour_error(ds)
    if not has_colour(levels):
        return raw._replace(values=raw.values[:, :, 1])
    luminance = np.rint(raw.values @ LUMINANCE_WEIGHTS).astype(raw.values.dtype)
    return raw._replace(values=luminance, warnings=(*raw.warnings, COLOUR_WARNING))


def _render(raw: DicomPixels, ds: Dataset) -> DecodedFilm:
    inverted = get_code(ds, "PhotometricInterpretation") == "MONOCHROME1"
    modality = apply_modality_transform(raw.values, ds)
    mask = raw.padding
    rendered = render_film(modality, ds, None if mask is None else ~mask)
    stored = rendered.stored
    pixels = 255 - rendered.pixels if inverted else rendered.pixels.copy()
    steps = [
        f"Decoded from {ds.file_meta.TransferSyntaxUID.name}.",
        modality.log_entry,
        rendered.log_entry,
    ]
    if inverted:
        steps.append("MONOCHROME1: inverted, so that dense is bright.")
    if mask is not None:
        film = stored[~mask]
        stored = stored.copy()
        stored[mask] = film.max() if inverted else film.min()  # the dark end of the film
        pixels[mask] = 0
        steps.append("Padding around the film set to black.")
    warnings = [*raw.warnings, *([modality.warning] if modality.warning else [])]
    return DecodedFilm(
        stored=stored,
        pixels=np.ascontiguousarray(pixels),
        file_format="DICOM",
        processing_log=tuple(steps),
        warnings=(*header_warnings(ds), *warnings, *rendered.warnings),
        rejection_reasons=tuple(rejection_reasons(ds)),
        view=get_code(ds, "ViewPosition") or None,
        orientation=get_orientation(ds),
        model_window=rendered.window,
        windows=file_windows(ds),
        inverted=inverted,
        under_18=is_under_18(ds),
        portable=is_portable(ds),
        pixel_spacing=get_pixel_spacing(ds),
    )


def _damage_error(ds: Dataset, reason: str = "") -> ImageError:
    return ImageError(
        "The image in this DICOM file cannot be decoded",
        value=f"transfer syntax {ds.file_meta.TransferSyntaxUID.name}{reason and f', {reason}'}",
        remedy="The file is damaged or incomplete, or its compression is not supported; export the "
        "film again, uncompressed.",
    )
