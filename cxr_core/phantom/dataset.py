"""A folder of phantoms in NIH's layout, so that it is trained on like any other."""

import csv
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cxr_core.errors import ConfigError
from cxr_core.files import atomic_write
from cxr_core.findings import LABELS, NORMAL_KEY
from cxr_core.phantom.draw import Box, draw_phantom, encode_png
from cxr_core.phantom.patient import sample_patient
from cxr_core.phantom.planted import PLANTED_KEYS

ENTRY_COLUMNS = (
    "Image Index",
    "Finding Labels",
    "Follow-up #",
    "Patient ID",
    "Patient Age",
    "Patient Gender",
    "View Position",
    "OriginalImage[Width,Height]",
    "OriginalImagePixelSpacing[x,y]",
)
BOX_COLUMNS = ("Image Index", "Finding Label", "Bbox [x,y,w,h]", "", "", "")
NIH_IMAGE_SIDE = 1024  # pixels; NIH's boxes are drawn on its 1024 x 1024 images
_BOX_LABELS = {**LABELS, "infiltration": "Infiltrate"}  # as NIH's box list calls it
_FIELD_OF_VIEW = 400.0  # mm
_MAX_FILMS_PER_PATIENT = 4  # of one patient
_NORMAL_FRACTION = 0.40  # share of films without a finding
_FINDING_COUNT_PROBABILITIES = (0.70, 0.26, 0.04)  # one, two or three findings on an abnormal film
_THREADS = 2
_PNG_COMPRESSION = 1  # PNG compression; noise compresses badly whatever the effort


@dataclass(frozen=True)
class PhantomDataset:
    """Paths of a written dataset: label table, image folder, box list."""

    entries: Path
    images: Path
    boxes: Path


@dataclass(frozen=True)
class PhantomRow:
    """One film of the dataset before it is drawn.

    Attributes:
        image: file name; the prefix keeps it apart from any real film's.
        patient: identifier.
        seed: for ``draw_phantom``.
        follow_up: number among the patient's films, from 0: NIH's follow-up number.
        findings: keys; empty means No Finding.
        age: years.
        sex: F or M.
        view: PA or AP. It has nothing to do with the findings, nor with how the film looks.
    """

    image: str
    patient: str
    seed: int
    follow_up: int
    findings: tuple[str, ...]
    age: int
    sex: str
    view: str


def write_phantom_dataset(
    folder: Path, count: int, *, seed: int = 0, size: int = 256
) -> PhantomDataset:
    """Draw ``count`` films and write them as NIH publishes its own.

    ``Data_Entry_2017_v2020.csv`` and ``BBox_List_2017.csv`` have NIH's columns (boxes in pixels
    of 1024 x 1024), ``images/`` the films. A patient has one to four films. About 40 % are
    normal; each finding is on a quarter to a third of the films, at times with another.

    Args:
        folder: made if it is not there; files of the same name are replaced.
        count: films, 1 or more.
        seed: 0 or more; the same arguments write the same bytes.
        size: side of a film in pixels.

    Raises:
        ConfigError: count, seed or size out of range.
    """
    rows = tuple(plan_dataset(count, seed=seed))
    dataset = PhantomDataset(
        entries=folder / "Data_Entry_2017_v2020.csv",
        images=folder / "images",
        boxes=folder / "BBox_List_2017.csv",
    )
    dataset.images.mkdir(parents=True, exist_ok=True)

    def write(row: PhantomRow) -> tuple[Box, ...]:
        phantom = draw_phantom(row.seed, findings=row.findings, size=size, film_index=row.follow_up)
        (dataset.images / row.image).write_bytes(encode_png(phantom.pixels, _PNG_COMPRESSION))
        return phantom.boxes

    with ThreadPoolExecutor(_THREADS) as pool:  # numpy and Pillow leave the other thread room
        boxes = list(pool.map(write, rows))
    scale = NIH_IMAGE_SIDE / size
    _write_csv(dataset.boxes, BOX_COLUMNS, _box_lines(rows, boxes, scale))
    _write_csv(dataset.entries, ENTRY_COLUMNS, (_entry_line(row, size) for row in rows))
    return dataset


def plan_dataset(count: int, *, seed: int = 0) -> Iterator[PhantomRow]:
    """Yield ``count`` rows, patient by patient, films in order."""
    for what, number, least in (("number of phantoms", count, 1), ("seed", seed, 0)):
        if number < least:
            raise ConfigError(
                f"The {what} is too small", value=number, remedy=f"Use {least} or more."
            )
    rng = np.random.default_rng([seed, 4])
    written, patient = 0, 0
    while written < count:
        patient += 1
        patient_seed = int(rng.integers(2**32))
        person = sample_patient(patient_seed)
        films = min(int(rng.integers(1, _MAX_FILMS_PER_PATIENT + 1)), count - written)
        for film in range(films):
            yield PhantomRow(
                image=f"phantom-{patient:06d}-{film:02d}.png",
                patient=f"phantom-{patient:06d}",
                seed=patient_seed,
                follow_up=film,
                findings=_sample_findings(rng),
                age=person.age + film,
                sex=person.sex,
                view=str(rng.choice(["PA", "AP"], p=[0.6, 0.4])),
            )
        written += films


def _sample_findings(rng: np.random.Generator) -> tuple[str, ...]:
    if rng.random() < _NORMAL_FRACTION:
        return ()
    how_many = 1 + int(
        rng.choice(len(_FINDING_COUNT_PROBABILITIES), p=_FINDING_COUNT_PROBABILITIES)
    )
    chosen = rng.choice(len(PLANTED_KEYS), size=how_many, replace=False)
    return tuple(PLANTED_KEYS[i] for i in sorted(chosen))


def _entry_line(row: PhantomRow, size: int) -> list[object]:
    labels = "|".join(LABELS[key] for key in row.findings or (NORMAL_KEY,))
    spacing = _FIELD_OF_VIEW / size  # mm a pixel
    # NIH's two last column names hold a comma each and so span two columns.
    return [row.image, labels, row.follow_up, row.patient, row.age, row.sex, row.view,
            size, size, spacing, spacing]  # fmt: skip


def _box_lines(
    rows: Sequence[PhantomRow], boxes: Sequence[tuple[Box, ...]], scale: float
) -> Iterator[list[object]]:
    for row, planted in zip(rows, boxes, strict=True):
        for box in planted:
            corner_and_extent = (box.x, box.y, box.width, box.height)
            numbers = [scale * number for number in corner_and_extent]
            yield [row.image, _BOX_LABELS[box.finding], *numbers]


def _write_csv(path: Path, header: Sequence[str], lines: Iterator[list[object]]) -> None:
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        # NIH's header has commas inside of names, unquoted: it is written as it is published.
        file.write(",".join(header) + "\n")
        csv.writer(file, lineterminator="\n").writerows(lines)
