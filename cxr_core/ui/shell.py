"""What every page begins with: its configuration, its look, its navigation and its guard."""

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from html import escape
from pathlib import Path
from urllib.parse import quote

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from cxr_core.errors import CXRError, ExportError
from cxr_core.evaluation.render.table import Table, to_html
from cxr_core.ui.foreign import as_text
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
    on_failure: str = TRY_AGAIN,
) -> None:  # fmt: skip
    """A button; nothing is made, and nothing lies on the server, before it is clicked.

    Args:
        make: called in a thread of its own, without the session's state.
        file_name: names neither film nor patient.
        on_failure: what to try when it fails for a reason that nobody foresaw, a whole sentence.
    """
    context = get_script_run_ctx()
    session = "" if context is None else context.session_id
    st.download_button(
        label,
        data=lambda: _make_file(make, on_failure, session),
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
    """Set up a page; the first call on each, as a direct URL may open any page first.

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
    with st.container(key="top", horizontal=True, vertical_alignment="center", gap="medium"):
        st.title(title, anchor=False, width="content")
        for file, name in PAGES.items():
            st.page_link(file, label=name, width="content")


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
