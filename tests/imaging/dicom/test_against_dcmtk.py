"""Our pixels beside an independent reader's: GDCM decompresses, DCMTK renders."""

import subprocess
from pathlib import Path

import gdcm
import numpy as np
import pytest
from PIL import Image

from cxr_core.imaging.radiograph import read_radiograph

LARGEST_DIFFERENCE = 2  # gray levels
# The file's own window; none, for eight bits as they are; or the values' whole range.
OWN_WINDOW, AS_THEY_ARE, WHOLE_RANGE = ["+Wi", "1"], ["-W"], ["+Wm"]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("chest_pa_monochrome1_jpeg2000.dcm", OWN_WINDOW),
        ("chest_pa_monochrome2_jpeg_baseline.dcm", AS_THEY_ARE),
        ("chest_frontal_dx_8bit.dcm", AS_THEY_ARE),
        ("tag_only_monochrome1.dcm", AS_THEY_ARE),
        ("not_chest_abdomen_scout.dcm", AS_THEY_ARE),
        ("not_chest_leg_jpeg2000.dcm", OWN_WINDOW),
        ("not_chest_teeth_modality_lut_sequence.dcm", WHOLE_RANGE),
    ],
)
def test_pixels_agree_with_dcmtk(
    shared: Path, tmp_path: Path, dcm2pnm: str, name: str, options: list[str]
) -> None:
    source = shared / "dicom" / name
    plain, picture = tmp_path / "plain.dcm", tmp_path / "picture.pgm"
    decompress(source, plain)  # DCMTK has no JPEG 2000
    subprocess.run(
        [dcm2pnm, "+op", *options, plain, picture], check=True, capture_output=True, timeout=60
    )
    theirs = np.asarray(Image.open(picture)).astype(int)
    ours = read_radiograph(source.read_bytes()).pixels.astype(int)
    assert theirs.shape == ours.shape
    assert np.abs(theirs - ours).max() <= LARGEST_DIFFERENCE


def decompress(source: Path, target: Path) -> None:
    reader, change, writer = (
        gdcm.ImageReader(),
        gdcm.ImageChangeTransferSyntax(),
        gdcm.ImageWriter(),
    )
    reader.SetFileName(str(source))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.ExplicitVRLittleEndian))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFileName(str(target))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
