"""Home (app.py), 3_Performance.py and 4_Model_card.py: every page, with and without its files."""

import json
import shutil

import pandas as pd
import pytest

from cxr_core.evaluation.localisation.froc import MARK_COLUMNS
from cxr_core.evaluation.localisation.pointing import LOCALISATION_COLUMNS
from cxr_core.findings import LABEL_COLUMNS, LABELS
from tests.helpers.models import make_points
from tests.helpers.pages import MODEL_CARD, PERFORMANCE, READ, page_text
from tests.helpers.predictions import make_predictions


@pytest.fixture
def copied(model, tmp_path, monkeypatch):
    """A copy of the model folder that a test may spoil."""
    folder = shutil.copytree(model, tmp_path / "copied")
    monkeypatch.setenv("CXR_MODEL", str(folder))
    return folder


def test_home_says_what_the_model_is_and_how_good(open_page):
    session = open_page("app.py")
    assert not session.error
    text = page_text(session)
    assert "demonstration model" in text
    assert "1,480 films of 1,165 patients" in text
    assert "On 240 test films" in text
    assert "not a medical device" in text
    assert "python train.py" in session.code[0].value
    for label in LABELS.values():
        assert label in text


def test_home_goes_on_without_a_model(open_page, tmp_path, monkeypatch):
    monkeypatch.setenv("CXR_MODEL", str(tmp_path))
    session = open_page("app.py")
    assert "no model in this folder" in session.error[0].value
    assert not session.exception
    assert "What it is for" in [header.value for header in session.header]


def test_every_page_has_one_title_and_links_to_all(open_page):
    for file in ("app.py", READ, PERFORMANCE, MODEL_CARD):
        session = open_page(file)
        assert len(session.title) == 1
        assert len(session.get("page_link")) >= 4


def test_the_card_is_shown_without_its_own_title(open_page):
    session = open_page(MODEL_CARD)
    assert not session.error
    text = page_text(session)
    assert "Random weights." in text
    assert "# A model of the tests" not in text
    assert "## Limits" in text


def test_a_missing_card_is_a_sentence(open_page, copied):
    (copied / "MODEL_CARD.md").unlink()
    session = open_page(MODEL_CARD)
    assert "no readable model card" in session.error[0].value
    assert "train.py --finalize" in session.error[0].value


def test_performance_shows_every_panel(open_page):
    session = open_page(PERFORMANCE)
    assert not session.error
    charts = {chart.proto.alt for chart in session.get("plotly_chart")}
    assert len(charts) == 7
    assert all(charts)  # each has its text alternative
    # The numbers in four forms, a reporting document in two, the card, and a template of a table
    # for each of two models; each chart has its own Export, which makes no file unasked.
    assert len(session.get("download_button")) == 9
    assert sum(panel.label == "Export" for panel in session.expander) == len(charts)
    text = page_text(session)
    for words in (
        "240 films of",
        "SwinCheX",
        "View: AP",
        "No Finding excluded",
        "Follow-up: first film",
        "prevalence by view from these same films",
        "No split.csv with labels beside the model",
        "No localisation.csv beside the model",
        "Most confident misses of Effusion: ",
        "macro avg",
        "Calibration on 240 films",
        "52 items, ",
    ):
        assert words in text


def test_the_threshold_starts_at_the_operating_point_and_moves(open_page):
    session = open_page(PERFORMANCE)
    assert session.slider[0].value == pytest.approx(100 * make_points()["effusion"].threshold)
    before = page_text(session)
    assert "s cut-off, chosen on validation films" in before
    session.slider[0].set_value(0.0).run()
    after = page_text(session)
    assert "found, 100 %" in after
    assert "s cut-off is 31.0 %" in after
    session.number_input[0].set_value(2.0)
    (preset,) = (one.key for one in session.segmented_control if one.key.startswith("preset_"))
    session.segmented_control(key=preset).set_value("sensitivity").run()
    fitted = page_text(session)
    assert "fitted on these films, so its figures here are optimistic" in fitted
    assert "Value (95 % interval), optimistic" in fitted
    assert session.slider[0].value > 0
    assert "Positive predictive value at 2\N{NO-BREAK SPACE}%" in fitted
    session.number_input[0].set_value(None)
    session.segmented_control(key=preset).set_value("point").run()
    assert page_text(session) == before


