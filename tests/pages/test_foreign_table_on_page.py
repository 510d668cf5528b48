"""3_Performance.py: a table of another model's findings, whose columns it has to ask for once."""

import numpy as np

from tests.helpers.pages import PERFORMANCE, page_text


def percent_table() -> bytes:
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, 60)
    scores = 100 / (1 + np.exp(-rng.normal(1.5 * labels - 0.7)))
    rows = [f"{k}.png,{y},{s:.2f}" for k, (y, s) in enumerate(zip(labels, scores, strict=True))]
    return "\n".join(["filename,Mass,Mass score", *rows]).encode()


def test_it_asks_once_and_every_panel_follows_the_table(open_page):
    session = open_page(PERFORMANCE)
    session.file_uploader[0].upload("a.csv", percent_table())
    session.run()
    assert not session.exception
    assert "they are taken for percent" in page_text(session)
    session.button[0].click().run()
    assert not session.error
    assert not session.exception
    text = page_text(session)
    assert "Your table: 60 films." in text
    assert "Mass: label from Mass, percent from Mass score." in text
    assert "Mass by subgroup" in text
    assert text.count("Effusion") == 1  # in the sentence on what published figures are of
    # The same columns again are not asked for.
    session.file_uploader[0].upload("b.csv", percent_table().replace(b"\n3.png", b"\n333.png"))
    session.run()
    assert "What this table's columns are" not in page_text(session)
    assert not session.exception
