"""How often others' boxes overlapped NIH's boxes: published facts with their sources."""

import csv
from dataclasses import dataclass
from pathlib import Path

from cxr_core.findings import ABNORMAL_KEYS

PUBLISHED_OVERLAP_FILE = Path(__file__).with_name("published_overlap.csv")
OVERLAP_CAUTION = (
    "To be kept apart: these are other films (all of NIH's boxes, also those on films that this "
    "model was trained on) and another definition of the region. Wang et al. draw a box around "
    "every isolated region of a map of 32 x 32 cells, cut at two levels, and count the further "
    "boxes as false alarms; here one box is drawn from each map."
)


@dataclass(frozen=True)
class PublishedOverlap:
    """One published line.

    Attributes:
        data: the labels that the model was trained on.
        measure: ``iobb`` or ``iou``.
        threshold: the overlap that had to be exceeded.
        accuracy: share of boxes found, by finding key.
        source: where the figures stand.
    """

    model: str
    year: int
    data: str
    measure: str
    threshold: float
    accuracy: dict[str, float]
    source: str


def read_published_overlap() -> tuple[PublishedOverlap, ...]:
    """All published lines, in the order of the file."""
    with PUBLISHED_OVERLAP_FILE.open(encoding="utf-8", newline="") as stream:
        return tuple(
            PublishedOverlap(
                model=row["model"],
                year=int(row["year"]),
                data=row["data"],
                measure=row["measure"],
                threshold=float(row["threshold"]),
                accuracy={key: float(row[key]) for key in ABNORMAL_KEYS},
                source=row["source"],
            )
            for row in csv.DictReader(stream)
        )
