"""``make sbom``: one CycloneDX document, of exactly what the lock file installs."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.helpers import ROOT

LOCK = ROOT / "requirements.lock"


def written_by_make(path: Path) -> str:
    """What the command of ``make sbom`` writes, run with this Python."""
    steps = subprocess.run(
        ["make", "--dry-run", "sbom"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    (step,) = [line for line in steps.splitlines() if "cyclonedx_py" in line]
    command = shlex.split(step)
    assert command[0] == ".venv/bin/python"
    command[0], command[command.index("sbom.json")] = sys.executable, str(path)
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    return path.read_text("utf-8")


def test_it_lists_what_the_lock_installs_with_hashes(tmp_path: Path) -> None:
    text = written_by_make(tmp_path / "sbom.json")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    assert document["bomFormat"] == "CycloneDX"
    assert document["metadata"]["component"]["name"] == "chest-radiograph-reader"
    locked = re.findall(r"^([a-z0-9._-]+)==([^ ]+)", LOCK.read_text("utf-8"), re.MULTILINE)
    listed = {(one["name"], one["version"]): one for one in document["components"]}
    assert set(listed) == set(locked)
    for one in listed.values():
        (files,) = one["externalReferences"]
        assert {entry["alg"] for entry in files["hashes"]} == {"SHA-256"}, one["name"]
