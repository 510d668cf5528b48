"""Pieces of sentences."""

import pytest

from cxr_core.wording import listed, with_minus_sign


@pytest.mark.parametrize(("names", "said"), [("a", "a"), ("ab", "a and b"), ("abc", "a, b and c")])
def test_names_are_listed_with_one_and(names: str, said: str) -> None:
    assert listed(list(names)) == said


def test_a_minus_is_no_hyphen() -> None:
    assert with_minus_sign("-0.12 (-0.20 to 0.01)") == "−0.12 (−0.20 to 0.01)"
