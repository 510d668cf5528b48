"""Checklists: every item there, figures as computed, quotes as in the card, the rest left open."""

import re
from dataclasses import replace

import pytest

from cxr_core.evaluation.evaluated import evaluate_with_model, measure_subgroups
from cxr_core.evaluation.predictions import validate_predictions
from cxr_core.evaluation.render.checklist_items import CLAIM, TRIPOD_AI, Item
from cxr_core.evaluation.render.checklists import (
    TO_FILL,
    RunFacts,
    answer,
    card_section,
    checklists,
)
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
    return RunFacts(measure_subgroups(evaluated, None), metadata, CARD)


def lines(text: str) -> dict[str, list[str]]:
    """Cells of a checklist by the number of the item."""
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line[:2] == "| "]
    return {row[0].strip(): [cell.strip() for cell in row] for row in rows}


def test_every_item_is_there() -> None:
    assert len(TRIPOD_AI) == 52
    assert [item.number for item in CLAIM] == [str(n) for n in range(1, 45)]
    assert len({item.number for item in TRIPOD_AI}) == 52


def test_figures_are_the_reports_own(facts: RunFacts) -> None:
    told = lines(checklists(facts)["tripod_ai.md"])
    report = facts.report.report
    assert f"Effusion: AUROC {report.auroc['effusion'].text()}" in told["23a"][3]
    count = report.label_distribution["atelectasis"]
    assert f"Atelectasis {count.positives} of 240 films" in told["21"][3]
    assert told["23a"][2] == "computed"
    claim = lines(checklists(facts)["claim_2024.md"])
    sensitivity = report.rates["infiltration"].sensitivity.text()
    assert f"Infiltration: sensitivity {sensitivity}" in claim["38"][3]
    assert facts.metadata is not None
    assert facts.metadata.model_sha256 in claim["22"][3]


def test_the_card_is_quoted_without_its_tables(facts: RunFacts) -> None:
    told = lines(checklists(facts)["tripod_ai.md"])
    assert told["5a"][2:] == [
        "quoted from the card", r"Films of one hospital \| two wards. 12 films left out",
    ]  # fmt: skip
    assert told["26"][3] == "Adults only."
    assert card_section(CARD, "Training") == ""
    assert told["12c"][2:] == [TO_FILL, ""]  # the card has no such section
    long = "## Limits\n\n" + "word " * 400
    assert card_section(long, "Limits").endswith("word …")
    assert len(card_section(long, "Limits")) <= 602


def test_what_is_not_told_is_left_to_the_authors(facts: RunFacts) -> None:
    for item in (*TRIPOD_AI, *CLAIM):
        one = answer(item, facts)
        assert bool(one.text) == (one.kind != TO_FILL), item
        assert "nan" not in one.text.split()
    assert answer(Item("17", "Ethical approval"), facts).kind == TO_FILL
    bare = replace(facts, metadata=None, card="")
    assert answer(Item("22", "Model", "model"), bare).kind == TO_FILL
    text = checklists(facts)["tripod_ai.md"]
    left = sum(row[2] == TO_FILL for row in lines(text).values())
    assert f"52 items, {left} of them to be filled by the authors" in text


def test_the_label_shows_performance_and_limits(facts: RunFacts) -> None:
    label = checklists(facts)["model_facts.md"]
    assert "### Alerts at the cut-offs, at these films' prevalence" in label
    assert "Adults only." in label
    assert "Not a medical device" in label
    assert f"AUROC {facts.report.report.auroc['effusion'].text()}" in label
