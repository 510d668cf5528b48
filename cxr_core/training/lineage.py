"""``lineage.json``: whose films a run's weights have learnt from, over all their ancestors.

A model that started from another model, or was taught by one, has learnt from that model's films
too, and from those of whatever that one came from. So each run carries, as hashes, the films and
patients of all of them, and a later run can be kept from testing on any. The file also counts how
often the run's own test films were read.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from cxr_core.config import short
from cxr_core.data.csv_files import first_few
from cxr_core.data.split_files import read_split
from cxr_core.data.splits import VALIDATION_MORE
from cxr_core.errors import CheckpointError, PatientLeakError, WeightsError
from cxr_core.evaluation.run_folder import SPLIT_FILE
from cxr_core.files import atomic_write, read_json
from cxr_core.model.folder import WEIGHTS_FILE
from cxr_core.model.metadata import METADATA_FILE, load_metadata

Role = Literal["initial weights", "teacher"]
LINEAGE_FILE = "lineage.json"
_FORMAT_VERSION = 1
_DIGITS = 16  # of a SHA-256; among 112,120 films two agree by chance once in 3 thousand million
_HASH_DIGITS = 12  # of a model's hash, as everywhere a model is named
_NAMED_MODEL = re.compile(r"\bmodel [0-9a-f]{12}$")
_CHOOSING = ("validation", VALIDATION_MORE)


@dataclass(frozen=True)
class FilmSet:
    """Films and their patients, as hashes.

    Attributes:
        images, patients: the first 16 hexadecimal digits of the SHA-256 of each name.
    """

    images: frozenset[str]
    patients: frozenset[str]

    @classmethod
    def of(cls, table: pd.DataFrame) -> "FilmSet":
        """The films of a table with ``image`` and, where known, ``patient``."""
        patients = table.get("patient", ())
        return cls(
            frozenset(map(_digest, table["image"])),
            frozenset(_digest(patient) for patient in patients if patient != ""),
        )

    @cached_property
    def key(self) -> str:
        """Tells this set from others."""
        return _digest(",".join([*sorted(self.images), "", *sorted(self.patients)]))

    def holds(self, table: pd.DataFrame) -> pd.Series:
        """bool (N,): the film, or another of its patient, is in the set."""
        images = table["image"].map(_digest).isin(self.images)
        return images | table["patient"].map(_digest).isin(self.patients)


NO_FILMS = FilmSet(frozenset(), frozenset())


@dataclass(frozen=True)
class Ancestor:
    """A model, or a file of weights, that a run's weights come from.

    Attributes:
        role: what it was to the model that came after it.
        source: in words: ``model`` and its hash, ``imagenet`` or ``a file``.
        preset: of its training; "" where that is not known.
        trained_on, chose_on: the films it learnt from, and those that chose its epoch; None where
            that is not known.
        depth: 1 for what the run itself started from or was taught by, 2 for what that came from.
    """

    role: Role
    source: str
    preset: str = ""
    trained_on: FilmSet | None = None
    chose_on: FilmSet | None = None
    depth: int = 1

    @property
    def model_sha256(self) -> str:
        """The first 12 digits of the model's hash; "" for a file from outside."""
        kind, _, name = self.source.partition(" ")
        return name if kind == "model" else ""


@dataclass(frozen=True)
class TestUse:
    """One time that the test films were read.

    Attributes:
        date: as 2026-11-26.
        model_sha256: of the model that read them, 12 digits.
        films: ``FilmSet.key`` of the test films.
    """

    __test__ = False  # pytest takes the name for a test's

    date: str
    model_sha256: str
    films: str


@dataclass(frozen=True)
class Lineage:
    """Where a run's weights come from.

    Attributes:
        trained_on, chose_on: the run's own training films, and those that choose its epoch.
        test: its test films.
        ancestors: all of them, the nearest first.
        test_uses: of any test films, by the run and by its ancestors, the oldest first.
    """

    trained_on: FilmSet
    chose_on: FilmSet
    test: FilmSet
    ancestors: tuple[Ancestor, ...] = ()
    test_uses: tuple[TestUse, ...] = ()

    def summary(self) -> list[dict[str, Any]]:
        """The ancestors as plain values, for ``model.json`` and the card, without any film."""
        return [
            {
                "role": ancestor.role,
                "source": ancestor.source,
                "preset": ancestor.preset,
                "depth": ancestor.depth,
                "trained_on": _words_on(ancestor.trained_on, self.trained_on),
            }
            for ancestor in self.ancestors
        ]

    def own_test_uses(self) -> list[TestUse]:
        """The times that this run's test films were read."""
        return [use for use in self.test_uses if use.films == self.test.key]


def _words_on(films: FilmSet | None, own: FilmSet) -> dict[str, Any] | None:
    if films is None:
        return None
    return {
        "key": films.key,
        "films": len(films.images),
        "patients": len(films.patients),
        "shared": len(films.images & own.images),
        "same": films.key == own.key,
    }


