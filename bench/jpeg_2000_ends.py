"""Intact JPEG 2000 films whose blocks seem damaged, by how they were compressed; and the time.

    python -m bench.jpeg_2000_ends --images DIR [--films 300] [--first 0]

Each film of DIR, spread over its names, is compressed by Pillow's OpenJPEG in every way of ``WAYS``
and decoded by ``imaging.dicom.jpeg_2000``. A line a way: films, bits a pixel, films with a block
that misses its end by more than the eight bytes that encoders need, films that are told to be
damaged (none should be), the largest gaps, and the processor time of decoding beside Pillow's.
"""

import argparse
import io
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cxr_core.imaging.dicom.jpeg_2000 import MAX_GAP, decode_stream
from cxr_core.imaging.radiograph import read_radiograph

WAYS: dict[str, dict[str, object]] = {
    "5/3, lossless": {"irreversible": False},
    "5/3, layers to lossless": {"irreversible": False, "quality_layers": [60, 20, 1]},
    "5/3, 12:1": {"irreversible": False, "quality_layers": [12]},
    "5/3, 60:1": {"irreversible": False, "quality_layers": [60]},
    "9/7, 8:1": {"irreversible": True, "quality_layers": [8]},
    "9/7, 12:1": {"irreversible": True, "quality_layers": [12]},
    "9/7, 25:1": {"irreversible": True, "quality_layers": [25]},
    "9/7, 60:1": {"irreversible": True, "quality_layers": [60]},
    "9/7, layers to 10:1": {"irreversible": True, "quality_layers": [80, 20, 10]},
}


def compress(pixels: NDArray[np.uint8], way: str) -> bytes:
    """A bare codestream."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG2000", no_jp2=True, **WAYS[way])
    return stream.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True, help="a folder of films")
    parser.add_argument("--films", type=int, default=300)
    parser.add_argument("--first", type=int, default=0, help="how many names to skip first")
    given = parser.parse_args()
    paths = sorted(path for path in given.images.iterdir() if path.is_file())[given.first :]
    paths = paths[:: max(1, len(paths) // given.films)][: given.films]
    lengths, seconds, pillow_seconds = (dict.fromkeys(WAYS, 0.0) for _ in range(3))
    gaps: dict[str, list[int]] = {way: [] for way in WAYS}
    told: dict[str, list[str]] = {way: [] for way in WAYS}
    n_pixels = 0
    for path in paths:
        pixels = np.ascontiguousarray(read_radiograph(path.read_bytes()).pixels)
        n_pixels += pixels.size
        for way in WAYS:
            stream = compress(pixels, way)
            lengths[way] += len(stream)
            start = time.process_time()
            expected = np.asarray(Image.open(io.BytesIO(stream)))
            middle = time.process_time()
            values, blocks = decode_stream(stream)
            seconds[way] += time.process_time() - middle
            pillow_seconds[way] += middle - start
            if not np.array_equal(values, expected):
                raise RuntimeError(f"{path.name}, {way}: other pixels than Pillow's")
            gaps[way] += [max((*blocks.left_over, *blocks.lacking), default=0)]
            told[way] += [path.name] if blocks.damaged else []
    print(f"{'':26}{'films':>6}{'bits/px':>9}{'gaps':>6}{'told':>6}{'time':>7}  largest")
    for way in WAYS:
        largest = sorted(gap for gap in gaps[way] if gap)[-5:]
        print(
            f"{way:26}{len(paths):6}{8 * lengths[way] / n_pixels:9.2f}"
            f"{sum(gap > MAX_GAP for gap in gaps[way]):6}{len(told[way]):6}"
            f"{seconds[way] / pillow_seconds[way]:6.2f}x  {largest}"
        )
    print("Told:", *(f"{way}, {name}" for way in WAYS for name in told[way]), sep="\n  ")


if __name__ == "__main__":
    main()
