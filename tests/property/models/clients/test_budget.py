"""Extra requests stay within their share of the calls, in every order of calls and wishes."""

from hypothesis import given
from hypothesis import strategies as st

from models.clients.budget import ShareBudget


@given(
    share=st.floats(0, 1),
    burst=st.floats(0, 20),
    asks=st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=200),
)
def test_extra_requests_are_at_most_a_share_of_the_calls_and_a_burst(
    share: float, burst: float, asks: list[tuple[bool, int]]
) -> None:
    """Also when every call wishes for more than one, and some wishes come without a call."""
    budget = ShareBudget(share, burst)
    calls = extra = 0
    for is_call, wishes in asks:
        if is_call:
            budget.note_call()
            calls += 1
        extra += sum(budget.take() for _ in range(wishes))
        assert extra <= share * calls + burst + 1e-6


@given(calls=st.integers(0, 100))
def test_what_is_not_used_is_kept_only_up_to_the_burst(calls: int) -> None:
    """A long calm does not pay for a storm."""
    budget = ShareBudget(0.5, 3)
    for _ in range(calls):
        budget.note_call()
    assert sum(budget.take() for _ in range(100)) == 3
