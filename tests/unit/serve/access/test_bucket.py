"""The bucket that is charged after the work."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.access.bucket import TokenBucket


def spend(bucket: TokenBucket, tokens: float, now_s: float) -> bool:
    held = bucket.reserve(now_s)
    if held is None:
        return False
    bucket.settle(held, tokens, now_s)
    return True


def test_a_call_is_let_in_until_the_burst_is_spent_and_told_when_to_come_back():
    """The call that overdraws is served; the next waits until the debt is paid."""
    bucket = TokenBucket(rate=10, burst=100, now_s=0)
    assert spend(bucket, 60, 0)
    assert spend(bucket, 60, 0)
    assert not spend(bucket, 1, 0)
    assert bucket.wait_s() == pytest.approx(2)
    assert not spend(bucket, 1, 2.0)
    assert spend(bucket, 1, 2.1)


def test_calls_that_cost_nothing_are_never_limited():
    """Hits cost no tokens of the ranker."""
    bucket = TokenBucket(rate=1, burst=1, now_s=0)
    assert all(spend(bucket, 0, 0) for _ in range(1_000))


def test_calls_at_the_same_time_hold_back_what_such_a_call_costs():
    """Else any number of them would pass before the first is charged."""
    bucket = TokenBucket(rate=10, burst=1_000, now_s=0)
    for second in range(0, 1_000, 20):
        assert spend(bucket, 100, now_s=second)
    let_in = [bucket.reserve(now_s=2_000) for _ in range(100)]
    assert 10 <= sum(held is not None for held in let_in) <= 12


def test_other_limits_keep_what_was_spent():
    """A reloaded file gives nobody a second burst."""
    bucket = TokenBucket(rate=10, burst=100, now_s=0)
    spend(bucket, 150, 0)
    bucket.resized(rate=5, burst=100, now_s=0)
    assert not spend(bucket, 1, 9.9)
    assert spend(bucket, 1, 10.1)


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0, 500)), max_size=50))
def test_no_more_than_rate_and_burst_and_one_call_is_spent(calls: list[tuple[float, float]]):
    """In any stretch of time, whatever the calls cost."""
    bucket, now_s, spent, largest = TokenBucket(rate=20, burst=100, now_s=0), 0.0, 0.0, 0.0
    for pause_s, tokens in calls:
        now_s += pause_s
        if spend(bucket, tokens, now_s):
            spent, largest = spent + tokens, max(largest, tokens)
    assert spent <= 100 + 20 * now_s + largest + 1e-6
