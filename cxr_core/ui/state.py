"""What one session remembers: its film, that film's analysis, and what is being looked at.

Streamlit forgets an uploaded file on a page switch, so the bytes live in the session state. They
leave memory with the session or when the film is closed, and with them the file's name, which is
kept for the line over the film alone.
"""

import hashlib
import secrets
from collections.abc import Callable
from typing import Any, TypeVar

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from cxr_core.errors import BudgetError
from cxr_core.evaluation.cutoffs import Setting
from cxr_core.export.overlay import MapMode, MapStyle, is_flagged
from cxr_core.imaging.correction import with_step
from cxr_core.reading.analyzer import Analysis, Analyzer, at_setting
from cxr_core.ui.holdings import Held, hold, let_go, take_dropped
from cxr_core.ui.uploads import remove_upload
from cxr_core.ui.words import default_finding

T = TypeVar("T")
_PREFIX = "of_film"
_WORD_LENGTH = 24  # of a hash, as part of a key
_LISTED = "listed_films"
_READINGS = "film_readings"
# What the reader says of a film is said of it however it lies: it goes along when it is corrected.
WORD, NOTE = "word_", "note"
PROBES = "probes"  # what a reading's stability is kept under
# What the reader may choose over the film; the words are those on the buttons.
OVERLAY, FILM_ONLY, SIDE_BY_SIDE = "Overlay", "Film", "Side by side"
MAP_MODES: dict[str, MapMode] = {"Colour": "colour", "Contours": "contour"}
_FILM = "film_bytes"
_SERIAL = "film_serial"
_NOTE = "film_note"
_NAME = "film_name"
_REFUSED = "film_refused"
# What a session holds is counted by place (``ui/holdings.py``).
FILM_PLACE, DECODED_PLACE = "film", "decoded film"
PRIOR = "film_prior"  # what ui/prior.py keeps; another film, perhaps of another patient, ends it
PRIOR_PLACES = ("prior film", "decoded prior film")
_ANALYSIS = "film_analysis"
_FINDING = "film_finding"
_CORRECTION = "film_correction"
_READ_ANYWAY = "film_read_anyway"
_RESULTS_REVEALED = "film_results_asked"
_REQUESTED_MAPS = "film_requested_maps"
_VIEW, _VIEW_OF, _PREFERRED_VIEW = "view", "film_view_of", "preferred_view"
SENSITIVE = "sensitive_setting"  # key of the toggle, on every page the same
_IMAGE_CACHE = "film_drawn"
_UPLOADER = "film_uploader"
_SESSION = "film_session"
_FILM_KEYS = (
    _ANALYSIS,
    _FINDING,
    _CORRECTION,
    _READ_ANYWAY,
    _RESULTS_REVEALED,
    _IMAGE_CACHE,
    _REQUESTED_MAPS,
    PRIOR,
)


# What a session keeps of one reading: of these bytes, by this model, corrected as it is.
#
# Each key names all three, so that nothing can ever be shown with another film. All of it lives in
# the session's memory and goes with it, or earlier on request.


def value_key(analysis: Analysis, name: str) -> str:
    """The session's key of one thing of one reading; fit for a widget too."""
    return f"{_prefix(analysis)}{name}"


def get_value(analysis: Analysis, name: str) -> Any:
    """What was kept of this reading under a name, or None."""
    return st.session_state.get(value_key(analysis, name))


def set_value(analysis: Analysis, name: str, value: object) -> None:
    """Keep one thing of this reading for the session."""
    st.session_state[value_key(analysis, name)] = value


def drop_value(analysis: Analysis, name: str) -> None:
    """Forget what was kept of this reading under a name."""
    st.session_state.pop(value_key(analysis, name), None)


def get_value_by_hash(
    image_sha256: str, model_sha256: str, correction: str | None, name: str
) -> Any:
    """What was kept under a name of a film that is not on screen, or None."""
    return st.session_state.get(f"{_prefix_by_hash(image_sha256, model_sha256, correction)}{name}")


