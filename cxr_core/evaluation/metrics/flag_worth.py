"""What a flag is worth: how many films of a band carry the label, how many films are flagged."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxr_core.evaluation.cutoffs import BANDS, SETTINGS, Band, Cutoffs, Setting
from cxr_core.evaluation.metrics.bootstrap import Interval, Resamples, proportion_intervals
from cxr_core.findings import ABNORMAL_INDICES, ABNORMAL_KEYS, KEYS, NORMAL_INDEX


@dataclass(frozen=True)
class BandShare:
    """Films of one band of one finding.

    Attributes:
        n: films in the band.
        positives: of them, those with the label.
        share: ``positives`` of ``n``; not estimable with under 10 films or patients.
    """

    n: int
    positives: int
    share: Interval


@dataclass(frozen=True)
class FlagRates:
    """One of the three findings, or any of them, in one setting.

    Attributes:
        n: films flagged.
        flagged: share of all films that are flagged.
        flagged_normal: share of the No Finding films that are flagged.
        with_label: share of the flagged films that carry the label, or any of the three.
    """

    n: int
    flagged: Interval
    flagged_normal: Interval
    with_label: Interval


@dataclass(frozen=True)
class FlagWorth:
    """What flags are worth on one table's films.

    Attributes:
        bands: by finding key and band.
        rates: by setting and finding key, of the three; one setting alone where a finding has one
            cut-off.
        any_finding: by setting, of films with any of the three flagged.
    """

    bands: dict[str, dict[Band, BandShare]] = field(default_factory=dict)
    rates: dict[Setting, dict[str, FlagRates]] = field(default_factory=dict)
    any_finding: dict[Setting, FlagRates] = field(default_factory=dict)


def band_shares(
    labels: ArrayLike, probabilities: ArrayLike, cutoffs: Cutoffs, resamples: Resamples
) -> dict[str, dict[Band, BandShare]]:
    """By finding key and band; a band between two cut-offs that are one has no films.

    Args:
        labels: (N, 4) of 0 and 1.
        probabilities: (N, 4), on the cut-offs' scale.
        resamples: of these N films' patients.
    """
    y = np.asarray(labels).astype(bool)  # (N, 4)
    places = cutoffs.band_indices(probabilities)  # (N, 4)
    among = np.stack([places == place for place in range(len(BANDS))], axis=2)  # (N, 4, 3)
    hits = among & y[:, :, None]
    flat = (len(y), -1)
    intervals = iter(proportion_intervals(hits.reshape(flat), among.reshape(flat), resamples))
    return {
        key: {
            band: BandShare(int(among[:, k, b].sum()), int(hits[:, k, b].sum()), next(intervals))
            for b, band in enumerate(BANDS)
        }
        for k, key in enumerate(KEYS)
    }


def flag_worth(
    labels: ArrayLike, probabilities: ArrayLike, cutoffs: Cutoffs, resamples: Resamples
) -> FlagWorth:
    """Bands, and flags in both settings.

    Args:
        labels: (N, 4) of 0 and 1.
        probabilities: (N, 4), on the cut-offs' scale.
        resamples: of these N films' patients.
    """
    y, p = np.asarray(labels).astype(bool), np.asarray(probabilities, dtype=np.float64)
    abnormal = list(ABNORMAL_INDICES)
    rates: dict[Setting, dict[str, FlagRates]] = {}
    any_finding: dict[Setting, FlagRates] = {}
    for setting in SETTINGS if cutoffs.paired else SETTINGS[:1]:
        points = cutoffs.points(setting)
        flagged = p >= [points[key].threshold for key in KEYS]  # (N, 4)
        # The three, then any of them.
        called = _with_any(flagged[:, abnormal])  # (N, 4)
        *found, of_any = _rates(called, _with_any(y[:, abnormal]), y[:, NORMAL_INDEX], resamples)
        rates[setting] = dict(zip(ABNORMAL_KEYS, found, strict=True))
        any_finding[setting] = of_any
    return FlagWorth(band_shares(y, p, cutoffs, resamples), rates, any_finding)


def _with_any(columns: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.column_stack([columns, columns.any(axis=1)])


def _rates(
    flagged: NDArray[np.bool_],
    positive: NDArray[np.bool_],
    normal: NDArray[np.bool_],
    resamples: Resamples,
) -> list[FlagRates]:
    """(N, J) flags and labels, (N,) No Finding -> J rates."""
    columns = flagged.shape[1]
    normals = np.repeat(normal[:, None], columns, axis=1)
    hits = np.concatenate([flagged, flagged & normals, flagged & positive], axis=1)
    among = np.concatenate([np.ones_like(flagged), normals, flagged], axis=1)
    found = proportion_intervals(hits, among, resamples)  # 3 J
    return [
        FlagRates(int(flagged[:, j].sum()), found[j], found[columns + j], found[2 * columns + j])
        for j in range(columns)
    ]
