"""What every page begins with: its configuration, who may see it, its look, its navigation and its
guard."""

import logging
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from html import escape
from pathlib import Path
from typing import NoReturn, ParamSpec
from urllib.parse import quote

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from cxr_core.access.roles import Standing, Visitor
from cxr_core.audit.entry import Event
from cxr_core.errors import CXRError, ExportError
from cxr_core.evaluation.render.table import Table, to_html
from cxr_core.ui.audit_trail import ExportKind, record_export, record_sign_in
from cxr_core.ui.foreign import as_text
from cxr_core.ui.places import require_place, use_place
from cxr_core.ui.sign_in import (
    SIGN_IN_BUTTON,
    SIGN_OUT_BUTTON,
    STANDINGS,
    end_sign_in,
    forget_session,
    judge_page,
    require_still,
    require_visitor,
    visit_word,
)
from cxr_core.ui.uploads import leave_uploader

APP_NAME = "Chest X-ray reader"
# File of the page -> its name in the navigation.
PAGES = {
    "app.py": "Home",
    "pages/1_Read.py": "Read",
    "pages/2_Worklist.py": "Worklist",
    "pages/3_Performance.py": "Performance",
    "pages/4_Model_card.py": "Model card",
}
# The browser tab's picture, two lungs and the windpipe. It travels with the page: a named icon or
# an emoji would be fetched from a server elsewhere, a picture would get an address on this one.
_ICON = "data:image/svg+xml," + quote(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">'
    '<rect width="64" height="64" rx="12" fill="#26282c"/><g fill="#dcdde0">'
    '<rect x="11" y="16" width="17" height="37" rx="8"/><rect x="36" y="16" width="17" '
    'height="37" rx="8"/><rect x="30" y="8" width="4" height="27"/></g></svg>'
)
TRY_AGAIN = "Reload the page and try again; if it happens again, report this code."
_EVENTS = {
    Standing.ADMITTED: Event.SIGNED_IN,
    Standing.EXPIRED: Event.SIGN_IN_EXPIRED,
    Standing.NO_ROLE: Event.SIGN_IN_REFUSED,
}
_WATCH_SECONDS = 30.0
_TOLD_SECONDS = 600.0  # before a sign-in ends
P = ParamSpec("P")
logger = logging.getLogger(__name__)
# While an export is made, and until Streamlit has stored it: whose it is. It is made in a thread
# that runs for this one export.
exporting_session: ContextVar[str] = ContextVar("exporting_session", default="")


def show_table(table: Table) -> None:
    """A table, and its sentences below it."""
    st.html(to_html(table))
    for note in table.notes:
        caption(note)


# A download that is made when it is asked for, and not before.


def download_button(
    label: str, make: Callable[[], bytes], *, file_name: str, mime: str, key: str,
    kind: ExportKind, films: Callable[[], Sequence[tuple[str, str]]] = tuple,
    on_failure: str = TRY_AGAIN,
) -> None:  # fmt: skip
    """A button; nothing is made, and nothing lies on the server, before it is clicked. Whoever
    clicks is asked for anew, and it is logged.

    Args:
        make: called in a thread of its own, without the session's state.
        file_name: names neither film nor patient.
        kind: what it is, for the audit log.
        films: image hash and model hash of each film in it, once it is made; also called there.
        on_failure: what to try when it fails for a reason that nobody foresaw, a whole sentence.
    """
    context = get_script_run_ctx()
    session = "" if context is None else context.session_id
    visitor, visit = require_visitor(), visit_word()

    def made() -> bytes:
        require_still(visitor)
        data = _make_file(make, on_failure, session)
        record_export(kind, visitor, visit, films())
        return data

    st.download_button(
        label,
        data=made,
        file_name=file_name,
        mime=mime,
        on_click="ignore",
        icon=":material/download:",
        key=key,
    )


def _make_file(make: Callable[[], bytes], again: str, session: str) -> bytes:
    """What ``make`` returns. Streamlit logs what it raises, and an unforeseen error's words could
    hold something of a film."""
    exporting_session.set(session)
    try:
        return make()
    except CXRError:
        raise
    except Exception as error:
        raise ExportError(
            "The file could not be made", value=type(error).__name__, remedy=again
        ) from None


