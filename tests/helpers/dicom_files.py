"""Small DICOM files with known values, and what Debian's checker says of one."""

import io
import subprocess
from collections.abc import Sequence
from pathlib import Path

import gdcm
import numpy as np
import pydicom
from pydicom import Dataset
from pydicom.config import disable_value_validation
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
    generate_uid,
)

from cxr_core.imaging.decoded import DecodedFilm
from cxr_core.imaging.dicom.decode import decode_dicom
from cxr_core.phantom.draw import draw_phantom

SIDE = 64
PATIENT_NAME = "Doe^Jane"
STUDY_UID = "1.2.826.0.1.3680043.8.498.4711"
PATIENT = {
    "StudyInstanceUID": STUDY_UID,
    "StudyDate": "20240229",
    "StudyTime": "101112",
    "StudyID": "S77",
    "AccessionNumber": "A0815",
    "PatientName": "Müller^Jörg",
    "PatientID": "PAT-4711",
    "IssuerOfPatientID": "Ward B",
    "PatientBirthDate": "19501231",
    "PatientSex": "M",
    "ReferringPhysicianName": "Kovář^Eva",
}


@disable_value_validation()  # files that break the rules are drawn, too
def film_dataset(values: np.ndarray, **tags: object) -> Dataset:
    """A valid DX image of (H, W) integers; ``tags`` replace elements, None leaves one out."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = DigitalXRayImageStorageForPresentation
    ds.SOPInstanceUID = generate_uid()
    ds.PatientName, ds.PatientID = PATIENT_NAME, "4711"
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


def decode(values: np.ndarray, **tags: object) -> DecodedFilm:
    return decode_dicom(to_bytes(film_dataset(values, **tags)))


def ramp(kind: type, *first: int, span: int = 4096) -> np.ndarray:
    """(64, 64), 0 to nearly ``span`` in even steps, with chosen values at its beginning."""
    values = np.arange(SIDE * SIDE).reshape(SIDE, SIDE) * span // (SIDE * SIDE)
    values[0, : len(first)] = first
    return values.astype(kind)


def lut_sequence(entries: list[int], first: int, bits: int) -> list[Dataset]:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries), first, bits])
    item.add_new("LUTData", "US", entries)
    return [item]


def in_own_letters(data: bytes, placeholder: str, text: str, encoding: str = "utf-8") -> bytes:
    """A file with bytes that pydicom would not write into a code string.

    Args:
        placeholder: of one letter, repeated as often as ``text`` has bytes, made even.
    """
    written = text.encode(encoding)
    assert data.count(placeholder.encode()) == 1
    return data.replace(placeholder.encode(), written.ljust(len(placeholder)))


def in_palette(
    indices: np.ndarray, colours: Sequence[tuple[int, int, int]], bits: int = 8
) -> Dataset:
    """(H, W) uint8 that name colours of so many bits a channel, black beyond the last of them."""
    ds = film_dataset(
        indices,
        PhotometricInterpretation="PALETTE COLOR",
        SOPClassUID=SecondaryCaptureImageStorage,
        Modality="OT",
    )
    for channel, name in enumerate(("Red", "Green", "Blue")):
        entries = np.array([colour[channel] for colour in colours], f"<u{bits // 8}")
        table = f"{name}PaletteColorLookupTable"
        setattr(ds, f"{table}Descriptor", [len(entries), 0, bits])
        setattr(ds, f"{table}Data", entries.tobytes())
    return ds


def has_warning(film: DecodedFilm, words: str) -> bool:
    return any(words in warning for warning in film.warnings)


def patient_dicom(**tags: object) -> bytes:
    """A phantom as a DX image of the patient; ``tags`` replace elements, None leaves one out."""
    pixels = np.ascontiguousarray(draw_phantom(1, size=256).pixels)
    identity = {"SpecificCharacterSet": "ISO_IR 192", "SOPInstanceUID": generate_uid(), **PATIENT}
    wanted = identity | tags
    left_out = {key for key, value in wanted.items() if value is None and key in identity}
    ds = film_dataset(pixels, **{k: v for k, v in wanted.items() if k not in left_out})
    for keyword in left_out & {"PatientName", "PatientID"}:
        del ds[keyword]
    return to_bytes(ds)


def compressed_by_gdcm(data: bytes, syntax: int, folder: Path) -> bytes:
    """An uncompressed file as GDCM writes it in another of its transfer syntaxes."""
    plain, packed = folder / "plain.dcm", folder / "packed.dcm"
    plain.write_bytes(data)
    reader = gdcm.ImageReader()
    reader.SetFileName(str(plain))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(str(packed))
    assert writer.Write()
    return packed.read_bytes()


def read_dicom(data: bytes) -> Dataset:
    return pydicom.dcmread(io.BytesIO(data))


def dciodvfy_errors(checker: str, data: bytes, folder: Path, *, kind: str = "SCImage") -> list[str]:
    """The lines of dciodvfy that name an error; it must have taken the file for that kind."""
    path = folder / "checked.dcm"
    path.write_bytes(data)
    done = subprocess.run([checker, str(path)], capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    assert any(kind in line for line in lines), lines  # it was read at all
    return [line for line in lines if line.startswith("Error")]
