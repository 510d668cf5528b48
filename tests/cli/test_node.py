"""``cxr-node --check``: what would keep a node from its work is said before it starts."""

import gc
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cxr_core.audit.log import AUDIT_ENV_VAR
from cxr_core.cli.node import main
from cxr_core.node.config import read_config
from cxr_core.node.service import refusal
from tests.helpers.node import IGNORE_UNCLOSED_SOCKETS, free_port, write_settings

pytestmark = pytest.mark.filterwarnings(IGNORE_UNCLOSED_SOCKETS)


@pytest.fixture(autouse=True)
def closed_sockets() -> Iterator[None]:
    """None is left for the collector to find in another test."""
    yield
    gc.collect()


def test_check_says_all_that_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(AUDIT_ENV_VAR, str(tmp_path / "audit.jsonl"))
    (tmp_path / "audit.jsonl").write_text("something else\n")
    (tmp_path / "spool").mkdir(mode=0o755)
    (tmp_path / "spool").chmod(0o755)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        settings = write_settings(tmp_path, port=port, archive_port=free_port(), model="missing")
        assert main([str(settings), "--check"]) == 2
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 5
    for line, words in zip(
        told,
        (
            "model.json",
            "The spool cannot be used",
            "The audit log cannot be used",
            "The node cannot listen there",
            "The destination archive cannot be sent to (nobody answers)",
        ),
        strict=True,
    ):
        assert words in line
    assert not (tmp_path / "spool" / "films").exists()  # it starts nothing


@pytest.mark.parametrize("host", ["nobody.invalid", "a..b"])
def test_a_destination_whose_name_nobody_has_does_not_answer(tmp_path: Path, host: str) -> None:
    """While the network's name server is away, results wait; no thread ends by it."""
    path = write_settings(tmp_path, port=1, archive_port=104)
    path.write_text(path.read_text().replace('host = "127.0.0.1"', f'host = "{host}"'))
    config = read_config(path)
    assert config.destinations[0].host == host
    assert refusal(config, config.destinations[0]) == "there is no such host"


def test_check_says_that_nothing_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from cxr_core.node import service
    from cxr_core.reading import analyzer

    monkeypatch.delenv(AUDIT_ENV_VAR, raising=False)
    monkeypatch.setattr(analyzer, "load_analyzer", lambda folder: None)
    monkeypatch.setattr(service, "refusal", lambda config, destination: "")
    settings = write_settings(tmp_path, port=free_port(), archive_port=1)
    assert main([str(settings), "--check"]) == 0
    assert "Nothing is wrong." in capsys.readouterr().out
    assert main([str(tmp_path / "missing.toml")]) == 2
    assert "cannot be read" in capsys.readouterr().err
