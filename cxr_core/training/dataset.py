"""From what the user names on the command line to films that are split and decoded."""

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxr_core.data.boxes import read_boxes
from cxr_core.data.cache import ImageCache, open_cache
from cxr_core.data.csv_files import write_csv
from cxr_core.data.entries import attach_images, read_entries, select_population
from cxr_core.data.images import shorter_side
from cxr_core.data.split_files import read_groups
from cxr_core.data.splits import (
    add_groups,
    check_patients_disjoint,
    extend_split,
    split_by_csv,
    split_by_lists,
    split_by_patient,
    write_split,
)
from cxr_core.errors import ConfigError, DataError
from cxr_core.evaluation.run_folder import SPLIT_FILE
from cxr_core.findings import KEYS, LABEL_COLUMNS, LABELS
from cxr_core.training.config import TrainConfig
from cxr_core.training.gate_films import GateFilms, read_gate_films

logger = logging.getLogger(__name__)
SPLITS = ("train", "validation", "test")
REJECTED_FILE = "rejected.csv"


@dataclass(frozen=True)
class DatasetPaths:
    """The files of a run.

    Attributes:
        entries: label table, NIH's or Kaggle's form.
        images: folder with the films, at any depth.
        further_images: more such folders.
        split: a table ``image, split``; or ``train_val_list`` and ``test_list``; or neither.
        extend_split: films that ``split`` does not name get a place beside it
            (``splits.extend_split``).
        groups: a table of how each film came to be there; stratifies the split, if one is made.
        boxes: NIH's box table, for the localisation figures.
        other_films: a table of other hospitals' films (``training.other_films``).
        cache: folder of the decoded films.
        phantom: how many phantoms the entries and images are, where they were drawn for the run.
        gate_films: a table ``image, view`` of pictures of other sources, which lie beside it, for
            the input gate alone (``gate_films.read_gate_films``).
    """

    entries: Path
    images: Path
    cache: Path
    split: Path | None = None
    train_val_list: Path | None = None
    test_list: Path | None = None
    extend_split: bool = False
    further_images: tuple[Path, ...] = ()
    groups: Path | None = None
    boxes: Path | None = None
    other_films: Path | None = None
    phantom: int | None = None
    gate_films: Path | None = None

    def __post_init__(self) -> None:
        if (self.train_val_list is None) != (self.test_list is None):
            raise ConfigError(
                "The official split needs both of its lists",
                value="only one of --train-val-list and --test-list",
                remedy="Give both, or neither.",
            )
        if self.extend_split and self.split is None:
            raise ConfigError(
                "There is no split to extend",
                value="--extend-split without --split",
                remedy="Give the split that is to be kept with --split.",
            )
        if self.split is not None and self.test_list is not None:
            raise ConfigError(
                "Two splits were given",
                value="--split and --test-list",
                remedy="Give one of them.",
            )


@dataclass(frozen=True)
class FilmDataset:
    """Films of a run, split and decoded.

    Attributes:
        table: one row a film, with ``split``, ``row`` (in the cache), labels and what is known.
        cache: decoded films, uint8 (N, px, px).
        stage_caches: the same films at the side at which a stage of the training takes them, by
            that side; ``px`` among them where a stage trains at it.
        boxes: one row a box of any of NIH's findings, as fractions of the film; None when not
            given.
        report_lines: what was found in the tables and the folder, a line each.
        fingerprint: SHA-256 over images, patients, labels, split and decoded pixels.
        gate_films: of other sources, for the input gate alone; None when not given.
    """

    table: pd.DataFrame
    cache: ImageCache
    stage_caches: dict[int, ImageCache]
    boxes: pd.DataFrame | None
    report_lines: list[str]
    fingerprint: str
    gate_films: GateFilms | None = None

    def write_tables(self, folder: Path) -> None:
        """Write ``split.csv``, and ``rejected.csv`` when a film could not be decoded."""
        write_split(self.table, folder / SPLIT_FILE)
        if self.n_rejected:
            write_csv(self.cache.rejected, folder / REJECTED_FILE)
            logger.warning("%d films could not be decoded: see rejected.csv.", self.n_rejected)

    @property
    def n_rejected(self) -> int:
        """Films that could not be decoded."""
        return len(self.cache.rejected)

    def subset(self, name: str) -> pd.DataFrame:
        """The rows of one part of the split, in table order."""
        return self.table[self.table["split"] == name]


