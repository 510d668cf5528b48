"""What a DICOM file must be before its picture is decoded; each refusal in its own words."""

from pydicom import Dataset

from cxr_core.errors import ImageError
from cxr_core.imaging.decoded import check_size
from cxr_core.imaging.dicom_tags import NOT_A_RADIOGRAPH, code, whole

_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_PIXEL_DATA_TAG = (b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10")  # little, big endian


def check_kind(ds: Dataset) -> None:
    """Refuse what is no radiograph, by modality; a Secondary Capture may well be one.

    Raises:
        ImageError: another modality, or a wrapped document.
    """
    modality = code(ds, "Modality")
    if modality in NOT_A_RADIOGRAPH:
        raise ImageError(
            f"This DICOM file is {NOT_A_RADIOGRAPH[modality]}, not a chest radiograph",
            value=f"modality {modality}",
            remedy="Upload the frontal chest radiograph (modality CR or DX).",
        )
    if "EncapsulatedDocument" in ds:
        raise ImageError(
            "This DICOM file wraps a document, not a film",
            value="an encapsulated document",
            remedy="Upload the frontal chest radiograph (modality CR or DX).",
        )


def check_pixels(ds: Dataset, data: bytes) -> None:
    """Refuse by the header what cannot be one grayscale film, before anything is decoded.

    Args:
        data: the file's bytes, to tell a picture that was cut off from one that never was.

    Raises:
        ImageError: no picture, several frames, no size, too small, too large, or a palette.
    """
    if not any(keyword in ds and ds[keyword].value for keyword in _PIXELS):
        raise _without_picture(data)
    frames = whole(ds, "NumberOfFrames") or 1
    if frames > 1:
        raise ImageError(
            "This DICOM file holds several frames, a radiograph is one",
            value=f"{frames} frames",
            remedy="Export the frame you mean as a file of its own.",
        )
    rows, columns = whole(ds, "Rows") or 0, whole(ds, "Columns") or 0
    if rows <= 0 or columns <= 0:
        raise ImageError(
            "This DICOM file does not say how large its picture is",
            value=f"{rows} rows, {columns} columns",
            remedy="Export the film again.",
        )
    check_size(columns, rows)
    if code(ds, "PhotometricInterpretation") == "PALETTE COLOR":
        raise coloured(ds)


def _without_picture(data: bytes) -> ImageError:
    if any(tag in data for tag in _PIXEL_DATA_TAG):  # pydicom drops a picture without its end
        return ImageError(
            "This DICOM file is cut short: the end of its picture is missing",
            value=f"{len(data):,} bytes",
            remedy="Copy or download the file again; the transfer was probably interrupted.",
        )
    return ImageError(
        "This DICOM file has no picture in it",
        value="no Pixel Data (7FE0,0010)",
        remedy="Upload the file of the film itself.",
    )


def coloured(ds: Dataset) -> ImageError:
    """The refusal of a colour picture."""
    return ImageError(
        "This DICOM file is a colour picture, a radiograph is gray",
        value=f"photometric interpretation {code(ds, 'PhotometricInterpretation')}",
        remedy="Upload the film as the X-ray system stored it (MONOCHROME1 or MONOCHROME2).",
    )
