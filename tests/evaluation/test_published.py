"""The published figures, as their papers and repositories state them."""

from cxr_core.evaluation.published import CAUTION, read_published


def test_the_facts_are_there_with_their_splits_and_sources():
    models = {model.model: model for model in read_published()}
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
    assert "no figure here may be set against another as if they were one" in CAUTION
