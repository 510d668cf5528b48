"""A decoded film on its way between two processes: a JSON header, then its arrays as they lie.

Not pickled: what a decoder says that a hostile file has taken over is data, and no more than that.

A message is four bytes (length of the header, little endian), the header, the arrays.
"""

import json
import socket
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxr_core.imaging.decoded import MAX_PIXELS, DecodedFilm, PixelSpacing
from cxr_core.imaging.windowing import Window

_LENGTH = struct.Struct("<I")
_MAX_HEADER = 2**22  # bytes; a film's sentences take a few thousand
_KINDS = ("uint8", "uint16", "int16", "float32")
# Stored values of 4 bytes, 8-bit pixels, and the file's tables.
_MAX_ARRAYS = 5 * MAX_PIXELS + 2**22
_TUPLES = ("processing_log", "warnings", "rejection_reasons", "orientation")

Header = dict[str, Any]
Receive = Callable[[memoryview], None]  # fills the view


class MessageError(ValueError):
    """A message that no decoder of this program has written."""


def film_message(film: DecodedFilm) -> tuple[Header, list[NDArray[Any]]]:
    """A film's header, in which each array is a number, and those arrays. An array that has two
    names is sent once."""
    arrays: list[NDArray[Any]] = []

    def number(array: NDArray[Any]) -> int:
        for known, other in enumerate(arrays):
            if other is array:
                return known
        arrays.append(array)
        return len(arrays) - 1

    def window(shown: Window | None) -> Header | None:
        if shown is None:
            return None
        plain = {field.name: getattr(shown, field.name) for field in fields(shown)}
        return plain | {"lut": None if shown.lut is None else number(shown.lut)}

    header = {field.name: getattr(film, field.name) for field in fields(DecodedFilm)}
    header |= {
        "stored": number(film.stored),
        "pixels": number(film.pixels),
        "model_window": window(film.model_window),
        "windows": [window(one) for one in film.windows],
        "pixel_spacing": None if film.pixel_spacing is None else asdict(film.pixel_spacing),
    }
    header["arrays"] = [(array.dtype.name, array.shape) for array in arrays]
    return header, arrays


def film_from(header: Header, receive: Receive) -> DecodedFilm:
    """The film of a header; its arrays are received into memory of this process's own.

    Raises:
        MessageError: it is none of ``film_message``.
    """
    try:
        arrays = _receive_arrays(header.pop("arrays"), receive)

        def window(shown: Header | None) -> Window | None:
            if shown is None:
                return None
            return Window(**shown | {"lut": None if shown["lut"] is None else arrays[shown["lut"]]})

        spacing = header["pixel_spacing"]
        film = DecodedFilm(
            **header
            | {name: tuple(header[name]) for name in _TUPLES if header[name] is not None}
            | {
                "stored": arrays[header["stored"]],
                "pixels": arrays[header["pixels"]],
                "model_window": window(header["model_window"]),
                "windows": tuple(map(window, header["windows"])),
                "pixel_spacing": None if spacing is None else PixelSpacing(**spacing),
            }
        )
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise MessageError(f"a film's header that is none: {type(error).__name__}") from error
    if film.pixels.dtype != np.uint8 or film.pixels.ndim != 2:
        raise MessageError("pixels that are none")
    if film.stored.shape != film.pixels.shape:
        raise MessageError("stored values of another size than the pixels")
    return film


def _receive_arrays(stated: list[Any], receive: Receive) -> list[NDArray[Any]]:
    sizes = [(str(kind), tuple(int(side) for side in shape)) for kind, shape in stated]
    room = _MAX_ARRAYS
    for kind, shape in sizes:
        if kind not in _KINDS or len(shape) not in (1, 2) or min(shape) < 0:
            raise MessageError("an array that no film has")
        room -= int(np.prod(shape, dtype=object)) * np.dtype(kind).itemsize
    if room < 0:
        raise MessageError("arrays larger than any film's")
    arrays = []
    for kind, shape in sizes:
        array = np.empty(shape, kind)
        if array.size:
            receive(array.data.cast("B"))
        arrays.append(array)
    return arrays


# The bytes of messages, over a socket.


def send_message(channel: socket.socket, header: Header, arrays: Sequence[Any] = ()) -> None:
    """Send a header and arrays, or other buffers, after it."""
    text = json.dumps(header).encode()
    channel.sendall(_LENGTH.pack(len(text)) + text)
    for array in arrays:
        contiguous = np.ascontiguousarray(array)
        if contiguous.size:
            channel.sendall(contiguous.data.cast("B"))


def receive_header(channel: socket.socket, deadline: float | None = None) -> Header:
    """The next message's header.

    Args:
        deadline: of ``time.monotonic``; None to wait for ever.

    Raises:
        EOFError: the other end is gone.
        TimeoutError: the deadline has passed.
        MessageError: it is no header.
    """
    length = bytearray(_LENGTH.size)
    receive_into(channel, memoryview(length), deadline)
    (size,) = _LENGTH.unpack(length)
    if size > _MAX_HEADER:
        raise MessageError(f"a header of {size:,} bytes")
    text = bytearray(size)
    receive_into(channel, memoryview(text), deadline)
    try:
        header = json.loads(text)
    except ValueError as error:
        raise MessageError("a header that is no JSON") from error
    if not isinstance(header, dict):
        raise MessageError("a header that is no object")
    return header


def receive_into(channel: socket.socket, view: memoryview, deadline: float | None = None) -> None:
    """Fill a view of bytes; raises as ``receive_header``."""
    while view:
        if deadline is not None:
            channel.settimeout(max(1e-3, deadline - time.monotonic()))
        try:
            received = channel.recv_into(view)
        except ConnectionError:
            received = 0
        if not received:
            raise EOFError("the other end is gone")
        view = view[received:]
