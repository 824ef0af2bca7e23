"""The adaptive limit: follows the share of their time that calls wait."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.limit import TARGET_SHARE, AdaptiveLimit


def _limit() -> AdaptiveLimit:
    return AdaptiveLimit(least=1_000, most=50_000)


def _observe(limit: AdaptiveLimit, waited_share: float, times: int, in_flight: int | None = None) -> None:
    """Calls one after the other, each admitted after the one before was sent."""
    for _ in range(times):
        used = limit.tokens if in_flight is None else in_flight
        limit.observe(waited_share, in_flight=used, admitted_s=0.0, now_s=0.0)


def test_it_begins_wide_open_and_long_waits_halve_it_down_to_its_least():
    """Calls that wait for longer than they have: a few of them are enough."""
    limit = _limit()
    assert limit.tokens == 50_000
    _observe(limit, 1.5, times=6)
    assert limit.tokens == 1_000


def test_short_waits_raise_it_while_it_is_used():
    """Calls that hardly wait although it is full: there is room for more, up to the most."""
    limit = _limit()
    _observe(limit, 1.5, times=6)
    _observe(limit, 0.05, times=60)
    assert limit.tokens == 50_000


def test_an_unused_limit_learns_nothing_from_short_waits():
    """Without load nobody waits; that does not say that ten times the load would not."""
    limit = _limit()
    _observe(limit, 1.5, times=6)
    _observe(limit, 0.0, times=60, in_flight=100)
    assert limit.tokens == 1_000


def test_calls_admitted_before_the_last_move_do_not_move_it_again():
    """They waited under the old limit."""
    limit = _limit()
    limit.observe(1.5, in_flight=50_000, admitted_s=0.0, now_s=1.0)
    moved = limit.tokens
    limit.observe(1.5, in_flight=50_000, admitted_s=0.9, now_s=1.1)
    assert limit.tokens == moved
    limit.observe(1.5, in_flight=50_000, admitted_s=1.0, now_s=1.9)
    assert limit.tokens < moved


@pytest.mark.parametrize("speed", [5_000, 20_000, 60_000])
@pytest.mark.parametrize("budget_s", [0.5, 2.0])
def test_it_settles_at_the_target_although_waits_are_seen_late(speed: int, budget_s: float):
    """Always full, the wait seen is that of calls admitted a whole wait ago: no swing, whatever speed and deadline."""
    limit = AdaptiveLimit(least=500, most=int(4 * speed * budget_s))
    queue, now_s, waits = deque([(0.0, limit.tokens / speed)]), 0.0, []
    while now_s < 60:  # a call is sent every hundredth second, and another takes its place behind the queue
        now_s += 0.01
        queue.append((now_s, limit.tokens / speed))
        while queue and queue[0][0] + queue[0][1] <= now_s:
            admitted_s, wait_s = queue.popleft()
            waits.append(wait_s / budget_s)
            limit.observe(waits[-1], in_flight=limit.tokens, admitted_s=admitted_s, now_s=now_s)
    assert TARGET_SHARE - 0.05 < sum(waits[-200:]) / 200 < TARGET_SHARE + 0.1  # probing for more costs a little
    assert max(waits[-200:]) - min(waits[-200:]) < 0.2


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(0, 100_000)), max_size=100))
def test_bounds_hold_whatever_is_seen(seen: list[tuple[float, int]]):
    """Never below what keeps the ranker busy, never above what memory allows."""
    limit = _limit()
    for waited_share, in_flight in seen:
        limit.observe(waited_share, in_flight=in_flight, admitted_s=0.0, now_s=0.0)
        assert 1_000 <= limit.tokens <= 50_000


def test_bounds_that_cross_take_the_most():
    """A configured most that is below two packs is a most."""
    assert AdaptiveLimit(least=60, most=30).tokens == 30
