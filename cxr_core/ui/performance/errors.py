"""The panel of the surest errors: the misses and false alarms to look at first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from cxr_core.access.roots import FILMS_ENV_VAR, Roots, roots_from_environment
from cxr_core.data.images import find_image
from cxr_core.errors import DataError
from cxr_core.evaluation.evaluated import EvaluatedTable
from cxr_core.evaluation.metrics.errors import ErrorKind, FilmError, most_confident_errors
from cxr_core.evaluation.predictions import has_logits, scores_of
from cxr_core.evaluation.render.figures import (
    ERROR_MEANINGS,
    ERROR_TITLES,
    ERRORS,
    error_films,
    evaluation_tables,
)
from cxr_core.evaluation.run_folder import RunFolder
from cxr_core.export.overlay import MapStyle, display_map, map_layer, peak_fraction
from cxr_core.export.record import map_title
from cxr_core.findings import label_of
from cxr_core.ui import words
from cxr_core.ui.audit_trail import record_read, record_shown
from cxr_core.ui.film_source import pack_film
from cxr_core.ui.film_view import MAX_LAYER_SIDE, data_uri, film_view, fit_size, send_film
from cxr_core.ui.model import model_folder, shared_analyzer
from cxr_core.ui.performance.tabs import choose_finding
from cxr_core.ui.shell import caption, guarded_fragment, report_errors, show_table
from cxr_core.ui.sign_in import is_local_page, may_open_paths
from cxr_core.wording import with_minus_sign

if TYPE_CHECKING:
    from cxr_core.reading.analyzer import Analysis

FOLDER_KEY = "errors_folder"
KIND_LABELS: dict[ErrorKind, str] = {"missed": "Miss", "false alarm": "False alarm"}
# Between a table that this model wrote and what it says now: other decoders, other sums.
_LOGIT_TOLERANCE, _PROBABILITY_TOLERANCE = 0.01, 0.002
_OPEN_FILM_KEY = "errors_open_film"
MAX_LISTED = 10
MAX_FOLDER_ENTRIES = 500_000  # NIH's whole collection has 112,120 films


# One listed error opened: its film, and the loaded model's map of it where that belongs there.
#
# The folder of the films is a path on the machine that runs the app. It is kept in the session
# alone, as is the one film that is open; its picture travels in the session's own connection.


@dataclass(frozen=True)
class OpenFilm:
    """The film that is open: of which folder, name and model, its reading, and the film packed."""

    cache_key: tuple[str, str, str]
    analysis: Analysis
    packed: bytes


@guarded_fragment
def error_viewer(
    evaluated: EvaluatedTable,
    run: RunFolder | None,
    finding: str,
    listed: Mapping[ErrorKind, Sequence[FilmError]],
) -> None:
    """Choose one of the listed films of a finding and see it large.

    Args:
        run: that the table belongs to; None for a table from elsewhere.
        listed: the errors by kind, as the page lists them.
    """
    with report_errors():
        if not may_open_paths():
            caption("Films are opened by those with the role reviewer.")
            return
        if _film_roots().is_closed:
            caption(f"Films are not opened here ({FILMS_ENV_VAR} names no folder).")
            return
        films = st.text_input(
            "Folder with the films", key=FOLDER_KEY, persist_state="session",
            placeholder="A path on the machine that runs this app",
        )  # fmt: skip
        if not films.strip():
            _close_film()
            caption(
                "Give a folder to see the films. The path stays in this session, and only the film "
                "you choose is read."
            )
            return
        options = {
            f"{KIND_LABELS[kind]} {place}: {error.image}": error
            for kind, errors in listed.items()
            for place, error in enumerate(errors, start=1)
        }
        chosen = st.selectbox(
            "Film", list(options), index=None, placeholder="Choose a listed film",
            key=f"errors_film_{finding}",
        )  # fmt: skip
        if chosen in options:
            _show(evaluated, run, finding, options[chosen], films.strip())
        else:
            _close_film()


def _show(
    evaluated: EvaluatedTable, run: RunFolder | None, key: str, error: FilmError, films: str
) -> None:
    shown = _open_film(films, error.image)
    analysis = shown.analysis
    record_shown(analysis, "errors", with_result=True)
    agrees = matches_model(evaluated, error.image, analysis)
    own = run is not None and run.path.resolve() == model_folder().resolve()
    caption(error_sentence(key, error))
    if not agrees:
        caption(mismatch_sentence(error, analysis.probabilities[key], same_run=own))
    for sentence in (*analysis.gate.reasons, *analysis.warnings):
        caption(sentence)
    with_map = own or agrees
    shape = analysis.radiograph.pixels.shape[0], analysis.radiograph.pixels.shape[1]
    style, layer, label = MapStyle(), "", "The radiograph."
    if with_map:
        layer = data_uri(map_layer(analysis, key, fit_size(shape, MAX_LAYER_SIDE), style))
        label += f" {map_description(analysis, key)}"
    with st.container(key="error_film_words"):
        caption(label)
    send_film(shown.packed)
    with st.container(key="film"):
        film_view(
            layer,
            film_key=_film_key(analysis),
            shape=shape,
            opacity=style.opacity,
            side_by_side=with_map,
            side_markers=words.side_markers(analysis.radiograph.orientation),
            label=label,
        )


def _open_film(films: str, image: str) -> OpenFilm:
    """The film as it was opened last, or read now; one film a session.

    Raises:
        DataError: it is not there, or cannot be opened.
        ImageError: it is no readable film.
    """
    analyzer = shared_analyzer()
    wanted = (films, image, analyzer.metadata.model_sha256)
    kept: OpenFilm | None = st.session_state.get(_OPEN_FILM_KEY)
    if kept is not None and kept.cache_key == wanted:
        return kept
    _close_film()
    with st.spinner("Reading the film …"):
        roots = _film_roots()
        folder = roots.resolve(films)
        path = find_image(
            folder, image, within=roots.root_of(folder), max_entries=MAX_FOLDER_ENTRIES
        )
        try:
            data = roots.read_film(path)
        except OSError as error:
            raise DataError(
                "The film cannot be opened",
                value=f"{image}: {error.strerror}",
                remedy="Make the file readable for the app, or choose another film.",
            ) from error
        analysis = analyzer.analyze(data)
        record_read([analysis], "errors")
        packed = pack_film(analysis.radiograph, _film_key(analysis))
    opened = OpenFilm(wanted, analysis, packed)
    st.session_state[_OPEN_FILM_KEY] = opened
    return opened


def _film_roots() -> Roots:
    return roots_from_environment(FILMS_ENV_VAR, is_local=is_local_page())


def _film_key(analysis: Analysis) -> str:
    return f"error {analysis.image_sha256}"


def _close_film() -> None:
    st.session_state.pop(_OPEN_FILM_KEY, None)


def matches_model(evaluated: EvaluatedTable, image: str, analysis: Analysis) -> bool:
    """Whether the table's figures of a film are those of the loaded model.

    Logits are compared with raw logits, probabilities with calibrated ones: whoever wrote a table
    of probabilities wrote those that the page of this model shows.
    """
    logits = has_logits(evaluated.table)
    predicted = analysis.logits if logits else analysis.probabilities
    if not set(evaluated.keys) <= set(predicted):
        return False
    row = evaluated.table["image"] == image
    written = scores_of(evaluated.table.loc[row])[0]  # (K,)
    # A finding without labels may have no figure at all.
    off = np.abs(written - np.array([predicted[key] for key in evaluated.keys]))[~np.isnan(written)]
    return bool((off <= (_LOGIT_TOLERANCE if logits else _PROBABILITY_TOLERANCE)).all())


def error_sentence(key: str, error: FilmError) -> str:
    """What the table says of the film, in one line."""
    margin = with_minus_sign(f"{error.margin:+.2f}")
    return (
        f"{error.image}. Labels: {error.labels}. {label_of(key)} in the table: "
        f"{words.percent(error.probability, decimals=1)}, cut-off "
        f"{words.percent(error.cutoff, decimals=1)}, distance above cut-off {margin} (log-odds)."
    )


def mismatch_sentence(error: FilmError, probability: float, *, same_run: bool) -> str:
    """That the loaded model says something else than the table, and whose the map is."""
    both = (
        f"Table {words.percent(error.probability, decimals=1)}, loaded model "
        f"{words.percent(probability, decimals=1)}"
    )
    if same_run:
        return (
            f"{both}, or they differ on another finding: the table was written by an earlier state "
            "of this model. The map is the loaded model's."
        )
    return (
        f"{both}, or they differ on another finding: the table is another model's, whose map "
        "cannot be drawn here."
    )


def map_description(analysis: Analysis, key: str) -> str:
    """What the map beside the film shows."""
    shown = display_map(analysis, key)
    strongest = peak_fraction(shown, maximum=analysis.evidence_scale.maximum)
    name = map_title(key)
    sentence = words.map_description(key, peak=strongest, style=MapStyle())
    return f"On the right: {name[0].lower()}{name[1:]}. {sentence}"


def errors_panel(evaluated: EvaluatedTable, run: RunFolder | None) -> None:
    """A finding's misses and false alarms, those farthest from the cut-off first.

    Args:
        run: that the table belongs to; None for a table from elsewhere.
    """
    st.header("Most confident errors", anchor=False)
    if not evaluated.report.operating_points:
        caption("Without cut-offs no film is flagged, so there are no errors to list.")
        return
    for table in evaluation_tables(evaluated.full, ERRORS):
        show_table(table)
    key = choose_finding(evaluated.keys, "errors_finding")
    if not evaluated.is_labelled(key):
        caption(f"{label_of(key)} is not labelled on these films, so no error can be told.")
        return
    if key not in evaluated.report.operating_points:
        caption(f"{label_of(key)} has no cut-off, so no error can be told.")
        return
    caption(
        "Sorted by distance from the cut-off (log-odds), the model's most confident errors first. "
        "Labels are often mined from reports, so the label may be wrong: look at the film."
    )
    listed = {kind: _list(evaluated, key, kind) for kind in ERROR_TITLES}
    if any(listed.values()):
        error_viewer(evaluated, run, key, listed)


def _list(evaluated: EvaluatedTable, key: str, kind: ErrorKind) -> list[FilmError]:
    """Show the errors of one kind and return those that are shown."""
    points = evaluated.report.operating_points
    found, total = most_confident_errors(
        evaluated.table, evaluated.probabilities, points, key, kind, limit=MAX_LISTED
    )
    if not found:
        meaning = ERROR_MEANINGS[kind].format(label=label_of(key))
        caption(f"{ERROR_TITLES[kind]}: none; no film is {meaning}.")
        return found
    show_table(error_films(found, label_of(key), kind, total=total))
    return found
