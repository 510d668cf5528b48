"""The uploaders of the pages: the server takes a file only from a session that has one on its page.

What happens to a file on its way to the page is in ``cxr_core/server/uploads.py``.
"""

from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from cxr_core.ui.holdings import own_holdings


def file_field(
    label: str,
    *,
    key: str,
    on_change: Callable[..., None],
    args: tuple[Any, ...] = (),
    several: bool = False,
    max_megabytes: int | None = None,
) -> None:
    """Streamlit's file uploader; from here on the server takes files of this session.

    Args:
        on_change: called, with ``args``, when files have come.
        several: whether more than one may be chosen.
        max_megabytes: of one file; None for the server's own limit.
    """
    own_holdings().uploader_page = _this_page()
    st.file_uploader(
        label,
        key=key,
        on_change=on_change,
        args=args,
        accept_multiple_files=several,
        max_upload_size=max_megabytes,
    )


def leave_uploader() -> None:
    """A page begins: another one's uploader is gone. The page's own stays what it was, since its
    reader may drop a file on it while the page is drawn anew."""
    own = own_holdings()
    if own.uploader_page != _this_page():
        own.uploader_page = ""


def remove_upload(file_id: str) -> None:
    """Remove an uploaded file, with its name, from the server's memory.

    Streamlit keeps each one until the session ends, also when its uploader is long gone, so a
    morning's films would pile up.
    """
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, file_id)


def _this_page() -> str:
    context = get_script_run_ctx()
    return "" if context is None else context.page_script_hash or "main"
