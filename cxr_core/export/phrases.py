"""Numbers and choices put into the words that the page and every export share."""

from cxr_core.export.overlay import MapStyle
from cxr_core.findings import LABELS

TITLE = "Research model output"
NOT_A_DIAGNOSIS = "Research model output, not a diagnosis."
ABOVE_MARK, BELOW_MARK = "▲", "▽"
_DONE: dict[str, str] = {
    "invert": "The film was inverted on the reader's word before it was read.",
    "turn-left": "The film was turned left by a quarter on the reader's word before it was read.",
    "turn-right": "The film was turned right by a quarter on the reader's word before it was read.",
    "turn-over": "The film was turned by 180° on the reader's word before it was read.",
}


def percent(probability: float, *, decimals: int = 0) -> str:
    """A probability 0 to 1 as "38 %"; what would round to never or always, as "< 1 %"."""
    least = 10.0**-decimals
    value = 100 * probability
    if 0 < value < least / 2:
        return f"< {least:.{decimals}f} %"
    if 100 - least / 2 < value < 100:
        return f"> {100 - least:.{decimals}f} %"
    return f"{value:.{decimals}f} %"


def side_of_point(probability: float, threshold: float, *, above: bool) -> str:
    """On which side of its cut-off a probability stands: "above", "just below" and so on.

    "Just" where both round to the same percent, since "31 %" that is below "31 %" would look
    like a mistake.
    """
    near = percent(probability) == percent(threshold)
    return ("just above" if near else "above") if above else ("just below" if near else "below")


def against_point(probability: float, threshold: float, *, above: bool) -> str:
    """Where a probability stands, e.g. "above its operating point of 31 %"."""
    side = side_of_point(probability, threshold, above=above)
    return f"{side} its operating point of {percent(threshold)}"


def map_title(key: str) -> str:
    """What a finding's map is called; that of No Finding is shown turned round."""
    if key == "no_finding":
        return f"Regions that lower {LABELS[key]}"
    return f"Map of {LABELS[key]}"


def marks_sentence(key: str, style: MapStyle) -> str:
    """What colours and lines mean on a finding's map, in a form that grey print keeps."""
    verb, other = ("lower", "raise") if key == "no_finding" else ("raise", "lower")
    solid, dashed = f"regions that {verb} the model's score", f"regions that {other} it"
    if style.form == "contour":
        both = f"; dashed lines ring {dashed}" if style.signed else ""
        return f"Solid lines ring {solid}{both}."
    if style.signed:
        return f"Warm with a solid line: {solid}. Cool with a dashed line: {dashed}."
    return f"Marked: {solid}; the stronger the mark, the more."


def correction_sentence(correction: str | None) -> str:
    """What was done to the film on the reader's word; "" for nothing."""
    if correction is None:
        return ""
    return _DONE.get(correction, f"The film was changed before it was read: {correction}.")
