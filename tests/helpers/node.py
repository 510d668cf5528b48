"""A node's settings on this machine, and an Orthanc to send to and from."""

import json
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NODE_TITLE, ARCHIVE_TITLE = "CXRNODE", "ORTHANC"
SETTINGS = """
[node]
ae_title = "CXRNODE"
port = {port}
model = "{model}"

[spool]
folder = "spool"
max_megabytes = 200

[[callers]]
name = "archive"
ae_title = "ORTHANC"
addresses = ["127.0.0.0/8", "::1"]

[[destinations]]
name = "archive"
ae_title = "ORTHANC"
host = "127.0.0.1"
port = {archive_port}
"""


# pynetdicom leaves the socket of a connection that was refused to the garbage collector.
IGNORE_UNCLOSED_SOCKETS = "ignore:unclosed <socket:ResourceWarning"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


def write_settings(folder: Path, *, port: int, archive_port: int, model: Path | str = ".") -> Path:
    """``node.toml`` in ``folder``, with one caller and one destination, both the archive."""
    path = folder / "node.toml"
    path.write_text(SETTINGS.format(port=port, archive_port=archive_port, model=model))
    return path


def wait_for(what: Callable[[], Any], *, seconds: float = 120.0) -> Any:
    """What the function returns as soon as that is something; fails when nothing comes."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.1)
    return found


class Orthanc:
    """An archive that runs; asked over its REST interface."""

    def __init__(self, dicom_port: int, http_port: int) -> None:
        self.dicom_port, self._http_port = dicom_port, http_port
        self.dicomweb_url = f"http://127.0.0.1:{http_port}/dicom-web"  # where it has the plugin

    def ask(self, path: str, body: bytes | None = None) -> Any:
        """What a path answers; None where nobody does yet."""
        url = f"http://127.0.0.1:{self._http_port}{path}"
        try:
            with urllib.request.urlopen(url, data=body, timeout=60) as answer:
                return json.load(answer)
        except OSError:
            return None

    def upload(self, film: bytes) -> str:
        """Store a film; returns the archive's own name of it."""
        return str(self.ask("/instances", film)["ID"])

    def send(self, instances: list[str]) -> bool:
        """Have it send films to the node; whether that took all."""
        return self.ask("/modalities/node/store", json.dumps(instances).encode()) is not None

    def held(self, study_uid: str) -> dict[str, list[str]]:
        """SOP instance UIDs in a study, by modality."""
        query = {"Level": "Instance", "Expand": True, "Query": {"StudyInstanceUID": study_uid}}
        found: dict[str, list[str]] = {}
        for one in self.ask("/tools/find", json.dumps(query).encode()) or []:
            modality = self.ask(f"/instances/{one['ID']}/simplified-tags")["Modality"]
            found.setdefault(modality, []).append(one["MainDicomTags"]["SOPInstanceUID"])
        return found


@contextmanager
def running_orthanc(
    program: str, folder: Path, *, node_port: int, plugins: Sequence[str] = ()
) -> Iterator[Orthanc]:
    """An Orthanc that knows the node as ``node``; its data lie in ``folder``."""
    archive = Orthanc(free_port(), free_port())
    settings = {
        "StorageDirectory": str(folder / "archive"),
        "DicomAet": ARCHIVE_TITLE,
        "DicomPort": archive.dicom_port,
        "HttpPort": archive._http_port,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomModalities": {"node": [NODE_TITLE, "127.0.0.1", node_port]},
        "Plugins": list(plugins),
    }
    path = folder / "orthanc.json"
    path.write_text(json.dumps(settings))
    with (folder / "orthanc.log").open("wb") as log:
        process = subprocess.Popen([program, str(path)], stdout=log, stderr=log)
        try:
            wait_for(lambda: archive.ask("/system"))
            yield archive
        finally:
            process.terminate()
            process.wait()
