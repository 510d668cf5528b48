"""Gray values known beforehand through every kind of PNG and JPEG, and refusals in words."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from cxr_core.errors import ImageError
from cxr_core.imaging.raster import decode_raster, is_raster

SIDE = 80


def noise(*shape: int, below: int = 256, kind: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(1).integers(0, below, shape).astype(kind)


def smooth() -> np.ndarray:
    """A film that JPEG keeps to a gray level or two: a slope in both directions."""
    row = np.linspace(20, 230, 96)
    return np.rint(row[:, None] * 0.6 + row[None, :] * 0.4).astype(np.uint8)


def encode(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    """A PNG by its specification, for kinds that Pillow does not write."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def png16(values: np.ndarray, colour: int) -> bytes:
    """16-bit PNG of (H, W, channels); colour type 0 gray, 2 RGB, 4 gray + alpha, 6 RGBA."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return png(values.shape[1], values.shape[0], 16, colour, rows)


def refusal(data: bytes) -> ImageError:
    with pytest.raises(ImageError) as caught:
        decode_raster(data)
    return caught.value


# --- what is read exactly


def test_8_bit_gray_is_kept_exactly() -> None:
    values = noise(SIDE, 100)
    film = decode_raster(encode(Image.fromarray(values)))
    np.testing.assert_array_equal(film.pixels, values)
    np.testing.assert_array_equal(film.stored, values)
    assert (film.kind, film.inverted, film.view, film.window) == ("PNG", False, None, None)
    assert film.steps == ("8-bit gray values kept as they are.",)
    assert film.warnings == ()


def test_16_bit_gray_is_scaled_from_its_own_range() -> None:
    values = np.full((SIDE, SIDE), 1000, np.uint16)
    values[0, :5] = [1000, 1001, 2000, 3540, 6100]  # span 5100: 20 values a gray level
    film = decode_raster(encode(Image.fromarray(values)))
    assert film.pixels[0, :5].tolist() == [0, 0, 50, 127, 255]
    assert film.stored.dtype == np.uint16
    np.testing.assert_array_equal(film.stored, values)
    assert film.steps == ("16-bit values 1000 to 6100 scaled to 0 to 255.",)


def test_16_bit_above_255_does_not_saturate() -> None:
    values = np.linspace(300, 65535, SIDE * SIDE).astype(np.uint16).reshape(SIDE, SIDE)
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
    assert "The alpha channel was opaque and was dropped." in film.steps


def test_transparent_parts_are_laid_on_black() -> None:
    values = np.full((SIDE, SIDE, 4), 200, np.uint8)
    values[..., 3] = 255
    values[:10, :, 3] = 0
    values[10:20, :, 3] = 51  # a fifth
    film = decode_raster(encode(Image.fromarray(values, "RGBA")))
    assert (film.pixels[5, 5], film.pixels[15, 5], film.pixels[30, 5]) == (0, 40, 200)
    assert film.warnings == ("Parts of this picture are transparent; they were laid on black.",)


def test_a_gray_palette_gives_its_gray_values() -> None:
    indices = noise(SIDE, SIDE, below=4)
    image = Image.fromarray(indices).convert("P")
    image.putdata(indices.ravel().tolist())
    levels = [10, 90, 160, 250]
    image.putpalette([level for level in levels for _ in range(3)])
    film = decode_raster(encode(image))
    np.testing.assert_array_equal(film.pixels, np.array(levels)[indices])
    assert film.warnings == ()


@pytest.mark.parametrize(("depth", "levels"), [(1, [0, 255]), (2, [0, 85, 170, 255])])
def test_few_bits_span_black_to_white(depth: int, levels: list[int]) -> None:
    packed = bytes([0b00011011]) * (SIDE * depth // 8)
    film = decode_raster(png(SIDE, SIDE, depth, 0, (b"\0" + packed) * SIDE))
    assert np.unique(film.pixels).tolist() == levels
    assert bool(film.warnings) == (depth == 1)


def test_16_bit_rgba_is_read_by_its_upper_bytes() -> None:
    upper = np.tile(np.arange(0, 256, 255 / (SIDE - 1)).astype(np.uint16), (SIDE, 1))
    values = np.repeat((upper << 8)[..., None], 4, axis=2)
    values[..., 3] = 65535
    film = decode_raster(png16(values, 6))
    np.testing.assert_array_equal(film.pixels, upper)
    assert any(step.startswith("Upper 8 bits of 16") for step in film.steps)


def test_16_bit_rgb_with_too_few_levels_is_refused() -> None:
    error = refusal(png16(noise(SIDE, SIDE, 3, below=1, kind=np.uint16) + 4095, 2))
    assert error.problem.startswith("A 16-bit PNG with colour or alpha uses too little")
    assert error.value == "1 of 256 gray levels"
    assert error.remedy == "Save the film as a 16-bit PNG in plain grayscale."


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpeg_in_gray_rgb_and_cmyk(mode: str) -> None:
    values = smooth()
    film = decode_raster(encode(Image.fromarray(values).convert(mode), "JPEG", quality=98))
    assert film.kind == "JPEG"
    assert np.abs(film.pixels.astype(int) - values).max() <= 4
    assert film.warnings == ()


def test_colour_is_read_as_luminance_with_a_warning() -> None:
    red = np.zeros((SIDE, SIDE, 3), np.uint8)
    red[..., 0] = 200
    film = decode_raster(encode(Image.fromarray(red)))
    assert film.pixels[0, 0] == 60  # ITU-R 601: 0.299 x 200
    assert film.warnings[0].startswith("This picture has colour; a radiograph has none.")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_agrees_with_pillows_own(orientation: int) -> None:
    image = Image.fromarray(smooth()[:, :70])
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(image, "JPEG", exif=exif, quality=95)
    with Image.open(io.BytesIO(data)) as reopened:
        expected = np.asarray(ImageOps.exif_transpose(reopened))
    film = decode_raster(data)
    np.testing.assert_array_equal(film.pixels, expected)
    assert any("EXIF" in step for step in film.steps) == (orientation != 1)


# --- what is refused


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_truncated_picture_is_called_cut_short(kind: str) -> None:
    data = encode(Image.fromarray(noise(200, 200)), kind)
    error = refusal(data[: len(data) // 2])
    assert error.problem == "The picture is cut short: its end is missing"
    assert error.value == f"{kind}, {len(data) // 2:,} bytes"
    assert error.remedy.startswith("Copy or download the file again")


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_file_cut_inside_its_header_is_called_cut_short(kind: str) -> None:
    data = encode(Image.fromarray(noise(200, 200)), kind)
    assert refusal(data[:20]).problem == "The picture is cut short: its end is missing"


def test_a_damaged_picture_is_called_damaged() -> None:
    data = bytearray(encode(Image.fromarray(noise(200, 200))))
    data[5000:5100] = bytes(100)
    error = refusal(bytes(data))
    assert error.problem == "The picture is damaged and cannot be decoded"
    assert error.value == f"PNG, {len(data):,} bytes"
    assert error.remedy == "Export the film again as PNG, JPEG or DICOM."


@pytest.mark.parametrize("size", [(1, 1), (63, 500), (500, 63)])
def test_too_small(size: tuple[int, int]) -> None:
    error = refusal(encode(Image.new("L", size)))
    assert error.problem == "The picture is too small to be a radiograph"
    assert error.value == f"{size[0]} x {size[1]} pixels"
    assert "at least 64 pixels" in error.remedy


def test_the_smallest_film_is_read() -> None:
    assert decode_raster(encode(Image.new("L", (64, 64)))).pixels.shape == (64, 64)


def test_a_huge_header_is_refused_before_anything_is_decoded() -> None:
    limit = Image.MAX_IMAGE_PIXELS
    error = refusal(png(30_000, 30_000, 8, 0, b"nothing like 900 million pixels"))
    assert error.problem == "The picture is larger than any radiograph"
    assert error.value == "30,000 x 30,000 pixels"
    assert "at most 64 million pixels" in error.remedy
    assert limit == Image.MAX_IMAGE_PIXELS


def test_an_animated_png_is_refused() -> None:
    frames = [
        Image.fromarray(noise(SIDE, SIDE)),
        Image.new("L", (SIDE, SIDE)),
        Image.new("L", (80, 80), 9),
    ]
    error = refusal(encode(frames[0], save_all=True, append_images=frames[1:]))
    assert error.problem == "The picture is an animation, a radiograph is one frame"
    assert error.value == "3 frames"
    assert "a PNG of its own" in error.remedy


def test_only_png_and_jpeg_are_raster() -> None:
    image = Image.fromarray(noise(SIDE, SIDE))
    assert is_raster(encode(image, "PNG"))
    assert is_raster(encode(image, "JPEG"))
    assert not any(is_raster(encode(image, kind)) for kind in ("GIF", "BMP", "TIFF", "WEBP"))
    assert not is_raster(b"")


# --- hostile bytes


def wholes() -> list[bytes]:
    values = noise(70, 70)
    exif = Image.Exif()
    exif[0x0112] = 6
    return [
        encode(Image.fromarray(values)),
        encode(Image.fromarray(values).convert("P")),
        encode(Image.fromarray(values.astype(np.uint16) * 200)),
        encode(Image.fromarray(values), "JPEG", exif=exif),
        encode(Image.fromarray(values).convert("CMYK"), "JPEG"),
    ]


@settings(max_examples=150)
@given(st.sampled_from(wholes()), st.data())
def test_damaged_bytes_raise_nothing_but_an_image_error(whole: bytes, data: st.DataObject) -> None:
    damaged = bytearray(whole[: data.draw(st.integers(8, len(whole)))])
    places = st.integers(3, len(damaged) - 1)
    for place, byte in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=6)):
        damaged[place] = byte
    if not is_raster(bytes(damaged)):
        return
    try:
        film = decode_raster(bytes(damaged))
    except ImageError:
        return
    assert film.pixels.dtype == np.uint8
    assert film.pixels.ndim == 2
