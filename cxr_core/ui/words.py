"""The sentences of the Read page: numbers and maps put into words, without any widget."""

from collections.abc import Mapping

from cxr_core.findings import ABNORMAL_KEYS, LABELS

RESEARCH_TOOL = "A research tool, not a medical device: nothing here may decide about a patient."
CHECK_MARKER = "The file does not state its sides: check the film's own marker."
_SIDES = {"L": ("R", "L"), "R": ("L", "R")}


def percent(probability: float, *, decimals: int = 0) -> str:
    """A probability 0 to 1 as "38 %"; what would round to never or always, as "< 1 %"."""
    least = 10.0**-decimals
    value = 100 * probability
    if 0 < value < least / 2:
        return f"< {least:.{decimals}f} %"
    if 100 - least / 2 < value < 100:
        return f"> {100 - least:.{decimals}f} %"
    return f"{value:.{decimals}f} %"


def against_point(probability: float, threshold: float, *, above: bool) -> str:
    """Where a probability stands, e.g. "above its operating point of 31 %".

    When both round to the same percent the sentence says so, since "31 %" that is "below 31 %"
    would look like a mistake.
    """
    near = percent(probability) == percent(threshold)
    side = ("just above" if near else "above") if above else ("just below" if near else "below")
    return f"{side} its operating point of {percent(threshold)}"


def time_left(seconds: float | None) -> str:
    """How long a reading still takes, roughly, as "about 2 minutes left"; empty for None."""
    if seconds is None:
        return ""
    if seconds < 10:
        return "a few seconds left"
    if seconds < 95:
        return f"about {10 * round(seconds / 10)} seconds left"
    return f"about {round(seconds / 60)} minutes left"


def opening_finding(probabilities: Mapping[str, float], above: Mapping[str, bool]) -> str:
    """The finding that the large view opens on.

    The most probable of the three above their operating points; with none above, the most
    probable of the three. No Finding says where nothing is, so it never opens the page.
    """
    candidates = [key for key in ABNORMAL_KEYS if above[key]] or list(ABNORMAL_KEYS)
    return max(candidates, key=lambda key: probabilities[key])


def side_marks(orientation: tuple[str, str] | None) -> tuple[str, str] | None:
    """The letters at the image's left and right edge, or None when the film does not say.

    Args:
        orientation: DICOM PatientOrientation, the directions of rows (towards the image's right)
            and of columns. Only a row direction that is led by left or right names sides.
    """
    return _SIDES.get(orientation[0][:1].upper()) if orientation else None


def sides_sentence(orientation: tuple[str, str] | None) -> str:
    """What the page says of left and right."""
    marks = side_marks(orientation)
    if marks is None:
        return CHECK_MARKER
    patients = {"L": "left", "R": "right"}[marks[1]]
    return f"Sides are marked as the file states them: the patient's {patients} is on the right."


def map_sentence(key: str, *, strongest: float, above: bool, signed: bool) -> str:
    """What the colour of a finding's map means, or that there is none.

    Args:
        strongest: the strongest positive evidence as a share of the scale, 0 to 1.
        above: whether the finding is above its operating point.
        signed: whether negative evidence is shown too.
    """
    label = LABELS[key]
    if signed:
        return (
            f"Warm colour with a solid line raised the model's score for {label}, cool colour with "
            "a dashed line lowered it."
        )
    if strongest > 0:
        return (
            f"Colour marks the regions that raised the model's score for {label}; the strongest "
            f"reaches {percent(strongest)} of the scale."
        )
    none = f"No positive evidence: no region of this film raised the score for {label}."
    if above:
        # The map's mean plus a constant is the score, so a map without any evidence scores more.
        none += (
            " It is above its operating point all the same, since a film without any evidence "
            "would be."
        )
    return none


def map_limits(cells: int) -> str:
    """How coarse a map is, and what it does not say."""
    return (
        f"Each of its {cells} x {cells} cells covers a {_ORDINALS.get(cells, f'1/{cells}')} of the "
        "film's width and height; it shows what the model used, not the outline of disease."
    )


def pointing_sentence(key: str, *, films: int, hits: int, spot_hits: int) -> str:
    """How often the map's peak lay where radiologists drew a box, and what that is worth.

    Args:
        films: boxed test films of the finding.
        hits: of them, those with the peak inside a box.
        spot_hits: those on which the best fixed spot, the same on every film, is inside one.
    """
    measured = (
        f"On {films} test films with a box for {LABELS[key]} the map's peak lay inside it on "
        f"{hits}, one fixed spot on {spot_hits}"
    )
    if hits <= spot_hits:
        return f"{measured}: this model's map does not tell where the finding is."
    return f"{measured}."


_ORDINALS = {7: "seventh"}
