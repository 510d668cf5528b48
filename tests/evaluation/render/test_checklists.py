"""Checklists: every item there, figures as computed, quotes as in the card, the rest left open."""

import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import get_args

import pytest
from huggingface_hub import ModelCard, ModelCardData
from pypdf import PdfReader

from cxr_core.evaluation.evaluated import evaluate_with_model, measure_subgroups
from cxr_core.evaluation.predictions import validate_predictions
from cxr_core.evaluation.render.checklist_answers import TO_FILL, RunFacts, answer, card_section
from cxr_core.evaluation.render.checklist_items import (
    CLAIM,
    DATASHEET,
    MODEL_FACTS,
    TRIPOD_AI,
    Item,
)
from cxr_core.evaluation.render.checklists import document_markdown, reporting_documents
from cxr_core.evaluation.render.hub_header import data_source, hub_card, without_header
from cxr_core.export.document_pdf import document_pdf
from cxr_core.findings import label_of
from cxr_core.training.config import Balance
from tests.helpers.models import make_metadata
from tests.helpers.predictions import make_predictions

CARD = """# Model card

## Data

Films of one hospital | two wards.

- 12 films left out

| Set | Films |
| --- | --- |

## Limits

- Adults only.
"""


@pytest.fixture(scope="module")
def facts() -> RunFacts:
    table = validate_predictions(make_predictions(240))
    metadata = make_metadata()
    evaluated = evaluate_with_model(table, "ab" * 32, metadata, n_resamples=20)
    images = table["image"].tolist()
    return RunFacts(measure_subgroups(evaluated, None), metadata, CARD, images)


def markdown(facts: RunFacts) -> dict[str, str]:
    return {name: document_markdown(one) for name, one in reporting_documents(facts).items()}


def lines(text: str) -> dict[str, list[str]]:
    """Cells of a checklist by the number of the item."""
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line[:2] == "| "]
    return {row[0].strip(): [cell.strip() for cell in row] for row in rows}


def test_every_item_is_there() -> None:
    assert len(TRIPOD_AI) == 52
    assert [item.number for item in CLAIM] == [str(n) for n in range(1, 45)]
    assert len({item.number for item in TRIPOD_AI}) == 52
    sections = [item.number.split()[0] for item in DATASHEET]
    # Gebru et al. ask 3, 15, 11, 3, 5, 6 and 7 questions, without those for other comments.
    assert [sections.count(name) for name in dict.fromkeys(sections)] == [3, 15, 11, 3, 5, 6, 7]


def test_of_somebody_elses_model_nothing_of_ours_is_claimed(facts: RunFacts) -> None:
    foreign = RunFacts(facts.report, None, "", facts.images)
    for source in ("intended use", "predictors", "time of prediction"):
        assert answer(Item("1", "", source), facts).text
        assert answer(Item("1", "", source), foreign).kind == TO_FILL
    assert answer(Item("1", "", "program"), foreign).text.startswith("Of the evaluation: ")
    assert "model card" in answer(Item("1", "", "participants"), facts).text
    assert "model card" not in answer(Item("1", "", "participants"), foreign).text


def test_groups_of_films_that_lack_labels_have_a_range_of_sizes(facts: RunFacts) -> None:
    item = Item("20b", "", "characteristics")
    assert answer(item, facts).text.startswith("Films with a label: all films: 240; ")
    table = make_predictions(240)
    table.loc[:59, "label_effusion"] = -1
    evaluated = evaluate_with_model(
        validate_predictions(table), "ab" * 32, make_metadata(), n_resamples=20
    )
    some = replace(facts, report=measure_subgroups(evaluated, None))
    assert answer(item, some).text.startswith(
        "Films with a label, fewest to most by finding: all films: 180 to 240; "
    )


@pytest.mark.parametrize("balance", get_args(Balance))
def test_how_films_were_balanced_is_told_in_words(facts: RunFacts, balance: str) -> None:
    provenance = {"config": {"balance": balance}}
    told = replace(facts, metadata=replace(make_metadata(), provenance=provenance))
    item = Item("13", "Class imbalance", "imbalance")
    assert "raining" in answer(item, told).text
    assert answer(item, replace(facts, metadata=None)).kind == TO_FILL


def test_figures_are_the_reports_own(facts: RunFacts) -> None:
    told = lines(markdown(facts)["tripod_ai"])
    report = facts.report.report
    assert f"Effusion: AUROC {report.auroc['effusion'].text()}" in told["23a"][3]
    count = report.label_distribution["atelectasis"]
    assert f"Atelectasis {count.positives} of 240 films" in told["21"][3]
    assert told["23a"][2] == "computed"
    claim = lines(markdown(facts)["claim_2024"])
    sensitivity = report.rates["infiltration"].sensitivity.text()
    assert f"Infiltration: sensitivity {sensitivity}" in claim["38"][3]
    assert facts.metadata is not None
    assert facts.metadata.model_sha256 in claim["22"][3]


