"""What an admin sees on the home page: whether an audit log is kept, and where it stands."""

import streamlit as st

from cxr_core.access.roles import Role
from cxr_core.audit.log import AUDIT_ENV_VAR, FileLog, audit_log
from cxr_core.ui.shell import caption
from cxr_core.ui.sign_in import require_visitor


def administration() -> None:
    """The panel; nothing for other roles, nor on a machine of one's own without a log.

    Raises:
        AuditError: the log cannot be read.
    """
    visitor, log = require_visitor(), audit_log()
    if visitor.role < Role.ADMIN or (log is None and not visitor.sign_in):
        return
    st.header("Audit log", anchor=False)
    if log is None:
        caption(f"None is kept: {AUDIT_ENV_VAR} names no file.")
    elif not isinstance(log, FileLog):
        caption("It is kept by this machine's syslog.")
    elif (link := log.head()) is None:
        caption("It has no entry yet.")
    else:
        caption(
            f"Entry {link.number:,} is the last; its hash is {link.head}. Kept elsewhere, the hash "
            "shows later whether the end was cut off (cxr-audit verify --head)."
        )
