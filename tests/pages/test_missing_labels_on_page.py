"""3_Performance.py: a table in which one finding has no label and another lacks some."""

import numpy as np
import pytest

from cxr_core.findings import ABNORMAL_KEYS
from tests.helpers.pages import PERFORMANCE, page_text
from tests.helpers.predictions import csv_bytes, make_predictions

FINDING_CONTROLS = (
    "curves_finding",
    "decision_finding",
    "calibration_finding",
    "groups_finding",
    "errors_finding",
    "two_models_finding",
)


@pytest.fixture
def table() -> bytes:
    """As of a model without No Finding; Effusion is labelled on 160 of 240 films."""
    films = make_predictions().assign(label_no_finding="", logit_no_finding="")
    films["label_effusion"] = films["label_effusion"].where(np.arange(240) % 3 > 0, -1)
    return csv_bytes(films)


def test_every_panel_measures_the_labelled_films_and_says_so(open_page, table):
    session = open_page(PERFORMANCE)
    for place, name in enumerate(("a.csv", "b.csv")):
        session.file_uploader[place].upload(name, table)
    session.run()
    assert not session.error
    assert not session.exception
    text = page_text(session)
    assert "Effusion is labelled on 160 of 240 films and measured on these." in text
    assert "No Finding is not labelled: no film has a label of it" in text
    assert "labelled both No Finding and a finding" not in text
    assert "Effusion (160 films)" in text
    assert "Effusion: no difference shown" in text
    assert "No Finding: not labelled on these films." in text

    # Each panel of the finding without labels says so, and none fails.
    for control in FINDING_CONTROLS:
        session.segmented_control(key=control).set_value("no_finding")
    session.run()
    assert not session.error
    assert not session.exception
    text = page_text(session)
    for sentence in (
        "No Finding is not labelled on these films, so it has no curve.",
        "No Finding is not labelled on these films, so nothing can be measured of it.",
        "No Finding: not labelled on these films, so its calibration cannot be assessed.",
        "No Finding is not labelled on these films, so no error can be told.",
    ):
        assert sentence in text
    for key in ABNORMAL_KEYS:
        for control in FINDING_CONTROLS:
            session.segmented_control(key=control).set_value(key)
        session.run()
        assert not session.exception
        assert not session.error
