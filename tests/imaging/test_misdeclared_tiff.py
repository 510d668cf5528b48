"""TIFF files that say another kind of values than they hold: read as what they hold, and told."""

import struct

import numpy as np
import pytest

from cxr_core.imaging.radiograph import read_radiograph
from cxr_core.phantom.draw import draw_phantom

FILM = draw_phantom(2, size=256).pixels
DEEP = np.rint(FILM * (4095 / 255)).astype(np.uint16)
FLOATS = (FILM / 255).astype(np.float32)
UNSIGNED, SIGNED, FLOATING = 1, 2, 3


def tiff(values: np.ndarray, **tags: int) -> bytes:
    """One uncompressed strip of (H, W) or (H, W, 2); tags by number, as ``t339=3``."""
    samples = 1 if values.ndim == 2 else values.shape[2]
    bits = 8 * values.dtype.itemsize
    body = values.astype(values.dtype.newbyteorder("<")).tobytes()
    # Two samples of 8 bits: both depths fit into the entry.
    depth = struct.pack("<HHIHH", 258, 3, samples, bits, bits if samples > 1 else 0)
    all_tags = {
        256: values.shape[1], 257: values.shape[0], 259: 1, 273: 8, 277: samples,
        278: values.shape[0], 279: len(body), **{int(name[1:]): n for name, n in tags.items()},
    }  # fmt: skip
    entries = {tag: struct.pack("<HHII", tag, 4, 1, value) for tag, value in all_tags.items()}
    entries = {**entries, 258: depth}
    directory = struct.pack("<H", len(entries)) + b"".join(entries[tag] for tag in sorted(entries))
    return b"II*\0" + struct.pack("<I", 8 + len(body)) + body + directory + bytes(4)


@pytest.mark.parametrize(
    ("values", "stated", "told"),
    [
        (FLOATS, UNSIGNED, "whole numbers, and they are floating"),
        (FLOATS.astype(np.float64), UNSIGNED, "whole numbers, and they are floating"),
        (FLOATS, SIGNED, "whole numbers, and they are floating"),
        (DEEP, FLOATING, "floating, and they are whole numbers"),
        (DEEP.astype(np.uint32), FLOATING, "floating, and they are whole numbers"),
        (FILM, SIGNED, "signed, and they are not"),
        (FILM.astype(np.uint16) * 257, SIGNED, "signed, and they are not"),
        ((DEEP.astype(np.int16) - 2048), UNSIGNED, "unsigned, and they are signed"),
    ],
    ids=[
        "floats", "64-bit floats", "floats as signed", "12 bits as floats", "32 bits as floats",
        "8 bits as signed", "16 bits as signed", "signed as unsigned",
    ],
)  # fmt: skip
def test_values_of_another_kind_than_stated(values: np.ndarray, stated: int, told: str) -> None:
    read = read_radiograph(tiff(values, t262=1, t339=stated))
    assert np.abs(read.pixels.astype(int) - FILM).max() <= 1
    assert [one for one in read.warnings if told in one] == list(read.warnings)


def test_a_missing_photometric_interpretation_is_told_and_0_is_black() -> None:
    read = read_radiograph(tiff(FILM))
    assert np.array_equal(read.pixels, FILM)
    assert "does not say which end of its values is bright" in read.warnings[0]


def test_gray_that_lies_on_black_already_is_read() -> None:
    opaque = np.dstack([FILM, np.full_like(FILM, 255)])
    read = read_radiograph(tiff(opaque, t262=1, t338=1))
    assert (np.array_equal(read.pixels, FILM), read.warnings) == (True, ())
