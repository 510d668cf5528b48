"""A paired difference in words: which model is better, or that no difference is shown."""

from cxr_core.evaluation.bootstrap import Interval
from cxr_core.evaluation.compare_text import signed_text
from cxr_core.findings import LABELS

_DIGITS = 3


def verdict(difference: Interval) -> str:
    """What an interval of B − A says: which is better, or that no difference is shown.

    An end that is shown as 0.000 does not leave 0 out.
    """
    if not difference.estimable:
        return "not estimable"
    if round(difference.low, _DIGITS) > 0:
        return "B better"
    return "A better" if round(difference.high, _DIGITS) < 0 else "no difference shown"


def verdict_sentence(key: str, difference: Interval) -> str:
    """The same for one finding, as a sentence with its figures."""
    label = LABELS[key]
    sentences = {
        "B better": f"B ranks {label} better: {signed(difference)}.",
        "A better": f"A ranks {label} better: B − A is {signed(difference)}.",
        "no difference shown": f"{label}: no difference shown, B − A is {signed(difference)}.",
        "not estimable": f"{label}: not estimable, too few films or patients.",
    }
    return sentences[verdict(difference)]


def signed(difference: Interval) -> str:
    """A difference with its interval and a true minus, "+0.012 (−0.005 to +0.029)"."""
    return signed_text(difference, _DIGITS).replace("-", "−")
