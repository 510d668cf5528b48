"""A table with all its labels, and the films that lose one."""

import numpy as np
import pandas as pd
import pytest

from cxr_core.evaluation.full_report import FullReport
from tests.helpers.missing_labels import evaluated
from tests.helpers.predictions import make_predictions


@pytest.fixture(scope="module")
def complete() -> pd.DataFrame:
    return make_predictions(400, seed=3)


@pytest.fixture(scope="module")
def rows(complete: pd.DataFrame) -> pd.Series:
    """About a third of the films; every patient keeps one, so that the same patients are drawn."""
    others = complete["patient"].duplicated(keep="first")
    return others & (np.arange(len(complete)) % 4 > 0)


@pytest.fixture(scope="module", params=[np.nan, -1], ids=["empty", "minus one"])
def unlabelled(request: pytest.FixtureRequest, complete: pd.DataFrame) -> FullReport:
    """As of a model without No Finding, at cut-offs fitted on the table itself."""
    return evaluated(complete.assign(label_no_finding=request.param), own_cutoffs=True)
