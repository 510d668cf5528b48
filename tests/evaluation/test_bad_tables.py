"""Tables that should not be: a sentence of what, which value and what to do, or no figure."""

import csv
import io

import numpy as np
import pandas as pd
import pytest

from cxr_core.errors import DataError
from cxr_core.evaluation.predictions import has_logits, read_predictions
from cxr_core.evaluation.report import evaluate_predictions
from cxr_core.evaluation.table_cells import MAX_ROWS
from cxr_core.findings import KEYS, LABEL_COLUMNS, LOGIT_COLUMNS, PROBABILITY_COLUMNS
from tests.helpers.reports import report_text

HEADER = ["image", "patient", *LABEL_COLUMNS, *LOGIT_COLUMNS]
MEGABYTES = 3 << 20  # enough to be far beyond every limit, and quick


def rows(films: int = 30) -> list[list[str]]:
    """Cells of a sound table, without its header."""
    rng = np.random.default_rng(0)
    return [
        [
            f"{i}.png",
            f"{i}",
            *map(str, rng.integers(0, 2, 4)),
            *(f"{z:.3f}" for z in rng.normal(size=4)),
        ]
        for i in range(films)
    ]


def text_of(cells: list[list[str]], header: list[str] | None = None, *, sign: str = ",") -> bytes:
    stream = io.StringIO()
    csv.writer(stream, delimiter=sign, lineterminator="\n").writerows([header or HEADER, *cells])
    return stream.getvalue().encode()


def with_cell(column: str, value: str, *, row: int = 4, probabilities: bool = False) -> bytes:
    """A sound table with one cell changed."""
    cells, header = rows(), list(HEADER)
    if probabilities:
        header[6:] = PROBABILITY_COLUMNS
        for line in cells:
            line[6:] = ["0.5"] * 4
    cells[row][header.index(column)] = value
    return text_of(cells, header)


def without(column: str) -> bytes:
    at = HEADER.index(column)
    return text_of([r[:at] + r[at + 1 :] for r in rows()], HEADER[:at] + HEADER[at + 1 :])


