"""What a user may do to a film that lies wrong: invert it, or turn it upright."""

from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from cxr_core.errors import ImageError
from cxr_core.imaging.radiograph import Radiograph

Correction = Literal["invert", "turn-left", "turn-right", "turn-over"]

_QUARTERS: dict[str, int] = {"turn-left": 1, "turn-over": 2, "turn-right": 3}
_WORDS: dict[str, str] = {
    "invert": "Inverted on request",
    "turn-left": "Turned left by a quarter on request",
    "turn-over": "Turned by 180° on request",
    "turn-right": "Turned right by a quarter on request",
}


def correct(radiograph: Radiograph, correction: str) -> Radiograph:
    """The film as it should have come.

    The orientation that a DICOM stated no longer holds after a turn, so it is dropped.

    Raises:
        ImageError: there is no such correction.
    """
    if correction not in get_args(Correction):
        raise ImageError(
            "There is no such correction",
            value=correction,
            remedy=f"Choose one of {', '.join(get_args(Correction))}.",
        )
    steps = (*radiograph.steps, _WORDS[correction])
    if correction == "invert":
        pixels = 255 - radiograph.pixels  # (H, W)
        return replace(radiograph, pixels=pixels, inverted=not radiograph.inverted, steps=steps)
    quarters = _QUARTERS[correction]
    return replace(
        radiograph,
        pixels=np.ascontiguousarray(np.rot90(radiograph.pixels, quarters)),
        stored=np.ascontiguousarray(np.rot90(radiograph.stored, quarters)),
        orientation=None,
        steps=steps,
    )