def rows_and_labels(part: pd.DataFrame) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Cache rows (M,) and labels (M, 4) of some rows of ``FilmDataset.table``."""
    return part["row"].to_numpy(dtype=np.intp), labels_of(part)


def labels_of(part: pd.DataFrame) -> NDArray[np.float32]:
    """Labels (M, 4) of some rows of ``FilmDataset.table``."""
    labels: NDArray[np.float32] = part[list(LABEL_COLUMNS)].to_numpy(dtype=np.float32, copy=True)
    return labels  # (M, 4)


@dataclass(frozen=True)
class FilmTables:
    """What the tables and the folder tell of a run's films, before any of them is decoded.

    Attributes:
        table: one row a film, with ``path``, ``side`` (shorter, in pixels), ``split``, labels and
            what is known.
        boxes, report_lines, gate_films: as ``FilmDataset``'s.
    """

    table: pd.DataFrame
    boxes: pd.DataFrame | None
    report_lines: list[str]
    gate_films: GateFilms | None


def read_tables(paths: DatasetPaths, config: TrainConfig) -> FilmTables:
    """Read, check and split; of the films only the headers.

    Raises:
        DataError: tables or images that cannot be used, or an empty part of the split.
        PatientLeakError: a patient on two sides of the split.
    """
    boxes = None if paths.boxes is None else read_boxes(paths.boxes, auxiliary=True)
    gate_films = None if paths.gate_films is None else read_gate_films(paths.gate_films)
    entries = attach_images(read_entries(paths.entries), (paths.images, *paths.further_images))
    table = select_population(entries.table, config.population)
    table = _assign_splits(table, paths, config)
    check_patients_disjoint(table)
    _require_usable_splits(table)
    table["side"] = [shorter_side(Path(path)) for path in table["path"]]
    return FilmTables(table, boxes, entries.report.lines(), gate_films)


def decode_tables(
    tables: FilmTables, paths: DatasetPaths, config: TrainConfig, *, progress: bool = False
) -> FilmDataset:
    """Decode the films, or open what has been decoded before.

    Raises:
        DataError: too many films cannot be decoded, or the split is empty without them.
    """
    table = tables.table
    files = [Path(path) for path in table["path"]]
    caches = {
        size: open_cache(files, size=size, folder=paths.cache, progress=progress)
        for size in decoded_sizes(config)
    }
    cache = caches[config.px]
    decoded = table["image"].isin(cache.names)
    table = table[decoded].reset_index(drop=True)
    table["row"] = cache.indices(table["image"])
    _require_usable_splits(table)
    return FilmDataset(
        table,
        cache,
        caches,
        tables.boxes,
        tables.report_lines,
        _fingerprint(table, cache),
        tables.gate_films,
    )


def decoded_sizes(config: TrainConfig) -> set[int]:
    """The sides in pixels at which a run wants its films decoded."""
    return {config.px, *(config.film_px(px) for px in config.stage_sizes)}


def load_dataset(
    paths: DatasetPaths, config: TrainConfig, *, progress: bool = False
) -> FilmDataset:
    """``read_tables``, then ``decode_tables``."""
    return decode_tables(read_tables(paths, config), paths, config, progress=progress)


def _require_usable_splits(table: pd.DataFrame) -> None:
    """Refuse, before hours of training, a split on which nothing can be calibrated afterwards."""
    for part in SPLITS:
        if not (table["split"] == part).any():
            raise DataError(
                f"The {part} set has no film",
                value=f"{len(table)} films in all",
                remedy="Use another split, or more films.",
            )
    validation = table[table["split"] == "validation"]
    for key, column in zip(KEYS, LABEL_COLUMNS, strict=True):
        positives = int(validation[column].sum())
        if positives in (0, len(validation)):
            raise DataError(
                f"The validation films do not show {LABELS[key]} both present and absent, so no "
                "cut-off could be set for it",
                value=f"{positives} of {len(validation)} films have it",
                remedy="Use more films, or a split with both in its validation set.",
            )


def _assign_splits(table: pd.DataFrame, paths: DatasetPaths, config: TrainConfig) -> pd.DataFrame:
    if paths.groups is not None:
        table = add_groups(table, read_groups(paths.groups))
    if paths.split is not None and paths.extend_split:
        return extend_split(table, paths.split)  # seeds and teachers share one split
    if paths.split is not None:
        return split_by_csv(table, paths.split)
    if paths.train_val_list is not None and paths.test_list is not None:
        return split_by_lists(table, paths.train_val_list, paths.test_list, seed=config.seed)
    return split_by_patient(table, seed=config.seed)


def _fingerprint(table: pd.DataFrame, cache: ImageCache) -> str:
    """Over what the network sees, not over file times, so that a copied folder is the same."""
    columns = ["image", "patient", "split", *LABEL_COLUMNS]
    digest = hashlib.sha256(table[columns].to_csv(index=False).encode())
    for start in range(0, len(cache.images), 1024):
        digest.update(cache.images[start : start + 1024].tobytes())
    return digest.hexdigest()
