"""Damaged JPEG, PNG and TIFF films are refused or told; whole ones are as Pillow reads them."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cxr_core.errors import ImageError
from cxr_core.imaging.damage import (
    damage_warnings,
    find_shift,
    find_step,
    has_block_grid,
    repeated_tail,
)
from cxr_core.imaging.jpeg import decode_jpeg
from cxr_core.imaging.raster import decode_raster
from cxr_core.imaging.tiff import decode_tiff
from cxr_core.phantom.draw import draw_phantom
from tests.helpers.errors import image_error

PHANTOM = np.ascontiguousarray(draw_phantom(3, size=256).pixels)
END = b"\xff\xd9"
KINDS: dict[str, dict[str, Any]] = {
    "baseline": {"quality": 90},
    "low quality": {"quality": 70, "optimize": True},
    "progressive": {"quality": 90, "progressive": True},
    "restarts": {"quality": 90, "restart_marker_rows": 2},
}


def jpeg(pixels: np.ndarray = PHANTOM, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", **options)
    return stream.getvalue()


@pytest.mark.parametrize("kind", list(KINDS))
def test_whole_jpegs_are_as_pillow_reads_them_and_nothing_is_told(kind: str) -> None:
    data = jpeg(**KINDS[kind])
    film = decode_raster(data)
    np.testing.assert_array_equal(film.stored, np.asarray(Image.open(io.BytesIO(data))))
    assert film.warnings == ()


@pytest.mark.parametrize("mode", ["RGB", "CMYK"])
def test_whole_colour_jpegs_are_as_pillow_reads_them(mode: str) -> None:
    image = Image.merge("RGB", [Image.fromarray(PHANTOM)] * 3).convert(mode)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=90)
    theirs = np.asarray(Image.open(io.BytesIO(stream.getvalue())))
    np.testing.assert_array_equal(decode_jpeg(stream.getvalue(), mode), theirs)


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_cut_jpeg_with_an_end_marker_is_refused(kind: str) -> None:
    data = jpeg(**KINDS[kind])
    error = image_error(decode_raster, data[: len(data) // 2] + END)
    assert error.problem == "The file is damaged and cannot be read"
    assert str(error.value).endswith("premature end of data segment")


@pytest.mark.parametrize("kind", list(KINDS))
def test_lost_bytes_are_refused(kind: str) -> None:
    data = jpeg(**KINDS[kind])
    middle = len(data) // 2
    with pytest.raises(ImageError, match="damaged"):
        decode_raster(data[:middle] + bytes(300) + data[middle + 300 :])


@pytest.mark.parametrize("side", ["rows", "columns"])
def test_a_header_that_says_less_than_the_scan_holds_is_refused(side: str) -> None:
    data = bytearray(jpeg(quality=90))
    at = data.index(b"\xff\xc0") + (5 if side == "rows" else 7)
    data[at : at + 2] = (200).to_bytes(2)
    assert "extraneous bytes" in str(image_error(decode_raster, bytes(data)).value)


def test_a_jpeg_that_cannot_be_checked_is_read_and_told() -> None:
    data = bytearray(jpeg(quality=90))
    data[data.index(b"JFIF") + 5] = 3  # a revision that does not exist
    film = decode_raster(bytes(data))
    np.testing.assert_array_equal(film.stored, decode_jpeg(jpeg(quality=90)))
    assert "could not be checked for damage" in film.warnings[0]


def test_flipped_bits_in_a_jpeg_are_refused_or_told() -> None:
    data = jpeg(draw_phantom(3, size=512).pixels, quality=90)
    whole = decode_jpeg(data).astype(int)
    rng = np.random.default_rng(1)
    silent, changed = 0, 0
    for _ in range(60):
        damaged = bytearray(data)
        for place in rng.integers(700, len(data) - 2, 3):
            damaged[place] ^= 1 << int(rng.integers(8))
        try:
            film = decode_raster(bytes(damaged))
        except ImageError:
            changed += 1
            continue
        if (np.abs(film.pixels - whole) > 2).mean() > 0.005:
            changed += 1
            silent += not film.warnings
    assert changed >= 40
    assert silent <= changed // 7  # a step of a few levels, or near the border, is not seen


def test_a_step_along_a_row_of_blocks_is_found() -> None:
    gray = decode_jpeg(jpeg(quality=90)).astype(np.int16).clip(20, 235)
    assert find_step(gray) is None
    gray[128:, :] += 10
    gray[120:128, 96:] += 10  # from the damaged block to the edge, then whole rows
    assert find_step(gray) in (120, 128)
    assert find_step(gray[4:]) is None  # between two lines of blocks it is a structure


def test_a_picture_shifted_by_a_block_is_found() -> None:
    gray = decode_jpeg(jpeg(quality=90)).astype(np.int16)
    assert find_shift(gray) is None
    gray[120:] = np.roll(gray[120:], 8, axis=1)
    assert find_shift(gray) == 120


def with_step(gray: np.ndarray) -> np.ndarray:
    """The film with a step in brightness from row 120 on, at the line between two blocks."""
    stepped = gray.astype(np.int16).clip(20, 235)
    stepped[120:] += 12
    return stepped.astype(np.uint8)


def saved(pixels: np.ndarray, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_only_what_was_a_jpeg_can_be_a_damaged_jpeg(kind: str) -> None:
    """A slice saved without loss may have a step of its own; so may a JPEG's damaged picture."""
    decode = decode_raster if kind == "PNG" else decode_tiff
    assert find_step(with_step(PHANTOM)) == 120
    assert decode(saved(with_step(PHANTOM), kind)).warnings == ()
    was_jpeg = with_step(decode_jpeg(jpeg(quality=90)))
    assert "damaged JPEG" in decode(saved(was_jpeg, kind)).warnings[0]
    assert decode(saved(decode_jpeg(jpeg(quality=90)), kind)).warnings == ()


