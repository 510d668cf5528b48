"""``/healthz`` says whether the model reads."""

import asyncio
import logging
import threading
from pathlib import Path

import pytest
from starlette.requests import Request

from cxr_core.server.health import HealthCheck
from cxr_core.ui.model import MODEL_ENV_VAR
from tests.helpers.models import write_model_folder
from tests.helpers.run_async import run_async

REQUEST = Request({"type": "http", "method": "GET", "path": "/healthz", "headers": []})


def test_a_model_that_reads_is_healthy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODEL_ENV_VAR, str(write_model_folder(tmp_path)))
    answer = run_async(HealthCheck().respond(REQUEST))
    assert answer.status_code == 200
    assert bytes(answer.body) == b'{"status":"ok"}'


def test_a_model_that_cannot_be_loaded_is_not_and_its_folder_is_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(MODEL_ENV_VAR, str(tmp_path / "nothing"))
    answer = run_async(HealthCheck().respond(REQUEST))
    assert answer.status_code == 503
    assert str(tmp_path).encode() not in bytes(answer.body)
    assert str(tmp_path) in caplog.text


def test_asking_outside_a_page_logs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    # Streamlit's loggers do not pass on what they log.
    logger = logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context")
    monkeypatch.setattr(logger, "handlers", [Keep()])
    monkeypatch.setattr(logger, "disabled", False)
    monkeypatch.setenv(MODEL_ENV_VAR, str(write_model_folder(tmp_path)))
    assert HealthCheck().problem() == ""
    assert said == []


def test_an_answer_is_kept_for_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODEL_ENV_VAR, str(tmp_path / "nothing"))
    check = HealthCheck()
    first = check.problem()
    monkeypatch.setenv(MODEL_ENV_VAR, str(tmp_path / "elsewhere"))
    assert first
    assert check.problem() == first


def test_many_who_ask_at_once_take_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    check, busy = HealthCheck(), threading.Event()
    threads: list[int] = []

    def slow() -> str:
        threads.append(threading.get_ident())
        assert busy.wait(30)
        return ""

    monkeypatch.setattr(check, "problem", slow)

    async def ask() -> list[int]:
        asked = [asyncio.create_task(check.respond(REQUEST)) for _ in range(50)]
        while not threads:
            await asyncio.sleep(0.01)
        asked.pop().cancel()  # one that goes away does not end it for the others
        busy.set()
        return [answer.status_code for answer in await asyncio.gather(*asked)]

    assert run_async(ask()) == [200] * 49
    assert len(threads) == 1


def test_an_error_that_nobody_foresaw_is_unhealthy(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("cxr_core.ui.model.shared_analyzer", broken)
    assert run_async(HealthCheck().respond(REQUEST)).status_code == 503
