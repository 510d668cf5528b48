"""JPEG 2000 frames whose code-blocks do not end where they should are told; intact ones are not."""

import io
import logging

import numpy as np
import pytest
from imagecodecs import htj2k_encode, jpeg2k_encode
from PIL import Image
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.utils import pixel_array
from pydicom.uid import JPEG2000

from cxr_core.imaging.dicom.decode import decode_dicom
from cxr_core.imaging.dicom.jpeg_2000 import CodeBlocks, decode_frame, decode_gray, decode_stream
from cxr_core.phantom.draw import draw_phantom
from tests.helpers.dicom_files import film_dataset, has_warning, to_bytes

PHANTOM = np.ascontiguousarray(draw_phantom(3, size=256).pixels)
WORDS = "of this JPEG 2000 image do"
KINDS: dict[str, dict[str, object]] = {
    "lossless": {},
    "lossy": {"irreversible": True, "quality_layers": [12]},
    "layers": {"irreversible": True, "quality_layers": [60, 20, 6]},
    "lossless, layers": {"quality_layers": [60, 20, 1]},
    "tiles": {"tile_size": (100, 90)},
    "small blocks": {"codeblock_size": (16, 16)},
    "precincts": {"progression": "RPCL", "precinct_size": (64, 64)},
    "one resolution": {"num_resolutions": 1},
}


