"""One line of the audit log: what may stand in it, and how it hangs on the line before.

A line is a JSON object. Its last member, ``hash``, is the SHA-256 of the line without it (the bytes
up to ``,"hash":`` and a closing brace); ``previous`` is the ``hash`` of the line before. Nothing
that somebody typed and nothing of a file but its hash goes in: an event is of a list, a detail is a
number, a yes or no, or a word of our own.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from cxr_core.errors import AuditError

GENESIS = "0" * 64  # `previous` of the very first line
MAX_LINE_BYTES = 8192
LOST_NUMBER, LOST_HASH = "lost_number", "lost_hash"  # details of ``LOG_CUT``
_MAX_WHO = 255
_SHA256 = re.compile(r"[0-9a-f]{64}")
_WORD = re.compile(r"[a-z0-9][a-z0-9_+./-]{0,79}")
_LINE = re.compile(rb'(\{.*),"hash":"([0-9a-f]{64})"\}')
_OWN = frozenset(
    ("chain", "number", "time", "event", "who", "session", "image", "model", "previous", "hash")
)


class Event(StrEnum):
    """All that is logged."""

    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGN_IN_EXPIRED = "sign_in_expired"
    MODEL_LOADED = "model_loaded"
    FILM_READ = "film_read"
    FILM_SHOWN = "film_shown"
    CORRECTED = "corrected"
    READ_ANYWAY = "read_anyway"
    EXPORTED = "exported"
    # Of an archive's films on the Worklist; some are the node's, too.
    ARCHIVE_QUERIED = "archive_queried"
    FILM_FETCHED = "film_fetched"
    # The node's own.
    CALLER_REFUSED = "caller_refused"
    FILM_RECEIVED = "film_received"
    FILM_NOT_READ = "film_not_read"
    RESULT_SENT = "result_sent"
    RESULT_GIVEN_UP = "result_given_up"
    FILM_REMOVED = "film_removed"
    LOG_CONTINUED = "log_continued"
    LOG_CUT = "log_cut"  # what the program itself had written was no longer there


Detail = str | int | bool


@dataclass(frozen=True)
class Entry:
    """What happened.

    Attributes:
        event: what.
        who: the subject of the sign-in, ``anonymous``, or a part of the program.
        session: a random word for one visit; empty for none.
        image: SHA-256 of the film's file, in hexadecimal; empty where it is about none.
        model: ``model_sha256``; empty where it is about none.
        details: words of our own (``[a-z0-9_+./-]``), numbers, yes and no.

    Raises:
        AuditError: something that must not stand in the log.
    """

    event: Event
    who: str
    session: str = ""
    image: str = ""
    model: str = ""
    details: tuple[tuple[str, Detail], ...] = ()

    def __post_init__(self) -> None:
        for sha256 in (self.image, self.model):
            if sha256 and not _SHA256.fullmatch(sha256):
                raise _unfit_error("a hash that is none")
        if not 0 < len(self.who) <= _MAX_WHO:
            raise _unfit_error(f"a subject of {len(self.who)} letters")
        for name, value in self.details:
            if name in _OWN or not _WORD.fullmatch(name):
                raise _unfit_error("a detail without a name of its own")
            if isinstance(value, str) and not _WORD.fullmatch(value):
                raise _unfit_error(f"free text as {name}")


def film_entries(
    *events: Event,
    who: str,
    session: str,
    image: str,
    model: str,
    correction: str | None = None,
    **details: Detail,
) -> list[Entry]:
    """An entry an event about one film as one model reads it.

    Args:
        correction: what was done to the film at the reader's wish, as its key; None for nothing.
        details: as ``Entry.details``.
    """
    words = {} if not correction else {"correction": correction}
    told = tuple({**details, **words}.items())
    return [Entry(event, who, session, image, model, told) for event in events]


def _unfit_error(what: str) -> AuditError:
    return AuditError(
        "The audit log does not take this",
        value=what,
        remedy="Report it: this is a mistake in the app.",
    )


@dataclass(frozen=True)
class Link:
    """Where a chain stands.

    Attributes:
        chain: a random word that all lines of one chain carry.
        number: of its last line, from 1; 0 before the first.
        head: that line's hash.
    """

    chain: str
    number: int = 0
    head: str = GENESIS


def chained_line(entry: Entry, link: Link, now: datetime) -> tuple[bytes, Link]:
    """The line of an entry, with its end, and where the chain stands after it."""
    fields: dict[str, Detail] = {
        "chain": link.chain,
        "number": link.number + 1,
        "time": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "event": entry.event.value,
        "who": entry.who,
    }
    optional = {"session": entry.session, "image": entry.image, "model": entry.model}
    fields |= {name: value for name, value in optional.items() if value}
    fields |= dict(entry.details)
    fields["previous"] = link.head
    body = json.dumps(fields, separators=(",", ":"))  # ASCII, and no line break
    digest = hashlib.sha256(body.encode()).hexdigest()
    line = f'{body[:-1]},"hash":"{digest}"}}\n'.encode()
    if len(line) > MAX_LINE_BYTES:
        raise _unfit_error(f"a line of {len(line)} bytes")
    return line, Link(link.chain, link.number + 1, digest)


@dataclass(frozen=True)
class ParsedLine:
    """A line as it was found.

    Attributes:
        link: where the chain stands after it, by its own words.
        previous: the hash that it says the line before has.
        time: when, as it says.
        event: what, as it says.
        is_intact: whether its hash is that of what it says.
        lost: of ``LOG_CUT``, the number of the entry that was no longer there.
    """

    link: Link
    previous: str
    time: str
    event: str
    is_intact: bool
    lost: int = 0


def parse_line(line: bytes) -> ParsedLine | None:
    """A line of the log, without its end; None where it is none, or half a one."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    body, stated = found[1] + b"}", found[2].decode()
    try:
        fields = json.loads(body)
        link = Link(fields["chain"], fields["number"], stated)
        previous, time, event = fields["previous"], fields["time"], fields["event"]
        lost = fields.get(LOST_NUMBER, 0)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not all(type(number) is int for number in (link.number, lost)) or not all(
        isinstance(text, str) for text in (link.chain, previous, time, event)
    ):
        return None
    is_intact = hashlib.sha256(body).hexdigest() == stated
    return ParsedLine(link, previous, time, event, is_intact, lost)
