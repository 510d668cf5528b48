"""Reporting documents filled from a run: TRIPOD+AI, CLAIM 2024, a Model Facts label, and a
datasheet of the data.

They are built once, as tables, and written as Markdown here and as PDF by ``export.document_pdf``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cxr_core.evaluation.render.checklist_answers import TO_FILL, RunFacts, answer
from cxr_core.evaluation.render.checklist_items import (
    CLAIM,
    DATASHEET,
    MODEL_FACTS,
    TRIPOD_AI,
    Item,
)
from cxr_core.evaluation.render.figures import evaluation_tables
from cxr_core.evaluation.render.table import Column, Row, Table, to_markdown
from cxr_core.version import PROGRAM, VERSION

_COLUMNS = (
    Column("Item", is_text=True),
    Column("Report", is_text=True),
    Column("Answer is", is_text=True),
    Column("Answer", is_text=True),
)
_LABEL_TABLES = (
    "Discrimination",
    "Performance at the cut-offs",
    "Alerts at the cut-offs, at these films' prevalence",
)


@dataclass(frozen=True)
class Document:
    """One document.

    Attributes:
        title: its heading.
        lead: what it was filled from, and how much of it is left to the authors.
        tables: the first has the items; titles of further ones are headings.
        n_to_fill: items that are left to the authors.
    """

    title: str
    lead: str
    tables: Sequence[Table]
    n_to_fill: int


def reporting_documents(facts: RunFacts) -> dict[str, Document]:
    """All of them, by the name of their file."""
    return {
        "tripod_ai": _document("TRIPOD+AI", TRIPOD_AI, facts),
        "claim_2024": _document("CLAIM 2024", CLAIM, facts),
        "model_facts": _document(
            "Model Facts", MODEL_FACTS, facts,
            [t for t in evaluation_tables(facts.report) if t.title in _LABEL_TABLES],
        ),
        "datasheet": _document("Datasheet of the data", DATASHEET, facts),
    }  # fmt: skip


def document_markdown(document: Document) -> str:
    """The document as Markdown."""
    first, *further = document.tables
    sections = [f"# {document.title}", document.lead, to_markdown(first)]
    sections += [f"### {table.title}\n\n{to_markdown(table)}" for table in further]
    return "\n\n".join(sections) + "\n"


def _document(
    title: str, items: Sequence[Item], facts: RunFacts, further: Sequence[Table] = ()
) -> Document:
    answers = [answer(item, facts) for item in items]
    rows = [
        Row((item.number, item.text, one.kind, one.text))
        for item, one in zip(items, answers, strict=True)
    ]
    n_to_fill = sum(one.kind == TO_FILL for one in answers)
    full = facts.report
    model = f"model {full.model_sha256[:12]}" if full.model_sha256 else "model not known"
    lead = (
        f"Filled by {PROGRAM} {VERSION} from table {full.table_sha256[:12]}, {model}. "
        f"{len(items)} items, {n_to_fill} of them to be filled by the authors. Items are "
        "shortened; the published wording holds."
    )
    return Document(title, lead, [Table("checklist", title, _COLUMNS, rows), *further], n_to_fill)
