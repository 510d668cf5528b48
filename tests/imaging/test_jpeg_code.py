"""JPEGs whose code does not end with their picture are told, and sound ones are not touched."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import JPEGBaseline8Bit

from bench.damaged_films import wrapped
from cxr_core.imaging.dicom.decode import decode_dicom
from cxr_core.imaging.jpeg import JpegDamageError, decode_jpeg
from cxr_core.imaging.jpeg_code import BROKEN_CODE_WARNING, LOOSE_END_WARNING, decode_checked
from cxr_core.imaging.raster import decode_raster
from cxr_core.phantom.draw import draw_phantom

PHANTOM = np.ascontiguousarray(draw_phantom(3, size=256).pixels)
KINDS: dict[str, dict[str, Any]] = {
    "baseline": {"quality": 90},
    "best": {"quality": 100},
    "optimized": {"quality": 40, "optimize": True},
    "restarts": {"quality": 90, "restart_marker_rows": 2},
    "progressive": {"quality": 90, "progressive": True},
    "coarse progressive": {"quality": 30, "progressive": True},
    "progressive restarts": {"quality": 90, "progressive": True, "restart_marker_blocks": 7},
}
SIDES = {"whole blocks": (256, 256), "odd": (251, 203), "a row more": (249, 256)}
# A flat picture of 16 x 2 blocks: where a header says 15 blocks a line, 2 are left. They take a few
# bits each, which libjpeg drops, or none, where a progressive scan counts them in one number.
LEVEL, WIDTH, HEIGHT, STATED = 100, 128, 16, 120


def jpeg(pixels: np.ndarray, mode: str = "L", **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(stream, "JPEG", **options)
    return stream.getvalue()


def flat_with_blocks_left(*, progressive: bool) -> bytes:
    """A JPEG whose code has two blocks more than its picture."""
    data = bytearray(jpeg(np.full((HEIGHT, WIDTH), LEVEL, np.uint8), progressive=progressive))
    frame = data.index(b"\xff\xc2" if progressive else b"\xff\xc0")
    assert int.from_bytes(data[frame + 7 : frame + 9]) == WIDTH
    data[frame + 7 : frame + 9] = STATED.to_bytes(2)
    return bytes(data)


@pytest.mark.parametrize("side", list(SIDES))
@pytest.mark.parametrize("kind", list(KINDS))
def test_a_sound_film_is_decoded_as_before_and_nothing_is_told(kind: str, side: str) -> None:
    height, width = SIDES[side]
    data = jpeg(PHANTOM[:height, :width], **KINDS[kind])
    pixels, said = decode_checked(data)
    assert said == ""
    np.testing.assert_array_equal(pixels, decode_jpeg(data))


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize(
    ("mode", "subsampling"), [("RGB", 0), ("RGB", 1), ("RGB", 2), ("CMYK", -1)]
)
def test_a_sound_film_in_colour_is_decoded_as_before(
    mode: str, subsampling: int, progressive: bool
) -> None:
    data = jpeg(PHANTOM, mode, subsampling=subsampling, progressive=progressive)
    pixels, said = decode_checked(data, mode)
    assert said == ""
    np.testing.assert_array_equal(pixels, decode_jpeg(data, mode))


def test_what_programs_write_around_the_picture_is_no_damage() -> None:
    odd: dict[str, Any] = {
        "comment": b"x" * 300,
        "icc_profile": bytes(3000),
        "exif": b"Exif\0\0rubbish",
    }
    data = jpeg(PHANTOM, quality=90, progressive=True, **odd) + b"rubbish"
    assert decode_checked(data)[1] == ""


@pytest.mark.parametrize("progressive", [False, True])
def test_blocks_behind_the_picture_are_told(progressive: bool) -> None:
    data = flat_with_blocks_left(progressive=progressive)
    assert (decode_jpeg(data) == LEVEL).all()  # libjpeg has no complaint
    pixels, said = decode_checked(data)
    assert pixels.shape == (HEIGHT, STATED)
    assert (pixels == LEVEL).all()
    assert said == (BROKEN_CODE_WARNING if progressive else LOOSE_END_WARNING)


@pytest.mark.parametrize("kind", list(KINDS))
def test_what_libjpeg_complains_of_is_refused_as_before(kind: str) -> None:
    data = jpeg(PHANTOM, **KINDS[kind])
    with pytest.raises(JpegDamageError):
        decode_checked(data[: len(data) * 3 // 4] + b"\xff\xd9")


def test_what_is_told_reaches_the_reader_from_every_kind_of_file() -> None:
    film = np.full((HEIGHT * 12, WIDTH), LEVEL, np.uint8)
    data = bytearray(jpeg(film, progressive=True))
    frame = data.index(b"\xff\xc2")
    data[frame + 7 : frame + 9] = STATED.to_bytes(2)
    assert BROKEN_CODE_WARNING in decode_raster(bytes(data)).warnings
    in_dicom = wrapped(film[:, :STATED], bytes(data), JPEGBaseline8Bit)
    assert BROKEN_CODE_WARNING in decode_dicom(in_dicom).warnings


def test_a_lost_sector_in_a_progressive_film_does_not_pass() -> None:
    """Of these 40, libjpeg reads a part to the end."""
    data = jpeg(
        np.ascontiguousarray(draw_phantom(5, size=384).pixels), quality=90, progressive=True
    )
    whole = decode_jpeg(data).astype(int)
    read, told, silent = 0, 0, 0
    for start in np.linspace(0.25, 0.7, 40):
        at = int(len(data) * start)
        try:
            pixels, said = decode_checked(data[:at] + bytes(512) + data[at + 512 :])
        except JpegDamageError:
            continue
        read += 1
        told += bool(said)
        silent += not said and (np.abs(pixels - whole) > 2).mean() > 0.02
    assert told >= read / 2 > 0
    assert silent <= read / 4
