"""When a figure is enough, wide or too few: the one definition, for every figure everywhere.

* *too few*: a class or denominator that the figure rests on has under 10 films, or films of under
  10 patients. For an area that is the films with the finding and those without it, for a share its
  denominator, for a difference both of its sides. Such a figure is not estimable and not shown.
* *wide*: it is estimable, and its 95 % interval spans more than 0.10. For an area that is DeLong's
  interval, which does not hang on a seed (``ranking.auroc_interval``).
* *enough*: neither.
* *not labelled*: no film has a label of the finding.
"""

from typing import Literal

Verdict = Literal["enough", "wide", "too few", "not labelled"]
MIN_COUNT = 10  # films, and patients, of every class or denominator that a figure rests on
MAX_WIDTH = 0.10  # an interval wider than this is called wide


def has_enough(*counts: float) -> bool:
    """Whether a figure can be given at all.

    Args:
        counts: films, and patients, of every class or denominator that it rests on.
    """
    return min(counts) >= MIN_COUNT


def verdict_of_width(width: float) -> Verdict:
    """What is said of an estimable figure whose 95 % interval is so wide."""
    return "wide" if width > MAX_WIDTH else "enough"


def rule_in_words(resampled: str) -> str:
    """The definition in one sentence's parts, for captions.

    Args:
        resampled: ``patients`` or ``images``, whatever counts as independent.
    """
    independent = "" if resampled == "images" else f" or films of under {MIN_COUNT} {resampled}"
    return (
        f"enough; wide interval (it spans over {MAX_WIDTH:.2f}); too few (under {MIN_COUNT} "
        f"films{independent}, with the finding or without it: not estimable)"
    )
