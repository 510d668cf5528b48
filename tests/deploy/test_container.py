"""``deploy/Containerfile``: hadolint finds nothing, and what it copies is the app."""

import json
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.browser.conftest import ServedApp
from tests.helpers import ROOT
from tests.helpers.proxies import TIMEOUT

CONTAINERFILE = ROOT / "deploy" / "Containerfile"
IGNORED = ROOT / "deploy" / "Containerfile.dockerignore"


def instructions() -> list[tuple[str, str]]:
    """Name and rest of each instruction, on one line each."""
    text = CONTAINERFILE.read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sysconfig.get_path("scripts")) / "hadolint"
    done = subprocess.run(
        [hadolint, "--no-color", CONTAINERFILE], capture_output=True, text=True, check=False
    )
    assert done.stdout + done.stderr == ""
    assert done.returncode == 0


def test_it_installs_and_starts_what_make_app_does() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    (install,) = [rest for name, rest in instructions() if name == "RUN" and "pip" in rest]
    assert "--require-hashes" in install
    assert "requirements.lock" in install
    (start,) = [json.loads(rest) for name, rest in instructions() if name == "CMD"]
    assert start[:5] == [".venv/bin/python", "-m", "streamlit", "run", "serve.py"]
    assert f"$(IN_VENV) {' '.join(start[1:5])} " in makefile


def test_it_runs_as_a_user_with_a_number() -> None:
    (user,) = [rest for name, rest in instructions() if name == "USER"]
    assert re.fullmatch("[1-9][0-9]*", user)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A folder of what ``COPY . .`` takes, by the list of what is left out."""
    folder = tmp_path / "image"
    lines = IGNORED.read_text("utf-8").splitlines()
    assert "*" in lines  # all else stays out
    kept = [list(ROOT.glob(line[1:])) for line in lines if line.startswith("!")]
    assert all(kept)
    for source in (path for paths in kept for path in paths if path.name not in lines):
        target = folder / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return folder


@pytest.fixture
def app(image: Path, tmp_path: Path) -> Iterator[ServedApp]:
    one = ServedApp(Path("models/default"), tmp_path / "server.log")
    one.folder = image
    one.start()
    try:
        yield one
    finally:
        one.stop()


@pytest.mark.slow
def test_what_it_copies_reads_a_film(app: ServedApp) -> None:
    with urlopen(f"{app.url}/healthz", timeout=TIMEOUT) as answer:
        assert json.load(answer) == {"status": "ok"}
