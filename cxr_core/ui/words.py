"""The sentences of the Read page: numbers and maps put into words, without any widget."""

from collections.abc import Mapping

from cxr_core.evaluation.metrics.bootstrap import Interval
from cxr_core.evaluation.metrics.differences import direction_of
from cxr_core.export.overlay import CONTOUR_LEVELS, MapMode, MapStyle
from cxr_core.export.record import RESEARCH_TOOL as RESEARCH_TOOL
from cxr_core.export.record import map_legend
from cxr_core.findings import ABNORMAL_KEYS, LABELS
from cxr_core.wording import percent as percent
from cxr_core.wording import with_minus_sign

FRONTAL_ONLY = (
    "Frontal films (PA or AP) only. The input check stops most lateral films, but not every one."
)
CHECK_MARKER = "The file does not state left and right: check the marker on the film."
_MARKERS = {"L": ("R", "L"), "R": ("L", "R")}


def percent_range(low: float, high: float) -> str:
    """A range of probabilities, e.g. "12 to 31 %"; one number where both round alike."""
    first, last = percent(low), percent(high)
    return last if first == last else f"{first.removesuffix(' %')} to {last}"


def default_finding(margins: Mapping[str, float]) -> str:
    """The finding that the large view opens on.

    Of the three, the one that lies highest above its cut-off, in calibrated logits; with
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
    return f"L and R as stated in the file: the patient's {patients} is on the right."


def map_description(key: str, *, peak: float, style: MapStyle) -> str:
    """What a finding's map shows, or that there is nothing to show.

    Args:
        peak: the strongest evidence shown as a share of the scale, 0 to 1.
        style: how the map is drawn.
    """
    if peak > 0 or style.signed:
        return map_legend(key, style)
    if key in ABNORMAL_KEYS:
        return f"Nothing to show: no region of this film raises {LABELS[key]}."
    return "Nothing to show: no region of this film argues against a normal film."


def scale_sentence(peak: float, maximum: float, *, mode: MapMode) -> str:
    """How strong the map is on the one scale of all maps.

    Args:
        peak: as in ``map_description``.
        maximum: the scale's end in calibrated logits.
    """
    lines = ""
    if mode == "contour":
        *first, last = (f"{level:.0%}".removesuffix("%") for level in CONTOUR_LEVELS)
        lines = f" Lines at {', '.join(first)} and {last} % of it."
    return (
        f"All maps share one scale, up to {maximum:.1f} log-odds; the strongest point here "
        f"reaches {percent(max(peak, 0.0))} of it.{lines}"
    )


def zero_sentence(margin: float) -> str:
    """What the zero of a map is, and how the map belongs to the film's number.

    Args:
        margin: the mean of the map that is shown, calibrated logits.
    """
    signed = with_minus_sign(f"{margin:+.1f}")
    return f"The scale's zero is the cut-off; the mean of the map is {signed} log-odds."


def map_limits(cells: int) -> str:
    """How coarse a map is, and what it does not say."""
    return (
        f"Grad-CAM, {cells} x {cells} cells over the whole film: it shows what the model used, not "
        "the outline of disease."
    )


def pointing_sentence(*, films: int, hits: int) -> str:
    """How often the map's peak lay where radiologists drew a box.

    Args:
        films: boxed test films of the finding.
        hits: of them, those with the peak inside a box.
    """
    return f"On {films} test films with a radiologist's box its peak was inside on {hits}."


# Said where an interval that leaves out 0 may stand beside "not shown"
# (``evaluation.metrics.differences``).
VERDICT_RULE = (
    "A difference is called shown where its test says so with one film less, too; an interval that "
    "just leaves out 0 is not enough."
)


def pointing_gain_sentence(key: str, gain: Interval) -> str:
    """Whether the map points better than a fixed spot: one verdict on every page.

    Args:
        gain: hits of the map's peak less those of the best fixed spot, paired by film.
    """
    if not gain.estimable:
        return f"{LABELS[key]}: too few boxed films to compare the map with a fixed spot."
    direction = direction_of(gain)
    if direction == "higher":
        return f"{LABELS[key]}: the map points better than one fixed spot."
    if direction == "lower":
        return f"{LABELS[key]}: the map points worse than one fixed spot."
    return f"{LABELS[key]}: the map is not shown to point better than one fixed spot."


def fixed_spot_sentence(*, films: int, fixed_spot_hits: int) -> str:
    """What the peak has to beat: one spot, the same on every film."""
    return f"One fixed spot was inside the box on {fixed_spot_hits} of the {films}."
