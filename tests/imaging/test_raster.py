"""PNG and JPEG: what is read exactly, value by value."""

import io
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from cxr_core.imaging.raster import decode_raster
from tests.helpers.films import SIDE, chunk, encode, noise, png, png16, smooth_film


def test_8_bit_gray_is_kept_exactly() -> None:
    values = noise(SIDE, 100)
    film = decode_raster(encode(Image.fromarray(values)))
    np.testing.assert_array_equal(film.pixels, values)
    np.testing.assert_array_equal(film.stored, values)
    assert (film.file_format, film.inverted, film.view, film.window) == ("PNG", False, None, None)
    assert film.processing_log == ("8-bit gray values kept as they are.",)
    assert film.warnings == ()


def test_16_bit_gray_is_scaled_from_its_own_range() -> None:
    values = np.linspace(9000, 14100, SIDE * SIDE).astype(np.uint16).reshape(SIDE, SIDE)
    film = decode_raster(encode(Image.fromarray(values)))
    assert np.abs(film.pixels - (values - 9000.0) / 20).max() <= 1  # 20 values a gray level
    assert film.stored.dtype == np.uint16
    np.testing.assert_array_equal(film.stored, values)
    assert film.processing_log[0].startswith(
        "16-bit values scaled to 0 to 255: the film's own range of values, 900"
    )
    assert film.warnings == ()


def test_16_bit_gray_that_fills_its_bits_is_scaled_by_them() -> None:
    values = np.linspace(0, 3600, SIDE * SIDE).astype(np.uint16).reshape(SIDE, SIDE)
    film = decode_raster(encode(Image.fromarray(values)))
    np.testing.assert_array_equal(film.pixels, np.rint(values * (255 / 4095)).astype(np.uint8))
    assert film.processing_log == (
        "16-bit values scaled to 0 to 255: the full range of 12 bits, 0 to 4095.",
    )


def test_16_bit_above_255_does_not_saturate() -> None:
    values = np.linspace(0, 65535, SIDE * SIDE).astype(np.uint16).reshape(SIDE, SIDE)
    pixels = decode_raster(encode(Image.fromarray(values))).pixels
    assert len(np.unique(pixels)) == 256
    assert (np.diff(pixels.ravel().astype(int)) >= 0).all()


def test_an_even_16_bit_film_becomes_black() -> None:
    film = decode_raster(encode(Image.fromarray(np.full((SIDE, SIDE), 4000, np.uint16))))
    assert not film.pixels.any()


def test_equal_channels_give_the_gray_value_exactly() -> None:
    values = noise(SIDE, SIDE)
    gray = Image.fromarray(values)
    for mode in ("RGB", "RGBA", "LA"):
        film = decode_raster(encode(gray.convert(mode)))
        np.testing.assert_array_equal(film.pixels, values)
        assert film.warnings == ()


def test_an_opaque_alpha_channel_is_dropped_and_said() -> None:
    film = decode_raster(encode(Image.fromarray(noise(SIDE, SIDE)).convert("RGBA")))
    assert "The alpha channel was opaque and was dropped." in film.processing_log


def test_transparent_parts_are_laid_on_black() -> None:
    values = np.full((SIDE, SIDE, 4), 200, np.uint8)
    values[..., 3] = 255
    values[:10, :, 3] = 0
    values[10:20, :, 3] = 51  # a fifth
    film = decode_raster(encode(Image.fromarray(values, "RGBA")))
    assert (film.pixels[5, 5], film.pixels[15, 5], film.pixels[30, 5]) == (0, 40, 200)
    assert film.warnings[0] == "Transparent parts of this image were filled with black."


def test_a_gray_palette_gives_its_gray_values() -> None:
    indices = noise(SIDE, SIDE, below=4)
    image = Image.fromarray(indices).convert("P")
    image.putdata(indices.ravel().tolist())
    levels = [10, 90, 160, 250]
    image.putpalette([level for level in levels for _ in range(3)])
    film = decode_raster(encode(image))
    np.testing.assert_array_equal(film.pixels, np.array(levels)[indices])
    assert film.warnings == ("This image has only 4 gray levels.",)


