"""The windows and tables that a file offers the reader."""

import numpy as np

from cxr_core.imaging.dicom.voi import MAX_WINDOWS, file_windows
from cxr_core.imaging.windowing import apply_window
from tests.helpers.dicom_files import decode, film_dataset, lut_sequence, ramp


def test_several_windows_keep_their_names() -> None:
    film = decode(
        ramp(np.uint16),
        WindowCenter=[2000, 1800, 1600],
        WindowWidth=[4000, 3000, 2000],
        WindowCenterWidthExplanation=["NORMAL", "HARDER", "Doe^Jane, born 1960"],
    )
    assert [(window.name, window.center, window.width) for window in film.windows] == [
        ("File's window 1, Normal", 2000, 4000),
        ("File's window 2, Harder", 1800, 3000),
        ("File's window 3", 1600, 2000),  # a long word could be about the patient
    ]
    assert film.window == (2000, 4000)


def test_one_window_and_what_the_model_sees_are_the_same() -> None:
    film = decode(ramp(np.uint16), WindowCenter=2000, WindowWidth=1000)
    (window,) = film.windows
    assert window.name == "File's window 1"
    np.testing.assert_array_equal(apply_window(film.stored, window), film.pixels)


def test_malformed_windows_are_left_out() -> None:
    ds = film_dataset(ramp(np.uint16), WindowCenter=[100, 200, 300], WindowWidth=[0, 50, -4])
    assert [window.center for window in file_windows(ds)] == [200]
    assert file_windows(film_dataset(ramp(np.uint16))) == ()
    many = [100] * 30
    ds = film_dataset(ramp(np.uint16), WindowCenter=many, WindowWidth=many)
    assert len(file_windows(ds)) == MAX_WINDOWS


def test_every_table_is_offered_as_it_would_be_applied() -> None:
    rising = lut_sequence([0, 85, 170, 255], 0, 8)
    falling = lut_sequence([255, 170, 85, 0], 0, 8)
    falling[0].LUTExplanation = "SOFTER"
    values = ramp(np.uint16, span=4)
    film = decode(values, VOILUTSequence=rising + falling)
    first, second = film.windows
    assert (first.name, second.name) == ("File's table 1", "File's table 2, Softer")
    np.testing.assert_array_equal(apply_window(film.stored, first), film.pixels)
    np.testing.assert_array_equal(apply_window(film.stored, second), 255 - film.pixels)
    assert (first.center, first.width) == (2, 4)


def test_a_broken_table_is_left_out() -> None:
    broken = lut_sequence([0, 85], 0, 8)
    del broken[0].LUTData
    assert decode(ramp(np.uint16), VOILUTSequence=broken).windows == ()
