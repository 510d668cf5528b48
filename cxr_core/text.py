"""How a number is written in a sentence or a table, on every page and in every export."""


def percent(share: float, *, decimals: int = 0) -> str:
    """A share 0 to 1 as "38 %"; what would round to never or always, as "< 1 %"."""
    least = 10.0**-decimals
    value = 100 * share
    if 0 < value < least / 2:
        return f"< {least:.{decimals}f} %"
    if 100 - least / 2 < value < 100:
        return f"> {100 - least:.{decimals}f} %"
    return f"{value:.{decimals}f} %"
