"""A message that does not come, or is too large, ends its connection and nothing else."""

import socket
import threading
from collections.abc import Iterator

import pytest

from cxr_core.node.bounded_reading import MAX_BYTES, read_within

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def is_shut(theirs: socket.socket) -> bool:
    """Whether the other side sees the end of the connection."""
    return theirs.recv(1) == b""


def test_what_comes_in_pieces_is_read_whole(pair: Pair) -> None:
    ours, theirs = pair
    data = bytes(range(256)) * 4096
    sending = threading.Thread(target=theirs.sendall, args=(data,))
    sending.start()
    assert read_within(ours, len(data), 60) == data
    sending.join()
    assert ours.gettimeout() is None
    theirs.sendall(b"next")
    assert read_within(ours, 4, 60) == b"next"


def test_half_a_message_ends_its_connection(pair: Pair) -> None:
    ours, theirs = pair
    theirs.sendall(b"half")
    assert read_within(ours, 8, 0.05) == b"half"
    assert is_shut(theirs)


def test_a_message_larger_than_any_is_not_waited_for(pair: Pair) -> None:
    ours, theirs = pair
    assert read_within(ours, MAX_BYTES + 1, 60) == b""
    assert is_shut(theirs)


def test_a_connection_that_is_gone_gives_nothing(pair: Pair) -> None:
    ours, theirs = pair
    theirs.close()
    assert read_within(ours, 8, 60) == b""
    assert read_within(None, 8, 60) == b""
