"""How often a model's maps pointed into radiologists' boxes, from its folder's own table."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cxr_core.evaluation.run_folder import LOCALISATION_FILE


@dataclass(frozen=True)
class Pointing:
    """Boxed test films of one finding.

    Attributes:
        films: test films with a box of the finding.
        hits: of them, those on which the map's peak lay inside a box.
        spot_hits: the same for the best fixed spot of the training boxes, on every film the same.
    """

    films: int
    hits: int
    spot_hits: int


def pointing_of(folder: Path) -> dict[str, Pointing]:
    """By finding key; empty when the model was not measured on boxed films."""
    path = folder / LOCALISATION_FILE
    if not path.is_file():
        return {}
    rows = pd.read_csv(path)
    return {
        str(key): Pointing(
            films=len(films),
            hits=int(films["inside"].sum()),
            spot_hits=int(films["fixed_spot_inside"].sum()),
        )
        for key, films in rows.groupby("finding")
    }
