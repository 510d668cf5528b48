"""The mean area within a view: scikit-learn's areas, averaged, and when there is none."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from cxr_core.evaluation.metrics.bootstrap import resample_units
from cxr_core.evaluation.metrics.subgroups import subgroup_mean_auroc
from cxr_core.evaluation.predictions import validate_predictions
from cxr_core.findings import LABEL_COLUMNS, LOGIT_COLUMNS
from tests.helpers.predictions import make_predictions


def test_the_mean_is_that_of_scikit_learns_areas() -> None:
    table = validate_predictions(make_predictions(240))
    resamples = resample_units(table["patient"].to_numpy(), n_resamples=200)
    found = subgroup_mean_auroc(table, resamples, by="view")
    assert set(found) == {"AP", "PA"}
    films = table[table["view"] == "AP"]
    areas = roc_auc_score(films[list(LABEL_COLUMNS)], films[list(LOGIT_COLUMNS)], average=None)
    assert found["AP"].n == len(films)
    assert found["AP"].auroc.estimate == pytest.approx(np.mean(areas))
    assert found["AP"].auroc.low < found["AP"].auroc.estimate < found["AP"].auroc.high


def test_without_one_finding_there_is_no_mean() -> None:
    table = make_predictions(240)
    table.loc[table["view"] == "AP", "label_effusion"] = 0
    resamples = resample_units(table["patient"].to_numpy(), n_resamples=20)
    found = subgroup_mean_auroc(validate_predictions(table), resamples, by="view")
    assert not found["AP"].auroc.estimable
    assert found["PA"].auroc.estimable


def test_a_table_that_tells_no_view_has_no_subgroup() -> None:
    table = validate_predictions(make_predictions(60).drop(columns="view"))
    resamples = resample_units(table["image"].to_numpy(), n_resamples=20)
    assert subgroup_mean_auroc(table, resamples, by="view") == {}
