"""Many films, one after the other: decoded ahead in processes, and handed out in their order.

An engine that computes one film at a time reads them in the caller's thread. One that takes several
at once (CUDA; OpenVINO in bulk) has them from the threads that wait for the decoders, each of which
goes on with its film to the end: so as many films are computed as are ready, and all that is done
to a film beside the forward goes on at the same time.
"""

import hashlib
import logging
import runpy
from collections import deque
from collections.abc import Container, Generator, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from cxr_core.errors import CXRError
from cxr_core.findings import ABNORMAL_KEYS
from cxr_core.imaging.radiograph import Radiograph
from cxr_core.imaging.workers.pool import (
    default_workers,
    read_radiograph_in_worker,
    start_workers,
)
from cxr_core.reading.analyzer import Analysis, Analyzer
from cxr_core.reading.sources import FilmSource

UNREAD_GROUP, FLAGGED_GROUP, NOT_FLAGGED_GROUP = range(3)
logger = logging.getLogger(__name__)


# In which order films are listed: what needs a look at the film itself, then by margin.


def worklist_sort_key(
    number: int, margins: Mapping[str, float] | None, above: Mapping[str, bool]
) -> tuple[int, float, int]:
    """Sorts films: first those that were stopped or could not be read, then those with one of the
    three findings above its point, by the largest such margin, then the others by their largest.

    No Finding is never looked at: it raises no film and lowers none. Ties stand as they came.

    Args:
        number: the film's position as it came.
        margins: calibrated logit less the operating point's, by finding key; None for a film that
            was stopped or could not be read.
        above: by finding key.
    """
    if margins is None:
        return UNREAD_GROUP, 0.0, number
    flagged_margins = [margins[key] for key in ABNORMAL_KEYS if above[key]]
    if flagged_margins:
        return FLAGGED_GROUP, -max(flagged_margins), number
    return NOT_FLAGGED_GROUP, -max(margins[key] for key in ABNORMAL_KEYS), number


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of one film.

    Attributes:
        source: where it came from.
        sha256: of its bytes; empty when they could not be had.
        analysis: None when the film could not be read, or was known already.
        reason: why it could not be read, in one or two sentences; else empty.
    """

    source: FilmSource
    sha256: str
    analysis: Analysis | None = None
    reason: str = ""


@dataclass(frozen=True, eq=False)
class _Decoded:
    source: FilmSource
    sha256: str = ""
    radiograph: Radiograph | None = None
    reason: str = ""


def read_films(
    analyzer: Analyzer,
    sources: Iterable[FilmSource],
    *,
    workers: int | None = None,
    skip: Container[str] = frozenset(),
    correction: str | None = None,
) -> Generator[Outcome, None, None]:
    """Read films in their order; one that cannot be read is an outcome too, with its reason.

    At most ``workers`` films are decoded ahead of the one that is handed out (as many more where
    they are read ahead, too), so that memory stays bounded however many there are. Closing the
    iterator ends the reading: what is not begun is dropped, and a thread at work ends with its
    film.

    Args:
        workers: films that are decoded at once, each in a process; None for ``default_workers()``.
        skip: SHA-256 of films that need no reading; they come back with neither analysis nor
            reason.
        correction: what is done to every film before it is read, as ``Correction.key``.
    """
    workers = workers or default_workers()
    start_workers(workers)
    pending = iter(sources)
    reads_ahead = analyzer.batch_size > 1
    ahead = workers + min(workers, analyzer.batch_size) if reads_ahead else workers

    def begin(source: FilmSource) -> Outcome | _Decoded:
        decoded = _decode(source, skip)
        return _analyze(analyzer, decoded, correction) if reads_ahead else decoded

    queue: deque[Future[Outcome | _Decoded]] = deque()
    pool = ThreadPoolExecutor(ahead, thread_name_prefix="decode")
    try:
        queue.extend(pool.submit(begin, source) for source in islice(pending, ahead))
        while queue:
            begun = queue.popleft().result()
            queue.extend(pool.submit(begin, source) for source in islice(pending, 1))
            yield begun if isinstance(begun, Outcome) else _analyze(analyzer, begun, correction)
            del begun  # not held while the next one is waited for
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _decode(source: FilmSource, skip: Container[str]) -> _Decoded:
    sha256 = ""
    try:
        data = source.load()
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 in skip:
            return _Decoded(source, sha256)
        return _Decoded(source, sha256, read_radiograph_in_worker(data, sha256=sha256))
    except Exception as error:  # one bad file must not end the others
        return _Decoded(source, sha256, reason=_reason(error))


def _analyze(analyzer: Analyzer, decoded: _Decoded, correction: str | None) -> Outcome:
    if decoded.radiograph is None:
        return Outcome(decoded.source, decoded.sha256, reason=decoded.reason)
    try:
        analysis = analyzer.analyze_radiograph(decoded.radiograph, correction=correction)
    except Exception as error:  # one bad file must not end the others
        return Outcome(decoded.source, decoded.sha256, reason=_reason(error))
    return Outcome(decoded.source, decoded.sha256, analysis)


def _reason(error: Exception) -> str:
    if isinstance(error, CXRError):
        return str(error)
    if isinstance(error, OSError):
        return f"The file cannot be opened: {error.strerror}. Check the path and its permissions."
    # Its message could hold something of a film, so only its type is told.
    logger.error("Unforeseen %s while reading a film", type(error).__name__)
    return f"Unexpected error with this film: {type(error).__name__}. Try opening it on its own."


if __name__ == "__main__":
    # The command lives in cxr_core.cli; this way to start it stays for those who use it.
    runpy.run_module("cxr_core.cli.read", run_name="__main__")
