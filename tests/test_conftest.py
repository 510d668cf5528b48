"""Missing tools or missing films are skipped at a desk and fail in CI, with the reason."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import ROOT

FIXTURES = ("shared", "chromium", "dciodvfy", "dcm2pnm")
PROBE = "\n".join(f"def test_{name}({name}):\n    pass\n" for name in FIXTURES)


def _probe(folder: Path, **environment: str) -> str:
    """What pytest prints about the two fixtures in a folder with this project's conftest.py."""
    shutil.copy(Path(__file__).with_name("conftest.py"), folder)
    (folder / "test_probe.py").write_text(PROBE)
    words = [sys.executable, "-m", "pytest", "-rsfE", "-p", "no:cacheprovider"]
    clean = {key: value for key, value in os.environ.items() if key not in ("CI", "CXR_SHARED")}
    done = subprocess.run(
        [*words, f"--rootdir={folder}", "-c", os.devnull, str(folder)],
        env={**clean, "COLUMNS": "250", "PYTHONPATH": str(ROOT), **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


@pytest.mark.parametrize(("ci", "outcome"), [("", "4 skipped"), ("true", "4 errors")])
def test_what_is_missing_is_named(tmp_path: Path, ci: str, outcome: str) -> None:
    films = tmp_path / "nowhere"
    without = {"CHROMIUM": "no-such-browser", "PATH": str(films)}
    printed = _probe(tmp_path, CI=ci, CXR_SHARED=str(films), **without)
    assert outcome in printed
    assert f"The shared films are not at {films}; set CXR_SHARED to their folder." in printed
    assert "No browser found as no-such-browser; install Chromium or set CHROMIUM." in printed
    assert "There is no dciodvfy; install Debian's package dicom3tools." in printed
    assert "There is no dcm2pnm; install Debian's package dcmtk." in printed


def test_what_is_there_is_used(tmp_path: Path) -> None:
    for tool in ("dciodvfy", "dcm2pnm"):
        (tmp_path / tool).symlink_to(sys.executable)
    there = {"CXR_SHARED": str(tmp_path), "CHROMIUM": sys.executable, "PATH": str(tmp_path)}
    assert "4 passed" in _probe(tmp_path, CI="true", **there)
