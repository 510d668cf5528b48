"""DICOM films of real machines."""

from pathlib import Path

import numpy as np
import pytest

from cxr_core.imaging.dicom.decode import decode_dicom


def test_the_photometric_tag_alone_makes_the_negative(shared: Path) -> None:
    folder = shared / "dicom"
    film = decode_dicom((folder / "chest_pa_monochrome2_jpeg_baseline.dcm").read_bytes())
    tagged = decode_dicom((folder / "tag_only_monochrome1.dcm").read_bytes())
    np.testing.assert_array_equal(tagged.pixels, 255 - film.pixels)
    np.testing.assert_array_equal(tagged.stored, film.stored)


@pytest.mark.parametrize(
    ("name", "kind", "low", "high", "view"),
    [
        ("chest_frontal_dx_8bit", np.uint8, 0, 252, None),
        ("chest_pa_monochrome1_jpeg2000", np.uint16, 803, 26512, "PA"),
        ("chest_pa_monochrome2_jpeg_baseline", np.uint8, 0, 254, "PA"),
        ("not_chest_abdomen_scout", np.uint8, 0, 255, None),
        ("not_chest_leg_jpeg2000", np.uint16, 0, 1023, "AP"),
        ("not_chest_teeth_modality_lut_sequence", np.uint16, 0, 1023, None),
    ],
)
def test_stored_values_of_real_films(
    shared: Path, name: str, kind: type, low: int, high: int, view: str | None
) -> None:
    film = decode_dicom((shared / "dicom" / f"{name}.dcm").read_bytes())
    assert film.stored.dtype == kind
    assert (film.stored.min(), film.stored.max(), film.view) == (low, high, view)


def test_a_chest_film_is_bright_in_the_middle_and_dark_in_the_lungs(shared: Path) -> None:
    for name in ("chest_pa_monochrome1_jpeg2000", "chest_frontal_dx_8bit"):
        pixels = decode_dicom((shared / "dicom" / f"{name}.dcm").read_bytes()).pixels
        height, width = pixels.shape
        band = pixels[int(0.3 * height) : int(0.5 * height)]
        spine = band[:, int(0.47 * width) : int(0.55 * width)].mean()
        lung = band[:, int(0.6 * width) : int(0.75 * width)].mean()
        assert spine > lung + 30
