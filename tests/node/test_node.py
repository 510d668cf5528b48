"""Films in, results out: with a real archive, strangers, an archive that refuses, and a restart."""

import json
from pathlib import Path

import pytest
from pydicom.uid import generate_uid

from cxr_core.audit.log import FileLog
from cxr_core.evaluation.model_facts import ModelFacts
from cxr_core.node.config import read_config
from tests.helpers.analyses import FakeAnalyzer
from tests.helpers.dicom_files import patient_dicom
from tests.helpers.node import free_port, running_orthanc, wait_for, write_settings

pytest.importorskip("pynetdicom")


from cxr_core.node.service import Node


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
