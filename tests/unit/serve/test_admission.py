"""Admission: tokens in flight against a limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import Overloaded
from serve.admission import Admission, CallGate, Granted, Refused, decide
from serve.speed import Ended, SpeedMeter


def test_everything_is_granted_while_there_is_room():
    """A wish within the limit is granted whole."""
    assert decide(wished=100, least=10, in_flight=0, limit=1000, tokens_per_s=100) == Granted(100)


def test_part_is_granted_where_it_is_useful():
    """What is left of the limit is granted as long as it covers the floor."""
    assert decide(wished=100, least=10, in_flight=960, limit=1000, tokens_per_s=100) == Granted(40)


def test_less_than_the_floor_is_refused_with_the_time_until_there_is_room():
    """The hint is when the floor will fit, at the measured speed."""
    decision = decide(wished=300, least=200, in_flight=900, limit=1000, tokens_per_s=50)
    assert decision == Refused(retry_after_s=2.0)


def test_an_idle_ranker_refuses_nobody():
    """A single call whose floor is above the limit gets its floor: it would never fit later either."""
    assert decide(wished=5000, least=2000, in_flight=0, limit=1000, tokens_per_s=50) == Granted(2000)


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(0, 10**6), st.integers(1, 10**6), st.floats(0, 10**6))
def test_the_limit_is_kept_and_hints_are_bounded(
    wished: int, least: int, in_flight: int, limit: int, tokens_per_s: float
):
    """With work in flight no grant exceeds the limit, and every refusal says to come back within half a minute."""
    decision = decide(
        wished=max(wished, least), least=least, in_flight=in_flight, limit=limit, tokens_per_s=tokens_per_s
    )
    if isinstance(decision, Refused):
        assert 0.1 <= decision.retry_after_s <= 30
    elif in_flight:
        assert in_flight + decision.tokens <= max(limit, in_flight)
        assert decision.tokens >= least


def test_tokens_given_back_make_room():
    """A limit that is full admits again when the work is done."""
    admission = Admission(100, SpeedMeter(1000))
    admission.take(100, now_s=0)
    assert isinstance(admission.ask(wished=10, least=10), Refused)
    admission.give_back(100, Ended.SERVED, now_s=1)
    assert admission.ask(wished=10, least=10) == Granted(10)


def test_giving_back_twice_is_a_bug_that_shows():
    """Tokens that are not in flight cannot be given back."""
    admission = Admission(100, SpeedMeter(1000))
    with pytest.raises(AssertionError, match="counted twice"):
        admission.give_back(1, Ended.SERVED, now_s=1)


def test_gate_refuses_above_its_limit_and_opens_again():
    """The call above the limit is refused; a call that ended, even by an error, makes room."""
    gate = CallGate(1)
    with gate.enter(), pytest.raises(Overloaded), gate.enter():
        pytest.fail("two calls at once")
    with pytest.raises(KeyError), gate.enter():
        raise KeyError
    with gate.enter():
        pass
