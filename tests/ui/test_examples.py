"""The films that ship: which they are, that they are whole, and that the model never learnt from
one."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxr_core.errors import DataError
from cxr_core.evaluation.cutoffs import cutoffs_of_model
from cxr_core.evaluation.predictions import probabilities_of, read_predictions
from cxr_core.findings import KEYS, LABELS
from cxr_core.imaging.radiograph import read_radiograph
from cxr_core.model.metadata import load_metadata
from cxr_core.ui.examples import (
    EXAMPLES_FOLDER,
    agreement_sentence,
    list_examples,
    load_example,
)

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / EXAMPLES_FOLDER


def test_each_film_that_ships_is_one_of_the_test_part_and_whole() -> None:
    examples = list_examples(FOLDER)
    assert 1 <= len(examples) <= 6
    split = pd.read_csv(ROOT / "models/default/split.csv").set_index("image")
    for example in examples:
        assert split.loc[example.image, "split"] == "test"
        film = read_radiograph(load_example(example, FOLDER))
        assert film.sha256 == example.sha256
        assert min(film.pixels.shape) >= 384
        assert example.image.split("_")[0] not in example.file  # NIH's patient number
        for column, word in (
            ("label_effusion", "Effusion"),
            ("label_atelectasis", "Atelectasis"),
            ("label_infiltration", "Infiltration"),
            ("label_no_finding", "No Finding"),
        ):
            assert (word in example.labels) == bool(split.loc[example.image, column])


def test_they_show_right_answers_a_false_alarm_and_a_miss_of_the_model_that_ships() -> None:
    """As the page says of them. With other weights, others are to be chosen."""
    folder = ROOT / "models/default"
    metadata = load_metadata(folder)
    table = read_predictions((folder / "predictions_test.csv").read_bytes())
    examples = list_examples(FOLDER)
    rows = [table["image"].tolist().index(example.image) for example in examples]
    probabilities = probabilities_of(table, metadata.calibration)[rows]
    cutoffs = cutoffs_of_model(metadata).specific
    flagged = np.stack([probabilities[:, n] >= cutoffs[k].threshold for n, k in enumerate(KEYS)], 1)
    labels = np.array([[LABELS[key] in example.labels for key in KEYS] for example in examples])
    right = (flagged & labels).any(axis=0)
    assert right[[KEYS.index(key) for key in ("effusion", "atelectasis", "no_finding")]].all()
    told = [
        agreement_sentence(example.labels, dict(zip(KEYS, row, strict=True)))
        for example, row in zip(examples, flagged.tolist(), strict=True)
    ]
    assert told.count("What the model flags agrees with them.") >= 3
    assert any("the model flagged" in sentence for sentence in told)
    assert any("the model missed" in sentence for sentence in told)


def test_what_the_model_missed_and_what_it_flagged_beside_is_told() -> None:
    flagged = {"effusion": True, "atelectasis": False, "infiltration": True, "no_finding": False}
    sentence = agreement_sentence(("Atelectasis", "Mass"), flagged)
    assert sentence == (
        "By them, the model missed Atelectasis and flagged Effusion and Infiltration without a "
        "label."
    )
    assert agreement_sentence(("Effusion", "Infiltration"), flagged).endswith("agrees with them.")


def test_nih_is_named_beside_them() -> None:
    text = (FOLDER / "README.md").read_text()
    for words in ("NIH Clinical Center", "ChestX-ray8", "Wang"):
        assert words in text


def test_no_folder_offers_nothing(tmp_path: Path) -> None:
    assert list_examples(tmp_path) == []


def test_a_changed_film_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"another film")
    sha256 = hashlib.sha256(b"the film").hexdigest()
    header = "file,sha256,image,labels,age,view\n"
    (tmp_path / "examples.csv").write_text(f"{header}a.png,{sha256},1.png,Mass|Effusion,40,PA\n")
    (example,) = list_examples(tmp_path)
    assert (example.labels, example.age) == (("Mass", "Effusion"), 40)
    with pytest.raises(DataError, match=r"missing or was changed: .*a\.png"):
        load_example(example, tmp_path)
