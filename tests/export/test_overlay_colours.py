"""OKLCH against colours whose sRGB values are published."""

import numpy as np
import pytest

from cxr_core.export.overlay import oklch_to_rgb


@pytest.mark.parametrize(
    ("lch", "rgb"),
    [
        ((1.0, 0.0, 0.0), (255, 255, 255)),
        ((0.0, 0.0, 0.0), (0, 0, 0)),
        # CSS Color 4's own sample conversions of red, lime and blue.
        ((0.62796, 0.25768, 29.234), (255, 0, 0)),
        ((0.86644, 0.29483, 142.495), (0, 255, 0)),
        ((0.45201, 0.31321, 264.052), (0, 0, 255)),
    ],
)
def test_known_colours(lch, rgb):
    assert np.abs(oklch_to_rgb(np.array([lch]))[0].astype(int) - rgb).max() <= 1