@pytest.mark.parametrize(("depth", "levels"), [(1, [0, 255]), (2, [0, 85, 170, 255])])
def test_few_bits_span_black_to_white(depth: int, levels: list[int]) -> None:
    packed = bytes([0b00011011]) * (SIDE * depth // 8)
    film = decode_raster(png(SIDE, SIDE, depth, 0, (b"\0" + packed) * SIDE))
    assert np.unique(film.pixels).tolist() == levels
    told = "black and white only" if depth == 1 else "only 4 gray levels"
    assert [told in warning for warning in film.warnings] == [True]


@pytest.mark.parametrize(("colour_type", "channels"), [(2, 3), (4, 2), (6, 4)])
def test_16_bit_channels_keep_their_depth(colour_type: int, channels: int) -> None:
    gray = noise(SIDE, SIDE, below=4096, kind=np.uint16)  # 16 levels in the upper bytes
    values = np.repeat(gray[..., None], channels, axis=2)
    if channels % 2 == 0:
        values[..., -1] = 65535
    film = decode_raster(png16(values, colour_type))
    plain = decode_raster(png16(gray[..., None], 0))
    np.testing.assert_array_equal(film.stored, gray)
    np.testing.assert_array_equal(film.pixels, plain.pixels)
    assert (film.colour_fraction, film.warnings) == (0.0, plain.warnings)


def test_16_bit_colour_and_transparency_are_told() -> None:
    values = np.repeat(noise(SIDE, SIDE, below=4096, kind=np.uint16)[..., None], 4, axis=2)
    values[..., 3] = 65535
    values[:8, :, 0] = 4095
    values[8:16, :, 3] = 0
    film = decode_raster(png16(values, 6))
    assert 0.08 < film.colour_fraction <= 0.1
    assert not film.pixels[8:16].any()
    assert "is in colour" in film.warnings[0]
    assert "Transparent parts" in film.warnings[1]


@pytest.mark.parametrize("orientation", range(2, 9))
def test_16_bit_channels_are_turned_as_8_bit_ones_are(orientation: int) -> None:
    gray = noise(SIDE, SIDE + 16)
    exif = Image.Exif()
    exif[0x0112] = orientation
    expected = decode_raster(encode(Image.fromarray(gray), exif=exif))
    values = np.repeat(gray[..., None].astype(np.uint16) * 257, 3, axis=2)
    data = png16(values, 2)
    film = decode_raster(data[:33] + chunk(b"eXIf", exif.tobytes()[6:]) + data[33:])
    np.testing.assert_array_equal(film.pixels, expected.pixels)
    assert film.processing_log[0] == expected.processing_log[0]


def test_16_bit_channels_interlaced() -> None:
    # Adam7 (PNG 3rd edition, 8.1) of 64 equal columns: each pass has its own rows.
    values = np.repeat(np.arange(64, dtype=np.uint16)[:, None] * 1000, 64, axis=1)
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2),
              (1, 0, 2, 1))  # fmt: skip
    rows = b"".join(
        b"\0" + np.repeat(row[:, None], 3, axis=1).astype(">u2").tobytes()
        for top, left, down, across in passes
        for row in values[top::down, left::across]
    )
    data = png(64, 64, 16, 2, rows)
    header = data[16:28] + b"\1"
    check = zlib.crc32(b"IHDR" + header).to_bytes(4)
    film = decode_raster(data[:16] + header + check + data[33:])
    np.testing.assert_array_equal(film.stored, values)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpeg_in_gray_rgb_and_cmyk(mode: str) -> None:
    values = smooth_film()
    film = decode_raster(encode(Image.fromarray(values).convert(mode), "JPEG", quality=98))
    assert film.file_format == "JPEG"
    assert np.abs(film.pixels.astype(int) - values).max() <= 4
    assert film.warnings == ()


@pytest.mark.parametrize(
    ("tint", "kept"),
    [
        ((0.85, 0.9, 1.0), False),  # a film's blue base
        ((1.0, 0.9, 0.75), False),  # sepia
        ((1.0, 0.0, 0.0), True),  # one channel alone
    ],
)
def test_a_pale_tint_of_all_of_a_film_is_no_colour(
    tint: tuple[float, float, float], kept: bool
) -> None:
    gray = smooth_film()
    film = decode_raster(encode(Image.fromarray((gray[..., None] * tint).astype(np.uint8))))
    assert (film.colour_fraction > 0.5) == kept
    assert film.warnings[0] == "This image is in colour; only its brightness was read."
    assert np.corrcoef(film.pixels.ravel(), gray.ravel())[0, 1] > 0.99


def test_a_coloured_scene_and_a_mark_on_a_tinted_film_stay_coloured() -> None:
    scene = np.stack([smooth_film(), smooth_film()[::-1], smooth_film()[:, ::-1]], axis=2)
    assert decode_raster(encode(Image.fromarray(scene))).colour_fraction > 0.5
    tinted = (smooth_film()[..., None] * (0.85, 0.9, 1.0)).astype(np.uint8)
    tinted[:24] = (255, 255, 0)  # a quarter of it
    assert 0.2 < decode_raster(encode(Image.fromarray(tinted))).colour_fraction < 0.3


@pytest.mark.parametrize(("bits", "told"), [(2, True), (4, True), (8, False)])
def test_few_gray_levels_are_told(bits: int, told: bool) -> None:
    step = 255 // (2**bits - 1)
    film = decode_raster(encode(Image.fromarray(smooth_film() // step * step)))
    expected = (f"This image has only {np.unique(film.pixels).size} gray levels.",)
    assert film.warnings == (expected if told else ())


def test_colour_is_read_as_luminance_with_a_warning() -> None:
    red = np.zeros((SIDE, SIDE, 3), np.uint8)
    red[..., 0] = 200
    film = decode_raster(encode(Image.fromarray(red)))
    assert film.pixels[0, 0] == 60  # ITU-R 601: 0.299 x 200
    assert film.warnings[0].startswith("This image is in colour")
    assert film.colour_fraction == 1.0


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_agrees_with_pillows_own(orientation: int) -> None:
    image = Image.fromarray(smooth_film()[:, :70])
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(image, "JPEG", exif=exif, quality=95)
    with Image.open(io.BytesIO(data)) as reopened:
        expected = np.asarray(ImageOps.exif_transpose(reopened))
    film = decode_raster(data)
    np.testing.assert_array_equal(film.pixels, expected)
    assert any("EXIF" in step for step in film.processing_log) == (orientation != 1)
