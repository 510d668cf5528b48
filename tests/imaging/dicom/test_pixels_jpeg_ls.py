"""JPEG-LS: every value comes back, and no file takes memory that its data set does not state."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.encaps import get_frame
from pydicom.uid import JPEGLSLossless, JPEGLSNearLossless

from cxr_core.errors import ImageError
from cxr_core.imaging.dicom.codestream import Codestream, parse_codestream
from cxr_core.imaging.dicom.decode import decode_dicom, parse_dicom, raw_pixels
from tests.helpers.dicom_files import film_dataset, ramp, to_bytes
from tests.helpers.errors import image_error


def packed(values: np.ndarray, syntax: str = JPEGLSLossless, **options: Any) -> bytes:
    ds = film_dataset(values)
    ds.compress(syntax, encoding_plugin="pyjpegls", **options)
    return to_bytes(ds)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_lossless_gives_back_every_value(kind: type) -> None:
    values = ramp(kind, span=250 if kind is np.uint8 else 4096)
    film = decode_dicom(packed(values))
    np.testing.assert_array_equal(film.stored, values)
    assert film.processing_log[0].startswith("Decoded from JPEG-LS Lossless")


def test_near_lossless_keeps_to_its_stated_error() -> None:
    values = ramp(np.uint16)
    film = decode_dicom(packed(values, JPEGLSNearLossless, jls_error=3))
    assert np.abs(film.stored.astype(int) - values).max() <= 3


def test_the_codestream_says_its_size() -> None:
    ds = film_dataset(ramp(np.uint16)[:, :40])
    ds.compress(JPEGLSLossless, encoding_plugin="pyjpegls")
    codestream = get_frame(ds.PixelData, 0, number_of_frames=1)
    said = Codestream(JPEGLSLossless, 64, 40, precision=16, components=1)
    assert parse_codestream(codestream) == said
    # A comment in between (COM, 4 bytes), in which another size seems to stand.
    commented = codestream[:2] + b"\xff\xfe\x00\x06\xff\xf7\x00\x0b" + codestream[2:]
    assert parse_codestream(commented) == said
    for broken in (b"", codestream[:2], codestream[:10], b"\xff\xd8" + b"\xff" * 40):
        assert parse_codestream(broken) is None
    assert raw_pixels(parse_dicom(to_bytes(ds))).values.shape == (64, 40)


def test_another_size_in_the_codestream_is_refused_before_memory_is_taken() -> None:
    data = packed(ramp(np.uint16))
    frame_header = data.index(b"\xff\xf7")
    huge = data[: frame_header + 5] + b"\xff\xff\xff\xff" + data[frame_header + 9 :]
    assert (
        image_error(decode_dicom, huge).problem == "The image in this DICOM file cannot be decoded"
    )
    assert "65535 rows and 65535 columns, the header says 64 and 64" in str(
        image_error(decode_dicom, huge).value
    )


@settings(max_examples=25)  # a second decoder is asked in a process of its own
@given(st.data())
def test_damaged_codestreams_raise_nothing_but_an_image_error(data: st.DataObject) -> None:
    damaged = bytearray(WHOLE)
    places = st.integers(damaged.index(b"\xff\xd8\xff"), len(damaged) - 1)
    for place, byte in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=5)):
        damaged[place] = byte
    try:
        film = decode_dicom(bytes(damaged))
    except ImageError:
        return
    assert film.pixels.shape == (64, 64)


WHOLE = packed(ramp(np.uint16))
