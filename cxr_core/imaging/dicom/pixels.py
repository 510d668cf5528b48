"""The raw pixel values of a DICOM file, decoded so that no file can take the app down.

Uncompressed and RLE pixels are decoded by pydicom, JPEG baseline and JPEG 2000 by Pillow, JPEG-LS
by pyjpegls. What is left (JPEG lossless, 12-bit JPEG) needs GDCM, whose C++ ends the whole process
on some damaged files. So GDCM works in a process of its own, fed through a pipe, with the
technical tags only. That child runs this file by its path, so nothing of ``cxr_core`` is imported
here.
"""

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    JPEG2000,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

_SOI, _SOF55 = b"\xff\xd8", b"\xf7"
_PILLOW_SYNTAXES = (JPEGBaseline8Bit, JPEG2000, JPEG2000Lossless)
_PIXEL_KEYWORDS = (
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelData",
)
_GDCM_TIMEOUT = 120  # s; a film takes one or two, on a busy machine ten


# JPEG-LS in DICOM, decoded by pyjpegls (CharLS) in this process.
#
# It takes its memory by the size that the codestream states, so that is compared with the data
# set's first.


def decode_jpeg_ls(ds: Dataset) -> NDArray[Any]:
    """The pixels of a data set in one of the two JPEG-LS transfer syntaxes, (H, W) or (H, W, 3).

    Raises:
        ValueError: the codestream has another size than the data set, or none.
        Exception: of other kinds, as the decoder raises it.
    """
    size = jpeg_ls_size(get_frame(ds.PixelData, 0, number_of_frames=1))
    if size != (ds.Rows, ds.Columns):
        raise ValueError(f"a codestream of {size} in a data set of {(ds.Rows, ds.Columns)}")
    return pixel_array(ds, decoding_plugin="pyjpegls")


def jpeg_ls_size(codestream: bytes) -> tuple[int, int]:
    """(rows, columns) by the frame header (ISO/IEC 14495-1, C.2.2).

    Raises:
        ValueError: there is no frame header where one must be.
    """
    at = len(_SOI)
    while codestream.startswith(_SOI) and codestream[at : at + 1] == b"\xff":
        length = int.from_bytes(codestream[at + 2 : at + 4])
        header = codestream[at + 4 : at + 9]  # precision, rows, columns
        if codestream[at + 1 : at + 2] == _SOF55 and len(header) == 5:
            return int.from_bytes(header[1:3]), int.from_bytes(header[3:5])
        at += 2 + max(2, length)
    raise ValueError("a codestream without a JPEG-LS frame header")


def decode_pixel_data(ds: Dataset) -> NDArray[Any]:
    """Decode the one frame of a data set.

    Returns:
        (H, W), or (H, W, 3) for colour, before the modality LUT.

    Raises:
        Exception: of any kind, as the decoders raise it; RuntimeError where GDCM failed.
    """
    syntax = ds.file_meta.TransferSyntaxUID
    if syntax in _PILLOW_SYNTAXES:
        return pixel_array(ds, decoding_plugin="pillow")
    if syntax in (JPEGLSLossless, JPEGLSNearLossless):
        return decode_jpeg_ls(ds)
    if syntax == RLELossless or not syntax.is_compressed:
        return pixel_array(ds)
    return _decode_with_gdcm(ds)


def _decode_with_gdcm(ds: Dataset) -> NDArray[Any]:
    pixel_dataset = Dataset()
    pixel_dataset.file_meta = pydicom.dataset.FileMetaDataset()
    pixel_dataset.file_meta.TransferSyntaxUID = ds.file_meta.TransferSyntaxUID
    for keyword in _PIXEL_KEYWORDS:
        if keyword in ds:
            pixel_dataset[keyword] = ds[keyword]
    buffer = io.BytesIO()
    pixel_dataset.save_as(buffer)
    # By path and with -P: what is imported must not depend on where the app was started.
    child = subprocess.run(
        [sys.executable, "-P", str(Path(__file__).resolve())],
        input=buffer.getvalue(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=_GDCM_TIMEOUT,
        check=False,
    )
    if child.returncode != 0:
        raise RuntimeError(f"GDCM's process ended with status {child.returncode}")
    received: NDArray[Any] = np.load(io.BytesIO(child.stdout), allow_pickle=False)
    return received


def _main() -> None:
    """The child: a data set on standard input, its pixels as .npy on standard output."""
    ds = pydicom.dcmread(io.BytesIO(sys.stdin.buffer.read()), force=True)
    np.save(sys.stdout.buffer, pixel_array(ds, decoding_plugin="gdcm"))


if __name__ == "__main__":
    _main()
