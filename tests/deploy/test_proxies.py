"""``deploy/nginx.conf`` and ``deploy/Caddyfile`` before two stand-ins of the app."""

import re
import ssl
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from cxr_core.server.guard import HEADERS
from tests.helpers.proxies import NAME, SETUPS, Proxy, get_from, running_proxy

LARGE = 4 * 2**20  # bytes; far more than nginx keeps of a request in memory
SESSION = "0b5c1c9e-6d0e-4e57-9f58-5c1b3b1f7a11"


class Replica:
    """Answers as the app does, and says which one it is and what it was asked."""

    def __init__(self, number: int) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.do_GET()

            def do_GET(self) -> None:
                body = f"{number} {self.headers['Host']}".encode()
                self.send_response(200)
                for name, value in HEADERS.items():
                    self.send_header(name, value)
                self.send_header("Cache-Control", "no-store")
                self.send_header("Forwarded-By", self.headers.get("X-Forwarded-For") or "")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def replicas() -> Iterator[list[Replica]]:
    both = [Replica(1), Replica(2)]
    try:
        yield both
    finally:
        for one in both:
            one.stop()


@pytest.fixture(params=SETUPS)
def proxy(
    request: pytest.FixtureRequest, tmp_path: Path, replicas: list[Replica]
) -> Iterator[Proxy]:
    program = request.getfixturevalue(request.param)
    ports = [replica.port for replica in replicas]
    with running_proxy(request.param, program, tmp_path / "proxy", ports) as one:
        yield one


def cookie_of(proxy: Proxy) -> tuple[str, bytes]:
    """The cookie that a new visitor gets, and the replica that answered."""
    answer = proxy.get("/")
    (cookie,) = answer.all("Set-Cookie")
    return cookie.split(";")[0], answer.body.split()[0]


def test_headers_of_the_app_pass_once(proxy: Proxy) -> None:
    answer = proxy.get("/")
    assert answer.status == 200
    for name, value in HEADERS.items():
        assert answer.all(name) == [value], name
    assert answer.all("Cache-Control") == ["no-store"]
    assert answer.all("Strict-Transport-Security") == ["max-age=31536000"]


def test_the_app_is_told_under_which_name_and_port_it_was_asked(proxy: Proxy) -> None:
    assert proxy.get("/").body.split()[1] == f"{NAME}:{proxy.port}".encode()
    # What a client says of its own address is not believed.
    answer = proxy.get("/", {"X-Forwarded-For": "192.0.2.7"})
    assert answer.all("Forwarded-By") == ["127.0.0.1"]


def test_another_name_is_refused(proxy: Proxy) -> None:
    assert proxy.get("/", {"Host": "evil.example"}).status == 421
    with pytest.raises(ssl.SSLError):
        proxy.get("/", server_name="evil.example")


def test_without_tls_one_is_sent_on(proxy: Proxy) -> None:
    answer = get_from(proxy.plain_port, "/Read", host=NAME)
    assert answer.status in (301, 308)
    (place,) = answer.all("Location")
    assert re.fullmatch(rf"https://{NAME}(:{proxy.port})?/Read", place)


def test_a_browser_comes_back_to_its_replica(proxy: Proxy) -> None:
    visitors = [cookie_of(proxy) for _ in range(24)]
    assert set(Counter(replica for _, replica in visitors)) == {b"1", b"2"}
    for cookie, replica in visitors:
        for _ in range(3):
            answer = proxy.get("/", {"Cookie": f"other=1; {cookie}"})
            assert answer.body.split()[0] == replica
            assert answer.all("Set-Cookie") == []


def test_the_cookie_comes_back_after_a_log_in_elsewhere(proxy: Proxy) -> None:
    (cookie,) = proxy.get("/").all("Set-Cookie")
    attributes = set(cookie.split("; ")[1:])
    assert "Path=/" in attributes
    assert "SameSite=Strict" not in attributes
    if "nginx" in proxy.program:  # Caddy 2.6 sets no more; its cookie is a hash of an address
        assert attributes == {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"}


def test_where_a_replica_ends_the_other_takes_its_visitors(
    proxy: Proxy, replicas: list[Replica]
) -> None:
    visitors = [cookie_of(proxy) for _ in range(24)]
    replicas[0].stop()
    for cookie, _ in visitors:
        answer = proxy.get("/", {"Cookie": cookie})
        assert answer.status == 200
        assert answer.body.split()[0] == b"2"


def test_half_a_request_is_given_up(proxy: Proxy) -> None:
    """Of ten seconds as it is shipped, one here: a stranger could hold all connections so."""
    with proxy.connect() as line:
        line.settimeout(20)  # nginx's own patience, were it not told, is a minute
        line.sendall(f"GET / HTTP/1.1\r\nHost: {NAME}\r\nX-Slow: ".encode())
        told = line.recv(4096)
        assert told == b"" or b" 408 " in told.partition(b"\r\n")[0]


@pytest.mark.parametrize("proxy", ["nginx"], indirect=True)
def test_too_large_an_upload_is_refused_before_it_is_sent(proxy: Proxy) -> None:
    headers = {"Content-Length": str(300 * 2**20)}
    assert proxy.get("/_stcore/upload_file/a/b", headers, method="PUT").status == 413


@pytest.mark.parametrize("proxy", ["nginx"], indirect=True)
def test_no_upload_is_put_into_a_file(proxy: Proxy) -> None:
    assert proxy.get("/_stcore/upload_file/a/b", method="PUT", body=bytes(LARGE)).status == 200
    proxy.stop()
    assert "temporary file" not in proxy.log.read_text()


@pytest.mark.parametrize("proxy", ["nginx"], indirect=True)
def test_the_log_holds_no_address_of_a_film(proxy: Proxy) -> None:
    proxy.get(f"/_stcore/upload_file/{SESSION}/1")
    proxy.get(f"/media/{SESSION}.png")
    proxy.get(f"/oauth2callback?code={SESSION}")
    proxy.get("/Read")
    proxy.stop()
    said = [line.split() for line in proxy.access_log.read_text().splitlines()]
    assert [(line[3], line[4]) for line in said] == [
        ("/_stcore/upload_file/...", "200"),
        ("/media/...", "200"),
        ("/oauth2callback", "200"),
        ("/Read", "200"),
    ]


@pytest.mark.parametrize("proxy", ["nginx"], indirect=True)
def test_it_says_when_no_replica_runs(proxy: Proxy, replicas: list[Replica]) -> None:
    for replica in replicas:
        replica.stop()
    answer = proxy.get("/Read")
    assert answer.status == 503
    assert answer.body.startswith(b"The app is starting, or it is not running.")
    assert answer.all("Cache-Control") == ["no-store"]
