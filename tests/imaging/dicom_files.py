"""Small DICOM files with known values, for the tests of the DICOM decoder."""

import io

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
    generate_uid,
)

from cxr_core.errors import ImageError
from cxr_core.imaging.decoded import DecodedFilm
from cxr_core.imaging.dicom.decode import decode_dicom

SIDE = 64
TESTS_SECRET = "Doe^Jane"


def film_dataset(values: np.ndarray, **tags: object) -> Dataset:
    """A valid DX image of (H, W) integers; ``tags`` replace elements, None leaves one out."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = DigitalXRayImageStorageForPresentation
    ds.SOPInstanceUID = generate_uid()
    ds.PatientName, ds.PatientID = TESTS_SECRET, "4711"
    ds.Modality, ds.BodyPartExamined, ds.ViewPosition = "DX", "CHEST", "PA"
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = values.shape[:2]
    bits = values.dtype.itemsize * 8
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = bits, bits, bits - 1
    ds.PixelRepresentation = int(np.issubdtype(values.dtype, np.signedinteger))
    for keyword, value in tags.items():
        if value is None:
            del ds[keyword]
        else:
            setattr(ds, keyword, value)
    ds.PixelData = values.tobytes()
    ds["PixelData"].VR = "OW" if bits > 8 else "OB"
    return ds


def to_bytes(ds: Dataset) -> bytes:
    ds.file_meta.MediaStorageSOPClassUID = ds.get("SOPClassUID", SecondaryCaptureImageStorage)
    ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)  # encoded as its transfer syntax says
    return buffer.getvalue()


def read(values: np.ndarray, **tags: object) -> DecodedFilm:
    return decode_dicom(to_bytes(film_dataset(values, **tags)))


def refusal(data: bytes) -> ImageError:
    with pytest.raises(ImageError) as caught:
        decode_dicom(data)
    return caught.value


def slope(kind: type, *first: int, span: int = 4096) -> np.ndarray:
    """(64, 64), 0 to nearly ``span`` in even steps, with chosen values at its beginning."""
    values = np.arange(SIDE * SIDE).reshape(SIDE, SIDE) * span // (SIDE * SIDE)
    values[0, : len(first)] = first
    return values.astype(kind)


def lut(entries: list[int], first: int, bits: int) -> list[Dataset]:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries), first, bits])
    item.add_new("LUTData", "US", entries)
    return [item]


def any_warning(film: DecodedFilm, words: str) -> bool:
    return any(words in warning for warning in film.warnings)
