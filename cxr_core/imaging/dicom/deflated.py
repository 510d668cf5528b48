"""DICOM files that are compressed as a whole, inflated with a limit."""

import io
import zlib

from pydicom.filereader import _read_file_meta_info, read_preamble  # the public one wants a path
from pydicom.uid import DeflatedExplicitVRLittleEndian

from cxr_core.errors import ImageError
from cxr_core.imaging.decoded import MAX_FILE_BYTES


def inflate_if_deflated(data: bytes) -> bytes:
    """A file that is deflated as a whole (PS3.5, A.5) without its meta information; all others as
    they are.

    pydicom would inflate it to any size.

    Raises:
        ImageError: it is damaged, or more than any film is.
    """
    if not _is_deflated(data):
        return data
    stream = io.BytesIO(data)
    read_preamble(stream, force=True)
    _read_file_meta_info(stream)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plain = inflater.decompress(data[stream.tell() :], MAX_FILE_BYTES)
    except zlib.error as error:
        raise parse_error(data) from error
    if inflater.unconsumed_tail:
        raise ImageError(
            "This DICOM file, compressed as a whole (deflated), holds more than any film",
            value=f"over {MAX_FILE_BYTES // 2**20} MB in {len(data):,} bytes",
            remedy="Export the film again, uncompressed or as JPEG 2000.",
        )
    if not inflater.eof:
        raise parse_error(data)
    return plain


def parse_error(data: bytes) -> ImageError:
    """That a file's data set cannot be read."""
    return ImageError(
        "This DICOM file is damaged and cannot be read",
        value=f"{len(data):,} bytes",
        remedy="Copy or export the film again.",
    )


def _is_deflated(data: bytes) -> bool:
    """Whether pydicom would inflate the file, by the same meta information as it reads."""
    stream = io.BytesIO(data)
    try:
        read_preamble(stream, force=True)
        meta = _read_file_meta_info(stream)
        return bool(meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian)
    except Exception:  # whatever a parser raises on hostile bytes, which it will raise again
        return False
