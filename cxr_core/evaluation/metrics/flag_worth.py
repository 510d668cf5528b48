"""What a flag is worth: how many films of a band carry the label, how many films are flagged."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxr_core.evaluation.cutoffs import BANDS, SETTINGS, Band, Cutoffs, Setting
from cxr_core.evaluation.metrics.bootstrap import (
    NOT_LABELLED,
    Interval,
    Resamples,
    proportion_intervals,
)
from cxr_core.evaluation.metrics.labelled import labelled_films
from cxr_core.evaluation.predictions import is_labelled
from cxr_core.findings import KEYS, NORMAL_KEY, abnormal_of


@dataclass(frozen=True)
class BandShare:
    """Films of one band of one finding.

    Attributes:
        n: films in the band that have a label of the finding.
        positives: of them, those with the label.
        share: ``positives`` of ``n``; not estimable with under 10 films or patients, not labelled
            where no film at all has a label of the finding.
    """

    n: int
    positives: int
    share: Interval


@dataclass(frozen=True)
class FlagRates:
    """One of the abnormal findings, or any of them, in one setting.

    One finding is measured on the films that have its label, and is "not labelled" without any.
    Any of them is measured on all films, as a flag needs no label; ``with_label`` on those that
    have the labels of all of them.

    Attributes:
        n: films flagged.
        flagged: share of all films that are flagged.
        flagged_normal: share of the No Finding films that are flagged.
        with_label: share of the flagged films that carry the label, or any of these.
    """

    n: int
    flagged: Interval
    flagged_normal: Interval
    with_label: Interval


@dataclass(frozen=True)
class FlagWorth:
    """What flags are worth on one table's films.

    Attributes:
        bands: by finding key and band; findings without a cut-off are left out.
        rates: by setting and finding key, of all but No Finding; one setting alone where a
            finding has one cut-off.
        any_finding: by setting, of films with any of these flagged; empty where one of them
            has no cut-off.
    """

    bands: dict[str, dict[Band, BandShare]] = field(default_factory=dict)
    rates: dict[Setting, dict[str, FlagRates]] = field(default_factory=dict)
    any_finding: dict[Setting, FlagRates] = field(default_factory=dict)


def band_shares(
    labels: ArrayLike,
    probabilities: ArrayLike,
    cutoffs: Cutoffs,
    resamples: Resamples,
    keys: Sequence[str] = KEYS,
) -> dict[str, dict[Band, BandShare]]:
    """By finding key and band; a band between two cut-offs that are one has no films.

    Args:
        labels: (N, K) as ``predictions.labels_of`` gives them.
        probabilities: (N, K), on the cut-offs' scale.
        resamples: of these N films' patients.
        keys: of the K findings.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    found = {}
    for k, key in enumerate(keys):
        if key not in cutoffs.specific:
            continue
        films = labelled_films(labels, k, resamples)
        places = cutoffs.band_indices(key, p[films.mask, k])  # (n,)
        among = places[:, None] == np.arange(len(BANDS))  # (n, 3)
        hits = among & (films.labels == 1)[:, None]
        shares = [NOT_LABELLED] * len(BANDS)
        if films.n:
            shares = proportion_intervals(hits, among, films.resamples)
        found[key] = {
            band: BandShare(int(among[:, b].sum()), int(hits[:, b].sum()), shares[b])
            for b, band in enumerate(BANDS)
        }
    return found


def flag_worth(
    labels: ArrayLike,
    probabilities: ArrayLike,
    cutoffs: Cutoffs,
    resamples: Resamples,
    keys: Sequence[str] = KEYS,
) -> FlagWorth:
    """Bands, and flags in both settings.

    Args:
        labels: (N, K) as ``predictions.labels_of`` gives them.
        probabilities: (N, K), on the cut-offs' scale.
        resamples: of these N films' patients.
        keys: of the K findings.
    """
    y, p = np.asarray(labels), np.asarray(probabilities, dtype=np.float64)
    abnormal_keys = abnormal_of(keys)
    normal = np.zeros(len(y), dtype=bool)  # (N,)
    if NORMAL_KEY in keys:
        normal = y[:, list(keys).index(NORMAL_KEY)] == 1
    abnormal = y[:, [list(keys).index(key) for key in abnormal_keys]]  # (N, A)
    all_known = np.all(is_labelled(abnormal), axis=1)  # (N,)
    rates: dict[Setting, dict[str, FlagRates]] = {}
    any_finding: dict[Setting, FlagRates] = {}
    for setting in SETTINGS if cutoffs.paired else SETTINGS[:1]:
        points = cutoffs.points(setting)
        flags = {
            key: p[:, list(keys).index(key)] >= points[key].threshold
            for key in abnormal_keys
            if key in points
        }
        rates[setting] = {}
        for key, flagged in flags.items():
            films = labelled_films(y, list(keys).index(key), resamples)
            rates[setting][key] = _rates(
                flagged[films.mask], films.labels == 1, normal[films.mask], films.resamples
            )
        if len(flags) == len(abnormal_keys) > 1:
            flagged = np.any(list(flags.values()), axis=0)  # (N,)
            any_finding[setting] = _rates(
                flagged, (abnormal == 1).any(axis=1), normal, resamples, known=all_known
            )
    return FlagWorth(band_shares(y, p, cutoffs, resamples, keys), rates, any_finding)


def _rates(
    flagged: NDArray[np.bool_],
    positive: NDArray[np.bool_],
    normal: NDArray[np.bool_],
    resamples: Resamples,
    *,
    known: NDArray[np.bool_] | None = None,
) -> FlagRates:
    """(n,) flags, labels and No Finding; ``known`` are the films whose labels count."""
    if len(flagged) == 0:
        return FlagRates(0, NOT_LABELLED, NOT_LABELLED, NOT_LABELLED)
    told = flagged if known is None else flagged & known
    hits = np.stack([flagged, flagged & normal, told & positive], axis=1)
    among = np.stack([np.ones_like(flagged), normal, told], axis=1)
    shares = proportion_intervals(hits, among, resamples)
    if known is not None and not known.any():
        shares[2] = NOT_LABELLED
    return FlagRates(int(flagged.sum()), *shares)
