"""The boxes over the film and the small print beside it, sentence by sentence."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import streamlit as st

from cxr_core.imaging.gate import GateResult
from cxr_core.reading.analyzer import Analysis
from cxr_core.ui.model import MODEL_ENV_VAR
from cxr_core.ui.read.cautions import (
    calm_statement,
    caution_sentences,
    cautions_of,
    infiltration_note,
    infiltration_sentence,
    tag_sentences,
)
from tests.helpers.analyses import make_analysis, make_radiograph
from tests.helpers.predictions import make_predictions

USUAL = (0.6, 0.1, 0.1, 0.1)


def film_of(**tags: Any) -> Analysis:
    """A usual film with these tags in its file."""
    return make_analysis(USUAL, radiograph=make_radiograph(**tags))


@pytest.fixture(autouse=True)
def _model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder with the table of 240 made-up test films."""
    table = make_predictions(240).assign(
        view=["AP"] * 100 + ["PA"] * 140, age=[10] * 6 + [50] * 234
    )
    table.to_csv(tmp_path / "predictions_test.csv", index=False)
    monkeypatch.setenv(MODEL_ENV_VAR, str(tmp_path))
    yield
    st.cache_data.clear()


def test_a_usual_film_has_no_box():
    assert cautions_of(film_of(view="PA", under_18=False)) == ()
    assert caution_sentences(make_analysis(USUAL)) == ()


def test_the_gravest_comes_first():
    stopped = GateResult(passed=False, reasons=("It is a strip.",))
    film = make_analysis((0.6, 0.1, 0.1, 0.4), gate=stopped, warnings=("A tag lies.",))
    boxes = cautions_of(film, film_note="A drawing.")
    assert [box.title.split()[0] for box in boxes] == ["Read", "The", "Demonstration", "About"]
    assert boxes[0].sentences == ("It is a strip.",)
    assert "the film is called normal" in boxes[1].sentences[0]
    assert caution_sentences(film, film_note="A drawing.") == (
        "It is a strip.", *boxes[1].sentences, "A drawing.", "A tag lies.",
    )  # fmt: skip


def test_not_called_normal_stands_under_the_headline_and_is_no_box():
    film = make_analysis((0.1, 0.1, 0.1, 0.1))
    assert cautions_of(film) == ()
    (sentence,) = caution_sentences(film)
    assert sentence.startswith("None of the three flagged, but not called normal")
    told = "Not called normal either. Something else may be there."
    assert calm_statement(film).under_headline == told
    stopped = replace(film, gate=GateResult(passed=False, reasons=("It is a strip.",)))
    assert calm_statement(stopped).under_headline == ""


@pytest.mark.parametrize(("probability", "shown"), [(0.3, ""), (0.1, "infiltration")])
def test_infiltration_is_named_for_what_it_is(probability: float, shown: str):
    film = make_analysis((0.6, 0.1, probability, 0.1))
    assert infiltration_note(film, shown_finding=shown) == infiltration_sentence()
    assert infiltration_note(make_analysis(USUAL), shown_finding="effusion") == ""
    assert infiltration_sentence().endswith("published AUROCs for it are 0.66 to 0.73.")


@pytest.mark.parametrize(
    ("tags", "taken"),
    [({"view": "AP"}, "AP film."), ({"portable": True}, "portable film."),
     ({"view": "AP", "portable": True}, "portable film.")],
)  # fmt: skip
def test_ap_or_portable_with_what_the_model_reaches_there(tags, taken, tmp_path: Path):
    (sentence,) = tag_sentences(film_of(**tags), tmp_path)
    assert sentence.startswith(f"The file says: {taken} On 100 AP test films")
    assert "95 % interval 0." in sentence
    assert "; on 140 PA test films it is 0." in sentence


@pytest.mark.parametrize("view", [None, "PA", "LL"])
def test_nothing_is_said_of_a_view_that_is_usual_or_unstated(view, tmp_path: Path):
    assert tag_sentences(film_of(view=view), tmp_path) == ()


def test_a_child_among_too_few_children(tmp_path: Path):
    (sentence,) = tag_sentences(film_of(under_18=True), tmp_path)
    assert sentence == (
        "The file says: patient under 18. The test set has 6 films of patients under 18, too few "
        "to tell how well the model reads them."
    )


@pytest.mark.parametrize("table", [None, "image\na.png\n"])
def test_what_was_not_measured_is_said_to_be(table: str | None, tmp_path: Path):
    path = tmp_path / "predictions_test.csv"
    path.unlink() if table is None else path.write_text(table)
    child, view = tag_sentences(film_of(under_18=True, view="AP"), tmp_path)
    assert child.endswith("was not measured.")
    assert view.endswith("to tell how well the model reads them.")
