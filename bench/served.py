"""A server that a bench has started."""

import time
from urllib.error import URLError
from urllib.request import urlopen


def wait_for(url: str) -> None:
    """Return when an address answers."""
    while True:
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.3)
