"""What the claims of a sign-in give."""

import math
from typing import Any

import pytest

from cxr_core.access.roles import (
    HOURS_ENV_VAR,
    ROLE_CLAIM_ENV_VAR,
    ROLES_ENV_VAR,
    SUBJECT_CLAIM_ENV_VAR,
    Role,
    SignInRules,
    Standing,
    judge_sign_in,
    sign_in_rules,
)
from cxr_core.errors import ConfigError

NOW = 1_800_000_000.0
CLAIMS = {"is_logged_in": True, "sub": "7", "iat": int(NOW) - 60, "roles": ["reader"]}


def judge(rules: SignInRules | None = None, **changes: Any):
    return judge_sign_in(CLAIMS | changes, rules or SignInRules(), now=NOW)


@pytest.mark.parametrize(
    ("changes", "standing"),
    [
        ({}, Standing.ADMITTED),
        ({"is_logged_in": False}, Standing.ABSENT),
        ({"roles": ["staff"]}, Standing.NO_ROLE),
        ({"roles": None}, Standing.NO_ROLE),
        ({"roles": ["Reader"]}, Standing.NO_ROLE),
        ({"roles": {"reader": True}}, Standing.NO_ROLE),
        ({"iat": NOW - 10 * 3600}, Standing.EXPIRED),
        ({"iat": NOW - 10 * 3600 + 1}, Standing.ADMITTED),
        ({"iat": NOW - 10 * 3600, "roles": []}, Standing.EXPIRED),
        ({"exp": NOW - 30}, Standing.ADMITTED),  # of the token, not of the sign-in
        ({"iat": NOW + 200}, Standing.ADMITTED),  # the provider's clock
        ({"iat": NOW + 400}, Standing.UNUSABLE),
        ({"iat": None}, Standing.UNUSABLE),
        ({"iat": True}, Standing.UNUSABLE),
        ({"iat": math.nan}, Standing.UNUSABLE),
        ({"iat": math.inf}, Standing.UNUSABLE),
        ({"iat": 10**400}, Standing.UNUSABLE),
        ({"is_logged_in": "false"}, Standing.ABSENT),
        ({"iat": "1800000000"}, Standing.UNUSABLE),
        ({"sub": ""}, Standing.UNUSABLE),
        ({"sub": 7}, Standing.UNUSABLE),
        ({"sub": "x" * 256}, Standing.UNUSABLE),
    ],
)
def test_who_comes_in(changes: dict[str, Any], standing: Standing) -> None:
    assert judge(**changes)[0] is standing


@pytest.mark.parametrize(
    ("values", "role"),
    [
        ("reader", Role.READER),
        (["staff", "reviewer", "reader"], Role.REVIEWER),
        (["reader", "admin"], Role.ADMIN),
    ],
)
def test_the_highest_role_counts(values: object, role: Role) -> None:
    _, visitor = judge(roles=values)
    assert visitor is not None
    assert visitor.role is role
    assert visitor.expires == NOW - 60 + 10 * 3600


def test_sign_ins_of_one_person_differ(monkeypatch) -> None:
    one, same, other = (judge(nonce=nonce)[1] for nonce in ("a", "a", "b"))
    assert one is not None
    assert other is not None
    assert one == same
    assert one.subject == other.subject
    assert one.sign_in != other.sign_in


@pytest.mark.parametrize(
    ("claim", "claims"),
    [
        ("groups", {"groups": ["cn=cxr,ou=groups"]}),
        ("realm_access.roles", {"realm_access": {"roles": ["cn=cxr,ou=groups"]}}),
        ("https://example.org/roles", {"https://example.org/roles": "cn=cxr,ou=groups"}),
    ],
)
def test_claim_and_groups_are_the_sites_own(monkeypatch, claim: str, claims: dict) -> None:
    monkeypatch.setenv(ROLE_CLAIM_ENV_VAR, claim)
    monkeypatch.setenv(ROLES_ENV_VAR, "cn=cxr,ou=groups=reviewer; other=admin;")
    monkeypatch.setenv(SUBJECT_CLAIM_ENV_VAR, "oid")
    monkeypatch.setenv(HOURS_ENV_VAR, "0.5")
    rules = sign_in_rules()
    standing, visitor = judge(rules, roles=None, oid="an object", **claims)
    assert standing is Standing.ADMITTED
    assert visitor is not None
    assert (visitor.subject, visitor.role) == ("an object", Role.REVIEWER)
    assert visitor.expires == NOW - 60 + 1800
    assert judge(rules, roles=["admin"], oid="an object")[0] is Standing.NO_ROLE


@pytest.mark.parametrize(
    ("name", "stated"),
    [
        (ROLES_ENV_VAR, "reader"),
        (ROLES_ENV_VAR, "a=doctor"),
        (ROLES_ENV_VAR, "=reader"),
        (HOURS_ENV_VAR, "0"),
        (HOURS_ENV_VAR, "-1"),
        (HOURS_ENV_VAR, "nan"),
        (HOURS_ENV_VAR, "721"),
        (HOURS_ENV_VAR, "ten"),
    ],
)
def test_a_setting_that_means_nothing_is_refused(monkeypatch, name: str, stated: str) -> None:
    monkeypatch.setenv(name, stated)
    with pytest.raises(ConfigError, match=name):
        sign_in_rules()
