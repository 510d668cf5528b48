"""A download that is made when it is asked for, and not before."""

from collections.abc import Callable

import streamlit as st

from cxr_core.errors import CXRError, ExportError


def offer(
    label: str, make: Callable[[], bytes], *, file_name: str, mime: str, key: str, again: str
) -> None:
    """A button; nothing is made, and nothing lies on the server, before it is clicked.

    Args:
        make: called in a thread of its own, without the session's state.
        file_name: names neither film nor patient.
        again: what to try when it fails for a reason that nobody foresaw, a whole sentence.
    """
    st.download_button(
        label,
        data=lambda: _made(make, again),
        file_name=file_name,
        mime=mime,
        on_click="ignore",
        icon=":material/download:",
        key=key,
    )


def _made(make: Callable[[], bytes], again: str) -> bytes:
    """What ``make`` returns. Streamlit logs what it raises, and an unforeseen error's words could
    hold something of a film."""
    try:
        return make()
    except CXRError:
        raise
    except Exception as error:
        raise ExportError(
            "The file could not be made", value=type(error).__name__, remedy=again
        ) from None
