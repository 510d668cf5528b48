"""3_Performance.py: what it opens, two models beside each other, and a run as it is written."""

import json
from html import escape
from pathlib import Path

import pytest

from cxr_core.ui.performance.source import (
    NO_METADATA_CAUTION,
    NO_PREDICTIONS_CAUTION,
    VALIDATION_CAUTION,
)
from tests.helpers.models import make_history
from tests.helpers.pages import MODEL_CARD, PERFORMANCE, page_text
from tests.helpers.predictions import make_predictions

A = "performance_source_a"


def open_path(session, path: Path):
    return session.text_input(key=f"{A}_path").set_value(str(path)).run()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder that holds its validation films alone."""
    folder = tmp_path / "trial"
    folder.mkdir()
    make_predictions(90, seed=4).to_csv(folder / "predictions_val.csv", index=False)
    return folder


def test_a_typed_run_stays_open_until_another_is_chosen(open_page, run):
    session = open_path(open_page(PERFORMANCE), run)
    assert not session.error
    shown = page_text(session)
    assert "Validation films of trial: 90 films of" in shown
    assert escape(VALIDATION_CAUTION) in shown
    assert NO_METADATA_CAUTION in shown
    assert "No readable history.csv in this run" in shown
    session = open_page(PERFORMANCE, open_page(MODEL_CARD, session))
    assert "Validation films of trial: 90 films of" in page_text(session)
    # It is still in the list when another cannot be opened.
    open_path(session, run / "nowhere")
    assert "This folder cannot be read" in session.error[0].value
    assert not session.get("plotly_chart")
    session.selectbox(key=A).set_value(f"run:{run}").run()
    assert not session.error
    assert not session.exception
    assert "Validation films of trial" in page_text(session)


def test_two_models_stand_beside_each_other_on_the_films_in_both(open_page):
    session = open_page(PERFORMANCE)
    worse = make_predictions(240)[20:].assign(logit_effusion=lambda table: -table["logit_effusion"])
    session.file_uploader[1].upload("other.csv", worse.to_csv(index=False).encode())
    session.run()
    assert not session.error
    text = page_text(session)
    assert "Your table: 220 films of" in text
    assert "20 only in A and 0 only in B are left out" in text
    assert "Effusion: A is better, B − A is −0." in text
    assert "Infiltration: no difference shown, B − A is 0.000 (0.000 to 0.000)." in text
    assert "Films that are not No Finding: " in text
    assert "View AP: " in text
    (chart,) = [c for c in session.get("plotly_chart") if "A: AUROC" in c.proto.alt]
    figure = json.loads(chart.proto.spec)
    assert [trace["line"]["dash"] for trace in figure["data"]] == ["dot", "solid", "dash"]
    # What cannot be compared is one sentence, and the rest of the page stands.
    others = worse.assign(label_effusion=1 - worse["label_effusion"])
    session.file_uploader[1].upload("labels.csv", others.to_csv(index=False).encode())
    session.run()
    assert "have different labels: label_effusion of 220 films" in session.error[0].value
    assert len(session.get("plotly_chart")) == 7


def test_published_figures_are_set_against_one_kind_of_split_alone(open_page):
    session = open_page(PERFORMANCE)
    assert page_text(session).count("No difference from the ") == 2
    kind = next(box for box in session.selectbox if "split" in box.label)
    kind.set_value("official").run()
    text = page_text(session)
    assert "AUROC − the published one, split: official" in text
    assert "No difference from the published figures (random by patient split) is given" in text
    assert text.count("No difference from the ") == 1


def test_a_run_that_is_being_written_grows_and_opens_when_it_ends(open_page, tmp_path):
    folder = tmp_path / "live"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"train": {"epochs": 4}}))
    make_history(2).to_csv(folder / "history.csv", index=False)
    session = open_path(open_page(PERFORMANCE), folder)
    assert NO_PREDICTIONS_CAUTION in page_text(session)
    assert "2 of 4 epochs done" in page_text(session)

    def epochs() -> str:
        (chart,) = session.get("plotly_chart")
        return chart.proto.alt

    assert epochs() == "Loss and validation AUROC over 2 epochs."
    make_history(3).to_csv(folder / "history.csv", index=False)
    session.run()
    assert epochs() == "Loss and validation AUROC over 3 epochs."
    assert "3 of 4 epochs done" in page_text(session)
    make_history(4).to_csv(folder / "history.csv", index=False)
    make_predictions(90).to_csv(folder / "predictions_test.csv", index=False)
    session.run()
    assert not session.error
    assert "epochs done" not in page_text(session)
    assert "Test films of live: 90 films of" in page_text(session)
