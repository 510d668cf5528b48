"""In which order films are listed: what needs a look at the film itself, then by margin."""

from collections.abc import Mapping

from cxr_core.findings import ABNORMAL_KEYS

STOPPED, ABOVE, BELOW = range(3)


def order_key(
    number: int, margins: Mapping[str, float] | None, above: Mapping[str, bool]
) -> tuple[int, float, int]:
    """Sorts films: first those that were stopped or could not be read, then those with one of the
    three findings above its point, by the largest such margin, then the others by their largest.

    No Finding is never looked at: it raises no film and lowers none. Ties stand as they came.

    Args:
        number: the film's position as it came.
        margins: calibrated logit less the operating point's, by finding key; None for a film that
            was stopped or could not be read.
        above: by finding key.
    """
    if margins is None:
        return STOPPED, 0.0, number
    raised = [margins[key] for key in ABNORMAL_KEYS if above[key]]
    if raised:
        return ABOVE, -max(raised), number
    return BELOW, -max(margins[key] for key in ABNORMAL_KEYS), number
