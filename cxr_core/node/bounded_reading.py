"""A message of the other side (PDU) comes within a time and a size, or its connection is closed.

pynetdicom waits for the rest of one for ever, in the thread that would have noticed any time-out,
and takes as much memory as its first bytes say: eight halves would make a node deaf.
"""

import socket
import time

from pynetdicom import evt
from pynetdicom.transport import AssociationSocket

SECONDS = 60.0  # for one PDU; a film of 64 MB is some 500 of them
# We ask for 128 kB; a caller that does not listen may send more, but no film at once.
MAX_BYTES = 2**24
_STEP = 2**16


def bound_reading(event: evt.Event) -> None:
    """Handle ``evt.EVT_CONN_OPEN``: from here on the connection's reading has its bounds."""
    connection: AssociationSocket | None = event.assoc.dul.socket
    if connection is None:  # it is closed again
        return

    def receive(nr_bytes: int) -> bytearray:
        return read_within(connection.socket, nr_bytes, SECONDS)

    connection.recv = receive  # type: ignore[method-assign]


def read_within(connection: socket.socket | None, n_bytes: int, seconds: float) -> bytearray:
    """So many bytes of a connection; fewer where it was closed, also where it was closed because
    they were too many or did not come in time."""
    read = bytearray()
    if connection is None:
        return read
    if n_bytes > MAX_BYTES:
        _shut(connection)
        return read
    end = time.monotonic() + seconds
    before = connection.gettimeout()
    try:
        while len(read) < n_bytes:
            connection.settimeout(max(1e-3, end - time.monotonic()))
            came = connection.recv(min(_STEP, n_bytes - len(read)))
            if not came:
                return read
            read += came
        connection.settimeout(before)
    except OSError:  # among them that it took too long
        _shut(connection)
    return read


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:  # the other side was quicker
        return
