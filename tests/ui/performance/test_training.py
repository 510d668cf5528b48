"""The sentences of the training panel."""

import pandas as pd

from cxr_core.evaluation.run_folder import RunProgress
from cxr_core.ui.performance.training import input_size_sentence, progress_sentence


def test_an_unfinished_run_says_how_far_it_is() -> None:
    assert progress_sentence(RunProgress(7, 16, unfinished=True)) == (
        "Run not finished: 7 of 16 epochs done. Refreshed every 5 seconds."
    )
    assert "7 epochs done" in progress_sentence(RunProgress(7, None, unfinished=True))
    ending = progress_sentence(RunProgress(16, 16, unfinished=True))
    assert ending.startswith("All 16 epochs are done; the final evaluation is running")
    assert progress_sentence(RunProgress(16, 16, unfinished=False)) == ""


def test_growing_inputs_are_told() -> None:
    history = pd.DataFrame({"epoch": [1, 2, 3], "px": [160, 160, 224]})
    assert "From epoch 3 the input was 224 instead of 160 pixels" in input_size_sentence(history)
    assert input_size_sentence(history[:2]) == input_size_sentence(history[["epoch"]]) == ""
