"""Pages for those who may and those who may not, and what the audit log says of a session."""

import json
import shutil
import time
from pathlib import Path

import pytest
import streamlit as st

from cxr_core.access.roles import sign_in_rules
from cxr_core.access.roots import FILMS_ENV_VAR, RUNS_ENV_VAR
from cxr_core.audit.log import AUDIT_ENV_VAR
from cxr_core.audit.verify import file_lines, verify_chain
from cxr_core.ui import shell, sign_in
from cxr_core.ui.performance import errors, source
from tests.helpers.pages import (
    HOME,
    MODEL_CARD,
    PERFORMANCE,
    READ,
    WORKLIST,
    page_text,
    upload_film,
)
from tests.helpers.predictions import make_predictions

A = "performance_source_a"


@pytest.fixture
def signed_in(monkeypatch):
    """Somebody whose claims a test may change: ``signed_in(roles=…)``."""
    held = {"is_logged_in": True, "sub": "7", "iat": time.time(), "name": "Rita [R](x)"}
    monkeypatch.setattr(sign_in, "sign_in_settings", dict)

    def claim(**changes):
        monkeypatch.setattr(
            sign_in, "judge_page", lambda: sign_in.judge_request(held | changes, {})
        )
        monkeypatch.setattr(shell, "judge_page", sign_in.judge_page)

    claim(roles="reader")
    return claim


@pytest.fixture
def audit(tmp_path, monkeypatch):
    path = tmp_path / "audit.jsonl"
    monkeypatch.setenv(AUDIT_ENV_VAR, str(path))
    st.cache_resource.clear()  # the log tells of a model when it is loaded
    return path


@pytest.fixture
def from_elsewhere(monkeypatch):
    """Whoever looks does not sit at the machine that serves."""
    for module in (source, errors):
        monkeypatch.setattr(module, "is_local_page", lambda: False)


