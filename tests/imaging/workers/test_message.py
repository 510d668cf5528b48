"""What comes from a decoding process is checked before it is believed."""

import socket
from typing import Any

import numpy as np
import pytest

from cxr_core.imaging.radiograph import read_radiograph
from cxr_core.imaging.workers.message import (
    MessageError,
    film_from,
    film_message,
    receive_header,
    send_message,
)
from cxr_core.phantom.draw import phantom_png

LIES: dict[str, dict[str, Any]] = {
    "objects": {"arrays": [["object", [4, 4]]]},
    "a pickle of any size": {"arrays": [["uint8", [2**40, 2**20]]]},
    "negative": {"arrays": [["uint8", [-1, 4]]]},
    "no arrays": {"arrays": []},
    "another size": {"arrays": [["uint8", [4, 4]], ["uint16", [5, 5]]], "stored": 1},
    "pixels that are none": {"arrays": [["float32", [4, 4]]]},
    "a further field": {"arrays": [["uint8", [4, 4]]], "run": "this"},
    "no window": {"arrays": [["uint8", [4, 4]]], "windows": [{"name": 1}]},
}


def header() -> dict[str, Any]:
    return film_message(read_radiograph(phantom_png(1, size=64)))[0]


def fill(view: memoryview) -> None:
    view[:] = bytes(len(view))


def test_an_honest_header_makes_a_film() -> None:
    film = film_from(header(), fill)
    assert film.pixels.shape == (64, 64)
    assert not film.pixels.any()
    assert film.stored is film.pixels


@pytest.mark.parametrize("lie", LIES)
def test_a_header_that_no_film_has_is_refused(lie: str) -> None:
    with pytest.raises(MessageError):
        film_from(header() | LIES[lie], fill)


@pytest.mark.parametrize("sent", [b"\xff\xff\xff\xff", b"\x02\0\0\0[]", b"\x03\0\0\0{ x"])
def test_bytes_that_are_no_header_are_refused(sent: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(sent)
        with pytest.raises(MessageError):
            receive_header(ours)


def test_an_end_that_is_gone_is_told() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        send_message(theirs, {"a": 1}, [np.zeros((0, 3)), np.ones((2, 2), np.uint8)])
        assert receive_header(ours) == {"a": 1}
        assert ours.recv(10) == b"\1\1\1\1"
        theirs.close()
        with pytest.raises(EOFError):
            receive_header(ours)
