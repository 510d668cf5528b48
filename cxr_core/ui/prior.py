"""A second film beside the session's film: read by the same model, kept as long, and no longer.

It lives in the session's memory and leaves it when it is closed, when another film is opened (which
may be another patient's), and with the session.
"""

from dataclasses import dataclass, replace

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from cxr_core.errors import BudgetError
from cxr_core.imaging.correction import with_step
from cxr_core.reading.analyzer import Analysis, Analyzer, at_setting
from cxr_core.ui import state
from cxr_core.ui.audit_trail import record_read
from cxr_core.ui.holdings import Held, hold, let_go, take_dropped
from cxr_core.ui.uploads import remove_upload

# Pictures of it that the session keeps (``state.cached_image``).
FILM_IMAGE, MAP_IMAGE = "prior_film", "prior_map"
_SERIAL = "prior_serial"
_UPLOADER = "prior_uploader"


@dataclass(frozen=True)
class PriorFilm:
    """The film beside the session's film.

    Attributes:
        data: its bytes as they came.
        serial: another one for each film that is opened beside.
        name: the file's, for the line over the film; empty where it is not kept.
        number: in the Worklist; None when it came from elsewhere.
        correction: what is done to it before it is read.
        read_anyway: the reader wanted it read although the gate had stopped it.
        analysis: None before it is read.
    """

    data: bytes
    serial: int
    name: str = ""
    number: int | None = None
    correction: str | None = None
    read_anyway: bool = False
    analysis: Analysis | None = None


def current_prior() -> PriorFilm | None:
    """The film beside, or None."""
    prior: PriorFilm | None = st.session_state.get(state.PRIOR)
    return prior


def open_prior(
    data: bytes, *, name: str = "", number: int | None = None, correction: str | None = None,
    read_anyway: bool = False,
) -> None:  # fmt: skip
    """Put a film beside the session's film; arguments as in ``PriorFilm``.

    Raises:
        BudgetError: there is no room for it; the one that was there is closed.
    """
    close_prior()
    hold(state.PRIOR_PLACES[0], Held(films=1, n_bytes=len(data)))
    serial = int(st.session_state.get(_SERIAL, 0)) + 1
    st.session_state[_SERIAL] = serial
    st.session_state[state.PRIOR] = PriorFilm(data, serial, name, number, correction, read_anyway)


def close_prior() -> None:
    """Take the film beside away, with its reading; the reader's own words on it stay."""
    prior = st.session_state.pop(state.PRIOR, None)
    let_go(*state.PRIOR_PLACES)
    state.drop_images(FILM_IMAGE, MAP_IMAGE)
    if prior is not None and prior.analysis is not None:
        state.drop_value(prior.analysis, state.PROBES)


def set_prior_name(name: str) -> None:
    """Another name for the film beside, or none with an empty text."""
    _change(name=name)


def correct_prior(step: str | None) -> None:
    """Callback: do one thing more to the film beside and read it anew, or with None as it came."""
    prior = current_prior()
    if prior is None:
        return
    correction = None if step is None else with_step(prior.correction, step)
    _change(correction=correction, read_anyway=False, analysis=None)


def override_prior_gate() -> None:
    """Callback: read the film beside although the gate stopped it."""
    _change(read_anyway=True)


def _change(**changes: object) -> None:
    prior = current_prior()
    if prior is not None:
        st.session_state[state.PRIOR] = replace(prior, **changes)  # type: ignore[arg-type]


def is_prior_read(prior: PriorFilm, analyzer: Analyzer) -> bool:
    """Whether it was read by this model; a correction drops its analysis at once."""
    model = analyzer.metadata.model_sha256
    return prior.analysis is not None and prior.analysis.model_sha256 == model


def read_prior(prior: PriorFilm, analyzer: Analyzer) -> None:
    """Read the film beside, as any film is read, and keep its analysis for the session.

    Raises:
        CXRError: it cannot be read, or there is no room for its pixels.
    """
    analysis = analyzer.analyze(prior.data, correction=prior.correction)
    hold(state.PRIOR_PLACES[1], Held(pixels=analysis.radiograph.pixels.size))
    record_read([analysis], "prior")
    _change(analysis=analysis)


def prior_analysis() -> Analysis | None:
    """The analysis of the film beside in the reader's setting; None when there is none."""
    prior = current_prior()
    if prior is None or prior.analysis is None:
        return None
    return at_setting(prior.analysis, state.setting())


def is_prior_stopped() -> bool:
    """Whether the gate stopped the film beside, and the reader has not asked for it."""
    prior = current_prior()
    return (
        prior is not None
        and prior.analysis is not None
        and not prior.analysis.gate.passed
        and not prior.read_anyway
    )


def prior_key(analysis: Analysis) -> str:
    """What the reader's window, zoom and measures on it belong to (as ``state.film_key``)."""
    serial = st.session_state.get(_SERIAL, 0)
    return f"prior {serial} {analysis.image_sha256[:24]} {analysis.correction}"


def prior_state() -> tuple[object, ...]:
    """All of it that one part of the page may change of what the others show."""
    prior = current_prior()
    if prior is None:
        return ()
    return (prior.serial, prior.correction, prior.read_anyway, prior.analysis is None)


def prior_uploader_key() -> str:
    """Key of its uploader; it changes with every film so that the uploader is empty again."""
    return f"{_UPLOADER}_{state.session_word()}_{st.session_state.get(_SERIAL, 0)}"


def on_prior_upload() -> None:
    """Callback of its uploader: keep the bytes and the name, forget the file."""
    uploaded = st.session_state.get(prior_uploader_key())
    if not isinstance(uploaded, UploadedFile):
        if because := take_dropped()[1]:
            state.refuse(because)
        return
    data = uploaded.getvalue()
    remove_upload(uploaded.file_id)
    try:
        open_prior(data, name=uploaded.name)
    except BudgetError as error:
        state.refuse(str(error))
