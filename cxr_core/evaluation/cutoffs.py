"""The two cut-offs of each finding, the three bands between them, and the reader's setting.

``cxr_core.reading`` imports this module, so it does without pandas.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxr_core.config import OperatingPoint
from cxr_core.findings import abnormal_of
from cxr_core.model.metadata import ModelMetadata

Band = Literal["unlikely", "uncertain", "likely"]
Setting = Literal["standard", "sensitive"]
BANDS: tuple[Band, ...] = get_args(Band)  # rising
SETTINGS: tuple[Setting, ...] = get_args(Setting)


@dataclass(frozen=True)
class Cutoffs:
    """Each finding's cut-offs on the calibrated probability; dictionaries are by finding key.

    Those of a model hold every finding; those fitted on a table lack a finding without any label.

    At or above ``specific`` a finding is "likely", below ``sensitive`` "unlikely", between them
    "uncertain". Where the two are one, nothing lies between.

    Attributes:
        specific: the one that alarms little.
        sensitive: the one that misses little, nowhere above ``specific``; None for a model of an
            earlier version, which has one cut-off a finding.
    """

    specific: Mapping[str, OperatingPoint]
    sensitive: Mapping[str, OperatingPoint] | None = None

    @property
    def paired(self) -> bool:
        """Whether there are two cut-offs a finding, so that the bands' words mean anything."""
        return self.sensitive is not None

    def points(self, setting: Setting) -> dict[str, OperatingPoint]:
        """The cut-offs at which findings are flagged.

        No Finding keeps its specific one in either setting: a setting that is to miss less must
        not call more films normal.
        """
        flagged_at = dict(self.specific)
        if setting == "sensitive" and self.sensitive is not None:
            flagged_at |= {key: self.sensitive[key] for key in abnormal_of(flagged_at)}
        return flagged_at

    def lower(self, key: str) -> float:
        """Where "unlikely" ends, 0 to 1."""
        return (self.specific if self.sensitive is None else self.sensitive)[key].threshold

    def band(self, key: str, probability: float) -> Band:
        """The band that a calibrated probability lies in."""
        if probability >= self.specific[key].threshold:
            return "likely"
        return "uncertain" if probability >= self.lower(key) else "unlikely"

    def band_indices(self, key: str, probabilities: ArrayLike) -> NDArray[np.int64]:
        """A finding's calibrated probabilities (N,) -> places in ``BANDS`` (N,)."""
        p = np.asarray(probabilities, dtype=np.float64)
        upper, lower = self.specific[key].threshold, self.lower(key)
        result: NDArray[np.int64] = np.where(p >= upper, 2, np.where(p >= lower, 1, 0))
        return result


def cutoffs_of_model(metadata: ModelMetadata) -> Cutoffs:
    """The cut-offs that are stored with a model's weights."""
    return Cutoffs(metadata.operating_points, metadata.sensitive_points)
