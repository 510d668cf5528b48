"""GDCM in a process of its own: a frame on standard input, its pixels on the output.

    python gdcm_child.py CPU_SECONDS HEADER

HEADER is JSON. For gray it has what GDCM must know, and the frame's bytes and the raw pixels follow
on the streams; for colour it is ``{}``, and a DICOM file and .npy follow.

It is run by its path, so nothing of ``cxr_core`` is imported here, and for gray nothing that takes
long to import. Its computing time is limited where the system can do that; its memory is what the
process has that started it.
"""

import json
import math
import sys
import time
from typing import Any

import gdcm


def decode_gray(frame: bytes, header: dict[str, Any]) -> bytes:
    """One gray frame by GDCM itself, since pydicom's plugin declines 12-bit JPEG."""
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(frame)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((header["columns"], header["rows"], 1))
    image.SetDataElement(element)
    photometric = gdcm.PhotometricInterpretation.GetPIType(header["photometric"])
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(photometric))
    syntax = gdcm.TransferSyntax.GetTSType(header["syntax"])
    image.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    image.SetPixelFormat(gdcm.PixelFormat(1, *header["bits"]))
    # GDCM hands its bytes back as text.
    raw: bytes = image.GetBuffer().encode("utf-8", "surrogateescape")
    return raw


def write_colour(data: bytes) -> None:
    """A colour data set's frame as .npy; pydicom knows its colours."""
    import io

    import numpy as np
    import pydicom
    from pydicom.pixels.utils import pixel_array

    ds = pydicom.dcmread(io.BytesIO(data), force=True)
    np.save(sys.stdout.buffer, pixel_array(ds, decoding_plugin="gdcm"))


def limit_cpu(seconds: int) -> None:
    """End this process by SIGXCPU after so many seconds of computing from now on."""
    try:
        import resource
    except ImportError:  # Windows: who started it limits how long it may take
        return
    most = math.ceil(time.process_time()) + seconds
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]  # the site's own may be lower
    allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a film's bytes are written to no disk


if __name__ == "__main__":
    limit_cpu(int(sys.argv[1]))
    given = json.loads(sys.argv[2])
    if given:
        sys.stdout.buffer.write(decode_gray(sys.stdin.buffer.read(), given))
    else:
        write_colour(sys.stdin.buffer.read())
