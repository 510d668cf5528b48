"""Nobody is asked for this machine's own address.

Streamlit asks a service on the internet when a server that listens on all addresses starts, and
each time that a web socket's origin is not to the letter its host; everybody waits for the answer.
All that comes of it is a line in the terminal, and web sockets of pages that are served at that
address, which ``guard`` judges.
"""

from streamlit import net_util


def ask_nobody() -> None:
    """Have Streamlit do without this machine's address."""
    net_util.get_external_ip = net_util.get_internal_ip = _unknown


def _unknown() -> None:
    return None