def test_the_card_is_quoted_without_its_tables(facts: RunFacts) -> None:
    told = lines(markdown(facts)["tripod_ai"])
    assert told["5a"][2:] == ["quoted from the card", r"Films of one hospital \| two wards."]
    sheet = lines(markdown(facts)["datasheet"])
    assert sheet["Composition 3"][3] == "12 films left out"
    assert card_section(CARD, "Data") == "Films of one hospital | two wards. 12 films left out"
    listed = "## Data\n\nIt is so. It is made of:\n\n| a |\n\n- one\n- two.\n- three\n"
    assert card_section(listed, "Data", "text") == "It is so."
    assert card_section(listed, "Data", "list") == "one; two. three"
    assert told["26"][3] == "Adults only."
    assert card_section(CARD, "Training") == ""
    assert told["12c"][2:] == [TO_FILL, ""]  # the card has no such section
    long = "## Limits\n\n" + "word " * 400
    assert card_section(long, "Limits").endswith("word …")
    assert len(card_section(long, "Limits")) <= 602


def test_what_is_not_told_is_left_to_the_authors(facts: RunFacts) -> None:
    for item in (*TRIPOD_AI, *CLAIM, *MODEL_FACTS, *DATASHEET):
        one = answer(item, facts)
        assert bool(one.text) == (one.kind != TO_FILL), item
        assert "nan" not in one.text.split()
    assert answer(Item("17", "Ethical approval"), facts).kind == TO_FILL
    bare = replace(facts, metadata=None, card="")
    assert answer(Item("22", "Model", "model"), bare).kind == TO_FILL
    text = markdown(facts)["tripod_ai"]
    left = sum(row[2] == TO_FILL for row in lines(text).values())
    assert f"52 items, {left} of them to be filled by the authors" in text


def test_the_label_shows_performance_and_limits(facts: RunFacts) -> None:
    label = markdown(facts)["model_facts"]
    assert "### Alerts at the cut-offs, at these films' prevalence" in label
    assert "Adults only." in label
    assert "Not a medical device" in label
    assert f"AUROC {facts.report.report.auroc['effusion'].text()}" in label


def test_a_pdf_says_what_the_markdown_says(facts: RunFacts) -> None:
    for document in reporting_documents(facts).values():
        made = document_pdf(document, created=datetime(2026, 1, 2, tzinfo=UTC))
        assert made == document_pdf(document, created=datetime(2026, 1, 2, tzinfo=UTC))
        reader = PdfReader(io.BytesIO(made))
        assert reader.metadata is not None
        assert reader.metadata.title == document.title
        pages = [page.extract_text() for page in reader.pages]
        written = "".join("".join(pages).split())
        assert all(document.title in page for page in pages)  # at the foot of each
        for row in document.tables[0].rows:
            # Long rows may go on over a page's end, where the foot stands between.
            assert "".join(str(row.cells[1]).split()) in written
            assert "".join(str(row.cells[3]).split())[:40] in written


def test_the_hubs_own_parser_reads_the_header(facts: RunFacts) -> None:
    text = hub_card(facts)
    data = ModelCard(text).data
    assert isinstance(data, ModelCardData)
    assert data.license == "unknown"
    assert data.datasets == ["nih-chest-xray-14"]
    assert {"densenet121", "chest-x-ray"} <= set(data.tags or ())
    report = facts.report.report
    found = {(one.metric_type, one.metric_name or ""): one for one in data.eval_results or ()}
    assert len(found) == 12
    for (kind, name), one in found.items():
        key = next(key for key in report.keys if label_of(key) in name)
        interval = {
            "roc_auc": report.auroc,
            "average_precision": report.average_precision,
            "brier_score": {k: m.brier for k, m in report.calibration_after.items()},
        }[kind][key]
        assert one.metric_value == interval.estimate
        assert interval.text(3).partition(" ")[2].strip("()") in name
    assert without_header(text) == CARD
    assert without_header(CARD) == CARD


def test_public_films_are_known_by_their_names() -> None:
    assert data_source(["00000001_000.png", "00000583_008.png"]) == "NIH ChestX-ray14"
    assert data_source(["00000001_000.png", "00000583_8.png"]) == ""
    assert data_source(["phantom_1.png"]) == "drawn phantoms"
    assert data_source([]) == ""
