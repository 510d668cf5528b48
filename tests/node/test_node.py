"""Films in, results out: with a real archive, strangers, an archive that fails, and a restart."""

import gc
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, evt
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    DigitalXRayImageStorageForPresentation,
    EnhancedSRStorage,
    SecondaryCaptureImageStorage,
    Verification,
)

from cxr_core.audit.log import FileLog
from cxr_core.evaluation.model_facts import ModelFacts
from cxr_core.export.record import TITLE
from cxr_core.node.config import read_config
from cxr_core.node.service import Node, make_results
from cxr_core.version import PROGRAM
from tests.helpers.analyses import STOPPED, FakeAnalyzer
from tests.helpers.dicom_files import patient_dicom, read_dicom
from tests.helpers.node import (
    IGNORE_UNCLOSED_SOCKETS,
    free_port,
    running_orthanc,
    wait_for,
    write_settings,
)
from tests.helpers.records import export_analysis_of

pytestmark = pytest.mark.filterwarnings(IGNORE_UNCLOSED_SOCKETS)


@pytest.fixture(autouse=True)
def closed_sockets() -> Iterator[None]:
    """None is left for the collector to find in another test."""
    yield
    gc.collect()


def film_of(study: str, **tags: object) -> bytes:
    uids = {"StudyInstanceUID": study, "SeriesInstanceUID": generate_uid()}
    return patient_dicom(**(uids | tags))


class Site:
    """A folder with settings; nodes are started in it."""

    def __init__(self, folder: Path, archive_port: int, port: int) -> None:
        self.log = FileLog(folder / "audit.jsonl")
        self.port = port
        self.config = read_config(write_settings(folder, port=port, archive_port=archive_port))
        self.analyzer = FakeAnalyzer()

    def node(self) -> Node:
        return Node(self.config, self.analyzer, ModelFacts(), self.log, first_delay=0.2)

    def events(self) -> list[str]:
        if not self.log.path.exists():
            return []
        return [json.loads(line)["event"] for line in self.log.path.read_bytes().splitlines()]


def test_orthanc_finds_report_and_picture_in_each_films_study(orthanc: str, tmp_path: Path) -> None:
    port = free_port()
    studies = [generate_uid(), generate_uid()]
    with running_orthanc(orthanc, tmp_path, node_port=port) as archive:
        site = Site(tmp_path, archive.dicom_port, port)
        node = site.node()
        try:
            films = [archive.upload(film_of(study)) for study in studies]
            assert archive.send(films)
            assert archive.send(films)  # which it has already
            wait_for(lambda: site.events().count("film_removed") == 2)
        finally:
            node.stop()
        for study in studies:
            held = archive.held(study)
            assert {kind: len(uids) for kind, uids in held.items()} == {"DX": 1, "SR": 1, "OT": 1}
    assert site.analyzer.films == 2
    assert sorted(site.events()) == sorted(
        2 * ["film_received", "film_read", "film_removed"] + 4 * ["exported", "result_sent"]
    )
    assert not list((tmp_path / "spool" / "films").iterdir())
    assert not list((tmp_path / "spool" / "results").iterdir())
    text = site.log.path.read_text()
    assert "4711" not in text
    assert not any(study in text for study in studies)


class Archive:
    """Takes what is sent to it, but for the first two times: then it breaks off, then it refuses.

    Attributes:
        taken: SOP instance UIDs in the order in which they came.
    """

    def __init__(self, port: int) -> None:
        self.taken: list[str] = []
        ae = AE("ORTHANC")
        for storage_class in (EnhancedSRStorage, SecondaryCaptureImageStorage):
            ae.add_supported_context(storage_class)
        handlers: list[Any] = [(evt.EVT_C_STORE, self._store)]
        self.server: Any = ae.start_server(("127.0.0.1", port), block=False, evt_handlers=handlers)

    def _store(self, event: evt.Event) -> int:
        request: Any = event.request
        self.taken.append(str(request.AffectedSOPInstanceUID))
        if len(self.taken) == 1:
            event.assoc.abort()  # it has it, and cannot say so
        return 0xA700 if len(self.taken) == 2 else 0x0000


