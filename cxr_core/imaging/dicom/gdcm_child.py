"""GDCM in a process of its own: a data set on standard input, its pixels as .npy on the output.

    python gdcm_child.py CPU_SECONDS

It is run by its path, so nothing of ``cxr_core`` is imported here. Its computing time is limited
where the system can do that; its memory is what the process has that started it.
"""

import io
import math
import sys
import time
from typing import Any

import gdcm
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels.utils import pixel_array


def decode(ds: Dataset) -> NDArray[Any]:
    """One frame by GDCM itself where it is gray, since pydicom's plugin declines 12-bit JPEG."""
    if ds.SamplesPerPixel != 1:
        colour: NDArray[Any] = pixel_array(ds, decoding_plugin="gdcm")
        return colour
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(get_frame(ds.PixelData, 0, number_of_frames=1))
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((ds.Columns, ds.Rows, 1))
    image.SetDataElement(element)
    photometric = gdcm.PhotometricInterpretation.GetPIType(ds.PhotometricInterpretation)
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(photometric))
    syntax = gdcm.TransferSyntax.GetTSType(str(ds.file_meta.TransferSyntaxUID))
    image.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    image.SetPixelFormat(
        gdcm.PixelFormat(1, ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation)
    )
    # GDCM hands its bytes back as text.
    buffer = image.GetBuffer().encode("utf-8", "surrogateescape")
    kind = f"<{'i' if ds.PixelRepresentation else 'u'}{ds.BitsAllocated // 8}"
    return np.frombuffer(buffer, kind).reshape(ds.Rows, ds.Columns)


def limit_cpu(seconds: int) -> None:
    """End this process by SIGXCPU after so many seconds of computing from now on."""
    try:
        import resource
    except ImportError:  # Windows: who started it limits how long it may take
        return
    most = math.ceil(time.process_time()) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (most, most + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a film's bytes are written to no disk


if __name__ == "__main__":
    limit_cpu(int(sys.argv[1]))
    np.save(
        sys.stdout.buffer, decode(pydicom.dcmread(io.BytesIO(sys.stdin.buffer.read()), force=True))
    )