def test_a_step_in_a_jpeg_is_told_however_fine_its_blocks() -> None:
    fine = {"quality": 100, "subsampling": 0}
    assert "damaged JPEG" in decode_raster(saved(with_step(PHANTOM), "JPEG", **fine)).warnings[0]
    in_tiff = saved(with_step(PHANTOM), "TIFF", compression="jpeg", quality=100)
    assert "damaged JPEG" in decode_tiff(in_tiff).warnings[0]


@pytest.mark.parametrize("quality", [60, 75, 90])
def test_a_jpegs_grid_is_seen_and_nothing_else_is_one(quality: int) -> None:
    for seed in range(4):
        film = np.ascontiguousarray(draw_phantom(seed, size=256).pixels)
        decoded = decode_jpeg(jpeg(film, quality=quality))
        assert has_block_grid(decoded)
        assert not has_block_grid(decoded[:, 3:])  # the grid begins elsewhere
        assert not has_block_grid(film)


def test_rows_that_repeat_because_the_data_ended_are_told() -> None:
    cut = PHANTOM.copy()
    cut[150:] = cut[149]
    assert repeated_tail(cut) == pytest.approx(107 / 256)
    gray = PHANTOM.copy()
    gray[200:] = 128
    assert "lowest 22%" in damage_warnings(gray)[0]
    assert repeated_tail(PHANTOM) == 0


def test_a_black_border_is_no_damage() -> None:
    bordered = PHANTOM.copy()
    bordered[236:] = 0
    assert damage_warnings(bordered) == ()


@pytest.mark.parametrize("level", [0, 255])
def test_a_lowest_quarter_of_one_level_is_told_black_or_white(level: int) -> None:
    cut = PHANTOM.copy()
    cut[192:] = level
    assert damage_warnings(cut)[0].startswith("The lowest 25% of the picture repeats one row")


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_a_cut_png_or_tiff_is_refused(kind: str, share: float) -> None:
    stream = io.BytesIO()
    Image.fromarray(PHANTOM).save(stream, kind)
    data = stream.getvalue()[: int(len(stream.getvalue()) * share)]
    decode = decode_raster if kind == "PNG" else decode_tiff
    assert isinstance(image_error(decode, data), ImageError)


@pytest.mark.parametrize("compression", ["tiff_adobe_deflate", "jpeg"])
def test_a_lost_sector_in_a_compressed_tiff_is_refused(compression: str) -> None:
    stream = io.BytesIO()
    Image.fromarray(PHANTOM).save(stream, "TIFF", compression=compression)
    data = stream.getvalue()
    assert decode_tiff(data).warnings == ()
    middle = len(data) // 2
    damaged = data[:middle] + bytes(300) + data[middle + 300 :]
    assert "damaged" in image_error(decode_tiff, damaged).problem
