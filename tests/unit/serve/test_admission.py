"""Admission: tokens ahead of a call against a limit, in partitions by class."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.api import TrafficClass
from schemas.errors import Overloaded
from serve.admission import GUARANTEED_SHARES, Admission, CallGate, Granted, Load, Refused, decide
from serve.cost import CostModel, Ended
from serve.limit import AdaptiveLimit

INTERACTIVE, BULK, REFRESH = TrafficClass


def _admission(limit: int = 1_000) -> Admission:
    fixed = AdaptiveLimit(least=limit, most=limit)
    return Admission(fixed, CostModel(1_000), GUARANTEED_SHARES)


def test_everything_is_granted_while_there_is_room():
    """A wish within the limit is granted whole."""
    assert decide(wished=100, least=10, in_time=10**9, ahead=0, limit=1000) == Granted(100)


def test_part_is_granted_where_it_is_useful():
    """What is left of the limit is granted as long as it covers the floor."""
    assert decide(wished=100, least=10, in_time=10**9, ahead=960, limit=1000) == Granted(40)


def test_less_than_the_floor_is_refused_with_what_is_in_the_way():
    """Once so many tokens are done, the floor fits."""
    assert decide(wished=300, least=200, in_time=10**9, ahead=900, limit=1000) == Refused(excess=100)


def test_an_idle_ranker_refuses_nobody():
    """A single call whose floor is above the limit gets its floor: it would never fit later either."""
    assert decide(wished=5000, least=2000, in_time=10**9, ahead=0, limit=1000) == Granted(2000)


def test_no_more_is_granted_than_can_be_done_in_time():
    """A floor that would come too late behind the queue is refused; with nothing ahead it is tried."""
    assert decide(wished=100, least=10, in_time=40, ahead=500, limit=1000) == Granted(40)
    assert decide(wished=100, least=10, in_time=4, ahead=500, limit=1000) == Refused(6)
    assert decide(wished=100, least=10, in_time=4, ahead=0, limit=1000) == Granted(10)


def test_a_guaranteed_share_is_granted_whatever_is_ahead():
    """Others that borrowed all of the limit do not shut a class out."""
    assert decide(wished=100, least=10, in_time=10**9, ahead=5000, limit=1000, guaranteed=60) == Granted(60)


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(0, 10**6), st.integers(1, 10**6))
def test_the_limit_is_kept_and_refusals_say_how_much_is_too_much(wished: int, least: int, ahead: int, limit: int):
    """With work ahead no grant exceeds the limit; a refusal's excess is what must go."""
    decision = decide(wished=max(wished, least), least=least, in_time=10**9, ahead=ahead, limit=limit)
    if isinstance(decision, Refused):
        assert decision.excess >= 1
        assert isinstance(
            decide(wished=least, least=least, in_time=10**9, ahead=ahead - decision.excess, limit=limit), Granted
        )
    elif ahead:
        assert ahead + decision.tokens <= max(limit, ahead)
        assert decision.tokens >= least


@pytest.mark.parametrize(("excess", "seconds"), [(1, 0.1), (2_000, 2.0), (10**6, 30.0)])
def test_the_time_to_come_back_is_measured_and_bounded(excess: int, seconds: float):
    """At 1,000 tokens a second."""
    assert _admission().retry_after_s(Refused(excess)) == pytest.approx(seconds)


def test_a_seat_is_ahead_of_others_until_it_is_given_back_once():
    """Two calls that look at the same time do not find the same room."""
    admission = _admission(100)
    seat = admission.seat(INTERACTIVE, 60)
    assert admission.ask(INTERACTIVE, wished=80, least=30, in_time=10**9) == Granted(40)
    assert admission.ask(INTERACTIVE, wished=80, least=50, in_time=10**9) == Refused(10)
    assert seat.give_back()
    assert not seat.give_back()
    assert admission.ahead(INTERACTIVE).tokens == 0


def test_work_that_ended_makes_room():
    """A limit that is full admits again when the work is done, or dropped."""
    admission = _admission(100)
    for end in (_serve, lambda: admission.dropped(INTERACTIVE, 100)):
        admission.admitted(INTERACTIVE, 100)
        assert admission.ask(INTERACTIVE, wished=10, least=10, in_time=10**9) == Refused(10)
        end(admission) if end is _serve else end()
        assert admission.ask(INTERACTIVE, wished=10, least=10, in_time=10**9) == Granted(10)


def _serve(admission: Admission) -> None:
    admission.sent(INTERACTIVE, 100, 0.0)
    admission.ended(INTERACTIVE, 100, Ended.SERVED, 1.0)


def test_held_work_that_waits_takes_no_room_from_interactive_calls():
    """It is behind them; once at the ranker it is ahead."""
    admission = _admission(1_000)
    admission.admitted(BULK, 900)
    assert admission.ask(INTERACTIVE, wished=1_000, least=10, in_time=10**9) == Granted(1_000)
    assert admission.queue_s(INTERACTIVE, 0.0) == 0
    admission.sent(BULK, 900, 0.0)
    assert admission.ahead(INTERACTIVE) == Load(900, 1)
    assert admission.queue_s(INTERACTIVE, 0.0) == pytest.approx(0.9)


def test_a_call_waits_for_the_rest_of_what_is_at_the_ranker_and_all_that_waits():
    """Four tenths of the first call are done; the second has not begun."""
    admission = _admission(10_000)
    for tokens in (1_000, 500):
        admission.admitted(INTERACTIVE, tokens)
    admission.sent(INTERACTIVE, 1_000, 5.0)
    assert admission.queue_s(INTERACTIVE, 5.4) == pytest.approx(0.6 + 0.5)


def test_held_work_borrows_what_interactive_calls_leave_and_keeps_its_share():
    """All of an idle limit; a tenth of a full one; a refresh nothing of it."""
    admission = _admission(1_000)
    assert admission.ask(BULK, wished=1_000, least=10, in_time=10**9) == Granted(1_000)
    admission.admitted(INTERACTIVE, 1_000)
    assert admission.ask(BULK, wished=500, least=10, in_time=10**9) == Granted(100)
    assert isinstance(admission.ask(REFRESH, wished=500, least=10, in_time=10**9), Refused)
    admission.admitted(BULK, 100)
    assert isinstance(admission.ask(BULK, wished=500, least=10, in_time=10**9), Refused)


def test_promoted_work_counts_where_it_went():
    """A held pack that became urgent is ahead of interactive calls."""
    admission = _admission(1_000)
    admission.admitted(BULK, 300)
    admission.promoted(BULK, INTERACTIVE, 300)
    assert admission.ahead(INTERACTIVE) == Load(300, 1)
    assert admission.in_flight == 300


def test_giving_back_twice_is_a_bug_that_shows():
    """Tokens that are not in flight cannot be given back."""
    admission = _admission()
    with pytest.raises(AssertionError, match="counted twice"):
        admission.dropped(INTERACTIVE, 1)


def test_gate_refuses_above_its_limit_and_opens_again():
    """The call above the limit is refused; a call that ended, even by an error, makes room."""
    gate = CallGate(1)
    with gate.enter(), pytest.raises(Overloaded), gate.enter():
        pytest.fail("two calls at once")
    with pytest.raises(KeyError), gate.enter():
        raise KeyError
    with gate.enter():
        pass