def begin_page(title: str) -> None:
    """Set up a page, and ask who looks at it; the first call on each, as a direct URL may open any
    page first. For whoever is not let in, the page ends here.

    Args:
        title: the page's one heading of the first level, and the browser tab's name.
    """
    st.set_page_config(
        page_title=title if title == APP_NAME else f"{title} · {APP_NAME}",
        page_icon=_ICON,
        layout="wide",
        initial_sidebar_state="collapsed",
        menu_items={"Get help": None, "Report a bug": None, "About": None},
    )
    leave_uploader()
    st.html(Path(__file__).with_name("style.css"))
    try:
        standing, visitor = judge_page()
        if visitor is not None and standing in _EVENTS:
            record_sign_in(_EVENTS[standing], visitor)
    except CXRError as error:
        st.title(APP_NAME, anchor=False)
        show_error(error)
        st.stop()
    if standing is not Standing.ADMITTED or visitor is None:
        _turn_away(standing, visitor)
    try:
        require_place()
    except CXRError as error:
        _no_place(error)
    with st.container(key="top", horizontal=True, vertical_alignment="center", gap="medium"):
        st.title(title, anchor=False, width="content")
        for file, name in PAGES.items():
            st.page_link(file, label=name, width="content")
        if visitor.sign_in:
            _signed_in(visitor)


def _turn_away(standing: Standing, visitor: Visitor | None) -> NoReturn:
    """Say why nobody is let in, and where to go; what the session held is dropped."""
    forget_session()
    with st.container(key="turned_away", width=420):
        st.title(APP_NAME, anchor=False)
        st.markdown(STANDINGS[standing])
        if standing is not Standing.NO_ROLE or visitor is None:
            with st.container(key="start"):
                if st.button("Sign in", key=SIGN_IN_BUTTON):
                    st.login()
        else:
            caption(f"Signed in as {_name_of(visitor)}.")
            _sign_out_button(visitor)
    st.stop()


def _no_place(error: CXRError) -> NoReturn:
    """Say that the server serves no more sessions."""
    with st.container(key="turned_away", width=420):
        st.title(APP_NAME, anchor=False)
        show_error(error)
        st.button("Try again")  # draws the page anew
    st.stop()


def _signed_in(visitor: Visitor) -> None:
    """Who is signed in, and the way out. The page looks now and then whether that still holds, so
    that it clears itself when nobody touches it."""
    with st.container(
        key="who", horizontal=True, vertical_alignment="center", width="content", gap="small"
    ):
        name, role = escape(_name_of(visitor)), visitor.role.word
        shown = f"<span>{name}</span><span>, {role}</span>"  # a long name is cut, not the role
        st.html(f'<p class="quiet" title="{name}, {role}">{shown}</p>', width="content")
        guarded_fragment(_tell_end, run_every=_WATCH_SECONDS)(visitor)
        _sign_out_button(visitor)


def _name_of(visitor: Visitor) -> str:
    """What the provider calls somebody."""
    claims = st.user.to_dict()
    names = (claims.get(name) for name in ("name", "preferred_username", "email"))
    return next((name for name in names if isinstance(name, str) and name), visitor.subject)


def _tell_end(visitor: Visitor) -> None:
    """When the sign-in ends, while there is time to export what is on the page."""
    left = visitor.expires - time.time()
    if left < _TOLD_SECONDS:
        minutes = max(1, int(left // 60))
        st.html(
            f'<p class="ending" role="status">Signs out in {minutes} min: export what you need</p>',
            width="content",
        )


def _sign_out_button(visitor: Visitor) -> None:
    if st.button("Sign out", key=SIGN_OUT_BUTTON):
        with report_errors():
            record_sign_in(Event.SIGNED_OUT, visitor)
        end_sign_in(visitor)
        st.stop()


def guarded_fragment(
    draw: Callable[P, object], *, run_every: float | None = None
) -> Callable[P, None]:
    """``st.fragment`` that asks who looks at it each time it is drawn by itself, as a page does."""

    @wraps(draw)
    def asked(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            require_visitor()
        except CXRError:
            st.rerun()  # the page says why
        if run_every is None:  # else it may be the clock's doing
            use_place()
        draw(*args, **kwargs)

    fragment: Callable[P, None] = st.fragment(asked, run_every=run_every)
    return fragment


def caption(text: str) -> None:
    """A sentence in small grey print; ``text`` is plain text."""
    st.html(f'<p class="quiet">{escape(text)}</p>')


def show_error(error: CXRError) -> None:
    """An error's own sentence, as plain text: it may quote a file."""
    st.error(as_text(str(error)))


@contextmanager
def report_errors() -> Iterator[None]:
    """Turn any failure inside into a sentence on the page; the app goes on.

    An unforeseen error is logged by its type and place only: its message could hold something
    of a film.
    """
    try:
        yield
    except CXRError as error:
        show_error(error)
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)[-3:]
        place = " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames))
        logger.error("Unforeseen %s at %s", type(error).__name__, place)
        st.error(
            f"Something went wrong on this page: {type(error).__name__}. Reload the page; if it "
            "happens again, report the time and this code."
        )
