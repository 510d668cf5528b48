"""One film of the worklist: the little that is kept of its reading, as a row and as CSV."""

import base64
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cxr_core.evaluation.cutoffs import BANDS, Band, Setting
from cxr_core.evaluation.model_facts import ModelFacts
from cxr_core.export.record import NOT_RELIABLE, correction_sentence, told_apart
from cxr_core.export.results_csv import (
    BAND_COLUMNS,
    FLAGGED_COLUMNS,
    STATUS_FAILED,
    STATUS_READ,
    STATUS_STOPPED,
    analysis_row,
    outcome_row,
)
from cxr_core.findings import (
    ABNORMAL_KEYS,
    LABELS,
    LOGIT_COLUMNS,
    NORMAL_KEY,
    PROBABILITY_COLUMNS,
)
from cxr_core.reading.analyzer import Analysis, at_setting
from cxr_core.reading.batch import (
    FLAGGED_GROUP,
    NOT_FLAGGED_GROUP,
    UNREAD_GROUP,
    Outcome,
    worklist_sort_key,
)
from cxr_core.ui.film_view import downscale
from cxr_core.ui.words import percent

SortKey = tuple[int, float, int]
THUMBNAIL = 112  # longer side in pixels; shown at half of it or a little more


@dataclass(frozen=True)
class FilmRow:
    """What the worklist keeps of a film; dictionaries are by finding key.

    Attributes:
        number: the film's position as it came, from 1.
        name: the file's name, for this session's list; an export has it only when asked.
        status: ``STATUS_READ``, ``STATUS_STOPPED`` (stopped) or ``STATUS_FAILED``.
        reason: why it was stopped or could not be read.
        probabilities, margins, above: as in ``Analysis``; empty for an unreadable film.
        thumbnail: a small JPEG as a data URI; empty for an unreadable film.
        csv_row: the row of the CSV.
        correction: what the reader had done to the film in Read; None for nothing.
        read_anyway: the reader had it read in Read although the gate stopped it.
        bands: as in ``Analysis``; empty for an unreadable film, or where the model has one
            cut-off a finding.
        sensitive: the same film as the sensitive setting flags it; None where that is the same.
    """

    number: int
    name: str
    status: str
    reason: str
    probabilities: dict[str, float]
    margins: dict[str, float]
    above: dict[str, bool]
    thumbnail: str
    csv_row: dict[str, str]
    correction: str | None = None
    read_anyway: bool = False
    bands: dict[str, Band] = field(default_factory=dict)
    sensitive: "FilmRow | None" = None

    def at(self, setting: Setting) -> "FilmRow":
        """The row as a setting flags it."""
        return self.sensitive if setting == "sensitive" and self.sensitive is not None else self

    def band_of(self, key: str) -> Band | None:
        """A finding's band among the model's test films, also where the model has one cut-off a
        finding; None for a film without numbers."""
        return next((band for band in BANDS if band == self.csv_row[f"band_{key}"]), None)

    @property
    def not_reliable(self) -> bool:
        """Whether it was read only because the reader asked for it, past the input check."""
        return self.read_anyway and bool(self.reason)

    @property
    def sort_key(self) -> SortKey:
        """Sorts rows into the worklist's order."""
        read = self.status == STATUS_READ
        return worklist_sort_key(self.number, self.margins if read else None, self.above)


def film_row(outcome: Outcome, *, model_sha256: str) -> FilmRow:
    """The row of one outcome; nothing of the film is kept beside its thumbnail."""
    number, name, analysis = outcome.source.number, outcome.source.name, outcome.analysis
    if analysis is None:
        table = outcome_row(outcome, model_sha256=model_sha256)
        return FilmRow(number, name, STATUS_FAILED, outcome.reason, {}, {}, {}, "", table)
    return analysis_film_row(analysis, number, name)


def analysis_film_row(
    analysis: Analysis, number: int, name: str, *, read_anyway: bool = False
) -> FilmRow:
    """The row of a film that was read; the numbers of a stopped one are told to nobody.

    Args:
        read_anyway: the reader had it read all the same.
    """
    row = _setting_row(at_setting(analysis, "standard"), number, name, read_anyway=read_anyway)
    if not analysis.has_bands:
        return row
    sensitive = at_setting(analysis, "sensitive")
    return replace(row, sensitive=_setting_row(sensitive, number, name, read_anyway=read_anyway))


def _setting_row(analysis: Analysis, number: int, name: str, *, read_anyway: bool) -> FilmRow:
    table = analysis_row(analysis, name, row_number=number, read_anyway=read_anyway)
    if table["status"] == STATUS_STOPPED:
        told = (*LOGIT_COLUMNS, *PROBABILITY_COLUMNS, *FLAGGED_COLUMNS, *BAND_COLUMNS)
        table |= dict.fromkeys(told, "")
    return FilmRow(
        number=number,
        name=name,
        status=table["status"],
        reason=" ".join(analysis.gate.reasons),
        probabilities=analysis.probabilities,
        margins=analysis.margins,
        above=analysis.above,
        thumbnail=thumbnail(analysis.radiograph.pixels),
        csv_row=table,
        correction=analysis.correction,
        read_anyway=read_anyway,
        bands=analysis.bands if analysis.has_bands else {},
    )


