"""A missing browser or missing films are skipped at a desk and fail in CI, with the reason."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROBE = "def test_films(shared):\n    pass\n\n\ndef test_browser(chromium):\n    pass\n"


def _probe(folder: Path, **environment: str) -> str:
    """What pytest prints about the two fixtures in a folder with this project's conftest.py."""
    shutil.copy(Path(__file__).with_name("conftest.py"), folder)
    (folder / "test_probe.py").write_text(PROBE)
    words = [
        sys.executable,
        "-m",
        "pytest",
        "-rsfE",
        "-p",
        "no:cacheprovider",
        f"--rootdir={folder}",
    ]
    clean = {key: value for key, value in os.environ.items() if key not in ("CI", "CXR_SHARED")}
    done = subprocess.run(
        [*words, "-c", os.devnull, str(folder)],
        env={**clean, "COLUMNS": "250", **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


@pytest.mark.parametrize(("ci", "outcome"), [("", "2 skipped"), ("true", "2 errors")])
def test_what_is_missing_is_named(tmp_path: Path, ci: str, outcome: str) -> None:
    films = tmp_path / "nowhere"
    printed = _probe(tmp_path, CI=ci, CXR_SHARED=str(films), CHROMIUM="no-such-browser")
    assert outcome in printed
    assert f"The shared films are not at {films}; set CXR_SHARED to their folder." in printed
    assert "No browser found as no-such-browser; install Chromium or set CHROMIUM." in printed


def test_what_is_there_is_used(tmp_path: Path) -> None:
    printed = _probe(tmp_path, CI="true", CXR_SHARED=str(tmp_path), CHROMIUM=sys.executable)
    assert "2 passed" in printed
