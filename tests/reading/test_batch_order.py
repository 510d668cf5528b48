"""The order of films, by hand: what was not read first, then by margin; No Finding never."""

from cxr_core.findings import KEYS
from cxr_core.reading.batch import worklist_sort_key


def film(number: int, *margins: float) -> tuple[int, float, int]:
    """A read film by its four margins, in the order of ``KEYS``."""
    by_key = dict(zip(KEYS, margins, strict=True))
    return worklist_sort_key(number, by_key, {key: margin >= 0 for key, margin in by_key.items()})


def test_the_order_of_seven_films() -> None:
    keys = [
        film(1, -0.5, -2.0, -3.0, 4.0),  # none of the three above, No Finding far above
        film(2, 0.1, 1.5, -1.0, -1.0),  # above by 1.5
        worklist_sort_key(3, None, {}),
        film(4, -1.0, -1.0, 2.0, 9.0),  # above by 2.0
        film(5, -0.4, -2.0, -3.0, -4.0),
        worklist_sort_key(6, None, {}),
        film(7, 0.0, -9.0, -9.0, -9.0),  # just at its point is above
    ]
    assert [number for _, _, number in sorted(keys)] == [3, 6, 4, 2, 7, 5, 1]


def test_no_finding_changes_nothing() -> None:
    assert film(1, 0.5, -1.0, -1.0, 9.0) == film(1, 0.5, -1.0, -1.0, -9.0)
    assert film(1, -0.5, -1.0, -1.0, 9.0) == film(1, -0.5, -1.0, -1.0, -9.0)


def test_ties_stand_as_they_came() -> None:
    assert sorted([film(2, 1.0, 0.0, 0.0, 0.0), film(1, 0.0, 1.0, 0.0, 0.0)])[0][2] == 1
