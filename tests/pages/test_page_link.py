"""3_Performance.py by its address: what a link opens, and what of it is refused."""

import json
from pathlib import Path

import pytest

from cxr_core.ui.performance.tabs import FIRST_TAB
from tests.helpers.pages import PERFORMANCE, page_text
from tests.helpers.predictions import make_predictions

A, B = "performance_source_a", "performance_source_b"


@pytest.fixture
def open_link(open_page):
    """A new session that opens the Performance page by a link."""

    def open_link(**query: str):
        session = open_page("app.py")
        session.query_params.update(query)
        return open_page(PERFORMANCE, session)

    return open_link


def told(session) -> dict:
    """What the browser is told to write into the address."""
    sent = [mount.proto.json for mount in session.get("bidi_component")]
    (data,) = [one for one in map(json.loads, filter(None, sent)) if "params" in one]
    return data


@pytest.fixture
def run(model: Path) -> Path:
    """A run beside the model in use, which the page therefore offers by name."""
    folder = model.parent / "other run"
    folder.mkdir(exist_ok=True)
    make_predictions(90, seed=4).to_csv(folder / "predictions_test.csv", index=False)
    return folder


def test_a_page_opens_from_its_own_address_as_it_stood(open_page, open_link, run):
    session = open_page(PERFORMANCE)
    session.selectbox(key=A).set_value(f"run:{run}").run()
    (slider,) = [one for one in session.slider if "Effusion" in one.label]
    slider.set_value(31.5).run()
    session.number_input(key="decision_prevalence_effusion").set_value(7.5).run()
    data = told(session)
    params = data["params"]
    assert params.keys() == {"source", "table", "cutoff", "prevalence"}
    assert (params["source"], params["cutoff"]) == (run.name, "effusion:31.5")
    assert str(run.parent) not in json.dumps(data)
    assert data["tabs"]["Cut-offs"] == {"slug": "cut-offs", "finding": ""}

    again = open_link(**params, tab="two-models", finding="infiltration")
    assert not again.exception
    assert "The link" not in page_text(again)
    assert "other run: 90 films" in page_text(again)
    assert told(again)["params"] == params
    assert again.session_state[FIRST_TAB] == "Two models"
    assert told(again)["tabs"]["Two models"]["finding"] == "infiltration"
    (slider,) = [one for one in again.slider if "Effusion" in one.label]
    assert slider.value == 31.5


def test_what_of_a_link_cannot_be_is_told_and_ignored(open_link, model, run):
    session = open_link(
        source=f"../{model.name}", against="uploaded-table", tab="<b>none", finding="x",
        cutoff="effusion:200", prevalence="effusion:nan", table="00", other="1",
    )  # fmt: skip
    assert not session.exception
    text = page_text(session)
    assert "No run that can be opened here by name: ../" in text
    assert "The link is to a table that was uploaded; upload it here. No B is chosen." in text
    assert "The link was made of another table of films (00) than the one that is open" in text
    assert "The link&#x27;s tab was ignored: &lt;b&gt;none. Expected: one of discrimination" in text
    assert "The link&#x27;s finding was ignored: x." in text
    assert "The link&#x27;s cut-off was ignored: effusion:200. Expected: 0 to 100, or" in text
    assert "The link&#x27;s prevalence was ignored: effusion:nan." in text
    assert told(session)["params"].keys() == {"source", "table"}
    session.selectbox(key=B).set_value(f"run:{run}").run()  # the sentences have been read
    assert "The link" not in page_text(session)
    assert told(session)["params"]["against"] == run.name


def test_an_uploaded_table_leaves_nothing_of_itself_in_the_address(open_page):
    session = open_page(PERFORMANCE)
    table = make_predictions(90).rename(columns=lambda name: name.replace("effusion", "Doe_Jane"))
    session.file_uploader[0].upload("DOE.csv", table.to_csv(index=False).encode()).run()
    assert "Your table: 90 films" in page_text(session)
    data = told(session)
    assert data["params"] == {"source": "uploaded-table"}
    assert {one["finding"] for one in data["tabs"].values()} == {""}
