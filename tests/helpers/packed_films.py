"""What ``film_source.pack_film`` packs, unpacked again by other code, as the browser does."""

import base64
import json
import zlib
from typing import Any

import numpy as np


def unpack(packed: bytes) -> tuple[dict[str, Any], list[np.ndarray]]:
    """The header, and the planes (H, W) of codes."""
    end = 4 + int.from_bytes(packed[:4], "little")
    header = json.loads(packed[4:end])
    planes = []
    for bits, size in zip(header["bits"], header["sizes"], strict=True):
        steps = np.frombuffer(zlib.decompress(packed[end : end + size]), np.uint8)
        end += size
        if bits == 16:
            low, high = np.split(steps.astype(np.uint16), 2)
            steps = low + 256 * high
        planes.append(steps.reshape(header["height"], header["width"]).cumsum(1, steps.dtype))
    assert end == len(packed)
    return header, planes


def table(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), np.uint8)


def model_picture(packed: bytes) -> np.ndarray:
    """The film (H, W) as the model sees it, which the viewer opens with."""
    header, planes = unpack(packed)
    return table(header["modelTable"])[planes[0]] if header["modelTable"] else planes[1]
