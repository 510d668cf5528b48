"""Who has signed in, for how long, and what they may do: read from the claims of an ID token."""

import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Any

from cxr_core.errors import ConfigError

ANONYMOUS = "anonymous"
ROLE_CLAIM_ENV_VAR, ROLES_ENV_VAR = "CXR_ROLE_CLAIM", "CXR_ROLES"
SUBJECT_CLAIM_ENV_VAR, HOURS_ENV_VAR = "CXR_SUBJECT_CLAIM", "CXR_SIGN_IN_HOURS"
_CLOCK_SECONDS = 300.0  # by which the provider's clock may be ahead of ours
_FAR = 1e11  # seconds since 1970, the year 5138
_MAX_SUBJECT = 255  # letters, as OpenID Connect has it
_MAX_HOURS = 24 * 30  # Streamlit's cookie does not live longer


class Role(IntEnum):
    """What somebody may do; each may do what those before it may.

    ``READER``: Read, Worklist, and Performance on the model in use. ``REVIEWER``: other runs,
    tables and folders on Performance too. ``ADMIN``: the state of the audit log on the home page
    too.
    """

    READER = 1
    REVIEWER = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        """As it is written in settings, on pages and in the audit log."""
        return self.name.lower()


@dataclass(frozen=True)
class Visitor:
    """Somebody who was let in.

    Attributes:
        subject: who it is for the audit log, or ``anonymous``.
        role: what they may do.
        sign_in: tells this sign-in from another of the same person; empty without one.
        expires: seconds since 1970 at which it ends; infinite without sign-in.
    """

    subject: str
    role: Role
    sign_in: str = ""
    expires: float = math.inf


class Standing(Enum):
    """What became of a sign-in."""

    ADMITTED = "admitted"
    ABSENT = "absent"
    ENDED = "signed out"
    EXPIRED = "expired"
    NO_ROLE = "no role"
    UNUSABLE = "unusable"


@dataclass(frozen=True)
class SignInRules:
    """How claims are read.

    Attributes:
        role_claim: the claim with the roles or groups; dots lead into nested claims.
        roles: its values that give a role.
        subject_claim: the claim that says who it is in the audit log.
        hours: how long a sign-in is good for.
    """

    role_claim: str = "roles"
    roles: Mapping[str, Role] = field(
        default_factory=lambda: {role.word: role for role in Role}
    )  # fmt: skip
    subject_claim: str = "sub"
    hours: float = 10.0


def sign_in_rules() -> SignInRules:
    """The rules that the environment sets.

    ``CXR_ROLE_CLAIM``, ``CXR_ROLES`` (``value=role`` separated by semicolons, since names of groups
    hold commas), ``CXR_SUBJECT_CLAIM``, ``CXR_SIGN_IN_HOURS``.

    Raises:
        ConfigError: a setting that nothing can be held to.
    """
    usual = SignInRules()
    stated = os.environ.get(ROLES_ENV_VAR, "").strip()
    return SignInRules(
        role_claim=os.environ.get(ROLE_CLAIM_ENV_VAR, "").strip() or usual.role_claim,
        roles=_parse_roles(stated) if stated else usual.roles,
        subject_claim=os.environ.get(SUBJECT_CLAIM_ENV_VAR, "").strip() or usual.subject_claim,
        hours=_parse_hours(os.environ.get(HOURS_ENV_VAR, "").strip(), usual.hours),
    )


def _parse_roles(stated: str) -> dict[str, Role]:
    known = {role.word: role for role in Role}
    roles: dict[str, Role] = {}
    for pair in filter(None, (part.strip() for part in stated.split(";"))):
        value, _, word = pair.rpartition("=")
        if not value.strip() or word.strip() not in known:
            raise ConfigError(
                f"{ROLES_ENV_VAR} holds something else than value=role",
                value=repr(pair[:80]),
                remedy=f"Give pairs separated by semicolons; the roles are {', '.join(known)}.",
            )
        value, role = value.strip(), known[word.strip()]
        roles[value] = max(role, roles.get(value, role))
    return roles


def _parse_hours(stated: str, usual: float) -> float:
    try:
        hours = float(stated) if stated else usual
    except ValueError:
        hours = math.nan
    if not 0 < hours <= _MAX_HOURS:  # neither is nan
        raise ConfigError(
            f"{HOURS_ENV_VAR} is no number of hours",
            value=repr(stated[:40]),
            remedy=f"Give a number above 0 and up to {_MAX_HOURS}.",
        )
    return hours


def judge_sign_in(
    claims: Mapping[str, Any], rules: SignInRules, *, now: float
) -> tuple[Standing, Visitor | None]:
    """What the claims of a verified ID token give, and to whom.

    The time counts from the token's ``iat``, when it was issued for this sign-in. Its ``exp`` says
    until when it can be exchanged, with some providers five minutes, and would end a reading.

    Args:
        claims: as Streamlit has them in ``st.user``; empty where nobody has signed in.
        now: seconds since 1970.

    Returns:
        The visitor where it can be told who it is: also of an expired sign-in and of one without a
        role, for the audit log.
    """
    if claims.get("is_logged_in") is not True:
        return Standing.ABSENT, None
    subject, issued = claims.get(rules.subject_claim), claims.get("iat")
    if not isinstance(subject, str) or not 0 < len(subject) <= _MAX_SUBJECT:
        return Standing.UNUSABLE, None
    if isinstance(issued, bool) or not isinstance(issued, int | float):
        return Standing.UNUSABLE, None
    if not -_FAR < issued < _FAR:  # neither is nan, nor a number too long for a float
        return Standing.UNUSABLE, None
    expires = issued + 3600 * rules.hours
    held = [
        rules.roles[value] for value in _values(claims, rules.role_claim) if value in rules.roles
    ]
    visitor = Visitor(subject, max(held, default=Role.READER), _sign_in_of(claims), expires)
    if issued > now + _CLOCK_SECONDS:
        return Standing.UNUSABLE, visitor
    if now >= expires:
        return Standing.EXPIRED, visitor
    return (Standing.ADMITTED if held else Standing.NO_ROLE), visitor


def _values(claims: Mapping[str, Any], name: str) -> list[str]:
    """The texts of a claim: of that very name, or of a path of names (``realm_access.roles``)."""
    found: Any = claims.get(name)
    if found is None:
        found = claims
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    many = found if isinstance(found, list | tuple) else [found]
    return [value for value in many if isinstance(value, str)]


def _sign_in_of(claims: Mapping[str, Any]) -> str:
    parts = [str(claims.get(name)) for name in ("iss", "sub", "iat", "nonce")]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
