"""What sessions hold is counted, and refused in one sentence where it is too much."""

import gc

import pytest

from cxr_core.errors import BudgetError
from cxr_core.ui.holdings import Held, Ledger
from cxr_core.ui.limits import Limits

MB = 2**20
LIMITS = Limits(
    session_megabytes=10, session_megapixels=20, session_films=5,
    server_megabytes=15, server_megapixels=30, server_films=8,
)  # fmt: skip


@pytest.mark.parametrize(
    ("held", "sentence"),
    [
        (
            Held(films=6),
            "This session is full: it holds at most 5 films. Close a film or clear the worklist, "
            "then open this one again.",
        ),
        (Held(n_bytes=10 * MB + 1), "This session is full: it holds at most 10 MB of files. "),
        (Held(pixels=20_000_001), "it holds at most 20 megapixels of open films. "),
    ],
)
def test_a_full_session_says_what_is_full_and_what_to_do(held: Held, sentence: str) -> None:
    ledger = Ledger()
    own = ledger.new()
    with pytest.raises(BudgetError) as caught:
        ledger.set(own, "film", held, LIMITS)
    assert sentence in str(caught.value)
    assert own.total == Held()


def test_places_of_a_session_count_together() -> None:
    ledger = Ledger()
    own = ledger.new()
    ledger.set(own, "film", Held(1, 6 * MB), LIMITS)
    with pytest.raises(BudgetError):
        ledger.set(own, "worklist", Held(1, 5 * MB), LIMITS)
    ledger.set(own, "film", Held(1, 2 * MB), LIMITS)  # another film in its place
    ledger.set(own, "worklist", Held(1, 5 * MB), LIMITS)
    assert own.total == Held(2, 7 * MB)


def test_a_full_server_says_so_and_names_the_limit() -> None:
    ledger = Ledger()
    one, two = ledger.new(), ledger.new()
    ledger.set(one, "film", Held(1, 9 * MB), LIMITS)
    with pytest.raises(BudgetError, match="The server is full: .* raise CXR_SERVER_MEGABYTES"):
        ledger.set(two, "film", Held(1, 7 * MB), LIMITS)
    ledger.set(two, "film", Held(1, 6 * MB), LIMITS)


def test_holding_less_is_let_pass_though_all_is_full() -> None:
    ledger = Ledger()
    own = ledger.new()
    ledger.set(own, "worklist", Held(5, 10 * MB), LIMITS)
    less = Limits(session_films=1, session_megabytes=1, server_films=1, server_megabytes=1)
    ledger.set(own, "worklist", Held(4, 9 * MB), less)
    assert own.total == Held(4, 9 * MB)


def test_a_session_that_is_gone_counts_no_more() -> None:
    ledger = Ledger()
    own = ledger.new("a")
    ledger.set(own, "film", Held(3), LIMITS)
    assert ledger.of("a") is own
    del own
    gc.collect()
    assert ledger.total == Held()
    assert ledger.of("a") is None
