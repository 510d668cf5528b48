"""No Finding against the three findings: they exclude each other, but four outputs may not."""

from collections.abc import Mapping
from dataclasses import dataclass

from cxr_core.findings import ABNORMAL_KEYS, LABELS

NORMAL_KEY = "no_finding"


@dataclass(frozen=True)
class NoFindingWord:
    """What is to be said of No Finding beside the three.

    Attributes:
        sentence: calm and whole; empty where the four numbers say all.
        contradiction: the four outputs cannot all be right; the one case that is an alert.
    """

    sentence: str = ""
    contradiction: bool = False


def no_finding_word(probabilities: Mapping[str, float], above: Mapping[str, bool]) -> NoFindingWord:
    """Tell a contradiction from a film that is merely not called normal.

    No Finding means that no finding at all was reported, so P(No Finding) and the probability
    of any one finding cannot add up to more than 1.

    Args:
        probabilities: calibrated, by finding key; as the model assumes them, since No Finding is
            never re-based.
        above: whether each reaches its operating point.
    """
    found = [key for key in ABNORMAL_KEYS if above[key]]
    if found and above[NORMAL_KEY]:
        names = _listed([LABELS[key] for key in found])
        verb = "is" if len(found) == 1 else "are"
        return NoFindingWord(
            f"{names} {verb} above the operating point, and No Finding is above its own. "
            "One excludes the other, so rely on neither for this film.",
            contradiction=True,
        )
    likeliest = max(ABNORMAL_KEYS, key=lambda key: probabilities[key])
    if probabilities[NORMAL_KEY] > 1.0 - probabilities[likeliest]:
        return NoFindingWord(
            f"As the model gave them, the probabilities of No Finding and {LABELS[likeliest]} add "
            "up to more than 100 %. One excludes the other, so rely on neither for this film.",
            contradiction=True,
        )
    if found:
        return NoFindingWord()
    if above[NORMAL_KEY]:
        return NoFindingWord(
            "None of the three is above its operating point, and No Finding is above its own."
        )
    return NoFindingWord(
        "None of the three, but not called normal: No Finding is below its operating point too. "
        "The film may show something that this tool does not name."
    )


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
