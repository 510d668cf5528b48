"""Small pieces of sentences that pages and messages share."""

from collections.abc import Sequence


def listed(names: Sequence[str]) -> str:
    """One or more names as "a", "a and b" or "a, b and c"."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def with_minus_sign(text: str) -> str:
    """A number in text with the true minus sign, as wide as a plus and never broken off."""
    return text.replace("-", "−")
