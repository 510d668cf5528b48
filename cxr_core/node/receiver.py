"""Films in: a C-ECHO and C-STORE provider that answers to known callers alone.

Nothing here is imported unless a node runs: pynetdicom comes with the extra ``node``.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable
from socketserver import TCPServer
from typing import Any

from pydicom import uid
from pynetdicom import AE, evt
from pynetdicom.pdu import P_DATA_TF
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    SecondaryCaptureImageStorage,
    Verification,
)
from pynetdicom.transport import AssociationServer

from cxr_core.audit.entry import Entry, Event
from cxr_core.audit.log import AuditLog
from cxr_core.errors import AuditError, ConfigError
from cxr_core.export.record import TITLE
from cxr_core.imaging.decoded import MAX_FILE_BYTES
from cxr_core.imaging.dicom.tags import get_text, read_elements
from cxr_core.node.bounded_reading import bound_reading
from cxr_core.node.config import Caller, NodeConfig
from cxr_core.node.spool import Spool
from cxr_core.version import PROGRAM

WHO = "cxr-node"
SUCCESS, OUT_OF_RESOURCES, NOT_AUTHORISED = 0x0000, 0xA700, 0x0124  # PS3.4 B.2.3, PS3.7 C
STORAGE_CLASSES = (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    SecondaryCaptureImageStorage,
)
# What the decoder reads; uncompressed first.
TRANSFER_SYNTAXES = [
    uid.ExplicitVRLittleEndian,
    uid.ImplicitVRLittleEndian,
    uid.DeflatedExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
    uid.JPEGBaseline8Bit,
    uid.JPEGExtended12Bit,
    uid.JPEGLossless,
    uid.JPEGLosslessSV1,
    uid.JPEGLSLossless,
    uid.JPEGLSNearLossless,
    uid.JPEG2000Lossless,
    uid.JPEG2000,
    uid.RLELossless,
]
# Each may hold one film in memory while it comes.
MAX_ASSOCIATIONS = 8
REQUEST_SECONDS = 10  # from a connection to its request, as it keeps others out
_UNKNOWN_CALLER, _UNKNOWN_CALLED = (0x01, 0x01, 0x03), (0x01, 0x01, 0x07)  # PS3.8 9.3.4
logger = logging.getLogger(__name__)


class Receiver:
    """The listening side of a node."""

    def __init__(
        self,
        config: NodeConfig,
        spool: Spool,
        log: AuditLog | None,
        on_film: Callable[[], object],
    ) -> None:
        """Listen, and answer from now on.

        Args:
            on_film: called when a film has come.

        Raises:
            ConfigError: the address cannot be listened on.
        """
        self._config, self._spool, self._log, self._on_film = config, spool, log, on_film
        # Its messages quote what strangers send.
        logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
        self._ae = AE(config.ae_title)
        self._ae.maximum_associations = MAX_ASSOCIATIONS
        self._ae.maximum_pdu_size = 2**17
        self._ae.acse_timeout = REQUEST_SECONDS
        self._ae.add_supported_context(Verification)
        for storage_class in STORAGE_CLASSES:
            self._ae.add_supported_context(storage_class, TRANSFER_SYNTAXES)
        self._on_the_way: dict[Any, int] = {}  # bytes of the message that an association sends
        handlers = [
            (evt.EVT_CONN_OPEN, bound_reading),
            (evt.EVT_REQUESTED, self._on_requested),
            (evt.EVT_PDU_RECV, self._on_pdu),
            (evt.EVT_DIMSE_RECV, self._on_message),
            (evt.EVT_CONN_CLOSE, self._on_message),
            (evt.EVT_C_STORE, self._on_store),
        ]
        try:
            self._server = self._ae.make_server(
                (config.address, config.port),
                evt_handlers=handlers,  # type: ignore[arg-type]
                server_class=_known_addresses_only(config),
            )
        except (OSError, OverflowError) as error:
            raise ConfigError(
                "The node cannot listen there",
                value=f"{config.address}, port {config.port} ({error})",
                remedy="Name an address of this machine and a port that nobody else uses.",
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="receive"
        )
        self._thread.start()

    def stop(self) -> None:
        """Listen no more; associations that are open are aborted."""
        # pynetdicom's own ends servers that it started itself.
        TCPServer.shutdown(self._server)
        self._thread.join()
        self._server.server_close()
        self._ae.shutdown()

    def _on_requested(self, event: evt.Event) -> None:
        """Refuse whoever is not known, or asks for somebody else."""
        request = event.assoc.requestor.primitive
        if request is None or self._caller(event) is None:
            reason, answer = "caller", _UNKNOWN_CALLER
        elif request.called_ae_title.strip() != self._config.ae_title:
            reason, answer = "called", _UNKNOWN_CALLED
        else:
            return
        logger.warning("An association was refused: unknown %s AE title", reason)
        event.assoc.acse.send_reject(*answer)
        event.assoc.kill()
        try:
            self._record(Event.CALLER_REFUSED, reason=reason)
        except AuditError as error:
            logger.error("%s", error)

    def _on_pdu(self, event: evt.Event) -> None:
        """End an association that sends more than any film has."""
        if isinstance(event.pdu, P_DATA_TF):
            sent = self._on_the_way.get(event.assoc, 0) + event.pdu.pdu_length
            self._on_the_way[event.assoc] = sent
            if sent > 2 * MAX_FILE_BYTES:
                logger.warning("An association was ended: its film is too large")
                event.assoc.abort()

    def _on_message(self, event: evt.Event) -> None:
        """The next message begins, or none comes any more."""
        self._on_the_way.pop(event.assoc, None)

    def _on_store(self, event: evt.Event) -> int:
        """Take a film; "success" means that it is on the disk."""
        caller = self._caller(event)
        if caller is None:
            return NOT_AUTHORISED
        data = event.encoded_dataset()
        if _is_own_result(data):
            # An archive that sends on whatever comes would have the node read its own pictures.
            logger.info("%s sent a result of this program, which is not read", caller.name)
            return SUCCESS
        try:
            admission = self._spool.admit(
                data,
                before=lambda sha256: self._record(
                    Event.FILM_RECEIVED, image=sha256, caller=caller.name
                ),
            )
        except (OSError, sqlite3.Error, AuditError) as error:
            logger.error("A film of %s could not be taken: %s", caller.name, error)
            return OUT_OF_RESOURCES
        if admission == "full":
            logger.warning("A film of %s was refused for now: the spool is full", caller.name)
            return OUT_OF_RESOURCES
        if admission == "new":
            self._on_film()
        return SUCCESS

    def _caller(self, event: evt.Event) -> Caller | None:
        requestor = event.assoc.requestor
        if requestor.primitive is None:
            return None
        return self._config.caller(requestor.primitive.calling_ae_title, requestor.address)

    def _record(self, event: Event, image: str = "", **details: str) -> None:
        if self._log is not None:
            self._log.record([Entry(event, WHO, image=image, details=tuple(details.items()))])


def _known_addresses_only(config: NodeConfig) -> type[AssociationServer]:
    class Server(AssociationServer):
        """Closes connections of strangers before a byte of theirs is read."""

        def verify_request(self, request: Any, client_address: Any) -> bool:
            """Whether any caller may come from there."""
            return config.is_known_address(str(client_address[0]))

    return Server


def _is_own_result(data: bytes) -> bool:
    stated = read_elements(data, "Manufacturer", "ManufacturerModelName")
    return (get_text(stated, "Manufacturer"), get_text(stated, "ManufacturerModelName")) == (
        PROGRAM,
        TITLE,
    )