def test_the_curves_of_one_finding_have_bands_and_those_of_all_four_have_none(open_page):
    session = open_page(PERFORMANCE)
    for chosen, bands, lines in (("infiltration", 1, 1), ("all", 0, 4)):
        session.segmented_control(key="curves_finding").set_value(chosen).run()
        for chart in session.get("plotly_chart")[:2]:
            figure = json.loads(chart.proto.spec)
            assert figure["layout"]["title"]["text"]
            names = [trace.get("name", "") for trace in figure["data"]]
            assert names.count("95 % confidence band") == bands
            assert sum("to" in name and "(" in name for name in names) == lines


def test_another_finding_has_its_own_threshold(open_page):
    session = open_page(PERFORMANCE)
    session.segmented_control(key="decision_finding").set_value("no_finding").run()
    assert session.slider[0].value == pytest.approx(100 * make_points()["no_finding"].threshold)


def test_another_models_table_opens_in_the_same_page(open_page):
    session = open_page(PERFORMANCE)
    table = make_predictions(150, seed=5)
    logits = [name for name in table.columns if name.startswith("logit_")]
    for name in logits:
        table[name.replace("logit", "probability")] = 1 / (1 + 2.718281828 ** -table[name])
    table = table.drop(columns=[*logits, "view", "patient", "group"])
    session.file_uploader[0].upload("mine.csv", table.to_csv(index=False).encode())
    session.run()
    assert not session.error
    text = page_text(session)
    assert "Your table: 150 films." in text
    assert "fitted on these films, so its figures here are optimistic" in text
    assert "no column view" in text
    assert "View: AP" not in text
    assert "no column view, so there is no such baseline" in text
    assert "a table from elsewhere has none" in text


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"hello\n", "header but no rows"),
        (b"", "The table is empty"),
        (b"\xff\xff", "not in UTF-8"),
    ],
)
def test_a_bad_table_is_one_sentence_and_the_page_goes_on(open_page, data, cause):
    session = open_page(PERFORMANCE)
    session.file_uploader[0].upload("bad.csv", data)
    session.run()
    assert cause in session.error[0].value
    assert not session.exception
    session.file_uploader[0].clear()
    session.run()
    assert not session.error
    assert len(session.get("plotly_chart")) == 7


def test_a_finding_without_films_is_not_estimable_and_never_half(open_page, copied):
    table = make_predictions(60).assign(label_effusion=0)
    table.to_csv(copied / "predictions_test.csv", index=False)
    session = open_page(PERFORMANCE)
    assert not session.error
    assert "not estimable" in page_text(session)
    assert not session.exception


def test_absent_files_mask_their_panels(open_page, copied):
    (copied / "history.csv").unlink()
    session = open_page(PERFORMANCE)
    assert "No readable history.csv" in page_text(session)
    assert len(session.get("plotly_chart")) == 6
    (copied / "predictions_test.csv").unlink()
    session.run()
    assert "no predictions of test" in session.error[0].value


def test_a_runs_own_files_fill_the_panels_of_labels_and_maps(open_page, copied):
    split = make_predictions(240)
    split["split"] = ["train"] * 120 + ["validation"] * 60 + ["test"] * 60
    split.to_csv(copied / "split.csv", index=False)
    make_predictions(200, seed=9).to_csv(copied / "predictions_val.csv", index=False)
    rows = [(f"{i:08d}_000.png", "effusion", 0.5, 0.5, i % 2, 0, 0, 0.1) for i in range(20)]
    boxes = pd.DataFrame(rows, columns=list(LOCALISATION_COLUMNS))
    boxes.to_csv(copied / "localisation.csv", index=False)
    session = open_page(PERFORMANCE)
    assert "No marks.csv beside the model, so false marks cannot be counted" in page_text(session)
    marks = [
        (f"{i:08d}_000.png", "effusion", i % 2, 0.1, 0.5, 0.5, i / 8, i % 2) for i in range(60)
    ]
    pd.DataFrame(marks, columns=list(MARK_COLUMNS)).to_csv(copied / "marks.csv", index=False)
    session.run()
    assert not session.error
    text = page_text(session)
    assert "Share of boxes found, by false marks per negative film (FROC)" in text
    assert "prevalence by view from the model&#x27;s validation films" in text
    assert "Train: 120 films" in text
    assert "Effusion: the map points better than one fixed spot." in text
    assert len(session.get("plotly_chart")) == 9


def test_three_films_of_one_class_have_no_figure_and_no_traceback(open_page):
    session = open_page(PERFORMANCE)
    table = make_predictions(3).assign(**dict.fromkeys(LABEL_COLUMNS, 0))
    session.file_uploader[0].upload("three.csv", table.to_csv(index=False).encode())
    session.run()
    assert not session.error
    assert not session.exception
    text = page_text(session)
    assert "Your table: 3 films" in text
    assert "Without cut-offs" in text
    assert "0.50 (" not in text
