"""Charts: what is drawn are the values that were given."""

import pandas as pd

from cxr_core.evaluation.metrics.labels import LabelCount
from cxr_core.findings import KEYS
from cxr_core.ui.charts.theme import label_counts_figure, training_history_figure


def test_label_counts_are_written_at_their_bars():
    counts = [LabelCount(40, 5, "wide"), LabelCount(20, 10, "wide"), LabelCount(40, 0, "too few"),
              LabelCount(0, 0, "not labelled")]  # fmt: skip
    figure = label_counts_figure(dict(zip(KEYS, counts, strict=True)), 40)
    (bars,) = figure.data
    assert list(bars.x) == [5, 10, 0, 0]
    assert bars.text == ("5 of 40 (12 %)", "10 of 20 (50 %)", "0 of 40 (0 %)", "not labelled")
    assert figure.layout.title.text == "Labels of the 40 films shown"


def test_training_curves_show_what_is_there_and_mark_the_best_epoch():
    history = pd.DataFrame(
        {
            "epoch": [1, 2, 3],
            "train_loss": [3, 2, 1],
            "auroc_effusion": [0.5, 0.7, 0.6],
            "auroc_mean": [0.6, 0.8, 0.7],
        }
    )
    figure = training_history_figure(history)
    assert [trace.name for trace in figure.data] == ["Loss, training", "Effusion"]
    assert figure.layout.shapes[0].x0 == 2
    assert figure.layout.xaxis.dtick == figure.layout.xaxis2.dtick == 1  # no mark between epochs
    longer = pd.DataFrame({"epoch": range(1, 41), "train_loss": 1.0})
    assert training_history_figure(longer).layout.xaxis.dtick == 5
    texts = [note.text for note in figure.layout.annotations]
    assert texts == ["Loss by epoch", "AUROC by epoch, validation films", "kept"]
    assert (
        training_history_figure(history, best_label="best so far").layout.annotations[2].text
        == "best so far"
    )
