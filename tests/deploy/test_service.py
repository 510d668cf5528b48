"""``deploy/*.service``: systemd takes them, and finds little to object to."""

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import ROOT
from tests.helpers.proxies import adapted

UNITS = {name: ROOT / "deploy" / f"{name}.service" for name in ("cxr", "cxr-node")}
# Of 10. It is 1.1 for systemd 252; others look at more or less.
MOST_EXPOSED = 1.5


def unit_in(folder: Path, name: str) -> Path:
    """The unit with this checkout and this Python in place of those of ``/opt``."""
    path = folder / f"{name}.service"
    changes = {"/opt/cxr/.venv/bin/python": sys.executable, "/opt/cxr": str(ROOT)}
    path.write_text(adapted(UNITS[name].read_text("utf-8"), changes))
    return path


@pytest.fixture(params=list(UNITS))
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return unit_in(tmp_path, request.param)


def analyzed(program: str, *arguments: str | Path) -> str:
    """What ``systemd-analyze`` says, errors included; it must end well."""
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_systemd_verifies_it_without_a_word(systemd_analyze: str, unit: Path) -> None:
    assert analyzed(systemd_analyze, "verify", "--man=no", unit) == ""


def test_systemd_verifies_the_guides_unit_for_several_replicas(
    systemd_analyze: str, tmp_path: Path
) -> None:
    unit = unit_in(tmp_path, "cxr")
    guide = (ROOT / "docs" / "deployment.md").read_text("utf-8")
    found = re.search("sed 's/(.*)/(.*)/' deploy/cxr.service", guide)
    assert found
    several = tmp_path / "cxr@8501.service"
    several.write_text(adapted(unit.read_text(), {found[1]: found[2]}))
    assert analyzed(systemd_analyze, "verify", "--man=no", several) == ""
    # One that ends takes its folder with it, and no other's.
    assert "RuntimeDirectory=%N\n" in several.read_text()


def test_systemd_finds_it_closed(systemd_analyze: str, unit: Path) -> None:
    told = analyzed(systemd_analyze, "security", "--offline=yes", "--no-pager", unit)
    found = re.search(rf"Overall exposure level for {unit.name}: ([0-9.]+)", told)
    assert found, told
    assert float(found[1]) <= MOST_EXPOSED


@pytest.mark.parametrize("path", UNITS.values(), ids=list(UNITS))
def test_the_memory_of_the_service_is_never_on_a_disk(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    assert {"MemorySwapMax=0", "LimitCORE=0", "PrivateTmp=yes", "ProtectSystem=strict"} <= set(
        lines
    )


FREED = """
import os, random, sys
from tests.helpers.process_memory import memory_hits

def work():
    kept, rng = [], random.Random(0)
    for number in range(3000):
        name = sys.argv[1][::-1] + "x" * rng.choice((4, 30, 200, 900, 5000))
        pieces = [name.encode(), name.upper(), {"name": name + "y"}]
        if number % 50 == 0:
            kept.append(str(number) * rng.choice((3, 30, 200)))
    return kept

kept = work()
mark = sys.argv[1][::-1].encode()
print(memory_hits(os.getpid(), [mark])[mark])
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc")
def test_what_the_node_frees_is_overwritten() -> None:
    """As its unit has it set; the app needs no setting: tests/test_memory.py."""
    settings = dict(
        word.split("=", 1)
        for line in UNITS["cxr-node"].read_text().splitlines()
        if line.startswith("Environment=PYTHONMALLOC")
        for word in line.removeprefix("Environment=").split()
    )
    assert set(settings) == {"PYTHONMALLOC", "GLIBC_TUNABLES"}

    def found(**further: str) -> int:
        command = [sys.executable, "-c", FREED, "CIRTAP-7Q"]
        run = subprocess.run(
            command, env=os.environ | further, capture_output=True, text=True, check=True
        )
        return int(run.stdout)

    assert found(**settings) <= 3  # the word itself
    assert found() > 3
