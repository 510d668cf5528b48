"""Pixel spacing of a projection radiograph, and where its millimetres hold.

DICOM PS3.3 10.7.1.3: ImagerPixelSpacing is measured at the detector, where a patient's shadow is
larger than the patient. PixelSpacing may say the same, or be corrected for that magnification,
which PixelSpacingCalibrationType then says; older files leave it open.
"""

from pydicom import Dataset

from cxr_core.imaging.decoded import PixelSpacing
from cxr_core.imaging.dicom.tags import get_code, get_floats

AT_DETECTOR = "at the detector, not corrected for magnification"
_CALIBRATED = {
    "GEOMETRY": "corrected for magnification by the geometry that the file states",
    "FIDUCIAL": "calibrated by an object of known size",
}
_UNSAID = "as the file states it; whether corrected for magnification is not said"
_SCANNED = "on the scanned film, not corrected for magnification"
_MAX_SPACING = 10.0  # mm; no radiograph has coarser pixels


def get_pixel_spacing(ds: Dataset) -> PixelSpacing | None:
    """The spacing to measure with; None where the file states no usable one."""
    plain, detector = _pair(ds, "PixelSpacing"), _pair(ds, "ImagerPixelSpacing")
    if plain is not None and plain != detector:
        calibration = get_code(ds, "PixelSpacingCalibrationType")
        return PixelSpacing(*plain, _CALIBRATED.get(calibration, _UNSAID))
    if detector is not None:
        return PixelSpacing(*detector, AT_DETECTOR)
    scanned = _pair(ds, "NominalScannedPixelSpacing")
    return None if scanned is None else PixelSpacing(*scanned, _SCANNED)


def _pair(ds: Dataset, keyword: str) -> tuple[float, float] | None:
    """(between rows, between columns) in mm; None where absent, malformed or out of all range."""
    values = get_floats(ds, keyword)
    if len(values) != 2:
        return None
    row, column = values
    if row is None or column is None:
        return None
    if not (0 < row <= _MAX_SPACING and 0 < column <= _MAX_SPACING):
        return None
    return row, column
