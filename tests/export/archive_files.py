"""DICOM films with a known patient, and what Debian's checker says of a file."""

import io
import subprocess
from pathlib import Path

import numpy as np
import pydicom
from pydicom import Dataset
from pydicom.uid import generate_uid

from cxr_core.phantom.draw import draw_phantom
from tests.imaging.dicom_files import film_dataset, to_bytes

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


def patient_film(**tags: object) -> bytes:
    """A phantom as a DX image of the patient; ``tags`` replace elements, None leaves one out."""
    pixels = np.ascontiguousarray(draw_phantom(1, size=256).pixels)
    identity = {"SpecificCharacterSet": "ISO_IR 192", "SOPInstanceUID": generate_uid(), **PATIENT}
    wanted = identity | tags
    left_out = {key for key, value in wanted.items() if value is None and key in identity}
    ds = film_dataset(pixels, **{k: v for k, v in wanted.items() if k not in left_out})
    for keyword in left_out & {"PatientName", "PatientID"}:
        del ds[keyword]
    return to_bytes(ds)


def parse(data: bytes) -> Dataset:
    return pydicom.dcmread(io.BytesIO(data))


def faults(checker: str, data: bytes, folder: Path) -> list[str]:
    """The lines of dciodvfy that name an error."""
    path = folder / "checked.dcm"
    path.write_bytes(data)
    done = subprocess.run([checker, str(path)], capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    assert any("SCImage" in line for line in lines), lines  # it was read at all
    return [line for line in lines if line.startswith("Error")]
