"""The panel of reporting documents: checklists filled from what is open, to be taken along."""

from datetime import datetime

import streamlit as st

from cxr_core.evaluation.evaluated import EvaluatedTable
from cxr_core.evaluation.full_report import file_stem
from cxr_core.evaluation.render.checklist_answers import RunFacts
from cxr_core.evaluation.render.checklists import (
    Document,
    document_markdown,
    reporting_documents,
)
from cxr_core.evaluation.render.hub_header import hub_card
from cxr_core.evaluation.run_folder import RunFolder
from cxr_core.export.document_pdf import document_pdf
from cxr_core.ui.performance.download import gather_metrics
from cxr_core.ui.shell import caption, download_button, show_table


def reporting_panel(evaluated: EvaluatedTable, run: RunFolder | None) -> None:
    """Choose a document, read it, take it along; after the panels whose figures it quotes.

    Args:
        run: that the table belongs to; None for a table from elsewhere.
    """
    st.header("Reporting", anchor=False)
    full = gather_metrics(evaluated, run, None)
    facts = RunFacts(
        full,
        None if run is None else run.metadata,
        "" if run is None else run.card,
        evaluated.table["image"].tolist(),
    )
    documents = reporting_documents(facts)
    names = {name: document.title for name, document in documents.items()}
    chosen = st.segmented_control(
        "Document", list(names), format_func=names.__getitem__, default="tripod_ai", required=True,
        key="reporting_document",
    )  # fmt: skip
    document = documents[chosen or "tripod_ai"]
    caption(document.lead)
    if not full.groups:
        caption("Lines on subgroups are filled once these are computed, under Subgroups.")
    _downloads(document, facts, file_stem(chosen or "tripod_ai", full.table_sha256))
    for table in document.tables:
        show_table(table)


def _downloads(document: Document, facts: RunFacts, stem: str) -> None:
    def as_pdf() -> bytes:
        return document_pdf(document, created=datetime.now().astimezone())

    with st.container(horizontal=True):
        download_button(
            "PDF", as_pdf, file_name=f"{stem}.pdf", mime="application/pdf", key="reporting_pdf",
            kind="metrics",
        )  # fmt: skip
        download_button(
            "Markdown", lambda: document_markdown(document).encode(), file_name=f"{stem}.md",
            mime="text/markdown", key="reporting_markdown", kind="metrics",
        )  # fmt: skip
        download_button(
            "Model card for Hugging Face", lambda: hub_card(facts).encode(), file_name="README.md",
            mime="text/markdown", key="reporting_hub", kind="metrics",
        )  # fmt: skip
