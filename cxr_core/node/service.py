"""The node at work: one thread reads films, one for each destination sends, one tidies up."""

import io
import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial

from pydicom import dcmread
from pydicom.uid import (
    EnhancedSRStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
)
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.status import code_to_category

from cxr_core.audit.entry import Entry, Event
from cxr_core.audit.log import AuditLog
from cxr_core.errors import AuditError, ExportError
from cxr_core.evaluation.model_facts import ModelFacts
from cxr_core.export.record import plain_record
from cxr_core.export.secondary_capture import result_uids, secondary_capture
from cxr_core.export.structured_report import structured_report
from cxr_core.node.bounded_reading import bound_reading
from cxr_core.node.config import Destination, Kind, NodeConfig
from cxr_core.node.receiver import WHO, Receiver
from cxr_core.node.spool import Parcel, Spool
from cxr_core.reading.analyzer import Analysis, Analyzer, at_setting
from cxr_core.reading.batch import Outcome, read_films
from cxr_core.reading.sources import FilmSource

FIRST_DELAY, LONGEST_DELAY = 5.0, 300.0  # seconds between two tries; each delay is twice the last
TIDY_SECONDS = 30.0
_BATCH = 16  # films, or results in one association
# An archive may refuse what it has: then a result that comes again is one that it kept.
_DUPLICATE = 0x0111  # PS3.7 C.5.7
_STOP_SECONDS = 10.0  # for a destination to answer when the node ends
_STORAGE_CLASSES = {"sr": EnhancedSRStorage, "sc": SecondaryCaptureImageStorage}
_WORDS = {"sr": "Structured Report", "sc": "Secondary Capture"}
logger = logging.getLogger(__name__)


def make_results(
    analysis: Analysis, data: bytes, config: NodeConfig, facts: ModelFacts
) -> dict[Kind, bytes]:
    """What is sent of one reading, as DICOM files in the patient's own study.

    Their UIDs follow from the film's bytes, the model and the setting, so that what is made anew
    after a break is the same object for an archive.

    Raises:
        ExportError: the film does not say which study or patient it belongs to.
    """
    wanted = {kind for one in config.destinations for kind in one.send}
    if not analysis.gate.passed:
        wanted &= {"sr"} if config.stopped_films == "report" else set()
    record = plain_record(analysis, facts)
    makers: dict[Kind, Callable[..., bytes]] = {"sr": structured_report, "sc": secondary_capture}
    return {
        kind: make(record, data, in_patient_study=True, uids=result_uids(analysis, kind))
        for kind, make in makers.items()
        if kind in wanted
    }


def refusal(config: NodeConfig, destination: Destination) -> str:
    """Why a destination would not take what is to be sent to it; "" where it would."""
    association = _associate(config, destination)
    if isinstance(association, str):
        return association
    taken = {context.abstract_syntax for context in association.accepted_contexts}
    association.release()
    missing = [_WORDS[kind] for kind in destination.send if _STORAGE_CLASSES[kind] not in taken]
    return f"it takes no {' and no '.join(missing)}" if missing else ""


def _associate(config: NodeConfig, destination: Destination) -> Association | str:
    """An association with a destination, or why there is none."""
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)  # it quotes what strangers send
    ae = AE(config.ae_title)
    ae.acse_timeout, ae.dimse_timeout, ae.network_timeout = 30, 60, 60
    ae.connection_timeout = 10
    for kind in destination.send:
        ae.add_requested_context(
            _STORAGE_CLASSES[kind], [ExplicitVRLittleEndian, ImplicitVRLittleEndian]
        )
    try:
        made = ae.associate(
            destination.host,
            destination.port,
            ae_title=destination.ae_title,
            evt_handlers=[(evt.EVT_CONN_OPEN, bound_reading)],
        )
    except (OSError, UnicodeError):  # nobody has the host's name, or it cannot be one
        return "there is no such host"
    if made.is_established:
        return made
    answer = made.acceptor.primitive
    if made.is_rejected and answer is not None:
        return f"it refuses us: {answer.reason_str}"  # one of the standard's own reasons
    return "nobody answers" if answer is None else "it takes nothing of what is sent to it"


