"""A line to a server that can be cut, as a flaky network does it."""

import contextlib
import socket
import threading


class CutLine:
    """Passes on what comes at a port of its own; ``cut`` ends all connections there are."""

    def __init__(self, port: int) -> None:
        """A line to ``port`` of this machine, open until ``close``."""
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends: list[socket.socket] = []
        self._lock = threading.Lock()
        self.n_connections = 0
        self.url = f"http://localhost:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End all connections; new ones are let through."""
        with self._lock:
            ends, self._ends = self._ends, []
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        """End all connections, and let none through any more."""
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(("localhost", self._target))
            except OSError:  # closed, or the server is not there
                if self._listener.fileno() < 0:
                    return
                continue
            with self._lock:
                self._ends += [near, far]
                self.n_connections += 1
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=_pass_on, args=(one, other), daemon=True).start()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
    for end in (one, other):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
