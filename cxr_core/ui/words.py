"""The sentences of the Read page: numbers and maps put into words, without any widget."""

from collections.abc import Mapping

from cxr_core.export.overlay import CONTOUR_LEVELS
from cxr_core.findings import ABNORMAL_KEYS, LABELS, NORMAL_KEY
from cxr_core.text import percent as percent

RESEARCH_TOOL = "A research tool, not a medical device: nothing here may decide about a patient."
FRONTAL_ONLY = (
    "Frontal films (PA or AP) only: a lateral one is noticed only where its DICOM file says so."
)
CHECK_MARKER = "The file does not state its sides: check the film's own marker."
_MARKERS = {"L": ("R", "L"), "R": ("L", "R")}


def percent_range(low: float, high: float) -> str:
    """A range of probabilities, e.g. "12 to 31 %"; one number where both round alike."""
    first, last = percent(low), percent(high)
    return last if first == last else f"{first.removesuffix(' %')} to {last}"


def default_finding(margins: Mapping[str, float]) -> str:
    """The finding that the large view opens on.

    Of the three, the one that lies highest above its operating point, in calibrated logits; with
    none above, the one that comes nearest. No Finding says where nothing is, so it never opens
    the page.
    """
    return max(ABNORMAL_KEYS, key=lambda key: margins[key])


def time_left(seconds: float | None) -> str:
    """How long a reading still takes, roughly, as "about 2 minutes left"; empty for None."""
    if seconds is None:
        return ""
    if seconds < 10:
        return "a few seconds left"
    if seconds < 95:
        return f"about {10 * round(seconds / 10)} seconds left"
    return f"about {round(seconds / 60)} minutes left"


def side_markers(orientation: tuple[str, str] | None) -> tuple[str, str] | None:
    """The letters at the image's left and right edge, or None when the film does not say.

    Args:
        orientation: DICOM PatientOrientation, the directions of rows (towards the image's right)
            and of columns. Only a row direction that is led by left or right names sides.
    """
    return _MARKERS.get(orientation[0][:1].upper()) if orientation else None


def sides_sentence(orientation: tuple[str, str] | None) -> str:
    """What the page says of left and right."""
    marks = side_markers(orientation)
    if marks is None:
        return CHECK_MARKER
    patients = {"L": "left", "R": "right"}[marks[1]]
    return f"Sides are marked as the file states them: the patient's {patients} is on the right."


def map_name(key: str) -> str:
    """What a finding's map is called; No Finding's is named for what it is."""
    return f"Regions that lower {LABELS[key]}" if key == NORMAL_KEY else f"Map of {LABELS[key]}"


def map_description(key: str, *, peak: float, mode: str, signed: bool) -> str:
    """What a finding's map shows, or that there is nothing to show.

    Args:
        peak: the strongest evidence shown as a share of the scale, 0 to 1.
        mode: ``colour`` or ``contour``.
        signed: whether what speaks the other way is shown too.
    """
    label = LABELS[key]
    shown, other = ("lower", "raise") if key == NORMAL_KEY else ("raise", "lower")
    if signed:
        return (
            f"Warm with solid lines: regions that {shown} {label}. Cool with dashed lines: regions "
            f"that {other} it."
        )
    if peak <= 0:
        return f"Nothing to show: no region of this film {shown}s {label}."
    marks = f"{_contour_levels()} ring" if mode == "contour" else "Colour marks"
    return (
        f"{marks} the regions that {shown} {label}; the strongest reaches {percent(peak)} "
        "of the scale."
    )


def _contour_levels() -> str:
    *first, last = (f"{level:.0%}".removesuffix("%") for level in CONTOUR_LEVELS)
    return f"Lines at {', '.join(first)} and {last} % of the scale"


def zero_sentence(margin: float) -> str:
    """What the zero of a map is, and how the map belongs to the film's number.

    Args:
        margin: the mean of the map that is shown, calibrated logits.
    """
    signed = f"{margin:+.1f}".replace("-", "−")
    return f"Its zero is the operating point: the mean of the whole map is {signed} logits."


def map_limits(cells: int) -> str:
    """How coarse a map is, and what it does not say."""
    return (
        f"Each of its {cells} x {cells} cells covers a {_ORDINALS.get(cells, f'1/{cells}')} of the "
        "film's width and height; it shows what the model used, not the outline of disease."
    )


def pointing_sentence(key: str, *, films: int, hits: int, fixed_spot_hits: int) -> str:
    """How often the map's peak lay where radiologists drew a box, and what that is worth.

    Args:
        films: boxed test films of the finding.
        hits: of them, those with the peak inside a box.
        fixed_spot_hits: those on which the best fixed spot, the same on every film, is inside one.
    """
    measured = (
        f"On {films} test films with a box for {LABELS[key]} the map's peak lay inside it on "
        f"{hits}, one fixed spot on {fixed_spot_hits}"
    )
    if hits <= fixed_spot_hits:
        return f"{measured}: this model's map does not tell where the finding is."
    return f"{measured}."


_ORDINALS = {7: "seventh"}
