"""Small pieces of sentences that pages and messages share."""

from collections.abc import Sequence


def listed(names: Sequence[str]) -> str:
    """One or more names as "a", "a and b" or "a, b and c"."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def with_minus_sign(text: str) -> str:
    """A number in text with the true minus sign, as wide as a plus and never broken off."""
    return text.replace("-", "−")


def percent(share: float, *, decimals: int = 0) -> str:
    """A share 0 to 1 as "38 %"; what would round to never or always, as "< 1 %"."""
    least = 10.0**-decimals
    value = 100 * share
    if 0 < value < least / 2:
        return f"< {least:.{decimals}f} %"
    if 100 - least / 2 < value < 100:
        return f"> {100 - least:.{decimals}f} %"
    return f"{value:.{decimals}f} %"