def entries(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("file", [HOME, READ, WORKLIST, PERFORMANCE, MODEL_CARD])
def test_without_sign_in_a_page_holds_nothing_but_the_way_in(
    open_page, signed_in, monkeypatch, file
):
    signed_in(is_logged_in=False)
    session = open_page(file)
    assert not session.exception
    assert [button.label for button in session.button] == ["Sign in"]
    assert not session.get("file_uploader")
    assert not session.get("page_link")
    asked = []
    monkeypatch.setattr(st, "login", lambda: asked.append(file))
    session.button(key="sign_in").click().run()
    assert asked == [file]


def test_a_role_that_was_taken_clears_the_page_and_the_session(open_page, signed_in):
    session = open_page(READ)
    session.button(key="try_phantom").click().run()
    assert "film_bytes" in session.session_state
    assert "reader" in page_text(session)
    signed_in(roles="none")
    session.run()
    assert "no role in this app" in page_text(session)
    assert [button.label for button in session.button] == ["Sign out"]
    assert "film_bytes" not in session.session_state
    assert not session.get("bidi_component")


def test_a_sign_in_that_ends_soon_says_so_while_films_can_be_exported(open_page, signed_in):
    hours = sign_in_rules().hours
    signed_in(roles="reader", iat=time.time() - 3600 * hours + 500)
    assert "min: export what you need" in page_text(open_page(MODEL_CARD))
    signed_in(roles="reader", iat=time.time() - 3600 * hours + 1000)
    assert "Signs out in" not in page_text(open_page(MODEL_CARD))


def test_a_reader_sees_the_model_in_use_and_opens_nothing(open_page, signed_in, tmp_path):
    session = open_page(PERFORMANCE)
    assert source.NEEDS_ROLE in page_text(session)
    assert not session.get("file_uploader")
    assert not session.text_input
    assert len(session.get("plotly_chart")) == 7
    # Nor by a choice that a page with the controls would have set.
    session.session_state[A] = f"run:{tmp_path}"
    session.run()
    assert len(session.get("plotly_chart")) == 7
    signed_in(roles="reviewer")
    assert open_page(PERFORMANCE).get("file_uploader")


def test_from_elsewhere_no_path_is_opened_without_a_root(open_page, from_elsewhere, monkeypatch):
    monkeypatch.delenv(RUNS_ENV_VAR, raising=False)
    session = open_page(PERFORMANCE)
    assert f"{A}_path" not in [field.key for field in session.text_input]
    assert "errors_folder" not in [field.key for field in session.text_input]
    assert session.selectbox(key=A).options == [source.source_label(source.MODEL)]


def test_below_a_root_runs_are_opened_and_nothing_else(
    open_page, from_elsewhere, monkeypatch, tmp_path
):
    roots, secret = tmp_path / "runs", tmp_path / "secret"
    for folder in (roots / "mine", secret):
        folder.mkdir(parents=True)
        make_predictions(90, seed=4).to_csv(folder / "predictions_val.csv", index=False)
    (roots / "out").symlink_to(secret)
    (roots / "linked").mkdir()
    (roots / "linked" / "predictions_val.csv").symlink_to(secret / "predictions_val.csv")
    (roots / "empty").mkdir()
    monkeypatch.setenv(RUNS_ENV_VAR, str(roots))
    monkeypatch.setenv(FILMS_ENV_VAR, str(roots))
    session = open_page(PERFORMANCE)

    def opened(path) -> str:
        session.text_input(key=f"{A}_path").set_value(str(path)).run()
        assert not session.exception
        return session.error[0].value if session.error else page_text(session)

    assert "Validation films of mine: 90 films" in opened("mine")
    refused = {
        opened(path).replace(str(path), "PATH")
        for path in (secret, tmp_path / "nowhere", "nothing", "empty", "out", roots / "out")
    }
    assert len(refused) == 1
    assert "Nothing that may be opened here has this path: PATH." in refused.pop()
    assert "no predictions of test" in opened("linked")  # a link counts as absent
    assert not any("secret" in option or "out" in option for option in session.selectbox(A).options)


def test_the_log_tells_what_was_read_and_shown_once_each(open_page, audit):
    session = open_page(READ)
    session.button(key="try_phantom").click().run()
    session.run()
    stopped = "read_anyway" in [button.key for button in session.button]
    if stopped:
        session.button(key="read_anyway").click().run()
    told = entries(audit)
    events = [entry["event"] for entry in told]
    shown = ["film_read", "film_shown"] + ["read_anyway", "film_shown"] * stopped
    assert events == ["model_loaded", *shown]
    assert {entry["who"] for entry in told[1:]} == {"anonymous"}
    assert len({entry["image"] for entry in told[1:]}) == 1
    assert told[2]["with_result"] is not stopped
    session.button(key="correct_menu_mirror").click().run()
    after = entries(audit)[len(told) :]
    assert [entry["event"] for entry in after][:2] == ["corrected", "film_read"]
    assert after[0]["correction"] == "mirror"
    assert verify_chain(file_lines([audit.read_bytes().splitlines()])).faults == []


def test_no_name_of_a_file_is_logged(open_page, audit, monkeypatch):
    from cxr_core.phantom.draw import phantom_png

    session = upload_film(open_page(READ), phantom_png(2, size=256), "Doe^Jane 1970.png")
    assert not session.exception
    assert "film_read" in audit.read_text("utf-8")
    assert not any(word in audit.read_text("utf-8") for word in ("Doe", "Jane", "1970", ".png"))


def test_without_its_log_nothing_is_read(open_page, audit):
    audit.mkdir()  # cannot be written
    session = open_page(READ)
    session.button(key="try_phantom").click().run()
    assert not session.exception
    assert "The audit log cannot be used" in session.error[0].value
    assert (
        "No film is read, shown or exported while it cannot be written." in session.error[0].value
    )
    assert not session.get("bidi_component") or "film_analysis" not in session.session_state
    shutil.rmtree(audit)
    session.run()
    assert not session.error
    assert "film_analysis" in session.session_state
