"""The proxies of ``deploy/``, started as they are shipped but for names, ports and paths."""

import http.client
import os
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest
import trustme

from tests.browser.conftest import free_port
from tests.helpers import ROOT

# Chromium and most resolvers take every name below `localhost` for this machine.
NAME = "cxr.localhost"
START_TIMEOUT = 30  # seconds
TIMEOUT = 240  # seconds, patient: the first check of health loads PyTorch


def adapted(text: str, changes: Mapping[str, str]) -> str:
    """``text`` with each of ``changes`` made; one that is not in it is a failure."""
    for old, new in changes.items():
        assert old in text, f"The shipped file no longer says {old!r}"
        text = text.replace(old, new)
    return text


class Setup(Protocol):
    """Writes a proxy's files into its folder, and says how it is started."""

    def __call__(self, proxy: "Proxy", replicas: Sequence[int]) -> list[str]: ...


@dataclass
class Proxy:
    """One proxy on ports of its own, with a certificate that was made for it.

    Attributes:
        program: path of nginx or Caddy.
        folder: for its files and logs.
    """

    program: str
    folder: Path

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.port, self.plain_port = free_port(), free_port()
        self.url = f"https://{NAME}:{self.port}"
        self.log, self.access_log = self.folder / "error.log", self.folder / "access.log"
        self.certificate, self.key = self.folder / "cxr.pem", self.folder / "cxr.key"
        authority = trustme.CA()
        own = authority.issue_cert(NAME)
        own.private_key_pem.write_to_path(self.key)
        for part in own.cert_chain_pems:
            part.write_to_path(self.certificate, append=True)
        self._trust = ssl.create_default_context()
        authority.configure_trust(self._trust)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, setup: Setup, replicas: Sequence[int]) -> None:
        """Start it before the app on these ports, and wait until it takes connections."""
        command = setup(self, replicas)
        data = {"XDG_DATA_HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [self.program, *command],
                env={**os.environ, **data},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5):
                return
            time.sleep(0.1)
        self.stop()
        pytest.fail(f"The proxy did not start: {self.log.read_text()}", pytrace=False)

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(START_TIMEOUT)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(START_TIMEOUT)

    def get(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        body: bytes | None = None,
        server_name: str = NAME,
    ) -> "Answer":
        """What it answers over TLS, its certificate checked; without a ``Host``, its own name."""
        connection = http.client.HTTPConnection(NAME, self.port)
        connection.sock = self.connect(server_name)
        return _asked(connection, method, path, headers, body)

    def connect(self, server_name: str = NAME) -> ssl.SSLSocket:
        """A connection over TLS, its certificate checked."""
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT)
        return self._trust.wrap_socket(raw, server_hostname=server_name)


@dataclass(frozen=True)
class Answer:
    """Status, headers in the order sent (names in lower case), and body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def all(self, name: str) -> list[str]:
        """Every value of one header."""
        return [value for one, value in self.headers if one == name.lower()]


def get_from(port: int, path: str, *, host: str) -> Answer:
    """What is answered without TLS at this port of 127.0.0.1 under the name ``host``."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    return _asked(connection, "GET", path, {"Host": host})


def _asked(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    headers: Mapping[str, str] | None,
    body: bytes | None = None,
) -> Answer:
    try:
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        named = tuple((name.lower(), value) for name, value in answer.getheaders())
        return Answer(answer.status, named, answer.read())
    finally:
        connection.close()


def nginx(proxy: Proxy, replicas: Sequence[int]) -> list[str]:
    """``deploy/nginx.conf`` inside the least configuration that nginx takes."""
    shipped = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    line = "    server 127.0.0.1:{port} max_fails=3 fail_timeout=10s;\n"
    (proxy.folder / "site.conf").write_text(
        adapted(
            shipped,
            {
                line.format(port=8501): "".join(line.format(port=port) for port in replicas),
                "listen 80": f"listen 127.0.0.1:{proxy.plain_port}",
                "listen 443": f"listen 127.0.0.1:{proxy.port}",
                "cxr.example.org": NAME,
                "/etc/ssl/certs/cxr.pem": str(proxy.certificate),
                "/etc/ssl/private/cxr.key": str(proxy.key),
                "/var/log/nginx/cxr.log": str(proxy.access_log),
                "client_header_timeout 10s": "client_header_timeout 1s",
            },
        )
    )
    temporary = "".join(
        f"{kind}_temp_path {proxy.folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = proxy.folder / "nginx.conf"
    main.write_text(
        ("user root;\n" if os.geteuid() == 0 else "")  # pytest's folders are their owner's alone
        + f"daemon off;\npid {proxy.folder}/pid;\nerror_log {proxy.log} warn;\n"
        + "worker_processes 1;\nevents {}\n"
        + f"http {{\n{temporary}include {proxy.folder}/site.conf;\n}}\n"
    )
    return ["-e", str(proxy.log), "-c", str(main)]


def caddy(proxy: Proxy, replicas: Sequence[int]) -> list[str]:
    """``deploy/Caddyfile``, without its port for administration."""
    shipped = (ROOT / "deploy" / "Caddyfile").read_text("utf-8")
    here = f"\tadmin off\n\tdefault_bind 127.0.0.1\n\thttp_port {proxy.plain_port}\n"
    (proxy.folder / "Caddyfile").write_text(
        adapted(
            shipped,
            {
                "\tservers {": f"{here}\thttps_port {proxy.port}\n\tservers {{",
                "127.0.0.1:8501": " ".join(f"127.0.0.1:{port}" for port in replicas),
                "cxr.example.org": NAME,
                "/etc/ssl/certs/cxr.pem": str(proxy.certificate),
                "/etc/ssl/private/cxr.key": str(proxy.key),
                "read_header 10s": "read_header 1s",
            },
        )
    )
    return ["run", "--config", str(proxy.folder / "Caddyfile"), "--adapter", "caddyfile"]


SETUPS: dict[str, Setup] = {"nginx": nginx, "caddy": caddy}


@contextmanager
def running_proxy(
    kind: str, program: str, folder: Path, replicas: Sequence[int]
) -> Iterator[Proxy]:
    """The proxy of this kind (a key of ``SETUPS``) before the app on these ports."""
    proxy = Proxy(program, folder)
    proxy.start(SETUPS[kind], replicas)
    try:
        yield proxy
    finally:
        proxy.stop()