def clear_values() -> None:
    """Drop all that was kept of films (probes, words and notes), but of those that are listed."""
    _drop_values(lambda film: film not in _listed())


def list_film(data: bytes) -> None:
    """A film of the Worklist is opened: what is kept of it stays when a film is closed."""
    _listed().add(_film_word(hashlib.sha256(data).hexdigest()))


def unlist_films() -> None:
    """The Worklist is cleared: drop what was kept of its films."""
    _drop_values(lambda film: film in _listed())
    st.session_state.pop(_LISTED, None)


def _listed() -> set[str]:
    films: set[str] = st.session_state.setdefault(_LISTED, set())
    return films


def _drop_values(dropped: Callable[[str], bool]) -> None:
    for key in [str(key) for key in st.session_state if str(key).startswith(f"{_PREFIX}_")]:
        if dropped(key.removeprefix(f"{_PREFIX}_")[:_WORD_LENGTH]):
            del st.session_state[key]


def _film_word(sha256: str) -> str:
    return sha256[:_WORD_LENGTH]


def _prefix(analysis: Analysis) -> str:
    return _prefix_by_hash(analysis.image_sha256, analysis.model_sha256, analysis.correction)


def _prefix_by_hash(image_sha256: str, model_sha256: str, correction: str | None) -> str:
    film, model = _film_word(image_sha256), _film_word(model_sha256)
    return f"{_PREFIX}_{film}_{model}_{correction or 'as-it-came'}_"


def set_film(data: bytes | None, note: str = "", *, name: str = "") -> None:
    """Make ``data`` the session's film, or close it with None; all that belonged to the last
    film is dropped at once. Closing drops the reader's words, too, on every film of the session but
    those of the Worklist.

    A film for which there is no room is not opened, and ``refusal`` says why; the last one is gone
    all the same, as nobody may take it for the one that was just chosen.

    Args:
        note: a sentence that belongs to this film.
        name: the file's, for the line over the film and nothing else.
    """
    for key in (*_FILM_KEYS, _REFUSED):
        st.session_state.pop(key, None)
    let_go(FILM_PLACE, DECODED_PLACE, *PRIOR_PLACES)
    if data is None:
        clear_values()
    else:
        try:
            hold(FILM_PLACE, Held(films=1, n_bytes=len(data)))
        except BudgetError as error:
            data, note, name = None, "", ""
            refuse(str(error))
    st.session_state[_FILM] = data
    st.session_state[_NOTE] = note
    st.session_state[_NAME] = name
    st.session_state[_SERIAL] = film_number() + 1


def refusal() -> str:
    """Why the film that was chosen last was not opened, for want of room; else an empty text."""
    return str(st.session_state.get(_REFUSED, ""))


def refuse(because: str) -> None:
    """A film was not opened for want of room; the page says so until another one is chosen."""
    st.session_state[_REFUSED] = because


def film_note() -> str:
    """The sentence that belongs to the session's film, or an empty text."""
    return str(st.session_state.get(_NOTE, ""))


def film_name() -> str:
    """The name of the session's film's file; empty where it is not kept."""
    return str(st.session_state.get(_NAME, ""))


def set_film_name(name: str) -> None:
    """Another name for the session's film, or none with an empty text."""
    st.session_state[_NAME] = name


def current_film() -> bytes | None:
    """The session's film as it was uploaded, or None."""
    data: bytes | None = st.session_state.get(_FILM)
    return data


def film_number() -> int:
    """How many films this session has had; another film has another number."""
    return int(st.session_state.get(_SERIAL, 0))


def uploader_key() -> str:
    """Key of the uploader; another for every film, so that it is empty again, and every session:
    a page that outlived its server would list the files that it had sent to the last one."""
    return f"{_UPLOADER}_{session_word()}_{st.session_state.get(_UPLOADER, 0)}"


