"""The published figures, as their papers and repositories state them."""

import pandas as pd
import pytest

from cxr_core.evaluation.metrics.bootstrap import NOT_ESTIMABLE, Interval
from cxr_core.evaluation.published import (
    AUROC_CAUTION,
    FULL_DATASET_SIZE,
    OFFICIAL_SPLIT,
    RANDOM_SPLIT,
    SMALL_FOLDER_SPLIT,
    UNKNOWN_SPLIT,
    difference_to_published,
    read_published_auroc,
    split_kind,
    why_not_comparable,
)


def test_the_facts_are_there_with_their_splits_and_sources():
    models = {model.model: model for model in read_published_auroc()}
    assert len(models) == 7
    chexnet = models["CheXNet, DenseNet121"]
    assert (chexnet.year, chexnet.split, chexnet.input_px) == (2017, "random by patient", 224)
    assert chexnet.auroc == {
        "effusion": 0.8638, "atelectasis": 0.8094, "infiltration": 0.7345, "no_finding": None,
    }  # fmt: skip
    assert models["SwinCheX"].auroc["effusion"] == 0.824
    assert {model.split for model in models.values()} == {"official", "random by patient"}
    assert all(model.source for model in models.values())


def test_the_caution_says_what_may_not_be_compared():
    assert "so the figures cannot be compared directly" in AUROC_CAUTION


def test_the_kind_of_a_small_folders_split_is_computed_and_a_whole_ones_must_be_told():
    small = pd.DataFrame({"split": ["train", "train", "test"], "patient": ["1", "1", "2"]})
    assert split_kind(small) == SMALL_FOLDER_SPLIT
    assert split_kind(small.assign(patient="1")) == UNKNOWN_SPLIT  # one patient on both sides
    assert split_kind(small.drop(columns="patient")) == UNKNOWN_SPLIT
    assert split_kind(pd.DataFrame({"split": ["test"] * FULL_DATASET_SIZE})) is None
    assert split_kind(None) is None


@pytest.mark.parametrize("split", [OFFICIAL_SPLIT, RANDOM_SPLIT])
def test_a_difference_is_given_within_one_kind_of_split_alone(split):
    assert why_not_comparable(split, split) == ""
    for kind in (OFFICIAL_SPLIT, RANDOM_SPLIT, SMALL_FOLDER_SPLIT, UNKNOWN_SPLIT):
        if kind != split:
            told = why_not_comparable(kind, split)
            assert told.startswith(
                f"No difference from the published figures ({split} split) is given: "
            )
            assert told.endswith(".")
    assert {OFFICIAL_SPLIT, RANDOM_SPLIT} == {model.split for model in read_published_auroc()}


def test_the_kind_alone_moves_one_models_area_by_what_the_refusal_says():
    # The caution's own figures of one model on both kinds of film: 0.82 and 0.90, and so on.
    assert "0.82, 0.78 and 0.71" in AUROC_CAUTION
    assert "0.90, 0.83 and 0.71" in AUROC_CAUTION
    assert max(0.90 - 0.82, 0.83 - 0.78, 0.71 - 0.71) == pytest.approx(0.08)
    assert "by up to 0.08" in why_not_comparable(OFFICIAL_SPLIT, RANDOM_SPLIT)


def test_a_difference_moves_the_interval_and_not_its_width():
    found = difference_to_published(Interval(0.80, 0.75, 0.86, "wide"), 0.7585)
    assert (found.estimate, found.low, found.high) == pytest.approx((0.0415, -0.0085, 0.1015))
    assert not difference_to_published(NOT_ESTIMABLE, 0.8).estimable
