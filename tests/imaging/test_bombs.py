"""Small files that would cost much: each is refused before it costs anything, in its own words."""

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.pixels.processing import apply_voi_lut
from pydicom.uid import JPEG2000Lossless

from bench import hostile_bombs as bombs
from bench.damaged_films import jpeg_2000, wrapped
from cxr_core.errors import ImageError
from cxr_core.imaging.dicom import deflated, voi
from cxr_core.imaging.dicom.tags import read_elements
from cxr_core.imaging.jpeg import MAX_SCANS
from cxr_core.imaging.limits import SIGXCPU, film_cpu_seconds
from cxr_core.imaging.radiograph import read_radiograph
from cxr_core.reading.sources import ZipArchive, film_sources
from tests.helpers.dicom_files import compressed_by_gdcm, film_dataset, ramp, to_bytes
from tests.helpers.errors import image_error
from tests.helpers.films import encode, png, smooth_film
from tests.helpers.zips import zip_bytes

BOMBS = {
    "scans": (
        lambda: bombs.many_scans(101),
        r"This JPEG image is stored in too many scans to be a radiograph: 1\d\d scans",
    ),
    "JPEG-LS": (
        lambda: bombs.flat_jpeg_ls(3000),
        r"The compressed image is too short for its size: [\d,]+ bytes for 3,000 x 3,000 pixels",
    ),
    "JPEG 2000, size": (lambda: bombs.j2k_size(4200), "The compressed image is too short"),
    "JPEG, size": (lambda: bombs.jpeg_size(3000), "The compressed image is too short"),
    "JPEG 2000, channels": (bombs.j2k_components, "the compressed image has 16,384 channels"),
    "RLE of nothing": (
        lambda: bombs.rle(b"\x80" * 200_000, side=1000),
        "an RLE segment is made of codes for nothing",
    ),
    "RLE of too much": (
        lambda: bombs.rle(b"\x81\0" * 20_000, side=200),
        r"an RLE segment holds more than 320,\d{3} bytes, where 200 rows x 200 columns",
    ),
    "deflated TIFF": (
        lambda: bombs.deflated_tiff(8),
        "The file is damaged or incomplete and cannot be read: TIFF",
    ),
    "RGBA PNG": (
        lambda: png(8000, 8000, 8, 6, b""),
        "The image takes too much memory to be a radiograph: 8,000 x 8,000 pixels of 4 bytes each",
    ),
    "wide samples": (
        lambda: dicom_of_64_bits(6000),
        "The image takes too much memory to be a radiograph: 6,000 x 6,000 pixels of 8 bytes each",
    ),
}


def dicom_of_64_bits(side: int) -> bytes:
    ds = film_dataset(ramp(np.uint16))
    ds.Rows = ds.Columns = side
    ds.BitsAllocated = 64
    return to_bytes(ds)


def test_a_deflated_file_is_inflated_to_no_more_than_a_film(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bomb = bombs.deflated(1, meta_bytes=8000)
    monkeypatch.setattr(deflated, "MAX_FILE_BYTES", 2**20)
    with pytest.raises(ImageError, match=r"\(deflated\), holds more than any film: over 1 MB in"):
        read_radiograph(bomb)
    assert len(read_elements(bomb, "Rows")) == 0  # nor when a page asks who it is


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_refused_in_its_own_words(kind: str) -> None:
    make, words = BOMBS[kind]
    with pytest.raises(ImageError, match=words):
        read_radiograph(make())


def test_an_honest_progressive_jpeg_has_few_scans() -> None:
    data = encode(Image.fromarray(np.dstack([smooth_film()] * 3)), "JPEG", progressive=True)
    assert 5 < data.count(b"\xff\xda") < MAX_SCANS / 5
    assert read_radiograph(data).pixels.shape == smooth_film().shape


def test_the_largest_gray_picture_passes_the_check_of_its_size() -> None:
    # Its body is missing, so it is refused for that, once it is looked at.
    error = image_error(read_radiograph, png(8000, 8000, 16, 0, b""))
    assert error.problem.startswith("The file is")


def test_a_jpeg_that_states_two_sizes_is_refused_before_either_is_decoded() -> None:
    data = encode(Image.fromarray(smooth_film()), "JPEG")
    start = data.index(b"\xff\xc0")
    header = data[start : start + 2 + int.from_bytes(data[start + 2 : start + 4])]
    huge = header[:5] + b"\xff\xff\xff\xff" + header[9:]
    error = image_error(read_radiograph, data[:start] + huge + data[start:])
    assert "two sizes: 65,535 x 65,535 and 96 x 96" in str(error.value)


def test_of_thousands_of_tables_only_the_first_are_applied(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    applied = []

    def noted(values: Any, ds: Any, index: int) -> Any:
        applied.append(index)
        return apply_voi_lut(values, ds, index=index)

    monkeypatch.setattr(voi, "apply_voi_lut", noted)
    film = read_radiograph(bombs.voi_tables(40))
    assert len(film.windows) == voi.MAX_WINDOWS
    assert set(applied) == set(range(voi.MAX_WINDOWS))


def test_boxes_around_jpeg_2000_may_not_state_another_picture() -> None:
    """A picture in a box before the real one: the one that was looked at is the one decoded."""
    real = jpeg_2000(np.ascontiguousarray(bombs.small()[:64]), lossy=False)
    shown = jpeg_2000(bombs.small(), lossy=False)
    box = (len(shown) + 8).to_bytes(4) + b"free" + shown
    boxes = b"\0\0\0\x0cjP  \r\n\x87\n" + box + (len(real) + 8).to_bytes(4) + b"jp2c" + real
    film = read_radiograph(wrapped(bombs.small(), boxes, JPEG2000Lossless))
    np.testing.assert_array_equal(film.stored, bombs.small())


def test_gdcm_that_computes_for_too_long_is_said_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import gdcm

    syntax = gdcm.TransferSyntax.JPEGLosslessProcess14_1
    data = compressed_by_gdcm(to_bytes(film_dataset(ramp(np.uint16))), syntax, tmp_path)
    asked = []

    def ended(command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        asked.append(command[-2])
        return subprocess.CompletedProcess(command, -SIGXCPU, b"", b"")

    monkeypatch.setattr(subprocess, "run", ended)
    error = image_error(read_radiograph, data)
    assert f"GDCM needs more than {film_cpu_seconds(0)} s of computing time" in str(error.value)
    assert asked == [str(film_cpu_seconds(0))]  # and it is not tried again


def test_films_over_one_another_in_a_zip_are_refused() -> None:
    film = png(64, 64, 8, 0, bytes(65 * 64))
    error = image_error(ZipArchive, bombs.overlapping_zip(50, film))
    assert str(error) == (
        "Files in this zip lie over one another and it was not opened: 49 of 50 files. No program "
        "packs films so. Zip the films again."
    )
    assert ZipArchive(bombs.overlapping_zip(1, film)).read(0) == film
    honest = ZipArchive(zip_bytes({"a.png": film, "b/": b"", "b/c.png": film}))
    assert [honest.read(index) for index in (0, 1)] == [film, film]


def test_a_file_larger_than_any_film_is_not_read_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.dcm"
    with path.open("wb") as stream:
        stream.truncate(2**33)  # takes no room on the disk
    (source,), _ = film_sources("large.dcm", path, first_number=1)
    error = image_error(source.load)
    assert str(error).startswith("The file is too large to be a radiograph: 8,192 MB. ")
