"""The running server: under which names it answers, and with what headers."""

import http.client
from urllib.parse import urlsplit

import pytest

from tests.browser.conftest import START_TIMEOUT

HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


def get(url: str, path: str, headers: dict[str, str] | None = None) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=START_TIMEOUT)
    connection.request("GET", path, headers=headers or {})
    answer = connection.getresponse()
    if answer.status != 101:
        answer.read()
    connection.close()
    return answer


@pytest.mark.parametrize("path", ["/", "/Read", "/_stcore/health", "/media/none.png"])
def test_every_answer_forbids_frames_and_storing(app_url: str, path: str) -> None:
    answer = get(app_url, path)
    assert "frame-ancestors 'none'" in (answer.getheader("Content-Security-Policy") or "")
    assert answer.getheader("Cache-Control") == "no-store"
    assert answer.getheader("X-Content-Type-Options") == "nosniff"
    assert answer.getheader("Referrer-Policy") == "no-referrer"


def test_a_strange_host_name_is_refused(app_url: str) -> None:
    assert get(app_url, "/", {"Host": "evil.example"}).status == 421
    assert get(app_url, "/_stcore/stream", HANDSHAKE | {"Host": "evil.example"}).status == 403


def test_web_sockets_of_other_origins_are_refused(app_url: str) -> None:
    for _ in range(100):
        foreign = HANDSHAKE | {"Origin": "http://evil.example"}
        assert get(app_url, "/_stcore/stream", foreign).status == 403
    assert get(app_url, "/_stcore/stream", HANDSHAKE | {"Origin": app_url}).status == 101


def test_metrics_and_the_agent_interface_are_closed(app_url: str) -> None:
    assert get(app_url, "/_stcore/metrics").status == 404
    assert get(app_url, "/_stcore/agent/openapi.json").status == 404
    assert get(app_url, "/healthz").status == 200


def test_without_sign_in_this_machine_may_ask_for_exports_and_send_files(app_url: str) -> None:
    for path in ("/media/none.pdf", "/_stcore/upload_file/none/none"):
        assert get(app_url, path).status not in (401, 403)
