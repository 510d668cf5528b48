"""A folder in NIH's layout whose findings a network learns in seconds: one bright quarter each."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from cxr_core.training.presets import from_preset

_NAMES = ("Effusion", "Atelectasis", "Infiltration")
SIDE = 96
CONFIG = from_preset("scratch", px=64, low_res_px=32, epochs=4, full_res_epochs=2, batch_size=16)


@dataclass(frozen=True)
class EasyFilms:
    """Paths of a small labelled folder."""

    entries: Path
    images: Path
    boxes: Path


def write_easy_films(folder: Path, count: int = 90) -> EasyFilms:
    """Write ``count`` films of ``count / 2`` patients; finding k lights up quarter k."""
    films = EasyFilms(folder / "entries.csv", folder / "images", folder / "boxes.csv")
    films.images.mkdir(parents=True)
    random = np.random.default_rng(0)
    rows, boxes = [], []
    for index in range(count):
        name = f"film-{index:03d}.png"
        present = [k for k in range(3) if (index // 3) % 8 >> k & 1]
        film = random.integers(0, 60, (SIDE, SIDE), dtype=np.uint8)
        for k in present:
            top, left = SIDE // 2 * (k // 2), SIDE // 2 * (k % 2)
            film[top : top + SIDE // 2, left : left + SIDE // 2] += 150
            box = (1024 * left / SIDE, 1024 * top / SIDE, 512, 512)
            boxes.append([name, _NAMES[k], *box])
        Image.fromarray(film).save(films.images / name)
        labels = "|".join(_NAMES[k] for k in present) or "No Finding"
        view = "PA" if index % 2 else "AP"
        rows.append([name, labels, index % 2, index // 2, 40 + index % 30, "F", view])
    header = ["Image Index", "Finding Labels", "Follow-up #", "Patient ID", "Patient Age"]
    _write(films.entries, [*header, "Patient Gender", "View Position"], rows)
    _write(films.boxes, ["Image Index", "Finding Label", "Bbox [x,y,w,h]", "", "", ""], boxes)
    return films


def _write(path: Path, header: list[str], rows: list[list[object]]) -> None:
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
