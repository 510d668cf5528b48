"""Films to rows, for ``cxr-read``: on this machine, and in each of its readers on a cluster."""

import os
import pwd
import secrets
from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from cxr_core.audit.entry import Entry, Event, film_entries
from cxr_core.audit.log import AuditLog
from cxr_core.evaluation.cutoffs import Setting
from cxr_core.evaluation.model_facts import ModelFacts
from cxr_core.export.results_csv import (
    STATUS_READ,
    STATUS_STOPPED,
    Row,
    one_line,
    outcome_row,
    worth_cells,
)
from cxr_core.export.shards import Block
from cxr_core.reading.analyzer import Analyzer
from cxr_core.reading.archive import FilmOpener
from cxr_core.reading.batch import read_films
from cxr_core.reading.sources import FilmSource

PROG = "cxr-read"


class AuditTrail:
    """What a run tells the audit log: as whom it ran, its model, and each film before its row."""

    def __init__(self, log: AuditLog, model_sha256: str) -> None:
        """Begin with the model.

        Raises:
            AuditError: it cannot be logged.
        """
        self._log, self._model = log, model_sha256
        self._who, self._session = _account(), secrets.token_hex(8)
        log.record([Entry(Event.MODEL_LOADED, self._who, self._session, model=model_sha256)])

    def row(self, row: Row, *, read: bool) -> None:
        """That a film goes into the table, and that it was read for it.

        Args:
            read: it was read now, and not by an earlier run.

        Raises:
            AuditError: it cannot be logged.
        """
        if row["status"] not in (STATUS_READ, STATUS_STOPPED):
            return
        events = [Event.CORRECTED] if read and row["correction"] else []
        events += [Event.FILM_READ] if read else []
        about = {"who": self._who, "session": self._session, "image": row["image_sha256"]}
        about |= {"model": self._model, "correction": row["correction"]}
        self._log.record(
            [
                *film_entries(*events, **about, place=PROG),
                *film_entries(Event.EXPORTED, **about, kind="result_csv"),
            ]
        )


def _account() -> str:
    """The operating system's account that the command runs as."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user without a line in passwd
        return f"uid-{os.getuid()}"


def iter_rows(
    analyzer: Analyzer,
    sources: Iterable[FilmSource],
    *,
    workers: int | None = None,
    finished_rows: Mapping[str, Row] | None = None,
    setting: Setting = "standard",
    facts: ModelFacts | None = None,
    correction: str | None = None,
    trail: AuditTrail | None = None,
) -> Iterator[Row]:
    """One row a film, as ``export.results_csv`` has them; one that cannot be read is a row too.

    Args:
        correction: what is done to every film before it is read, as ``Correction.key``.
        workers: films that are decoded at once; None for the usual number.
        finished_rows: rows of films that need no reading again, by SHA-256.
        setting: which cut-offs flag.
        facts: of the analyzer's model; without them a row does not tell what a flag is worth.
        trail: is told of each film before its row is handed out.

    Raises:
        AuditError: the trail cannot be told; the film's row is not handed out.
    """
    facts = facts or ModelFacts()
    finished_rows = {} if finished_rows is None else finished_rows
    model = analyzer.metadata.model_sha256
    for outcome in read_films(
        analyzer, sources, workers=workers, skip=finished_rows, correction=correction
    ):
        if outcome.sha256 in finished_rows:
            place = {"row": str(outcome.source.number), "file": one_line(outcome.source.name)}
            row = finished_rows[outcome.sha256] | place
        else:
            row = outcome_row(outcome, model_sha256=model, setting=setting)
            row |= worth_cells(row, facts)
        if trail is not None:
            trail.row(row, read=outcome.sha256 not in finished_rows)
        yield row


def iter_blocks(
    analyzer: Analyzer,
    blocks: Iterable[Block],
    *,
    opener: FilmOpener,
    workers: int | None = None,
    setting: Setting = "standard",
    facts: ModelFacts | None = None,
    correction: str | None = None,
    trail: AuditTrail | None = None,
) -> Iterator[tuple[Block, list[Row]]]:
    """The blocks with their rows, as ``iter_rows``; reading does not pause between two blocks."""
    begun: deque[Block] = deque()

    def sources() -> Iterator[FilmSource]:
        for block in blocks:
            begun.append(block)
            yield from map(opener.source, block.films)

    rows: list[Row] = []
    for row in iter_rows(
        analyzer, sources(), workers=workers, setting=setting, facts=facts, correction=correction,
        trail=trail,
    ):  # fmt: skip
        rows.append(row)
        if len(rows) == len(begun[0].films):
            yield begun.popleft(), rows
            rows = []
