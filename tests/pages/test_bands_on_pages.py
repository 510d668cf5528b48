"""Bands, what a flag is worth and the reader's setting, as Read and Worklist show them."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cxr_core.evaluation.cutoffs import Setting
from cxr_core.evaluation.model_facts import NOT_MEASURED, read_model_facts
from cxr_core.export.overlay import PALE, MapStyle, map_layer
from cxr_core.export.record import result_headline, worth_words
from cxr_core.findings import ABNORMAL_KEYS, KEYS
from cxr_core.model.checkpoint import save_metadata
from cxr_core.model.metadata import load_metadata
from cxr_core.phantom.draw import phantom_png
from cxr_core.reading.analyzer import Analysis, at_setting, load_analyzer
from cxr_core.reading.batch import Outcome
from cxr_core.reading.sources import FilmSource
from cxr_core.ui.words import default_finding
from cxr_core.ui.worklist.page import worklist_csv
from cxr_core.ui.worklist.rows import ANY_FLAGGED, film_row, filter_and_sort
from cxr_core.ui.worklist.session import Worklist
from tests.helpers.models import make_points
from tests.helpers.pages import READ, page_text, pixels_of, shown_layer, upload_film, view_of


@pytest.fixture(scope="module")
def film() -> bytes:
    return phantom_png(4, findings=("effusion",), size=256)


def with_cutoffs(model: Path, folder: Path, analysis: Analysis, *, one: bool = False) -> Path:
    """The model again, with cut-offs around a film's own probabilities: every finding is uncertain
    for it; with ``one``, there is only the cut-off that it lies below."""
    folder.mkdir()
    for file in model.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    p = [analysis.probabilities[key] for key in KEYS]
    upper = make_points(tuple(1 - (1 - x) / 2 for x in p))
    lower = None if one else make_points(tuple(x / 2 for x in p))
    save_metadata(
        folder, replace(load_metadata(folder), operating_points=upper, sensitive_points=lower)
    )
    return folder


@pytest.fixture
def uncertain(film, model, tmp_path, monkeypatch) -> Path:
    folder = with_cutoffs(model, tmp_path / "uncertain", load_analyzer(model).analyze(film))
    monkeypatch.setenv("CXR_MODEL", str(folder))
    return folder


def plain(text: str) -> str:
    return text.replace("&nbsp;", " ")


def test_the_worth_of_each_result_and_the_kind_of_model_stand_on_read(
    open_page, film, uncertain
) -> None:
    text = plain(page_text(upload_film(open_page(READ), film)))
    facts = read_model_facts(uncertain, load_metadata(uncertain))
    analysis = load_analyzer(uncertain).analyze(film)
    for key in KEYS:
        assert worth_words(analysis, key, facts) in text
    assert facts.sentence in text
    assert facts.sentence.startswith("Demonstration model: mean AUROC 0.")
    assert result_headline(analysis) in text
    assert "Uncertain: Effusion, Atelectasis, Infiltration." in text


def test_without_test_films_the_worth_is_absent_in_words(open_page, film, uncertain) -> None:
    (uncertain / "predictions_test.csv").unlink()
    session = upload_film(open_page(READ), film)
    assert not session.exception
    text = page_text(session)
    assert text.count(NOT_MEASURED) == len(KEYS)
    assert "Demonstration model, with no test films" in text


def test_with_nothing_flagged_the_film_opens_without_a_map(open_page, film, uncertain) -> None:
    session = upload_film(open_page(READ), film)
    assert view_of(session)["map"] == ""
    assert session.segmented_control(key="view").value == "Film"
    assert "No map is drawn" in page_text(session)
    assert 'class="scale"' not in page_text(session)
    # Asked for by its row, it is drawn, and pale.
    session.button(key="show_atelectasis").click().run()
    analysis = load_analyzer(uncertain).analyze(film)
    assert (
        shown_layer(session) == map_layer(analysis, "atelectasis", (256, 256), MapStyle())
    ).all()
    assert view_of(session)["opacity"] == pytest.approx(PALE * 0.6)
    assert "Pale: Atelectasis is not flagged" in view_of(session)["label"]
    # Another finding's was not asked for, and the next film begins without any.
    session = upload_film(session, phantom_png(4, findings=("effusion",), size=288))
    assert view_of(session)["map"] == ""


def test_a_view_with_the_map_asks_for_it_too(open_page, film, uncertain) -> None:
    session = upload_film(open_page(READ), film)
    session.segmented_control(key="view").set_value("Overlay").run()
    assert view_of(session)["map"]
    assert view_of(session)["opacity"] == pytest.approx(PALE * 0.6)
    session.segmented_control(key="view").set_value("Film").run()
    assert view_of(session)["map"] == ""


def test_the_sensitive_setting_flags_what_is_uncertain_and_opens_its_map(
    open_page, film, uncertain
) -> None:
    session = upload_film(open_page(READ), film)
    told = read_model_facts(uncertain, load_metadata(uncertain)).flagged_sentence
    assert told
    assert told in session.toggle(key="sensitive_setting").help
    session.toggle(key="sensitive_setting").set_value(True).run()
    assert not session.exception
    text = plain(page_text(session))
    assert text.count('<div class="finding') == 4
    assert text.count(' above"') == len(ABNORMAL_KEYS)  # coloured; No Finding never is
    assert "Uncertain:" not in text
    assert text.count("uncertain <span") == len(KEYS)
    analysis = at_setting(load_analyzer(uncertain).analyze(film), "sensitive")
    assert result_headline(analysis) in text
    key = default_finding(analysis.margins)
    assert (shown_layer(session) == map_layer(analysis, key, (256, 256), MapStyle())).all()
    assert view_of(session)["opacity"] == pytest.approx(0.6)
    # It holds for the next film of the session.
    another = phantom_png(4, findings=("effusion",), size=288)
    session = upload_film(session, another)
    assert session.toggle(key="sensitive_setting").value
    analysis = at_setting(load_analyzer(uncertain).analyze(another), "sensitive")
    assert analysis.above != at_setting(analysis, "standard").above
    assert result_headline(analysis) in plain(page_text(session))


def test_a_model_of_one_cut_off_names_no_band_and_offers_no_setting(
    open_page, film, model, tmp_path, monkeypatch
) -> None:
    folder = with_cutoffs(model, tmp_path / "one", load_analyzer(model).analyze(film), one=True)
    assert "sensitive_points" not in json.loads((folder / "model.json").read_text())
    monkeypatch.setenv("CXR_MODEL", str(folder))
    session = upload_film(open_page(READ), film)
    assert not session.error
    text = plain(page_text(session))
    for word in ("unlikely", "uncertain", "likely"):
        assert word not in text.replace("Uncertain:", "").lower()
    assert "not flagged (cut-off" in text
    assert "of test films like this" in text
    assert session.toggle(key="sensitive_setting").disabled


def test_the_legend_is_drawn_over_the_films_gray_at_the_maps_opacity(
    open_page, film, uncertain
) -> None:
    session = upload_film(open_page(READ), film)
    session.toggle(key="sensitive_setting").set_value(True).run()
    text = page_text(session)
    gray = round(float(np.median(pixels_of(film))))
    assert f"background:rgb({gray} {gray} {gray})" in text
    assert ".scale .veil { opacity: 0.600; }" in text
    next(s for s in session.slider if s.label == "Map opacity").set_value(30).run()
    assert ".scale .veil { opacity: 0.300; }" in page_text(session)


def test_flags_of_the_worklist_follow_the_setting(film, uncertain) -> None:
    analysis = load_analyzer(uncertain).analyze(film)
    source = FilmSource(1, "", lambda: film)
    row = film_row(Outcome(source, "a" * 64, analysis), model_sha256=analysis.model_sha256)
    assert filter_and_sort([row.at("standard")], ANY_FLAGGED) == []
    assert filter_and_sort([row.at("sensitive")], ANY_FLAGGED) != []
    films = Worklist(sources={1: source}, rows={1: row})
    facts = read_model_facts(uncertain, load_metadata(uncertain))
    settings: tuple[tuple[Setting, str], ...] = (("standard", "0"), ("sensitive", "1"))
    for setting, flagged in settings:
        data = worklist_csv(films, setting=setting, facts=facts)
        (cells,) = csv.DictReader(io.StringIO(data.decode()))
        assert cells["setting"] == setting
        assert cells["model_note"] == facts.sentence
        for key in ABNORMAL_KEYS:
            assert cells[f"flagged_{key}"] == flagged
            assert cells[f"band_{key}"] == "uncertain"
            share = facts.share(key, "uncertain")
            assert share is not None
            assert cells[f"test_films_{key}"] == str(share.n)
            assert "of test films" in cells[f"worth_{key}"] or "too few" in cells[f"worth_{key}"]