def thumbnail(pixels: NDArray[np.uint8]) -> str:
    """A film (H, W) as a small JPEG in a data URI; it is to be recognised by, not to be read."""
    stream = io.BytesIO()
    Image.fromarray(downscale(pixels, THUMBNAIL)).save(stream, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


# Name on the page -> the rows that it shows.
ALL, STOPPED_OR_FAILED, ANY_FLAGGED, NONE_FLAGGED = (
    "All",
    "Stopped or unreadable",
    "Any flagged",
    "None flagged",
)
FILTERS = (
    ALL,
    STOPPED_OR_FAILED,
    ANY_FLAGGED,
    *(f"{LABELS[key]} flagged" for key in ABNORMAL_KEYS),
    NONE_FLAGGED,
)


def filter_and_sort(
    rows: Iterable[FilmRow],
    filter_name: str = ALL,
    places: Mapping[int, SortKey] = MappingProxyType({}),
) -> list[FilmRow]:
    """The rows that a filter shows, in the worklist's order.

    Args:
        filter_name: one of ``FILTERS``.
        places: by number, what to sort a row by instead of its own ``sort_key``.
    """
    groups = {
        STOPPED_OR_FAILED: UNREAD_GROUP,
        ANY_FLAGGED: FLAGGED_GROUP,
        NONE_FLAGGED: NOT_FLAGGED_GROUP,
    }
    finding = {f"{LABELS[key]} flagged": key for key in ABNORMAL_KEYS}.get(filter_name)
    shown_rows = [
        row
        for row in rows
        if filter_name == ALL
        or row.sort_key[0] == groups.get(filter_name)
        or (finding is not None and row.status == STATUS_READ and row.above[finding])
    ]
    return sorted(shown_rows, key=lambda row: places.get(row.number, row.sort_key))


def row_html(
    row: FilmRow,
    *,
    place: int,
    opened: bool,
    show_name: bool = True,
    facts: ModelFacts | None = None,
) -> str:
    """A row as HTML: its place, its thumbnail, and what was found.

    Args:
        place: its place in the list, from 1.
        opened: whether it was opened in Read.
        show_name: whether the file's name stands beside the number.
        facts: of the model that read it: what each result is worth; nothing without it.
    """
    name = f' <span class="quiet">{escape(row.name)}</span>' if row.name and show_name else ""
    mark = '<span class="opened">✓ opened</span>' if opened else ""
    known = [correction_sentence(row.correction), row.reason if row.not_reliable else ""]
    warnings = " ".join(filter(None, (*known, row.csv_row["warnings"])))
    caution = f'<span class="caution">⚠ {escape(warnings)}</span>' if warnings else ""
    picture = f'<img src="{row.thumbnail}" alt="">' if row.thumbnail else "no picture"
    action = (
        "" if row.status == STATUS_FAILED else '<span class="go" aria-hidden="true">Open ›</span>'
    )
    classes = "film-row" + " seen" * opened + " doubtful" * row.not_reliable
    return (
        f'<div class="{classes}"><span class="place">{place}</span>'
        f'<span class="thumb">{picture}</span><div class="what">'
        f'<p class="name"><strong>Film {row.number}</strong>{name}{mark}{caution}</p>'
        f"{_result_html(row, facts or ModelFacts())}</div>"
        f"{action}</div>"
    )


def _result_html(row: FilmRow, facts: ModelFacts) -> str:
    if row.status != STATUS_READ:
        word = "✕ Cannot be read." if row.status == STATUS_FAILED else "■ Stopped."
        return f'<p class="reason"><strong>{word}</strong> {escape(row.reason)}</p>'
    above = sorted(
        (key for key in ABNORMAL_KEYS if row.above[key]), key=lambda key: -row.margins[key]
    )
    none = f"{LABELS[NORMAL_KEY]} {percent(row.probabilities[NORMAL_KEY])}"
    if row.above[NORMAL_KEY] and not row.not_reliable:
        none += ", called normal"
    # Nothing of such a row may reassure, or look like a finding.
    doubt = f"<strong>{NOT_RELIABLE}.</strong> " if row.not_reliable else ""
    if above:
        text = " ".join(
            f'<span class="hit">▲ {_finding_text(row, key, facts)}</span>' for key in above
        )
    else:
        nearest = max(ABNORMAL_KEYS, key=lambda key: row.margins[key])
        opening = "Nearest" if doubt else "▽ None flagged. Nearest"
        text = f"<span>{opening}: {_finding_text(row, nearest, facts)}</span>"
    return f'<p class="found">{doubt}{text} <span class="plain">{escape(none)}</span></p>'


def _finding_text(row: FilmRow, key: str, facts: ModelFacts) -> str:
    # With more digits where "42 %" would stand beside a cut-off of "42 %" that it misses.
    shown, cut = told_apart(row.probabilities[key], float(row.csv_row[f"cutoff_{key}"]))
    cut_off = f"cut-off {cut}".replace(" %", "&nbsp;%")
    probability = escape(shown).replace(" ", "&nbsp;")
    told = f"{row.bands[key]} ({cut_off})" if row.bands else cut_off
    one = facts.share(key, at) if (at := row.band_of(key)) and not row.not_reliable else None
    if one is not None and one.share.estimable:
        share = escape(percent(one.share.estimate)).replace(" ", "&nbsp;")
        told += f": {share} of such test films had the label"
    return f"{LABELS[key]} {probability} <small>{told}</small>"