@dataclass(frozen=True)
class Parent:
    """A model that a run starts from or is taught by.

    Attributes:
        folder: of the model.
        role: what it is to the run.
    """

    folder: Path
    role: Role


def make_lineage(table: pd.DataFrame, parents: Sequence[Parent], outside: str = "") -> Lineage:
    """The lineage of a run on the films of ``table``.

    Args:
        table: ``image, patient, split``.
        parents: model folders that it starts from or is taught by.
        outside: weights from elsewhere that it starts from, ``imagenet`` or ``a file``.

    Raises:
        CheckpointError, WeightsError: a parent that cannot be read, or does not tell its films.
    """
    ancestors: list[Ancestor] = [Ancestor("initial weights", outside)] if outside else []
    uses: dict[TestUse, None] = {}
    for parent in parents:
        metadata, inherited = load_metadata(parent.folder), read_lineage(parent.folder)
        ancestors.append(
            Ancestor(
                parent.role,
                f"model {metadata.model_sha256[:_HASH_DIGITS]}",
                str(metadata.provenance.get("config", {}).get("preset", "")),
                inherited.trained_on,
                inherited.chose_on,
            )
        )
        ancestors += [replace(one, depth=one.depth + 1) for one in inherited.ancestors]
        uses |= dict.fromkeys(inherited.test_uses)
    by_depth = sorted(dict.fromkeys(ancestors), key=lambda ancestor: ancestor.depth)
    return replace(_own(table), ancestors=tuple(by_depth), test_uses=tuple(sorted(uses, key=_when)))


def read_lineage(folder: Path) -> Lineage:
    """The lineage of a finished run; of an older one its own films, and the name of its start.

    Raises:
        CheckpointError: it has been altered, is missing though ``model.json`` tells of it, or the
            folder holds no model.
        WeightsError: an older run without its ``split.csv``.
    """
    provenance = load_metadata(folder).provenance
    path = folder / LINEAGE_FILE
    if path.is_file():
        lineage = _parse(path)
        told = provenance.get("lineage")
        # A run that was finalized by an older version tells nothing of it.
        if told is not None and told != lineage.summary():
            raise CheckpointError(
                f"{LINEAGE_FILE} does not belong to the model beside it",
                value=path,
                remedy="Restore the folder as train.py wrote it.",
            )
        return lineage
    if "lineage" in provenance:
        raise CheckpointError(
            "The record of the films that this model and its ancestors learnt from is missing",
            value=path,
            remedy="Restore the folder as train.py wrote it, or start from other weights.",
        )
    if not (folder / SPLIT_FILE).is_file():
        raise WeightsError(
            "This model does not say which films it was trained on, so a test would prove nothing",
            value=folder / SPLIT_FILE,
            remedy="Put its split.csv back, or start from other weights.",
        )
    config = provenance.get("config", {})
    return replace(
        _own(read_split(folder / SPLIT_FILE).reset_index()),
        ancestors=unknown_ancestors(str(config.get("weights", "none")), config.get("teachers", ())),
    )


def unknown_ancestors(source: str, teachers: Iterable[object] = ()) -> tuple[Ancestor, ...]:
    """What a run started from when only its name was kept: of its films nothing is known.

    Args:
        source: as ``InitialWeights.source``.
        teachers: in words or as paths.
    """
    named = [_NAMED_MODEL.search(str(name)) for name in teachers]
    taught = [Ancestor("teacher", match[0] if match else "a model") for match in named]
    return (*([] if source == "none" else [Ancestor("initial weights", source)]), *taught)


def require_no_leakage(parent: Parent, table: pd.DataFrame) -> None:
    """Refuse a model when it, or what it comes from, has seen films that are now to judge.

    Films of validation and test must not have been learnt from, nor those of test have chosen an
    epoch; a patient's other films count as the patient does.

    Args:
        table: the run's films, ``image, patient, split``.

    Raises:
        PatientLeakError: names the ancestor, and the films.
        CheckpointError, WeightsError: the model does not tell its films.
    """
    lineage = read_lineage(parent.folder)
    own = Ancestor(parent.role, "", "", lineage.trained_on, lineage.chose_on)
    held_out, test = table[table["split"] != "train"], table[table["split"] == "test"]
    for ancestor in (own, *lineage.ancestors):
        who = f"The {parent.role}"
        if ancestor.source:
            link = "was taught by" if ancestor.role == "teacher" else "came from"
            who = f"The {parent.role} {link} {ancestor.source}, which"
        checks = (
            (ancestor.trained_on, held_out, "learnt from", "validation or test set"),
            (ancestor.chose_on, test, "was chosen on", "test set"),
        )
        for films, judging, verb, where in checks:
            if films is None:
                continue
            seen = films.holds(judging)
            if seen.any():
                raise PatientLeakError(
                    f"{who} {verb} patients in this run's {where}",
                    value=f"{int(seen.sum()):,} films, such as {first_few(judging['image'][seen])}",
                    remedy=f"Use that model's own split: --split {parent.folder / SPLIT_FILE}."
                    if ancestor is own
                    else "Keep these patients out of them, or start from other weights.",
                )


