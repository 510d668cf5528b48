"""Nobody is asked for this machine's own address.

Streamlit asks a service on the internet each time that a web socket's origin is not to the letter
its host, and everybody waits for the answer. All that comes of it are web sockets of pages that are
served at that address, which ``guard`` judges. It asks, too, for the lines in the terminal when a
server starts that listens on all addresses, unless these are left out (``.streamlit/config.toml``).
"""

from streamlit import net_util
from streamlit.web.server.server_util import get_display_address, get_url


def ask_nobody() -> None:
    """Have Streamlit do without this machine's address."""
    net_util.get_external_ip = net_util.get_internal_ip = _unknown


def _unknown() -> None:
    return None


def where_served(address: str | None) -> str:
    """Where a browser on this machine finds the app, for the terminal.

    Args:
        address: ``server.address``; None for all addresses.
    """
    if address and address.startswith("unix:"):
        return address
    return get_url(get_display_address(address or "localhost"))
