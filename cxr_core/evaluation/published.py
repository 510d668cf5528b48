"""AUROCs that others published on NIH ChestX-ray14: facts with their sources."""

import csv
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from cxr_core.evaluation.metrics.bootstrap import Interval
from cxr_core.findings import ABNORMAL_KEYS, KEYS

PUBLISHED_OVERLAP_FILE = Path(__file__).with_name("published_overlap.csv")
OVERLAP_CAUTION = (
    "To be kept apart: these are other films (all of NIH's boxes, also those on films that this "
    "model was trained on) and another definition of the region. Wang et al. draw a box around "
    "every isolated region of a map of 32 x 32 cells, cut at two levels, and count the further "
    "boxes as false alarms; here one box is drawn from each map."
)
PUBLISHED_AUROC_FILE = Path(__file__).with_name("published_auroc.csv")
AUROC_CAUTION = (
    "These are other test sets, so no figure here may be set against another as if they were one. "
    "The official test list is harder than a random split: its patients are sicker (9.2 images a "
    "patient against 3.6). One and the same DenseNet121 scores 0.82, 0.78 and 0.71 for Effusion, "
    "Atelectasis and Infiltration on images of the official test list, and 0.90, 0.83 and 0.71 on "
    "the rest of its own test fold. Infiltration is the noisiest label: 0.66 to 0.73 is what "
    "published models reach."
)
# Kinds of split: those of the published figures, and two that nothing was published on.
OFFICIAL_SPLIT, RANDOM_SPLIT = "official", "random by patient"
SMALL_FOLDER_SPLIT, UNKNOWN_SPLIT = "random by patient, on a small folder", "another, or not known"
FULL_DATASET_SIZE = (
    100_000  # films; NIH's collection has 112,120, and a folder with far fewer is a part of it
)


# How often others' boxes overlapped NIH's boxes: published facts with their sources.


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
                accuracy={key: float(row[key]) for key in ABNORMAL_KEYS if row.get(key)},
                source=row["source"],
            )
            for row in csv.DictReader(stream)
        )


@dataclass(frozen=True)
class PublishedAuroc:
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


def read_published_auroc() -> tuple[PublishedAuroc, ...]:
    """All published models, in the order of the file."""
    with PUBLISHED_AUROC_FILE.open(encoding="utf-8", newline="") as stream:
        return tuple(
            PublishedAuroc(
                model=row["model"],
                year=int(row["year"]),
                split=row["split"],
                input_px=int(row["input_px"]),
                auroc={key: float(row[key]) if row.get(key) else None for key in KEYS},
                source=row["source"],
            )
            for row in csv.DictReader(stream)
        )


def split_kind(split: pd.DataFrame | None) -> str | None:
    """The kind of a run's split as far as it can be computed.

    Args:
        split: indexed by image, with ``split`` and maybe ``patient``.

    Returns:
        ``SMALL_FOLDER_SPLIT`` or ``UNKNOWN_SPLIT`` for a part of NIH's films; None where only the
        user can tell:
        without a split, or with one of the whole collection, which may be of either kind.
    """
    if split is None or len(split) >= FULL_DATASET_SIZE:
        return None
    if "patient" not in split:
        return UNKNOWN_SPLIT
    sides = split.groupby("patient")["split"].nunique()
    return SMALL_FOLDER_SPLIT if bool((sides == 1).all()) else UNKNOWN_SPLIT


def why_not_comparable(kind: str, split: str) -> str:
    """Why films split in one way are not set against figures of another; "" where they are.

    Args:
        kind: of the split of the films on screen.
        split: of the published figures.
    """
    if kind == split:
        return ""
    reasons = {
        SMALL_FOLDER_SPLIT: "these films are a small part of NIH's, chosen otherwise than any "
        "published test set, so a difference would tell of the films and not of the models",
        UNKNOWN_SPLIT: "how these films were split is not told, and the kind of split alone "
        "moves one and the same model's area by up to 0.08",
    }
    other = (
        f"these films are split {kind}, and the kind of split alone moves one and the same "
        "model's area by up to 0.08"
    )
    return f"No difference to the {split} split's figures is given: {reasons.get(kind, other)}."


def difference_to_published(area: Interval, published: float) -> Interval:
    """A measured area less a published one, whose own interval nobody knows."""
    return replace(
        area,
        estimate=area.estimate - published,
        low=area.low - published,
        high=area.high - published,
    )
