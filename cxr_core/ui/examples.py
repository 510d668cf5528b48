"""Public films of the frozen test part that ship with the app, for a first look.

``examples/examples.csv`` names them: ``file, sha256, image, labels, age, view``; ``labels`` are
NIH's own words, parted by bars. Where the folder is missing, no example is offered.
"""

import contextlib
import csv
import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from cxr_core.errors import DataError
from cxr_core.findings import ABNORMAL_KEYS, LABELS
from cxr_core.reading.analyzer import Analysis
from cxr_core.ui import state
from cxr_core.ui.shell import caption, show_error
from cxr_core.wording import listed

EXAMPLES_FOLDER = Path("examples")
EXAMPLES_FILE = "examples.csv"
EXAMPLE_NOTE = (
    "A public film of NIH's ChestX-ray14, from the test set: the model has not learnt from it."
)
LABELS_SENTENCE = (
    "NIH's labels of this film: {labels}. A program took them from the radiologist's report, and "
    "such labels are wrong at times."
)
_LABELS_SHOWN = "example_labels"


@dataclass(frozen=True)
class Example:
    """One film that ships.

    Attributes:
        file: its name in the folder.
        sha256: hexadecimal, of its bytes.
        image: NIH's own name for it.
        labels: NIH's, e.g. ``("Effusion", "Mass")``.
        age: years.
        view: ``PA`` or ``AP``.
    """

    file: str
    sha256: str
    image: str
    labels: tuple[str, ...]
    age: int
    view: str


def list_examples(folder: Path = EXAMPLES_FOLDER) -> list[Example]:
    """The films that ship, in the table's order; empty without the table.

    Raises:
        DataError: the table is not one of examples.
    """
    path = folder / EXAMPLES_FILE
    if not path.is_file():
        return []
    try:
        return _read_examples(path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
        raise DataError(
            "The table of example films cannot be used",
            value=path,
            remedy=f"Restore the folder {folder}, or remove its {EXAMPLES_FILE}.",
        ) from error


def _read_examples(path: Path) -> list[Example]:
    with path.open(encoding="utf-8", newline="") as stream:
        return [
            Example(
                file=row["file"],
                sha256=row["sha256"],
                image=row["image"],
                labels=tuple(row["labels"].split("|")),
                age=int(row["age"]),
                view=row["view"],
            )
            for row in csv.DictReader(stream)
        ]


def offered_examples() -> list[Example]:
    """``list_examples``; none, and a sentence on the page, where the table cannot be used."""
    try:
        return list_examples()
    except DataError as error:
        show_error(error)
        return []


def has_examples(folder: Path = EXAMPLES_FOLDER) -> bool:
    """Whether any film ships."""
    return (folder / EXAMPLES_FILE).is_file()


def load_example(example: Example, folder: Path = EXAMPLES_FOLDER) -> bytes:
    """The film's bytes.

    Raises:
        DataError: the file is missing, or is not the film that the table names.
    """
    path = folder / example.file
    data = b""
    with contextlib.suppress(OSError, ValueError):  # a name that no file system has is missing, too
        if path.resolve().parent == folder.resolve() and path.is_file():
            data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != example.sha256:
        raise DataError(
            "An example film is missing or was changed",
            value=path,
            remedy=f"Restore the folder {folder}, or remove its {EXAMPLES_FILE}.",
        )
    return data


def example_buttons() -> None:
    """One button a film; nothing where none ship."""
    examples = offered_examples()
    if not examples:
        return
    with st.container(key="examples", horizontal=True, gap="xsmall"):
        for number, example in enumerate(examples, start=1):
            st.button(
                f"{example.age} years, {example.view}",
                key=f"example_{number}",
                on_click=_open,
                args=(example,),
            )


def _open(example: Example) -> None:
    try:
        state.set_film(load_example(example), EXAMPLE_NOTE)
    except DataError as error:
        show_error(error)


def agreement_sentence(labels: Collection[str], flagged: Mapping[str, bool]) -> str:
    """What the model missed of a film's labels, and flagged beside them.

    Args:
        labels: in NIH's own words.
        flagged: by finding key.
    """
    missed = [LABELS[key] for key in ABNORMAL_KEYS if LABELS[key] in labels and not flagged[key]]
    extra = [LABELS[key] for key in ABNORMAL_KEYS if LABELS[key] not in labels and flagged[key]]
    if not (missed or extra):
        return "What the model flags agrees with them."
    parts = [f"missed {listed(missed)}"] if missed else []
    if extra:
        parts.append(f"flagged {listed(extra)} without a label")
    return f"By them, the model {' and '.join(parts)}."


def example_labels(analysis: Analysis) -> None:
    """Beside the result of an example: its labels, once the reader asks for them."""
    found: list[Example] = []
    with contextlib.suppress(DataError):  # the first page has said so; the reading goes on
        found = [one for one in list_examples() if one.sha256 == analysis.image_sha256]
    if not found:
        return
    if state.get_value(analysis, _LABELS_SHOWN):
        labels = ", ".join(label.replace("_", " ").lower() for label in found[0].labels)
        told = LABELS_SENTENCE.format(labels=labels.capitalize())
        if analysis.gate.passed:
            told += f" {agreement_sentence(found[0].labels, analysis.above)}"
        caption(told)
    else:
        st.button(
            "Show NIH's labels",
            key="show_example_labels",
            on_click=state.set_value,
            args=(analysis, _LABELS_SHOWN, True),
        )