def on_upload() -> None:
    """Callback of the uploader: keep the bytes and the name, forget the file."""
    uploaded = st.session_state.get(uploader_key())
    if isinstance(uploaded, UploadedFile):
        set_film(uploaded.getvalue(), name=uploaded.name)
        remove_upload(uploaded.file_id)
    elif because := take_dropped()[1]:
        refuse(because)
    else:
        return
    st.session_state[_UPLOADER] = st.session_state.get(_UPLOADER, 0) + 1


def cached_analysis(data: bytes, analyzer: Analyzer) -> Analysis | None:
    """The session's analysis, if it is of these very bytes, corrected as the reader last said,
    by this very model."""
    analysis: Analysis | None = st.session_state.get(_ANALYSIS)
    wanted = (hashlib.sha256(data).hexdigest(), analyzer.metadata.model_sha256, correction())
    if (
        analysis is None
        or (analysis.image_sha256, analysis.model_sha256, analysis.correction) != wanted
    ):
        return None
    return at_setting(analysis, setting())


def begin_reading() -> None:
    """A film is read, or read anew with a correction."""
    st.session_state[_READINGS] = reading_number() + 1


def reading_number() -> int:
    """How many readings this session has begun."""
    return int(st.session_state.get(_READINGS, 0))


def cache_analysis(analysis: Analysis) -> Analysis:
    """Remember an analysis for this session; returns it in the reader's setting.

    Raises:
        BudgetError: there is no room for its pixels.
    """
    hold(DECODED_PLACE, Held(pixels=analysis.radiograph.pixels.size))
    st.session_state[_ANALYSIS] = analysis
    return at_setting(analysis, setting())


def current_analysis() -> Analysis | None:
    """The analysis of the film on screen in the reader's setting; None when there is none of it
    any more."""
    analysis: Analysis | None = st.session_state.get(_ANALYSIS)
    return None if analysis is None else at_setting(analysis, setting())


def setting() -> Setting:
    """Which of the two cut-offs flags, as the reader wants it in this session."""
    return "sensitive" if st.session_state.get(SENSITIVE) else "standard"


def correction() -> str | None:
    """What is done to the film before it is read, as ``Correction.key``; None for nothing."""
    chosen: str | None = st.session_state.get(_CORRECTION)
    return chosen


def set_correction(correction_name: str | None) -> None:
    """Callback: read the film anew with a correction, or with None as it came."""
    _take_words_along(correction_name)
    for key in (_ANALYSIS, _FINDING, _READ_ANYWAY, _REQUESTED_MAPS):
        st.session_state.pop(key, None)
    st.session_state[_CORRECTION] = correction_name


def _take_words_along(correction_name: str | None) -> None:
    analysis: Analysis | None = st.session_state.get(_ANALYSIS)
    if analysis is None:
        return
    start = _prefix(analysis)
    to = _prefix_by_hash(analysis.image_sha256, analysis.model_sha256, correction_name)
    for key in [str(key) for key in st.session_state if str(key).startswith(start)]:
        name = key.removeprefix(start)
        if name.startswith((WORD, NOTE)):
            st.session_state[to + name] = st.session_state[key]


def add_correction(step: str) -> None:
    """Callback: do one thing more to the film as it lies on screen, and read it anew."""
    set_correction(with_step(correction(), step))


def read_anyway() -> bool:
    """Whether the reader wanted this film read although the gate had stopped it."""
    return bool(st.session_state.get(_READ_ANYWAY))


def override_gate() -> None:
    """Callback: read the film although the gate stopped it."""
    st.session_state[_READ_ANYWAY] = True


def results_hidden() -> bool:
    """Whether the reader wants to look first and has not asked for this film's results yet."""
    wanted = bool(st.session_state.get("hide_results"))
    return wanted and not st.session_state.get(_RESULTS_REVEALED)


def reveal_results() -> None:
    """Callback: show the results of this film."""
    st.session_state[_RESULTS_REVEALED] = True