SOUND = text_of(rows())
FIRST = SOUND.split(b"\n")[0] + b"\n"
# name -> bytes, what is wrong, its value, what to do
BAD: dict[str, tuple[bytes, str, str, str]] = {
    "no image column": (without("image"), "lacks required", "image (a file of", "It needs image"),
    "no label column": (without("label_no_finding"), "lacks required", "label_no_finding", "needs"),
    "a score missing": (without("logit_effusion"), "lacks required", "logit_effusion", "logit_…"),
    "an image twice": (
        with_cell("image", "0.png"), "more than once", "1 images: 0.png", "one row per image"),
    "the same column twice": (
        text_of([[*r, "1"] for r in rows()], [*HEADER, "Patient "]),
        "the same column twice", "patient", "Keep one"),
    "a label of 2": (with_cell("label_effusion", "2"), "neither 0 nor 1",
                     "row 5 below the header: label_effusion is 2 for 4.png", "Write 1"),
    "a label in words": (with_cell("label_effusion", "so"), "neither 0 nor 1", "is so", "Write"),
    "a label of a half": (with_cell("label_effusion", "0.5"), "neither 0 nor 1", "0.5", "Write"),
    "a label of -2": (with_cell("label_effusion", "-2"), "neither 0 nor 1", "is -2", "Write"),
    "a logit of nan": (with_cell("logit_effusion", "nan"), "not a finite", "is nan", "run the"),
    "a logit of inf": (with_cell("logit_effusion", "-inf"), "not a finite", "is -inf", "run the"),
    "a logit too large": (with_cell("logit_effusion", "1e999"), "not a finite", "1e999", "run the"),
    "a logit in words": (with_cell("logit_effusion", "high"), "not a finite", "is high", "run the"),
    "an empty logit": (with_cell("logit_effusion", ""), "not a finite", "is empty", "run the"),
    "a probability over 1": (
        with_cell("probability_effusion", "1.2", probabilities=True), "from 0 to 1",
        "row 5 below the header: probability_effusion is 1.2 for 4.png", "if it holds logits"),
    "a probability under 0": (
        with_cell("probability_no_finding", "-0.01", probabilities=True), "from 0 to 1", "-0.01",
        "Correct it"),
    "a probability of nan": (
        with_cell("probability_effusion", "NaN", probabilities=True), "from 0 to 1", "NaN",
        "Correct it"),
    "a nameless image": (with_cell("image", " "), "has no image name", "row 5 below", "file name"),
    "no row": (FIRST, "has a header but no rows", "bytes", "with rows"),
    "nothing": (b"", "The table is empty", "0 bytes", "again"),
    "blank lines": (b"\n \n\n", "The table is empty", "4 bytes", "again"),
    "semicolons": (text_of(rows(), sign=";"), "not separated by commas", "semicolons", "commas"),
    "tabs": (text_of(rows(), sign="\t"), "not separated by commas", "tabs", "commas"),
    "decimal commas": (
        SOUND.replace(b"0.", b"0,"), "not regular CSV", "Expected 10 fields in line", "as many"),
    "a longer line": (SOUND + b"x.png,1,0,0,0,0,1,1,1,1,9\n", "not regular", "saw 11", "as many"),
    "a shorter line": (SOUND + b"x.png,1,0,0,0\n", "not a finite", "empty for x.png", "run the"),
    "a quote left open": (SOUND + b'"x.png,1,0', "not regular CSV", "inside string", "quote"),
    "UTF-16": (SOUND.decode().encode("utf-16"), "not in UTF-8", "bytes", "UTF-8"),
    "UTF-16 unmarked": (SOUND.decode().encode("utf-16-le"), "not a text file", "bytes", "CSV"),
    "Latin-1": (with_cell("image", "Müller.png").decode().encode("latin-1"), "not in UTF-8",
                "bytes", "UTF-8"),
    "a spreadsheet": (b"PK\x03\x04" + bytes(900), "a spreadsheet or ZIP", "904 bytes", "as comma"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(900), "not a text file", "908 bytes", "CSV"),
    "one endless line": (b"a" * MEGABYTES, "too long", "over 1,000,000 letters", "one line a row"),
    "a line of commas": (FIRST + b"," * MEGABYTES, "not regular CSV", "3145729", "as many"),
    "a giant name": (
        FIRST + b'"' + b"x\n" * MEGABYTES + b'",1,0,0,0,0,1,1,1,1\n', "too long for a name",
        "row 1 below the header: image has 6,291,455 characters", "broken quote"),
    "a giant label": (
        FIRST + b"x.png,1," + b"7" * MEGABYTES + b",0,0,0,1,1,1,1\n", "neither 0 nor 1",
        "label_effusion is 777", "Write 1"),
    "a giant column name": (
        b'"' + b"x\n" * MEGABYTES + b'"', "names of the table's columns cannot be read",
        "field limit", "first line"),
    "too many rows": (
        FIRST + b"a\n" * (MAX_ROWS + 1), "too many rows", "over 250,000 rows", "part"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_it_is_one_sentence_of_cause_value_and_remedy(name: str) -> None:
    data, problem, value, remedy = BAD[name]
    with pytest.raises(DataError) as raised:
        read_predictions(data)
    assert problem in raised.value.problem
    assert value in str(raised.value.value)
    assert remedy in raised.value.remedy
    assert len(str(raised.value)) < 450  # a giant cell is not quoted in full


def sound() -> pd.DataFrame:
    return read_predictions(SOUND)


@pytest.mark.parametrize(
    "table",
    [
        sound().assign(label_effusion=0),
        sound().assign(label_effusion=1),
        sound().assign(patient=np.resize(["1", "2", "3"], 30)),
        sound()[:1],
        sound()[:9],
    ],
    ids=["none has it", "all have it", "three patients", "one film", "nine films"],
)
def test_too_little_is_not_estimable_and_never_a_half(table: pd.DataFrame) -> None:
    report = evaluate_predictions(table, n_resamples=20)
    for figures in (report.auroc, report.average_precision):
        assert figures["effusion"].text() == "not estimable"
        assert np.isnan(figures["effusion"].estimate)
    line = next(
        line for line in report_text(table, report).splitlines() if line.startswith("Effusion")
    )
    assert line.count("not estimable") == 2


def test_columns_of_both_kinds_are_read_by_their_names() -> None:
    # Logits that look like probabilities beside probabilities that contradict them.
    cells = [[*line[:6], *(["0.9"] * 4), *(["0.1"] * 4)] for line in rows()]
    table = read_predictions(text_of(cells, [*HEADER, *PROBABILITY_COLUMNS]))
    assert has_logits(table)
    assert set(table[list(LOGIT_COLUMNS)].to_numpy().ravel()) == {0.9}
    # Probabilities are whole here and logits are not: what is whole is read.
    kept = [[*line[:6], "0.9", *(["0.1"] * 4)] for line in rows()]
    table = read_predictions(text_of(kept, [*HEADER[:7], *PROBABILITY_COLUMNS]))
    assert not has_logits(table)
    assert [table[f"probability_{key}"].iloc[0] for key in KEYS] == [0.1] * 4


def test_what_editors_add_does_no_harm() -> None:
    marked = b"\xef\xbb\xbf" + SOUND.replace(b"\n", b"\r\n") + b"\r\n\r\n"
    named = marked.replace(b"image", b" Image ", 1).replace(b"logit_effusion", b"Logit_Effusion", 1)
    pd.testing.assert_frame_equal(read_predictions(named), sound())