def stream_of(pixels: np.ndarray, **options: object) -> bytes:
    """A codestream by Pillow's OpenJPEG."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(
        file, "JPEG2000", no_jp2=True, **({"irreversible": False} | options)
    )
    return file.getvalue()


def flipped(stream: bytes, seed: int) -> bytes:
    """Three changed bits in the second half, where no header is."""
    damaged, rng = bytearray(stream), np.random.default_rng(seed)
    for at in rng.integers(len(stream) // 2, len(stream) - 2, 3):
        damaged[at] ^= 1 << int(rng.integers(8))
    return bytes(damaged)


def in_dicom(stream: bytes, pixels: np.ndarray = PHANTOM, **tags: object) -> Dataset:
    ds = film_dataset(pixels, **tags)
    ds.file_meta.TransferSyntaxUID = JPEG2000
    ds.PixelData = encapsulate([stream])
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    return ds


@pytest.mark.parametrize("kind", list(KINDS))
def test_intact_streams_are_read_as_pillow_reads_them_without_a_word(kind: str) -> None:
    for pixels in (PHANTOM, PHANTOM.astype(np.uint16) * 257):
        stream = stream_of(pixels, **KINDS[kind])
        values, blocks = decode_stream(stream)
        np.testing.assert_array_equal(values, np.asarray(Image.open(io.BytesIO(stream))))
        assert (blocks.damaged, blocks.warning) == (0, "")


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", list(KINDS))
def test_changed_bits_are_told(kind: str, seed: int) -> None:
    damaged = flipped(stream_of(PHANTOM, **KINDS[kind]), seed)
    film = decode_dicom(to_bytes(in_dicom(damaged)))
    assert has_warning(film, WORDS)


@pytest.mark.parametrize("kind", ["lossless", "lossy"])
def test_a_lost_sector_is_told(kind: str) -> None:
    stream = stream_of(PHANTOM, **KINDS[kind])
    at = len(stream) // 2
    film = decode_dicom(to_bytes(in_dicom(stream[:at] + bytes(512) + stream[at + 512 :])))
    assert has_warning(film, WORDS)


def with_own_style(stream: bytes, marker: bytes) -> bytes:
    """The coding style stated once more for the first component, before a marker; it holds."""
    at = stream.index(b"\xff\x52")
    own = b"\xff\x53" + (9).to_bytes(2) + b"\0\0" + stream[at + 9 : at + 14]
    start = stream.index(marker)
    changed = stream[:start] + own + stream[start:]
    if marker == b"\xff\x93":  # within the tile-part, which is longer now
        part = stream.index(b"\xff\x90")
        length = int.from_bytes(stream[part + 6 : part + 10]) + len(own)
        changed = changed[: part + 6] + length.to_bytes(4) + changed[part + 10 :]
    return changed


@pytest.mark.parametrize("marker", [b"\xff\x90", b"\xff\x93"], ids=["main", "tile-part"])
def test_a_style_of_one_component_is_checked_too(marker: bytes) -> None:
    stream = with_own_style(stream_of(PHANTOM), marker)
    values, blocks = decode_stream(stream)
    np.testing.assert_array_equal(values, PHANTOM)
    assert blocks.damaged == 0
    assert decode_stream(flipped(stream, 0))[1].damaged > 0


def test_an_unstated_length_is_checked_too() -> None:
    def unstated(stream: bytes) -> bytes:
        part = stream.index(b"\xff\x90")
        return stream[: part + 6] + bytes(4) + stream[part + 10 :]

    values, blocks = decode_stream(unstated(stream_of(PHANTOM)))
    np.testing.assert_array_equal(values, PHANTOM)
    assert blocks.damaged == 0
    assert decode_stream(unstated(flipped(stream_of(PHANTOM), 0)))[1].damaged > 0


def test_high_throughput_blocks_are_read_and_left_alone() -> None:
    values, blocks = decode_stream(bytes(htj2k_encode(PHANTOM, reversible=True)))
    np.testing.assert_array_equal(values, PHANTOM)
    assert blocks == CodeBlocks((), ())


def test_a_stream_of_few_bytes_is_known() -> None:
    for rate, thin in ((12, False), (25, False), (50, True)):
        _, blocks = decode_stream(stream_of(PHANTOM, irreversible=True, quality_layers=[rate]))
        assert blocks.thin == thin


@pytest.mark.parametrize(
    ("left_over", "lacking", "thin", "damaged"),
    [
        ((), (), False, 0),
        ((8, 1), (3, 8), False, 0),
        ((9,), (), False, 1),
        ((9,), (), True, 1),
        ((), (32,), False, 0),  # as OpenJPEG's own cutting to a rate leaves
        ((), (33,), False, 1),
        ((), (256,), True, 0),
        ((), (257,), True, 1),
        ((), (9, 32), True, 2),
        ((9,), (50,), True, 2),
    ],
)
def test_gaps_that_encoders_leave_are_no_damage(
    left_over: tuple[int, ...], lacking: tuple[int, ...], thin: bool, damaged: int
) -> None:
    blocks = CodeBlocks(left_over, lacking, thin)
    assert blocks.damaged == damaged
    assert bool(blocks.warning) == (damaged > 0)
    if damaged == 1:
        assert blocks.warning.startswith("One block of this JPEG 2000 image does not fit its")


def test_a_film_in_colour_is_checked_too() -> None:
    colour = np.dstack([PHANTOM] * 3)
    stream = stream_of(colour, mct=1)
    for frame, told in ((stream, False), (flipped(stream, 0), True)):
        ds = in_dicom(frame, PHANTOM)
        ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "YBR_RCT", 0
        assert bool(decode_frame(ds)[1]) == told


@pytest.mark.parametrize("precision", [5, 8, 12, 16])
@pytest.mark.parametrize("header", [0, 1], ids=["unsigned header", "signed header"])
@pytest.mark.parametrize("own", [0, 1], ids=["unsigned stream", "signed stream"])
def test_depth_and_sign_are_those_of_pydicom(precision: int, header: int, own: int) -> None:
    levels = PHANTOM.astype(np.int64) * (2**precision - 1) // 255
    kind = np.uint8 if precision <= 8 else np.uint16
    stream = bytearray(
        jpeg2k_encode(
            levels.astype(kind), codecformat="J2K", bitspersample=precision, reversible=True
        )
    )
    stream[stream.index(b"\xff\x51") + 40] |= own << 7  # Ssiz
    ds = in_dicom(bytes(stream), PHANTOM.astype(kind))
    ds.BitsStored, ds.HighBit, ds.PixelRepresentation = precision, precision - 1, header
    numbers, told = decode_frame(ds)
    expected = pixel_array(ds, decoding_plugin="pillow")
    assert (numbers.dtype, told) == (expected.dtype, "")
    np.testing.assert_array_equal(numbers, expected)


def test_more_than_16_bits_are_left_to_another_decoder() -> None:
    with pytest.raises(ValueError, match="17 bits a sample"):
        decode_gray(stream_of(PHANTOM), precision=17, signed=False)
    with pytest.raises(ValueError, match="3 dimensions"):
        decode_gray(stream_of(np.dstack([PHANTOM] * 3)), precision=8, signed=False)


def test_what_the_decoder_says_stays_out_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        assert decode_stream(flipped(stream_of(PHANTOM), 0))[1].damaged > 0
        assert caplog.records == []
        logging.getLogger("imagecodecs").warning("of another program")
        assert [record.getMessage() for record in caplog.records] == ["of another program"]


def test_a_site_that_silences_its_loggers_hides_no_damage() -> None:
    logger = logging.getLogger("imagecodecs")
    logger.setLevel(logging.CRITICAL)
    logger.disabled = True
    assert decode_stream(flipped(stream_of(PHANTOM), 0))[1].damaged > 0
