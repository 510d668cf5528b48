"""What is packed for the browser, unpacked again: the film's values and the model's picture."""

from typing import Any

import numpy as np
import pytest

from cxr_core.imaging.decoded import PixelSpacing
from cxr_core.imaging.radiograph import Radiograph
from cxr_core.imaging.windowing import Window, apply_window
from cxr_core.ui import film_source
from cxr_core.ui.film_source import MODEL_WINDOW, pack_film, window_choices
from tests.helpers.packed_films import model_picture, table, unpack

WINDOW = Window("File's window 1", 300.0, 500.0)


def film(stored: np.ndarray, pixels: np.ndarray | None = None, **fields: Any) -> Radiograph:
    if pixels is None:
        pixels = apply_window(stored, WINDOW, inverted=bool(fields.get("inverted")))
    given: dict[str, Any] = {"windows": (WINDOW,), "model_window": WINDOW} | fields
    return Radiograph(
        stored=stored, pixels=pixels, file_format="DICOM", processing_log=(), sha256="0" * 64,
        **given,
    )  # fmt: skip


def values(kind: type, low: int, high: int, shape: tuple[int, int] = (70, 90)) -> np.ndarray:
    found: np.ndarray = np.random.default_rng(3).integers(low, high + 1, shape).astype(kind)
    found[0, :2] = low, high
    return found


@pytest.mark.parametrize(
    ("stored", "bits", "intercept"),
    [
        (values(np.uint8, 0, 255), 8, 0),
        (values(np.uint16, 0, 65535), 16, 0),
        (values(np.uint16, 3, 200), 8, 0),
        (values(np.int16, -1024, 3071), 16, -1024),
        (values(np.int16, -32768, 32767), 16, -32768),
        (values(np.int16, 5, 4095), 16, 0),
    ],
)
@pytest.mark.parametrize("inverted", [False, True])
def test_whole_numbers_arrive_as_they_are(
    stored: np.ndarray, bits: int, intercept: int, inverted: bool
) -> None:
    packed = pack_film(film(stored, inverted=inverted), "7 abc")
    header, (codes,) = unpack(packed)
    assert (header["key"], header["bits"], header["intercept"]) == ("7 abc", [bits], intercept)
    assert header["inverted"] is inverted
    assert header["top"] == codes.max()
    np.testing.assert_array_equal(codes * header["slope"] + header["intercept"], stored)
    expected = apply_window(stored, WINDOW, inverted=inverted)
    np.testing.assert_array_equal(model_picture(packed), expected)


def test_fractions_arrive_in_65536_steps_and_the_models_picture_beside_them() -> None:
    stored = np.random.default_rng(3).normal(0.4, 3, (70, 90)).astype(np.float32)
    packed = pack_film(film(stored), "key")
    header, planes = unpack(packed)
    assert header["integer"] is header["single"] is False
    step = np.ptp(stored) / 65535
    sent = planes[0] * header["slope"] + header["intercept"]
    assert np.abs(sent - stored).max() <= 0.51 * step
    np.testing.assert_array_equal(model_picture(packed), apply_window(stored, WINDOW))


def test_a_picture_that_is_no_function_of_the_values_travels_as_it_is() -> None:
    stored = values(np.uint16, 0, 4095)
    pixels = apply_window(stored, WINDOW)
    pixels[stored == stored[5, 5]] = 0
    pixels[5, 5] = 1  # as where padding has a value that the film has too
    stored[6, 6] = stored[5, 5]
    pixels[6, 6] = 0
    header, planes = unpack(pack_film(film(stored, pixels), "key"))
    assert header["modelTable"] is None
    assert header["bits"] == [16, 8]
    np.testing.assert_array_equal(planes[1], pixels)


def test_codes_between_those_of_the_film_are_filled_in() -> None:
    stored = np.tile(np.array([[0, 160, 320, 480]], np.uint16), (64, 16))
    pixels = (stored // 2).astype(np.uint8)
    header, _ = unpack(pack_film(film(stored, pixels), "key"))
    found = table(header["modelTable"])
    assert len(found) == 481
    assert found[[0, 80, 160, 240, 480]].tolist() == [0, 40, 80, 120, 240]


def test_a_film_of_one_value_is_packed() -> None:
    header, (codes,) = unpack(pack_film(film(np.full((64, 64), 9, np.uint16)), "key"))
    assert (codes == 9).all()
    assert header["windows"][0]["name"] == MODEL_WINDOW


def test_a_large_film_is_scaled_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(film_source, "MAX_FILM_SIDE", 32)
    stored = np.repeat(values(np.uint16, 0, 4095, (32, 24)), 4, 0).repeat(4, 1)
    header, (codes,) = unpack(pack_film(film(stored), "key"))
    assert (header["height"], header["width"]) == codes.shape == (32, 24)
    np.testing.assert_array_equal(codes, stored[::4, ::4])


def test_windows_on_offer_and_where_a_drag_begins() -> None:
    stored = values(np.uint16, 0, 4095)
    offered = window_choices(film(stored))
    names = [MODEL_WINDOW, "File's window 1", "Full range", "More contrast"]
    assert [window.name for window in offered] == names
    assert (offered[0].center, offered[0].width) == (300, 500)
    plain = window_choices(film(stored, windows=(), model_window=None))
    assert (plain[0].center, plain[0].width) == (2048, 4096)
    byte = film(values(np.uint8, 20, 230), pixels=values(np.uint8, 20, 230), model_window=None)
    begins = window_choices(byte)[0]  # a drag's first step must not stretch the picture
    np.testing.assert_array_equal(apply_window(byte.stored, begins), byte.pixels)
    gray = np.arange(256, dtype=np.uint8)
    lut = Window("Table", 128, 256, lut=gray, lut_start=-5)
    header, _ = unpack(pack_film(film(stored, windows=(lut,), model_window=None), "key"))
    assert header["windows"][1]["start"] == -5
    np.testing.assert_array_equal(table(header["windows"][1]["table"]), gray)


def test_pixel_spacing_travels_with_what_it_means() -> None:
    spacing = PixelSpacing(0.2, 0.1, "at the detector")
    header, _ = unpack(pack_film(film(values(np.uint8, 0, 9), pixel_spacing=spacing), "key"))
    assert header["spacing"] == {"row": 0.2, "column": 0.1, "note": "at the detector"}
    header, _ = unpack(pack_film(film(values(np.uint8, 0, 9)), "key"))
    assert header["spacing"] is None
