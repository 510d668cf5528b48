"""Where a site's archive is, and who may use it: the variables ``CXR_DICOMWEB_…``."""

import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from cxr_core.access.exposure import is_loopback
from cxr_core.access.roles import Role
from cxr_core.errors import ConfigError

PREFIX = "CXR_DICOMWEB_"


@dataclass(frozen=True)
class ArchiveSettings:
    """Where the archive is, and who may use it.

    Attributes:
        url: the root of its DICOMweb services, ``https://…``; ``http`` on this machine only.
        name: what it is called on pages.
        user, password: for HTTP Basic; empty for none.
        token: a bearer token, instead.
        certificates: a PEM file of the authorities that are trusted; None for the system's.
        seconds: for one request, answer included.
        role: the least that a reader must have.
    """

    url: SplitResult
    name: str = "the archive"
    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    certificates: Path | None = None
    seconds: float = 60.0
    role: Role = Role.READER

    @classmethod
    def from_environment(cls) -> "ArchiveSettings | None":
        """``CXR_DICOMWEB_URL`` and the others; None where that is not set.

        Raises:
            ConfigError: one of them is nothing that can work.
        """
        if not (url := _stated("URL")):
            return None
        user, password, token = _stated("USER"), _stated("PASSWORD"), _stated("TOKEN")
        if bool(user) != bool(password) or (user and token):
            raise ConfigError(
                f"{PREFIX}USER, PASSWORD and TOKEN do not go together",
                value="a user without a password, or both a user and a token",
                remedy="Set a user and a password, or a token, or none of the three.",
            )
        if ":" in user or not all(text.isprintable() for text in (user, password, token)):
            raise _unusable("USER, PASSWORD or TOKEN", "not shown", "text without line ends")
        certificates = Path(stated) if (stated := _stated("CA")) else None
        if not token.isascii() or " " in token:  # no header could carry it
            raise _unusable("TOKEN", "not shown", "a token of ASCII letters without a space")
        if certificates is not None and not _holds_certificates(certificates):
            raise _unusable("CA", certificates, "a PEM file of certificates that can be read")
        seconds, role = _stated("SECONDS") or "60", _stated("ROLE") or Role.READER.word
        if not (seconds.isascii() and seconds.isdigit() and 1 <= int(seconds[:5]) <= 3600):
            raise _unusable("SECONDS", seconds, "a whole number from 1 to 3600")
        roles = {one.word: one for one in Role}
        if role not in roles:
            raise _unusable("ROLE", role, " or ".join(roles))
        return cls(
            _archive_url(url),
            (_stated("NAME") or cls.name)[:40],
            user,
            password,
            token,
            certificates,
            float(seconds),
            roles[role],
        )


def _stated(name: str) -> str:
    return os.environ.get(PREFIX + name, "").strip()


def _holds_certificates(path: Path) -> bool:
    try:
        return ssl.create_default_context(cafile=path).cert_store_stats()["x509"] > 0
    except OSError:  # not there, or none is in it
        return False


def _unusable(name: str, value: object, wanted: str) -> ConfigError:
    return ConfigError(
        f"{PREFIX}{name} is not {wanted}", value=value, remedy="docs/dicomweb.md has an example."
    )


def _archive_url(stated: str) -> SplitResult:
    wanted = "an https address without user, query or fragment (http only on this machine)"
    try:
        url = urlsplit(stated)
        _ = url.port  # out of range
    except ValueError:
        raise _unusable("URL", "no address", wanted) from None
    plain = url.scheme == "http" and is_loopback(url.hostname)
    odd = "@" in url.netloc or url.query or url.fragment
    fits = url.path.isascii() and url.path.isprintable() and " " not in url.path
    if not url.hostname or odd or not fits or not (plain or url.scheme == "https"):
        # Not quoted where it may hold a password.
        raise _unusable("URL", "not shown" if odd else stated, wanted)
    return url._replace(path=url.path.rstrip("/"))
