"""The refusal of a film, for tests of its words."""

from collections.abc import Callable

import pytest

from cxr_core.errors import ImageError


def image_error(function: Callable[..., object], *arguments: object) -> ImageError:
    """The ``ImageError`` that this call ends with; a failed test where there is none."""
    with pytest.raises(ImageError) as caught:
        function(*arguments)
    return caught.value