def record_test_use(folder: Path, model_sha256: str) -> Lineage:
    """Note in ``folder`` that its model has read the test films; returns what is noted now."""
    lineage = stored_lineage(folder)
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    use = TestUse(today, model_sha256[:_HASH_DIGITS], lineage.test.key)
    lineage = replace(lineage, test_uses=(*lineage.test_uses, use))
    write_lineage(folder, lineage)
    return lineage


def write_lineage(folder: Path, lineage: Lineage) -> None:
    """Write ``lineage.json``: the same text for the same lineage."""
    pairs = [(one.trained_on, one.chose_on) for one in lineage.ancestors]
    sets = [lineage.trained_on, lineage.chose_on, lineage.test]
    sets += [films for pair in pairs for films in pair if films is not None]
    document = {
        "format": _FORMAT_VERSION,
        "trained_on": lineage.trained_on.key,
        "chose_on": lineage.chose_on.key,
        "test": lineage.test.key,
        "ancestors": [
            {
                "role": one.role,
                "source": one.source,
                "model_sha256": one.model_sha256,
                "preset": one.preset,
                "depth": one.depth,
                "trained_on": one.trained_on and one.trained_on.key,
                "chose_on": one.chose_on and one.chose_on.key,
            }
            for one in lineage.ancestors
        ],
        "test_uses": [vars(use) for use in lineage.test_uses],
        "film_sets": {
            films.key: {"images": sorted(films.images), "patients": sorted(films.patients)}
            for films in sets
        },
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    with atomic_write(folder / LINEAGE_FILE) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def has_lineage(folder: Path) -> bool:
    """Whether a run keeps its lineage; runs of earlier versions do not."""
    return (folder / LINEAGE_FILE).is_file()


@dataclass
class _FilmSets:
    """The sets of a document by key, each made once and checked against its key."""

    stored: dict[str, Any]
    made: dict[str, FilmSet] = field(default_factory=dict)

    def get(self, key: str | None) -> FilmSet | None:
        return None if key is None else self.need(key)

    def need(self, key: str) -> FilmSet:
        if key not in self.made:
            values = self.stored[key]
            films = FilmSet(frozenset(values["images"]), frozenset(values["patients"]))
            if films.key != key:
                raise ValueError(f"the set {key} has been altered")
            self.made[key] = films
        return self.made[key]


def stored_lineage(folder: Path) -> Lineage:
    """``lineage.json`` of a run that may be unfinished.

    Raises:
        CheckpointError: it is missing or has been altered.
    """
    return _parse(folder / LINEAGE_FILE)


def _parse(path: Path) -> Lineage:
    try:
        document = read_json(path)
        if document["format"] != _FORMAT_VERSION:
            raise ValueError(f"format {document['format']}")
        sets = _FilmSets(document["film_sets"])
        ancestors = [
            Ancestor(
                one["role"],
                one["source"],
                one["preset"],
                sets.get(one["trained_on"]),
                sets.get(one["chose_on"]),
                int(one["depth"]),
            )
            for one in document["ancestors"]
        ]
        return Lineage(
            sets.need(document["trained_on"]),
            sets.need(document["chose_on"]),
            sets.need(document["test"]),
            tuple(ancestors),
            tuple(TestUse(**use) for use in document["test_uses"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise CheckpointError(
            f"The record of what a model learnt from cannot be used ({short(error)})",
            value=path,
            remedy="Restore the folder as train.py wrote it, or start from other weights.",
        ) from error


def _own(table: pd.DataFrame) -> Lineage:
    parts = table["split"]
    return Lineage(
        FilmSet.of(table[parts == "train"]),
        FilmSet.of(table[parts.isin(_CHOOSING)]),
        FilmSet.of(table[parts == "test"]),
    )


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]


def _when(use: TestUse) -> str:
    return use.date


# What of a path the user named is a model of ours.


def model_folder(path: Path) -> Path | None:
    """The model folder that ``path`` names, be it by the folder or by its weights file.

    Returns:
        None for any other file or word.

    Raises:
        WeightsError: another file in a model folder, which would pass for one from outside.
    """
    if (path / METADATA_FILE).is_file():
        return path
    if not path.is_file() or not any(
        (path.parent / name).is_file() for name in (METADATA_FILE, LINEAGE_FILE)
    ):
        return None
    if path.name != WEIGHTS_FILE:
        raise WeightsError(
            "This file lies in a model folder but is not its weights",
            value=path,
            remedy=f"Give the folder itself: --weights {path.parent}.",
        )
    return path.parent
