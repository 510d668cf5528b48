"""What pip is told: the lists of requirements agree, and the wheel works without the checkout."""

import csv
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from cxr_core.phantom.draw import phantom_png
from cxr_core.version import VERSION

ROOT = Path(__file__).resolve().parent.parent


def pins(file: str) -> dict[str, str]:
    """``name: version`` of the lines ``name==version``."""
    lines = (ROOT / file).read_text("utf-8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def ranges_of(pinned: dict[str, str]) -> list[str]:
    """The ranges that go with exact versions: at least the tested major.minor."""
    oldest = {name: ".".join(version.split(".")[:2]) for name, version in pinned.items()}
    return [f"{name}>={oldest[name]}" for name in sorted(pinned)]


def test_requirements_are_the_packages_dependencies() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert ranges_of(pins("requirements.txt")) == project["dependencies"]
    assert ranges_of(pins("requirements-dev.txt")) == project["optional-dependencies"]["dev"]
    for extra in ("auth", "cluster", "node"):
        assert (
            ranges_of(pins(f"requirements-{extra}.txt")) == project["optional-dependencies"][extra]
        )


def test_every_locked_version_has_its_hashes() -> None:
    for lock, direct in {
        "requirements.lock": pins("requirements.txt"),
        "requirements-auth.lock": pins("requirements-auth.txt"),
        "requirements-node.lock": pins("requirements-node.txt"),
        "requirements-cluster.lock": pins("requirements-cluster.txt"),
        "requirements-dev.lock": pins("requirements.txt") | pins("requirements-dev.txt"),
    }.items():
        text = (ROOT / lock).read_text("utf-8").replace("\\\n", " ")
        entries = [line for line in text.splitlines() if "==" in line]
        assert all(re.search(r" --hash=sha256:[0-9a-f]{64}", line) for line in entries), lock
        locked = {line.split()[0] for line in entries}
        assert {f"{name}=={version}" for name, version in direct.items()} <= locked, lock


def test_the_documents_name_this_version() -> None:
    assert f"\nversion: {VERSION}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"\n## [{VERSION}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def run(command: Sequence[str | Path], folder: Path, *, status: int = 0) -> str:
    """What a command prints in ``folder``, without this checkout on its path.

    Its output when it ends with 0, else its errors.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stderr
    return done.stderr if status else done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built as pip builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", "."]
    run([sys.executable, "-m", "pip", "wheel", *options, str(ROOT)], folder)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def commands(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the console scripts of a fresh environment that holds the wheel.

    Its dependencies are those of the running environment, so nothing is downloaded.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=os.name != "nt")
    paths = sysconfig.get_paths("venv", {"base": str(folder), "platbase": str(folder)})
    site = Path(paths["purelib"])
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    python = Path(paths["scripts"]) / "python"
    options = ["--quiet", "--no-deps", "--no-index"]
    run([sys.executable, "-m", "pip", "--python", python, "install", *options, wheel], folder)
    assert (site / "cxr_core" / "__init__.py").is_file()
    return python.parent


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    assert wheel.name == f"chest_radiograph_reader-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as file:
        held = {name for name in file.namelist() if ".dist-info/" not in name}
    tracked = run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], ROOT)
    assert held == {name for name in tracked.splitlines() if name.startswith("cxr_core/")}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cxr-train", "cxr-compare", "cxr-export"])
def test_an_installed_command_says_how_it_is_used(
    name: str, commands: Path, tmp_path: Path
) -> None:
    assert run([commands / name, "--help"], tmp_path).startswith(f"usage: {name} [-h] ")


@pytest.mark.slow
def test_installed_commands_read_a_film_and_judge_a_model(commands: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    for path in (ROOT / "models" / "default").iterdir():
        (model / path.name).write_bytes(path.read_bytes())
    (tmp_path / "phantom.png").write_bytes(phantom_png(1))
    told = run(
        [commands / "cxr-read", "phantom.png", "--model", "model", "--out", "x.csv"], tmp_path
    )
    with (tmp_path / "x.csv").open(encoding="utf-8") as stream:
        (row,) = csv.DictReader(stream)
    assert told == f"1 films: 1 {row['status']}. The rows are in x.csv.\n"
    assert row["file"] == "phantom.png"
    assert row["status"] in ("read", "stopped")
    told = run([commands / "cxr-evaluate", "model", "--resamples", "20"], tmp_path)
    assert "films of" in told


@pytest.mark.slow
def test_without_a_model_the_installed_command_says_what_to_give(
    commands: Path, tmp_path: Path
) -> None:
    told = run([commands / "cxr-read", "phantom.png", "--out", "x.csv"], tmp_path, status=2)
    assert told.splitlines()[-1] == (
        "cxr-read: error: there is no models/default here: give --model DIR, the folder of a model"
    )