class Node:
    """A node that works from when it is made until it is stopped."""

    def __init__(
        self,
        config: NodeConfig,
        analyzer: Analyzer,
        facts: ModelFacts,
        log: AuditLog | None,
        *,
        first_delay: float = FIRST_DELAY,
    ) -> None:
        """Open the spool, listen, and go on with what is there.

        Raises:
            ConfigError: the spool cannot be used, or the address cannot be listened on.
        """
        self._config, self._analyzer, self._facts, self._log = config, analyzer, facts, log
        self._first_delay = first_delay
        self.stopping = threading.Event()
        self.failed = False
        self._films, self._done = threading.Event(), threading.Event()
        self._results = {one.name: threading.Event() for one in config.destinations}
        self._associations: dict[str, Association] = {}  # that are open, by destination
        self.spool = Spool(config)
        try:
            self._receiver = Receiver(config, self.spool, log, self._films.set)
        except BaseException:
            self.spool.close()
            raise
        self._threads = [
            threading.Thread(target=self._guarded, args=(work,), name=name)
            for name, work in (
                ("read", self._read),
                ("tidy", self._tidy),
                *((f"send-{one.name}", partial(self._send, one)) for one in config.destinations),
            )
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End: the film that is being read is finished, what is left waits for the next start."""
        self.stopping.set()
        self._receiver.stop()
        for event in (self._films, self._done, *self._results.values()):
            event.set()
        end = time.monotonic() + _STOP_SECONDS
        for thread in self._threads:
            if thread.name.startswith("send-"):
                thread.join(max(0.0, end - time.monotonic()))
        for association in list(self._associations.values()):
            association.abort()  # it does not answer: what it was sent goes there again
            association.dimse.msg_queue.put((None, None))  # wakes who waits for the answer
        for thread in self._threads:
            thread.join()
        self.spool.close()

    def _guarded(self, work: Callable[[], None]) -> None:
        """A node with a thread less would look alive: rather end all, and be started anew."""
        try:
            work()
        except Exception as error:  # its message could hold something of a film
            logger.critical("The node ends: unforeseen %s", type(error).__name__)
            self.failed = True
            self.stopping.set()

    def _pause(self, event: threading.Event, seconds: float) -> None:
        event.wait(seconds)
        event.clear()

    # Reading.

    def _read(self) -> None:
        excused = True
        while not self.stopping.is_set():
            try:
                if not excused:
                    self.spool.excuse_films()
                    excused = True
                if not self._read_batch():
                    self._pause(self._films, TIDY_SECONDS)
            except (AuditError, OSError, sqlite3.Error) as error:
                # No disk, no log: nothing is lost, as the films wait.
                logger.error("Reading waits: %s", error)
                excused = False  # at the next try: on a full disk that cannot be noted either
                self.stopping.wait(self._first_delay)

    def _read_batch(self) -> bool:
        """Read films that wait; whether there were any."""
        for sha256 in self.spool.exhausted_films():
            self._leave(sha256, "ends_the_process")
        waiting = self.spool.waiting_films(_BATCH)
        sources = [
            FilmSource(n, sha256, partial(self.spool.load_film, sha256, attempt=True))
            for n, sha256 in enumerate(waiting, 1)
        ]
        with closing(read_films(self._analyzer, sources)) as outcomes:
            for outcome in outcomes:
                self._take(outcome)
                if self.stopping.is_set():
                    break
        return bool(waiting)

    def _take(self, outcome: Outcome) -> None:
        sha256 = outcome.source.name
        if outcome.analysis is None:
            self._leave(sha256, "not_readable")
            return
        analysis = at_setting(outcome.analysis, self._config.setting)
        try:
            results = make_results(
                analysis, self.spool.load_film(sha256), self._config, self._facts
            )
        except ExportError:
            self._leave(sha256, "no_study")
            return
        except (OSError, sqlite3.Error):
            raise
        except Exception as error:  # one odd film must not end the others
            # Its message could hold something of a film, so only its type is told.
            logger.error("Unforeseen %s while a result was made", type(error).__name__)
            self._leave(sha256, "not_made")
            return
        self._record(
            Event.FILM_READ, sha256, analysis.model_sha256, gate_passed=analysis.gate.passed
        )
        self.spool.add_results(sha256, analysis.model_sha256, results, self._config.destinations)
        for event in (*self._results.values(), self._done):
            event.set()

    def _leave(self, sha256: str, reason: str) -> None:
        logger.warning("Film %s was not read: %s", sha256[:12], reason)
        self._record(Event.FILM_NOT_READ, sha256, reason=reason)
        self.spool.mark_unread(sha256)
        self._done.set()

    # Sending.

    def _send(self, destination: Destination) -> None:
        delay = 0.0
        while not self.stopping.is_set():
            try:
                parcels = self.spool.due(destination.name, _BATCH)
                reached = not parcels or self._deliver(destination, parcels)
            except (AuditError, OSError, sqlite3.Error) as error:
                logger.error("Sending to %s waits: %s", destination.name, error)
                reached, parcels = False, []
            delay = 0.0 if reached else min(max(self._first_delay, 2 * delay), LONGEST_DELAY)
            if not reached:
                self.stopping.wait(delay)
            elif not parcels:
                # A result that was refused is due at a time of its own.
                self._pause(self._results[destination.name], self._first_delay)

    def _deliver(self, destination: Destination, parcels: list[Parcel]) -> bool:
        """Send results in one association; whether the destination answered throughout."""
        association = _associate(self._config, destination)
        if isinstance(association, str):
            logger.warning("%s cannot be sent to: %s", destination.name, association)
            return False
        self._associations[destination.name] = association
        try:
            for parcel in parcels:
                if self.stopping.is_set():
                    break
                if not self._hand_over(parcel, association):
                    return False
        finally:
            del self._associations[destination.name]
            if association.is_established:
                association.release()
        return True

    def _hand_over(self, parcel: Parcel, association: Association) -> bool:
        """Send one result; whether the destination answered.

        One that is not taken, for whatever reason, is put off by itself: others go on before it.
        """
        where = {"kind": f"node_{parcel.kind}", "destination": parcel.destination}
        try:
            dataset = dcmread(io.BytesIO(self.spool.load_result(parcel)))
        except OSError as error:
            self._put_off(parcel, f"{error.strerror}; its film is read again")
            self.spool.read_again(parcel.sha256)
            self._films.set()
            return True
        self._record(Event.EXPORTED, parcel.sha256, parcel.model, **where)
        try:
            status = association.send_c_store(dataset).get("Status")
        except (ValueError, RuntimeError):
            if not association.is_established:  # it ended before this was sent
                return False
            self._put_off(parcel, "no such class is taken")
            return True
        if status is None:
            if not self.stopping.is_set():
                self._put_off(parcel, "no answer")
            return False
        if code_to_category(status) in ("Success", "Warning") or status == _DUPLICATE:
            self._record(Event.RESULT_SENT, parcel.sha256, parcel.model, **where)
            self.spool.mark_sent(parcel)
            self._done.set()
        else:
            self._put_off(parcel, f"status {status:04X}")
        return True

    def _put_off(self, parcel: Parcel, why: str) -> None:
        delay = min(self._first_delay * 2**parcel.attempts, 12 * LONGEST_DELAY)
        logger.warning(
            "%s did not take %s of film %s (%s), tried again in %.0f s",
            parcel.destination, parcel.kind, parcel.sha256[:12], why, delay,
        )  # fmt: skip
        self.spool.postpone(parcel, delay)

    # Tidying up.

    def _tidy(self) -> None:
        while not self.stopping.is_set():
            try:
                self.spool.follow_clock()
                for parcel in self.spool.overdue():
                    logger.error(
                        "%s of film %s was not delivered to %s in time",
                        parcel.kind, parcel.sha256[:12], parcel.destination,
                    )  # fmt: skip
                    self._record(
                        Event.RESULT_GIVEN_UP, parcel.sha256, parcel.model,
                        kind=f"node_{parcel.kind}", destination=parcel.destination,
                    )  # fmt: skip
                    self.spool.give_up(parcel)
                for sha256 in self.spool.finished_films():
                    self._record(Event.FILM_REMOVED, sha256)
                    self.spool.remove(sha256)
                self.spool.forget()
            except (AuditError, OSError, sqlite3.Error) as error:
                logger.error("Tidying up waits: %s", error)
            self._pause(self._done, TIDY_SECONDS)

    def _record(self, event: Event, image: str, model: str = "", **details: str | bool) -> None:
        if self._log is not None:
            self._log.record([Entry(event, WHO, "", image, model, tuple(details.items()))])
