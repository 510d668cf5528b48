"""What every test may ask for: the shared films, a browser, tools, and how thoroughly to search.

On a developer's machine a test without its films or its tools is skipped with the reason;
with ``CI=true`` it fails, so that nothing goes unchecked unnoticed.
"""

import importlib.util
import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

from tests.helpers import ROOT

IN_CI = os.environ.get("CI") == "true"

# Workers of pytest-xdist share the cores: a thread that waits for another keeps its core busy.
# PyTorch and NumPy read this when they are imported, which nothing here has done yet.
if n_workers := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):
    threads = max(1, (os.cpu_count() or 1) // int(n_workers))
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))

# What is costly to make, longest first: the tests that use it go to one worker.
COSTLY_FIXTURES = ("finished_run", "app_url", "guarded_app")

# Shared machines are slow at times, so no example has a deadline; CI draws the same examples
# every time, a developer's machine searches on: few at a time, others each time.
settings.register_profile("developer", deadline=None, max_examples=50)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True, max_examples=50)
settings.load_profile("ci" if IN_CI else "developer")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One group for the tests of each costly fixture, and one for every other file."""
    order: dict[pytest.Item, int] = {}
    for item in items:
        names = getattr(item, "fixturenames", ())
        costly = next((name for name in COSTLY_FIXTURES if name in names), None)
        item.add_marker(pytest.mark.xdist_group(costly or str(item.path)))
        order[item] = COSTLY_FIXTURES.index(costly) if costly else len(COSTLY_FIXTURES)
    items.sort(key=order.__getitem__)  # stable: the rest stay as they were


def _missing(reason: str) -> NoReturn:
    """Skip the test, or fail it where nothing may be left out."""
    if IN_CI:
        pytest.fail(f"{reason} (CI=true: nothing is skipped)", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the real films: ``CXR_SHARED``, or ``../shared`` beside the repository."""
    folder = Path(os.environ.get("CXR_SHARED") or ROOT.parent / "shared")
    if not folder.is_dir():
        _missing(f"The shared films are not at {folder}; set CXR_SHARED to their folder.")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium for the browser tests: ``CHROMIUM``, or the one on PATH."""
    wanted = os.environ.get("CHROMIUM")
    names = [wanted] if wanted else ["chromium", "chromium-browser", "google-chrome"]
    for name in names:
        if found := shutil.which(name):
            return found
    _missing(f"No browser found as {', '.join(names)}; install Chromium or set CHROMIUM.")


@pytest.fixture(scope="session")
def sign_in_packages() -> None:
    """What sign-in needs, and a provider to sign in with."""
    needed = ("authlib", "httpx", "oidc_provider_mock")
    if missing := [name for name in needed if importlib.util.find_spec(name) is None]:
        _missing(f"Sign-in needs {', '.join(missing)}: make install.")


@pytest.fixture(scope="session")
def ray_package() -> None:
    """What reading on a cluster needs."""
    if importlib.util.find_spec("ray") is None:
        _missing("Reading on a cluster needs ray: make install.")


@pytest.fixture(scope="session")
def dciodvfy() -> str:
    """Path of the checker of DICOM files, of Debian's dicom3tools."""
    return _tool("dciodvfy", package="dicom3tools")


@pytest.fixture(scope="session")
def dcm2pnm() -> str:
    """Path of DCMTK's renderer, a reader of DICOM pictures that is not ours."""
    return _tool("dcm2pnm", package="dcmtk")


@pytest.fixture(scope="session")
def dcmj2pnm() -> str:
    """Path of DCMTK's renderer that reads JPEG too."""
    return _tool("dcmj2pnm", package="dcmtk")


@pytest.fixture(scope="session")
def dcmcjpeg() -> str:
    """Path of DCMTK's JPEG encoder, which writes 12-bit JPEG as machines do."""
    return _tool("dcmcjpeg", package="dcmtk")


@pytest.fixture(scope="session")
def dsr2html() -> str:
    """Path of DCMTK's reader of Structured Reports."""
    return _tool("dsr2html", package="dcmtk")


@pytest.fixture(scope="session")
def orthanc() -> str:
    """Path of Orthanc, an archive to send to."""
    return _tool("Orthanc", package="orthanc")


@pytest.fixture(scope="session")
def strace() -> str:
    """Path of the tracer of system calls."""
    return _tool("strace", package="strace")


@pytest.fixture(scope="session")
def nginx() -> str:
    """Path of nginx, the proxy of ``deploy/nginx.conf``."""
    return _tool("nginx", package="nginx")


@pytest.fixture(scope="session")
def caddy() -> str:
    """Path of Caddy, the proxy of ``deploy/Caddyfile``."""
    return _tool("caddy", package="caddy")


@pytest.fixture(scope="session")
def systemd_analyze() -> str:
    """Path of systemd's checker of units."""
    return _tool("systemd-analyze", package="systemd")


def _tool(name: str, *, package: str) -> str:
    # Debian keeps servers out of the path of users who are not root.
    if found := shutil.which(name) or shutil.which(name, path="/usr/sbin"):
        return found
    _missing(f"There is no {name}; install Debian's package {package}.")
