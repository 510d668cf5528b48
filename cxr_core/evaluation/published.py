"""AUROCs that others published on NIH ChestX-ray14: facts with their sources."""

import csv
from dataclasses import dataclass
from pathlib import Path

from cxr_core.findings import KEYS

PUBLISHED_FILE = Path(__file__).with_name("published_auroc.csv")
CAUTION = (
    "These are other test sets, so no figure here may be set against another as if they were one. "
    "The official test list is harder than a random split: its patients are sicker (9.2 images a "
    "patient against 3.6). One and the same DenseNet121 scores 0.82, 0.78 and 0.71 for Effusion, "
    "Atelectasis and Infiltration on images of the official test list, and 0.90, 0.83 and 0.71 on "
    "the rest of its own test fold. Infiltration is the noisiest label: 0.66 to 0.73 is what "
    "published models reach."
)


@dataclass(frozen=True)
class Published:
    """One published model.

    Attributes:
        split: ``official`` or ``random by patient``; only figures of one kind compare.
        input_px: side of its input in pixels.
        auroc: by finding key; None where it was not published.
        source: where the figures stand.
    """

    model: str
    year: int
    split: str
    input_px: int
    auroc: dict[str, float | None]
    source: str


def read_published() -> tuple[Published, ...]:
    """All published models, in the order of the file."""
    with PUBLISHED_FILE.open(encoding="utf-8", newline="") as stream:
        return tuple(
            Published(
                model=row["model"],
                year=int(row["year"]),
                split=row["split"],
                input_px=int(row["input_px"]),
                auroc={key: float(row[key]) if row[key] else None for key in KEYS},
                source=row["source"],
            )
            for row in csv.DictReader(stream)
        )
