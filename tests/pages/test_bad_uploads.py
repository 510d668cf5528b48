"""Every bad file a reader may drop on the page: its own sentence, and the page goes on."""

import io

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from cxr_core.phantom.draw import phantom_png
from tests.helpers.films import encode, png
from tests.helpers.pages import READ, view_of


def picture(size: tuple[int, int], kind: str = "PNG", **options: object) -> bytes:
    return encode(Image.new("L", size, 90), kind, **options)


def huge_header() -> bytes:
    """A PNG whose header promises 30,000 x 30,000 pixels."""
    return png(30_000, 30_000, 8, 0, bytes(1000))


def animated_gif() -> bytes:
    return picture(
        (80, 80), "GIF", save_all=True, append_images=[Image.new("L", (80, 80), 200)], loop=0
    )


def dicom(modality: str, *, frames: int = 1, pixels: bool = True) -> bytes:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = CTImageStorage
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = generate_uid()
    ds.Modality = modality
    if pixels:
        ds.Rows = ds.Columns = 64
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
        if frames > 1:
            ds.NumberOfFrames = frames
        ds.PixelData = np.zeros((frames, 64, 64), np.uint8).tobytes()
    stream = io.BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


# name -> bytes, cause, value
BAD = {
    "truncated": (phantom_png(1, size=128)[:3000], "cut short", "3,000 bytes"),
    "empty": (b"", "The file is empty", "0 bytes"),
    "text": (b"this is text\n" * 20, "not an image", "text"),
    "one pixel": (picture((1, 1)), "too small", "1 x 1 pixels"),
    "huge header": (huge_header(), "larger than any radiograph", "30,000 x 30,000 pixels"),
    "animation": (animated_gif(), "not an image that can be read here", "GIF"),
    "CT": (dicom("CT"), "not a chest radiograph", "CT"),
    "no pixels": (dicom("DX", pixels=False), "has no picture in it", ""),
    "two frames": (dicom("DX", frames=2), "several frames", "2"),
}


@pytest.mark.parametrize("name", BAD)
def test_it_is_one_sentence_with_cause_value_and_remedy(open_page, name):
    data, cause, value = BAD[name]
    session = open_page(READ)
    session.file_uploader[0].upload("film.png", data)
    session.run()
    (error,) = session.error
    said = error.value.replace("\\", "")
    assert cause in said
    assert value in said
    assert said.count(". ") >= 1  # a remedy follows the cause and its value
    assert "Traceback" not in said
    assert not session.exception
    assert view_of(session) is None
    session.file_uploader[0].upload("film.png", phantom_png(2, size=128))
    session.run()
    assert not session.error
    assert view_of(session)
