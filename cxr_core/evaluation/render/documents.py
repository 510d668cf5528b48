"""Many tables as one Markdown or LaTeX document, for a paper; the cells are the page's own."""

from collections.abc import Callable, Iterable, Sequence

from cxr_core.evaluation.comparison import Comparison
from cxr_core.evaluation.full_report import FullReport
from cxr_core.evaluation.render.comparison_figures import comparison_tables, several_models
from cxr_core.evaluation.render.figures import evaluation_tables
from cxr_core.evaluation.render.table import Table, to_markdown, typeset

# In one pass, so that no backslash of a replacement is replaced again.
_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        "−": "$-$",
        "×": r"$\times$",
        "≥": r"$\geq$",
        "≤": r"$\leq$",
        "–": "--",
        "\N{NO-BREAK SPACE}": "~",
        "\n": " ",
    }
)
_LATEX_HEAD = "% Needs \\usepackage{booktabs}.\n"


def latex_text(text: str) -> str:
    """Any text as LaTeX shows it literally."""
    return text.translate(_LATEX)


def to_latex(table: Table) -> str:
    """One table as a ``table`` environment of booktabs, with caption and notes."""
    sides = "".join("l" if j == 0 or c.is_text else "r" for j, c in enumerate(table.columns))
    grid = [[column.title for column in table.columns]]
    grid += [
        [
            typeset(cell, column, printed=True)
            for cell, column in zip(row.cells, table.columns, strict=True)
        ]
        for row in table.rows
    ]
    head, *body = (" & ".join(map(latex_text, cells)) + r" \\" for cells in grid)
    notes = "".join(f"\n\n{latex_text(note)}" for note in table.notes)
    return "\n".join(
        [
            r"\begin{table}",
            rf"\caption{{{latex_text(table.title)}}}",
            rf"\begin{{tabular}}{{{sides}}}",
            r"\toprule",
            head,
            r"\midrule",
            *body,
            r"\bottomrule",
            rf"\end{{tabular}}{notes}",
            r"\end{table}",
        ]
    )


def tables_markdown(title: str, tables: Iterable[Table], notes: Sequence[str] = ()) -> str:
    """A heading, every table under its own, and the notes."""
    parts = [f"# {title}"]
    for table in tables:
        parts += [f"## {table.title}", to_markdown(table), *table.notes]
    if notes:
        parts += ["## Notes", "\n".join(f"- {note}" for note in notes)]
    return "\n\n".join(parts) + "\n"


def tables_latex(title: str, tables: Iterable[Table], notes: Sequence[str] = ()) -> str:
    """The same in LaTeX, to be included in a document."""
    parts = [rf"\section*{{{latex_text(title)}}}", *map(to_latex, tables)]
    if notes:
        items = "\n".join(rf"\item {latex_text(note)}" for note in notes)
        parts.append(f"\\begin{{itemize}}\n{items}\n\\end{{itemize}}")
    return _LATEX_HEAD + "\n\n".join(parts) + "\n"


Document = Callable[[str, Iterable[Table], Sequence[str]], str]
DOCUMENTS: dict[str, Document] = {"markdown": tables_markdown, "latex": tables_latex}


def metrics_tables_as(kind: str, metrics: FullReport) -> str:
    """All tables of an evaluation, and of its comparison.

    Args:
        kind: one of ``DOCUMENTS``.
    """
    tables = list(evaluation_tables(metrics))
    notes = list(metrics.notes)
    if metrics.comparison is not None:
        tables += comparison_tables(metrics.comparison)
        notes += metrics.comparison.notes
    title = f"Evaluation of table {metrics.table_sha256[:12]}"
    return DOCUMENTS[kind](title, tables, notes)


def comparisons_tables_as(kind: str, comparisons: Sequence[Comparison]) -> str:
    """All tables of a comparison, or of several with the first model; ``kind`` as above."""
    if len(comparisons) == 1:
        return comparison_tables_as(kind, comparisons[0])
    title = f"{len(comparisons) + 1} models on {comparisons[0].n_films:,} films"
    notes = list(dict.fromkeys(note for one in comparisons for note in one.notes))
    return DOCUMENTS[kind](title, several_models(comparisons), notes)


def comparison_tables_as(kind: str, comparison: Comparison) -> str:
    """All tables of a comparison; ``kind`` as above."""
    title = f"Two models on {comparison.n_films:,} films"
    return DOCUMENTS[kind](title, comparison_tables(comparison), comparison.notes)
