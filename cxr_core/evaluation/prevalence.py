"""The share of films with a finding that a probability assumes, and the same at another share.

It needs numpy alone, and it never decides: a film that is above its cut-off stays above, since
probability and cut-off are moved by one rising function.
"""

import numpy as np
from numpy.typing import ArrayLike

from cxr_core.errors import ConfigError
from cxr_core.findings import KEYS


def assumed_prevalence(labels: ArrayLike) -> dict[str, float]:
    """Share of each label among the films that the calibration was fitted on, by finding key.

    With one free offset a finding, maximum likelihood makes the mean calibrated probability of
    those films equal this share: it is the prevalence that the probabilities assume.

    Args:
        labels: (N, 4) of 0 and 1, N at least 1.
    """
    shares = np.asarray(labels, dtype=np.float64).mean(axis=0)  # (4,)
    return {key: float(share) for key, share in zip(KEYS, shares, strict=True)}


def rebase(probability: float, *, assumed: float, site: float) -> float:
    """A calibrated probability, or a cut-off on it, at another prevalence.

    The odds are multiplied by the ratio of the prevalences' odds (Saerens, Latinne and
    Decaestecker, Neural Computation 2002, eq. 2.4): right as long as films with the finding, and
    films without it, look at the site as they do where the model was calibrated. Every step below
    rounds without ever turning an order round, so p >= q gives rebase(p) >= rebase(q) exactly.

    Args:
        probability: 0 to 1.
        assumed: prevalence that the probability assumes, between 0 and 1.
        site: prevalence at the site, between 0 and 1.

    Raises:
        ConfigError: a prevalence is not between 0 and 1, or the probability lies outside 0 to 1.
    """
    for share in (assumed, site):
        if not 0.0 < share < 1.0:
            raise ConfigError(
                "A prevalence of never or always leaves nothing to tell",
                value=f"{100 * share:g} %",
                remedy="Give a share of films between 0 and 100 %, for example 5 %.",
            )
    if not 0.0 <= probability <= 1.0:
        raise ConfigError(
            "A probability lies outside 0 to 1",
            value=probability,
            remedy="Re-base calibrated probabilities only, not logits.",
        )
    if probability == 0.0:
        return 0.0
    ratio = (assumed * (1.0 - site)) / ((1.0 - assumed) * site)
    return 1.0 / (1.0 + (1.0 - probability) / probability * ratio)
