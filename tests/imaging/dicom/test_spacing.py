"""Pixel spacing: which of a file's tags is taken, what is said of it, and what counts as none."""

import numpy as np
import pytest

from cxr_core.imaging.decoded import PixelSpacing
from cxr_core.imaging.dicom.spacing import AT_DETECTOR
from cxr_core.imaging.radiograph import apply_correction, read_radiograph
from tests.helpers.dicom_files import decode, film_dataset, ramp, to_bytes


def spacing_of(**tags: object) -> PixelSpacing | None:
    return decode(ramp(np.uint16), **tags).pixel_spacing


def test_rows_come_first_and_the_detector_is_said() -> None:
    assert spacing_of(ImagerPixelSpacing=[0.2, 0.15]) == PixelSpacing(0.2, 0.15, AT_DETECTOR)
    same = {"ImagerPixelSpacing": [0.2, 0.15], "PixelSpacing": [0.2, 0.15]}
    assert spacing_of(**same) == PixelSpacing(0.2, 0.15, AT_DETECTOR)


@pytest.mark.parametrize(
    ("calibration", "words"),
    [("GEOMETRY", "corrected for magnification by"), ("FIDUCIAL", "object of known size"),
     (None, "is not said"), ("OTHER", "is not said")],
)  # fmt: skip
def test_a_calibrated_spacing_goes_first(calibration: str | None, words: str) -> None:
    tags: dict[str, object] = {"ImagerPixelSpacing": [0.2, 0.2], "PixelSpacing": [0.17, 0.17]}
    if calibration:
        tags["PixelSpacingCalibrationType"] = calibration
    found = spacing_of(**tags)
    assert found is not None
    assert (found.row, found.column) == (0.17, 0.17)
    assert words in found.note


def test_a_scanned_film_says_so() -> None:
    found = spacing_of(NominalScannedPixelSpacing=[0.18, 0.18])
    assert found is not None
    assert "scanned film" in found.note


@pytest.mark.parametrize("value", [[0, 0], [0.2], [0.2, -0.2], [143, 143], "", [0.2, 0.2, 0.2]])
def test_an_unusable_spacing_counts_as_none(value: object) -> None:
    assert spacing_of(ImagerPixelSpacing=value) is None


def test_no_spacing_is_made_up() -> None:
    assert spacing_of() is None


@pytest.mark.parametrize(
    ("correction", "expected"),
    [("rotate_cw", (0.15, 0.2)), ("rotate_ccw", (0.15, 0.2)), ("rotate_180", (0.2, 0.15)),
     ("invert", (0.2, 0.15))],
)  # fmt: skip
def test_a_turned_film_measures_as_before(correction: str, expected: tuple[float, float]) -> None:
    data = to_bytes(film_dataset(ramp(np.uint16), ImagerPixelSpacing=[0.2, 0.15]))
    found = apply_correction(read_radiograph(data), correction).pixel_spacing
    assert found is not None
    assert (found.row, found.column) == expected
