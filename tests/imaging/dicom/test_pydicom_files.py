"""Every gray picture among pydicom's own test files, beside DCMTK's rendering of it."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image

from cxr_core.imaging.decoded import scale_to_uint8
from cxr_core.imaging.dicom.decode import parse_dicom, raw_pixels
from cxr_core.imaging.dicom.voi import apply_modality_transform
from tests.imaging.dicom.test_against_dcmtk import decompress

FILES = Path(pydicom.__file__).parent / "data" / "test_files"
LARGEST_DIFFERENCE = 1  # gray level
AS_IT_IS = (
    "CT_small.dcm", "MR_small.dcm", "MR_small_RLE.dcm", "MR_small_bigendian.dcm",
    "MR_small_expb.dcm", "MR_small_implicit.dcm", "MR_small_padded.dcm", "JPEG-lossy.dcm",
    "JPGExtended.dcm", "examples_overlay.dcm", "rtdose_1frame.dcm", "rtdose_rle_1frame.dcm",
    "image_dfl.dcm", "liver_1frame.dcm", "liver_expb_1frame.dcm",
)  # fmt: skip
# Not the big-endian dose of 32 bits: DCMTK 3.6.7 swaps its words in another way than its own
# little-endian twin has them, and ours agree with the twin.
# DCMTK's renderer has neither codec: GDCM decompresses these for it.
BY_GDCM = (
    "693_J2KI.dcm", "J2K_pixelrep_mismatch.dcm", "JPEG2000.dcm", "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm", "JPEGLSNearLossless_08.dcm", "JPEGLSNearLossless_16.dcm",
)  # fmt: skip


@pytest.mark.parametrize("name", [*AS_IT_IS, *BY_GDCM])
def test_values_agree_with_dcmtk(name: str, tmp_path: Path, dcmj2pnm: str) -> None:
    plain, picture = tmp_path / "plain.dcm", tmp_path / "picture.pgm"
    if name in BY_GDCM:
        decompress(FILES / name, plain)
    else:
        shutil.copy(FILES / name, plain)
    subprocess.run([dcmj2pnm, "+op", "-O", "+Wm", plain, picture], check=True, timeout=60)
    theirs = np.asarray(Image.open(picture)).astype(int)
    ds = parse_dicom((FILES / name).read_bytes())
    values = apply_modality_transform(raw_pixels(ds).values, ds).values.astype(np.float64)
    ours = scale_to_uint8(values, low=float(values.min()), high=float(values.max())).astype(int)
    assert theirs.shape == ours.shape
    assert np.abs(theirs - ours).max() <= LARGEST_DIFFERENCE