def selected_finding(analysis: Analysis) -> str:
    """Key of the finding in the large view: the reader's choice for this film, or the opening."""
    chosen: str | None = st.session_state.get(_FINDING)
    return chosen or default_finding(analysis.margins)


def select_finding(key: str) -> None:
    """Callback of a finding's row: its map is asked for, flagged or not."""
    st.session_state[_FINDING] = key
    _request_map(key)


def map_requested(key: str) -> bool:
    """Whether the reader asked for a finding's map on this film."""
    return key in st.session_state.get(_REQUESTED_MAPS, ())


def _request_map(key: str) -> None:
    st.session_state[_REQUESTED_MAPS] = {*st.session_state.get(_REQUESTED_MAPS, ()), key}


def is_map_drawn(analysis: Analysis, key: str) -> bool:
    """Whether a finding's map lies over the film: it is flagged, or was asked for."""
    return is_flagged(analysis, key) or map_requested(key)


def open_view(analysis: Analysis, key: str, *, alone: bool = True) -> None:
    """Set the view of a film and finding that come to the screen: without a map that nobody asked
    for, else as the reader had it last.

    Args:
        alone: no other film lies beside it; else it cannot stand side by side with itself.
    """
    drawn = is_map_drawn(analysis, key)
    shown = (film_number(), correction(), key, drawn, alone)
    if st.session_state.get(_VIEW_OF) == shown and _VIEW in st.session_state:
        return
    preferred = str(st.session_state.get(_PREFERRED_VIEW, OVERLAY))
    if preferred == FILM_ONLY and map_requested(key):
        preferred = OVERLAY
    if preferred == SIDE_BY_SIDE and not alone:
        preferred = OVERLAY
    st.session_state[_VIEW] = preferred if drawn else FILM_ONLY
    st.session_state[_VIEW_OF] = shown


def on_view(key: str, flagged: bool) -> None:
    """Callback of the view: a view with the map asks for it; the choice holds for the next film,
    but for the film alone where there was no map to see."""
    chosen = st.session_state[_VIEW]
    if flagged or chosen != FILM_ONLY:
        st.session_state[_PREFERRED_VIEW] = chosen
    if chosen != FILM_ONLY:
        _request_map(key)


def cached_image(name: str, cache_key: tuple[object, ...], render: Callable[[], T]) -> T:
    """The last picture of this name if it is of all that is wanted, or else a new one.

    Encoding a film takes longer than all the rest of a redraw, and most moves do not change it.
    """
    cache: dict[str, tuple[tuple[object, ...], T]] = st.session_state.setdefault(_IMAGE_CACHE, {})
    if name not in cache or cache[name][0] != cache_key:
        cache[name] = (cache_key, render())
    return cache[name][1]


def drop_images(*names: str) -> None:
    """Forget the last pictures of these names."""
    for name in names:
        st.session_state.get(_IMAGE_CACHE, {}).pop(name, None)


def map_style() -> MapStyle:
    """How the reader has the maps drawn at present."""
    return MapStyle(
        mode=MAP_MODES.get(str(st.session_state.get("form")), "colour"),
        opacity=st.session_state.get("opacity", 60) / 100,
        signed=bool(st.session_state.get("signed")),
    )


def session_word() -> str:
    """A random word that belongs to this session and to no other."""
    return str(st.session_state.setdefault(_SESSION, secrets.token_hex(8)))


def film_key(analysis: Analysis) -> str:
    """What the reader's window, zoom and measures belong to: this film, as it lies now."""
    return f"{film_number()} {analysis.image_sha256[:24]} {analysis.correction}"


def page_state() -> tuple[object, ...]:
    """All that a part of the page may change of what its other parts show."""
    style, analysis = map_style(), current_analysis()
    return (
        film_number(), correction(), read_anyway(), results_hidden(), style.mode, style.signed,
        setting(), tuple(sorted(st.session_state.get(_REQUESTED_MAPS, ()))), analysis is None,
    )  # fmt: skip