def associate(site: Site, *, title: str = "ORTHANC", called: str = "CXRNODE") -> Any:
    ae = AE(title)
    for context in (Verification, DigitalXRayImageStorageForPresentation):
        ae.add_requested_context(context)
    return ae.associate("127.0.0.1", site.port, ae_title=called)


def test_strangers_are_refused_and_results_wait_for_their_archive(tmp_path: Path) -> None:
    site = Site(tmp_path, free_port(), free_port())
    node = site.node()
    try:
        assert associate(site, title="STRANGER").is_rejected
        assert associate(site, called="OTHER").is_rejected
        caller = associate(site)
        assert caller.send_c_echo().Status == 0
        film = pydicom.dcmread(io.BytesIO(film_of(generate_uid())))
        assert caller.send_c_store(film).Status == 0
        assert caller.send_c_store(film).Status == 0
        film.Manufacturer, film.ManufacturerModelName = PROGRAM, TITLE
        assert caller.send_c_store(film).Status == 0  # a result that an archive sent on
        nobodys = pydicom.dcmread(io.BytesIO(film_of(generate_uid(), PatientID=None)))
        assert caller.send_c_store(nobodys).Status == 0
        caller.release()
        wait_for(lambda: "film_removed" in site.events())  # nobody's, of which nothing is sent
        wait_for(lambda: "film_read" in site.events())
    finally:
        node.stop()
    assert site.analyzer.films == 2
    assert site.events().count("caller_refused") == 2
    assert site.events().count("film_not_read") == 1

    archive = Archive(site.config.destinations[0].port)
    node = site.node()
    try:
        wait_for(lambda: site.events().count("film_removed") == 2)
    finally:
        node.stop()
        archive.server.shutdown()
    assert site.analyzer.films == 2  # it was not read again
    assert len(set(archive.taken)) == 2
    assert len(archive.taken) == 4  # one broken off, one refused, and both
    assert site.events().count("result_sent") == 2


def read_of(data: bytes, **changes: Any) -> Any:
    return export_analysis_of(data, model_sha256="b" * 64, **changes)


def test_a_result_made_again_is_the_same_object(tmp_path: Path) -> None:
    config = read_config(write_settings(tmp_path, port=1, archive_port=2))
    data = film_of(generate_uid())

    def uids(**changes: Any) -> set[str]:
        made = make_results(read_of(data, **changes), data, config, ModelFacts())
        read: list[Dataset] = [read_dicom(one) for one in made.values()]
        assert all(ds.StudyInstanceUID == read_dicom(data).StudyInstanceUID for ds in read)
        return {uid for ds in read for uid in (ds.SeriesInstanceUID, ds.SOPInstanceUID)}

    assert len(uids()) == 4
    assert uids() == uids()
    assert not uids() & uids(setting="sensitive")


def test_a_stopped_film_gets_a_report_or_nothing(tmp_path: Path) -> None:
    config = read_config(write_settings(tmp_path, port=1, archive_port=2))
    data = film_of(generate_uid())
    stopped = read_of(data, gate=STOPPED)
    (report,) = make_results(stopped, data, config, ModelFacts()).values()
    assert "Probability" not in str(read_dicom(report))
    nothing = replace(config, stopped_films="nothing")
    assert make_results(stopped, data, nothing, ModelFacts()) == {}


def test_the_picture_says_what_all_findings_came_to(tmp_path: Path) -> None:
    config = read_config(write_settings(tmp_path, port=1, archive_port=2))
    data = film_of(generate_uid())
    picture = read_dicom(make_results(read_of(data), data, config, ModelFacts())["sc"])
    assert "Flagged: Effusion." in picture.DerivationDescription
