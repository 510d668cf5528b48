"""Archives that answer oddly, or not at all: what counts as taken, and that nobody waits for it."""

import gc
import io
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset
from pydicom.uid import EnhancedSRStorage, ExplicitVRLittleEndian, generate_uid
from pynetdicom import AE, evt

from cxr_core.evaluation.model_facts import ModelFacts
from cxr_core.node import service
from cxr_core.node.config import Kind, NodeConfig, read_config
from cxr_core.node.service import Node, refusal
from cxr_core.node.spool import Spool
from tests.helpers.analyses import FakeAnalyzer
from tests.helpers.dicom_files import patient_dicom
from tests.helpers.node import IGNORE_UNCLOSED_SOCKETS, free_port, wait_for, write_settings

pytestmark = pytest.mark.filterwarnings(IGNORE_UNCLOSED_SOCKETS)


@pytest.fixture(autouse=True)
def closed_sockets() -> Iterator[None]:
    """None is left for the collector to find in another test."""
    yield
    gc.collect()


def result_named(name: str) -> bytes:
    """The least that can be sent as a report."""
    result = Dataset()
    result.SOPClassUID, result.SOPInstanceUID = EnhancedSRStorage, generate_uid()
    result.PatientID = name
    result.ensure_file_meta()
    result.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = io.BytesIO()
    result.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


class Site:
    """A spool whose films are read, a result each that is called as its film, and an archive.

    Attributes:
        answers: what the archive answers to a result of that name; a number, or "abort", or "hang".
        came: names in the order in which they came.
        objects: what they are of.
    """

    def __init__(
        self, folder: Path, answers: dict[str, int | str], film: Callable[[str], bytes] = str.encode
    ) -> None:
        self.answers, self.came, self.objects = answers, list[str](), list[Dataset]()
        self.end_of_hanging = threading.Event()
        port = free_port()
        path = write_settings(folder, port=free_port(), archive_port=port)
        path.write_text(path.read_text() + 'send = ["sr"]\n')
        self.config: NodeConfig = read_config(path)
        spool = Spool(self.config)
        self.films: dict[str, str] = {}
        for name in answers:
            hashes: list[str] = []
            spool.admit(film(name), hashes.append)
            (self.films[name],) = hashes
            made: dict[Kind, bytes] = {"sr": result_named(name)}
            spool.add_results(self.films[name], "b" * 64, made, self.config.destinations)
        self.results = {name: spool.result_path(sha, "sr") for name, sha in self.films.items()}
        spool.close()
        ae = AE("ORTHANC")
        ae.add_supported_context(EnhancedSRStorage)
        handlers: list[Any] = [(evt.EVT_C_STORE, self._store)]
        self.server: Any = ae.start_server(("127.0.0.1", port), block=False, evt_handlers=handlers)

    def _store(self, event: evt.Event) -> int:
        name = str(event.dataset.PatientID)
        self.came.append(name)
        self.objects.append(event.dataset)
        answer = self.answers[name]
        if answer == "abort":
            event.assoc.abort()
        elif answer == "hang":
            self.end_of_hanging.wait()
        return answer if isinstance(answer, int) else 0

    @contextmanager
    def node(self) -> Iterator[Node]:
        node = Node(self.config, FakeAnalyzer(), ModelFacts(), None, first_delay=0.1)
        try:
            yield node
        finally:
            node.stop()

    def waiting(self) -> set[str]:
        """Whose results wait."""
        with sqlite3.connect(self.config.spool / "spool.sqlite") as database:
            rows = database.execute("SELECT sha256 FROM results WHERE state = 'waiting'").fetchall()
        database.close()
        names = {sha256: name for name, sha256 in self.films.items()}
        return {names[row[0]] for row in rows}


@pytest.fixture
def sites() -> Iterator[list[Site]]:
    made: list[Site] = []
    yield made
    for site in made:
        site.end_of_hanging.set()
        site.server.shutdown()


def test_what_an_archive_does_not_take_keeps_nothing_else_back(
    sites: list[Site], tmp_path: Path
) -> None:
    """A warning says that it was kept, and so does the refusal of what is there already."""
    refused: dict[str, int | str] = {"resources": 0xA700, "no class": 0x0122, "broken": "abort"}
    kept: dict[str, int | str] = {
        "kept": 0, "coerced": 0xB000, "own warning": 0xB123, "attributes": 0x0107,
        "there already": 0x0111,
    }  # fmt: skip
    unreadable: dict[str, int | str] = {"missing": 0, "damaged": 0}
    sites.append(site := Site(tmp_path, refused | unreadable | kept))
    site.results["missing"].unlink()
    site.results["damaged"].write_bytes(b"no DICOM file")
    with site.node() as node:
        wait_for(lambda: site.waiting() == {*refused, *unreadable}, seconds=15)
        wait_for(lambda: site.came.count("broken") > 1, seconds=60)  # it is tried again
        assert not node.failed
    assert all(site.came.count(name) == 1 for name in kept)
    site.answers |= dict.fromkeys(refused, 0)
    with site.node():
        wait_for(lambda: site.waiting() == {*unreadable}, seconds=15)


def patients_film(name: str) -> bytes:
    return patient_dicom(PatientID=name, StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.4")


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_result_whose_file_was_altered_is_made_anew_and_not_sent(
    sites: list[Site], tmp_path: Path, damage: str
) -> None:
    """Half a report would be taken: what of it can be parsed is an object like any other."""
    sites.append(site := Site(tmp_path, {"P": 0}, patients_film))
    path = site.results["P"]
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-4])
    with site.node():
        wait_for(lambda: site.waiting() == set())
    (sent,) = site.objects
    assert "Pleural effusion" in str(sent)  # the report that the reading gives
    assert site.came == ["P"]


def test_an_archive_that_never_answers_does_not_keep_the_node_from_its_end(
    sites: list[Site], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_STOP_SECONDS", 0.1)
    sites.append(site := Site(tmp_path, {"one": "hang", "two": 0}))
    stopped = threading.Event()

    def work() -> None:
        with site.node():
            wait_for(lambda: site.came, seconds=15)
        stopped.set()

    threading.Thread(target=work).start()
    assert stopped.wait(30)  # a destination may take a minute for its answer
    assert site.waiting() == {"one", "two"}
    site.end_of_hanging.set()
    with site.node():
        wait_for(lambda: site.waiting() == set(), seconds=15)


@pytest.mark.parametrize(
    ("title", "kinds", "why"),
    [
        ("ARCHIVE", ("sr",), ""),
        ("ARCHIVE", ("sr", "sc"), "it takes no Secondary Capture"),
        ("ARCHIVE", ("sc",), "it takes nothing of what is sent to it"),
        ("OTHER", ("sr",), "it refuses us: Called AE title not recognised"),
    ],
)
def test_why_an_archive_would_take_nothing_is_told(
    tmp_path: Path, title: str, kinds: tuple[Kind, ...], why: str
) -> None:
    port = free_port()
    config = read_config(write_settings(tmp_path, port=1, archive_port=port))
    ae = AE("ARCHIVE")
    ae.require_called_aet = True
    ae.add_supported_context(EnhancedSRStorage)
    server: Any = ae.start_server(("127.0.0.1", port), block=False)
    try:
        (archive,) = config.destinations
        assert refusal(config, replace(archive, ae_title=title, send=kinds)) == why
    finally:
        server.shutdown()
