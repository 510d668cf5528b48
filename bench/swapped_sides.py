"""Rows and columns swapped in the header of uncompressed pixels: how far apart from intact films.

    python -m bench.swapped_sides --images DIR --films 300

Films are cropped at random to sides that differ much, and by 1 to 16 pixels; each is measured as it
is and with its sides swapped.
"""

import argparse
from pathlib import Path

import numpy as np

from cxr_core.errors import ImageError
from cxr_core.imaging.damage import _SWAPPED, swap_ratio
from cxr_core.imaging.radiograph import read_radiograph
from cxr_core.phantom.draw import draw_phantom


def crops(pixels: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Two with sides far apart, one with sides close to each other."""
    height, width = pixels.shape
    found = []
    for _ in range(2):
        h, w = (int(side * rng.uniform(0.5, 1)) for side in (height, width))
        found.append(pixels[:h, : w - (h == w)])
    least, less = min(height, width) - int(rng.integers(8)), int(rng.integers(1, 17))
    sides = (least, least - less) if rng.random() < 0.5 else (least - less, least)
    return [np.ascontiguousarray(one) for one in (*found, pixels[: sides[0], : sides[1]])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, help="a folder of films; phantoms without it")
    parser.add_argument("--films", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    films: list[np.ndarray] = []
    intact, swapped, uncropped = [], [], []
    if given.images is None:
        films = [draw_phantom(seed, size=512).pixels for seed in range(given.films)]
    else:
        paths = sorted(path for path in given.images.rglob("*") if path.is_file())
        for path in rng.permutation(np.array(paths, dtype=object))[: given.films]:
            try:
                films.append(read_radiograph(path.read_bytes()).pixels)
            except ImageError as error:
                if "swapped" in str(error):
                    print(f"Refused as swapped: {path.name}")
    for pixels in films:
        uncropped.append(swap_ratio(np.ascontiguousarray(pixels)))
        for crop in crops(pixels, rng):
            intact.append(swap_ratio(crop))
            swapped.append(swap_ratio(crop.reshape(crop.shape[::-1])))
    rows = (("films as they are", uncropped), ("cropped", intact), ("swapped", swapped))
    print(f"{'':20}{'n':>7}{'least':>8}{'median':>8}{'most':>8}{'refused':>9}")
    for name, ratios in rows:
        values = np.array(ratios)
        refused = int((values > _SWAPPED).sum())
        print(
            f"{name:20}{len(values):>7}{values.min():>8.2f}{np.median(values):>8.2f}"
            f"{values.max():>8.2f}{refused:>9}"
        )


if __name__ == "__main__":
    main()
