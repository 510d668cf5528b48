"""Tables as Markdown and LaTeX: the page's cells, and a user's own words escaped."""

from cxr_core.evaluation.metrics.bootstrap import Interval
from cxr_core.evaluation.render.documents import (
    latex_text,
    tables_latex,
    tables_markdown,
    to_latex,
)
from cxr_core.evaluation.render.table import Column, Row, Table, to_markdown

TABLE = Table(
    "t",
    "Gaps at 90 %",
    (Column("Group", is_text=True), Column("Films"), Column("B − A", digits=3, signed=True)),
    [Row(("a_1 | 50% {x}", 1200, Interval(-0.1, -0.2, 0.05, "wide"))), Row(("b & c", 3, None))],
    notes=("A note of 5 %.",),
)


def test_latex_by_hand() -> None:
    assert to_latex(TABLE).splitlines() == [
        r"\begin{table}",
        r"\caption{Gaps at 90 \%}",
        r"\begin{tabular}{lrr}",
        r"\toprule",
        r"Group & Films & B $-$ A \\",
        r"\midrule",
        r"a\_1 \textbar{} 50\% \{x\} & 1,200 & $-$0.100 ($-$0.200 to +0.050) \\",
        r"b \& c & 3 & -- \\",
        r"\bottomrule",
        r"\end{tabular}",
        "",
        r"A note of 5 \%.",
        r"\end{table}",
    ]


def test_text_stays_text_in_latex() -> None:
    assert latex_text(r"\input{a}^2 ~ #1 $x$") == (
        r"\textbackslash{}input\{a\}\textasciicircum{}2 \textasciitilde{} \#1 \$x\$"
    )


def test_a_bar_in_a_name_does_not_break_a_markdown_row() -> None:
    lines = to_markdown(TABLE).splitlines()
    assert lines[2] == r"| a_1 \| 50% {x} | 1,200 | −0.100 (−0.200 to +0.050) |"
    assert all(line.replace(r"\|", "").count("|") == 4 for line in lines)


def test_whole_documents() -> None:
    told = tables_markdown("Title", [TABLE], ["Left out: 3."])
    assert told.startswith("# Title\n\n## Gaps at 90 %\n\n| Group |")
    assert told.endswith("A note of 5 %.\n\n## Notes\n\n- Left out: 3.\n")
    latex = tables_latex("Title", [TABLE, TABLE], ["Left out: 3 %."])
    assert latex.count(r"\begin{table}") == latex.count(r"\end{table}") == 2
    assert r"\item Left out: 3 \%." in latex
