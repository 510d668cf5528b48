"""One table written by hand, and each way to write it."""

from dataclasses import replace

import pytest

from cxr_core.evaluation.metrics.bootstrap import NOT_ESTIMABLE, Interval
from cxr_core.evaluation.render.json_document import to_plain_values
from cxr_core.evaluation.render.table import (
    Column,
    Row,
    Share,
    Table,
    cell_text,
    signed_text,
    to_csv_rows,
    to_document,
    to_html,
    to_markdown,
    to_text,
)

AREA, LESS = Interval(0.8467, 0.8, 0.9, "enough"), Interval(-0.2, -0.3, -0.1, "wide")
TABLE = Table(
    "some topic",
    "Two findings",
    (
        Column("Finding", is_text=True),
        Column("AUROC", "auroc", print_digits=3),
        Column("B − A", "gain", signed=True),
        Column("Share", "share", digits=1, is_percent=True),
        Column("Films", "films", digits=0),
        Column("Verdict", is_text=True, in_text=False),
    ),
    (
        Row(
            ("<b>Effusion</b>", AREA, LESS, 0.125, Share(1200, 4800), "wide"),
            "effusion",
            "view: AP",
            4800,
            1200,
            "_before",
        ),
        Row(("Mean", NOT_ESTIMABLE, NOT_ESTIMABLE, float("nan"), None, "a-b"), part=None),
    ),
    notes=("A sentence.",),
)


def test_html_is_escaped_and_has_a_true_minus() -> None:
    assert to_html(TABLE) == (
        '<div class="table"><table><caption>Two findings</caption><thead><tr>'
        '<th scope="col">Finding</th><th scope="col" class="figure">AUROC</th>'
        '<th scope="col" class="figure">B − A</th><th scope="col" class="figure">Share</th>'
        '<th scope="col" class="figure">Films</th><th scope="col">Verdict</th></tr></thead><tbody>'
        '<tr><th scope="row">&lt;b&gt;Effusion&lt;/b&gt;</th>'
        '<td class="figure">0.85 (0.80 to 0.90)</td><td class="figure">−0.20 (−0.30 to −0.10)</td>'
        '<td class="figure">12.5 %</td><td class="figure">1,200 (25 %)</td><td>wide</td></tr>'
        '<tr><th scope="row">Mean</th><td class="figure">not estimable</td>'
        '<td class="figure">not estimable</td><td class="figure">not estimable</td>'
        '<td class="figure">–</td><td>a-b</td></tr></tbody></table></div>'
    )
    words = replace(TABLE, columns=[replace(one, is_text=True) for one in TABLE.columns])
    assert '<td class="interval">0.85 (0.80 to 0.90)</td>' in to_html(words)
    assert "<caption>Of a page</caption>" in to_html(replace(TABLE, caption="Of a page"))


def test_text_is_aligned_in_ascii_with_its_notes() -> None:
    assert to_text(TABLE) == (
        "Two findings\n"
        "Finding                           AUROC                   B - A          Share"
        "         Films\n"
        "<b>Effusion</b>  0.847 (0.800 to 0.900)  -0.20 (-0.30 to -0.10)         12.5 %"
        "  1,200 (25 %)\n"
        "Mean                      not estimable           not estimable  not estimable"
        "             –\n"
        "- A sentence."
    )


def test_text_that_is_too_wide_goes_on_below_with_its_names() -> None:
    columns = [Column("", is_text=True), *(Column(f"figure {n}") for n in range(1, 6))]
    wide = Table("", "Wide", columns, [Row(("A name of a group " * 3, *[AREA] * 5))])
    first, second = to_text(wide).split("\n\n")
    assert max(map(len, to_text(wide).splitlines())) <= 100
    assert first.splitlines()[1].split() == ["figure", "1", "figure", "2", "figure", "3"]
    assert second.splitlines()[0].split() == ["figure", "4", "figure", "5"]
    assert first.splitlines()[2].startswith("A name of a group A name of a…  0.85 (0.80 to 0.90)")
    assert second.splitlines()[1].startswith("A name of a group A name of a…  0.85 (0.80 to 0.90)")


def test_markdown_is_the_grid() -> None:
    assert to_markdown(TABLE) == (
        "| Finding | AUROC | B − A | Share | Films | Verdict |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        "| <b>Effusion</b> | 0.847 (0.800 to 0.900) | −0.20 (−0.30 to −0.10) | 12.5 % | "
        "1,200 (25 %) | wide |\n"
        "| Mean | not estimable | not estimable | not estimable | – | a-b |"
    )


def test_the_csv_has_full_numbers_a_row_a_figure_and_each_once() -> None:
    told = {"finding": "effusion", "part": "view: AP", "n": 4800, "positives": 1200}
    rows = [
        {"figure": "auroc_before", "value": 0.8467, "low": 0.8, "high": 0.9, "verdict": "enough"},
        {"figure": "gain_before", "value": -0.2, "low": -0.3, "high": -0.1, "verdict": "wide"},
        {"figure": "share_before", "value": 0.125, "verdict": ""},
        {"figure": "films_before", "value": 1200, "verdict": ""},
    ]
    assert to_csv_rows([TABLE, TABLE]) == [{**told, **row} for row in rows]
    unknown = replace(TABLE, rows=[replace(TABLE.rows[1], part="all films")])
    told = {"finding": "", "part": "all films", "n": None, "positives": None}
    assert to_csv_rows([unknown]) == [
        {**told, "figure": name, "verdict": "not estimable"} for name in ("auroc", "gain", "share")
    ]


def test_json_has_full_numbers_and_null_for_what_is_not_estimable() -> None:
    found = to_plain_values(to_document(TABLE))
    assert (found["topic"], found["title"]) == ("some topic", "Two findings")
    assert found["columns"][1] == {"title": "AUROC", "figure": "auroc"}
    first, last = found["rows"]
    assert (first["finding"], first["part"], first["n"]) == ("effusion", "view: AP", 4800)
    assert first["cells"][1]["estimate"] == 0.8467
    assert first["cells"][3:5] == [0.125, {"count": 1200, "total": 4800, "verdict": ""}]
    assert last["cells"][1]["status"] == "not estimable"
    assert last["cells"][3:] == [None, None, "a-b"]
    assert found["notes"] == ["A sentence."]


@pytest.mark.parametrize(
    ("cell", "column", "text"),
    [
        (Share(3, 12), Column("", digits=0), "3 (25 %)"),
        (Share(0, 0), Column("", digits=0), "0"),
        (Share(39, 212, "wide"), Column("", digits=0), "39 (18 %), wide"),
        (0.7345, Column("", digits=None), "0.7345"),
        (-1.609, Column("", signed=True), "-1.61"),
        (1234, Column(""), "1,234"),
        (0.0004, Column("", digits=1, is_percent=True), "< 0.1 %"),
    ],
)
def test_a_cell_in_words(cell, column: Column, text: str) -> None:
    assert cell_text(cell, column) == text


def test_a_rounded_zero_has_no_sign() -> None:
    assert signed_text(Interval(0.01, -0.0004, 0.02, "enough")) == "+0.010 (0.000 to +0.020)"
    assert signed_text(NOT_ESTIMABLE) == "not estimable"
