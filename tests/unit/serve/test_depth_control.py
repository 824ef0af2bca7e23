"""The control of ranking depth: what is felt of a queue, and what share of the candidates it leaves."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.api import TrafficClass
from serve.depth_control import (
    DEFAULT_FLOORS,
    FALL_S,
    FELT_BAND,
    FULL_UNTIL,
    LEAST_FROM,
    MOST_FELT_S,
    DepthControl,
    FeltQueue,
    depth_share,
    felt_after,
)

_QUEUES = st.floats(0, 2 * MOST_FELT_S)
_GAPS = st.floats(0, 10)
_FELT = st.builds(FeltQueue, st.floats(0, MOST_FELT_S), st.floats(0, 100))
_FLOORS = st.floats(0, 1)


def test_a_queue_is_felt_at_once():
    """The first call behind a queue already gives way."""
    assert felt_after(FeltQueue(0.1, 5.0), 0.3, 5.0) == FeltQueue(0.3, 5.0)


def test_a_queue_that_is_gone_is_forgotten_slowly():
    """After one time constant a bit more than a third is still felt."""
    assert felt_after(FeltQueue(0.4, 5.0), 0.0, 5.0 + FALL_S).queue_s == pytest.approx(0.4 / math.e)


def test_small_falls_are_not_felt():
    """Within the band nothing moves, however long it lasts."""
    felt = FeltQueue(0.4, 0.0)
    assert felt_after(felt, 0.4 * (1 - FELT_BAND) + 1e-9, 1e6).queue_s == 0.4


def test_share_is_full_then_a_line_then_the_floor():
    """The corners, and the middle between them."""
    middle = (FULL_UNTIL + LEAST_FROM) / 2
    shares = [depth_share(pressure * 0.5, 0.5, 0.2) for pressure in (0, FULL_UNTIL, middle, LEAST_FROM, 99)]
    assert shares == pytest.approx([1, 1, 0.6, 0.2, 0.2])


def test_a_call_without_time_gets_its_floor():
    """No division by what is not left."""
    assert depth_share(0.0, 0.0, 0.2) == depth_share(1.0, -1.0, 0.2) == 0.2


def test_the_lower_class_falls_below_the_higher_one():
    """The same queue leaves interactive calls the most."""
    control = DepthControl(DEFAULT_FLOORS)
    for traffic_class in TrafficClass:
        control.observe(traffic_class, 0.25, now_s=1.0)
    shares = [control.share(traffic_class, 0.5) for traffic_class in TrafficClass]
    assert 1 > shares[0] > shares[1] > shares[2] > 0


def test_looking_at_the_share_does_not_move_it():
    """What a scrape sees is what a call would get, and leaves no trace."""
    control = DepthControl(DEFAULT_FLOORS)
    control.observe(TrafficClass.INTERACTIVE, 0.4, now_s=1.0)
    before = control.share(TrafficClass.INTERACTIVE, 0.5)
    assert control.share_at(TrafficClass.INTERACTIVE, 0.0, 1e6, 0.5) == 1
    assert control.share(TrafficClass.INTERACTIVE, 0.5) == before < 1


@given(_FELT, _QUEUES, _QUEUES, _GAPS)
def test_more_queue_is_never_felt_less(felt: FeltQueue, queue_s: float, more_s: float, gap_s: float):
    """Monotone in what is seen."""
    now_s = felt.at_s + gap_s
    assert felt_after(felt, queue_s, now_s).queue_s <= felt_after(felt, queue_s + more_s, now_s).queue_s + 1e-12


@given(st.floats(0, 100), st.floats(0, 100), st.floats(0.001, 60), _FLOORS)
def test_more_queue_never_leaves_a_larger_share(felt_s: float, more_s: float, remaining_s: float, floor: float):
    """Monotone in what is felt, within [floor, 1]."""
    less, more = depth_share(felt_s + more_s, remaining_s, floor), depth_share(felt_s, remaining_s, floor)
    assert floor <= less <= more <= 1


@given(st.floats(0, 100), st.floats(0.001, 30), st.floats(0, 30), _FLOORS)
def test_more_time_never_leaves_a_smaller_share(felt_s: float, remaining_s: float, more_s: float, floor: float):
    """A call with a longer deadline keeps more of its depth in the same queue."""
    assert depth_share(felt_s, remaining_s, floor) <= depth_share(felt_s, remaining_s + more_s, floor)


@given(_FELT, _QUEUES, _GAPS)
def test_what_is_felt_lies_between_what_was_and_what_is(felt: FeltQueue, queue_s: float, gap_s: float):
    """Bounded: no overshoot in either direction."""
    after = felt_after(felt, queue_s, felt.at_s + gap_s)
    seen_s = min(queue_s, MOST_FELT_S)
    assert min(felt.queue_s, seen_s) <= after.queue_s <= max(felt.queue_s, seen_s) + 1e-9


@given(_FELT, _QUEUES)
def test_a_constant_queue_is_a_fixed_point(felt: FeltQueue, queue_s: float):
    """From anywhere, it ends within the band above what is seen, and does not move from there."""
    settled = felt_after(felt, queue_s, felt.at_s + 1e4)
    seen_s = min(queue_s, MOST_FELT_S)
    assert seen_s <= settled.queue_s <= seen_s / (1 - FELT_BAND) + 1e-9
    assert felt_after(settled, queue_s, settled.at_s + 1e4).queue_s == pytest.approx(settled.queue_s)


@given(_FELT, _QUEUES, _GAPS, _GAPS)
def test_how_often_it_is_looked_at_makes_no_difference(felt: FeltQueue, queue_s: float, first_s: float, then_s: float):
    """Two looks at a constant queue are one."""
    halfway = felt_after(felt, queue_s, felt.at_s + first_s)
    twice = felt_after(halfway, queue_s, halfway.at_s + then_s)
    once = felt_after(felt, queue_s, felt.at_s + first_s + then_s)
    assert twice.queue_s == pytest.approx(once.queue_s, abs=1e-9)


@given(_FELT, _QUEUES)
def test_a_clock_that_goes_back_stands(felt: FeltQueue, queue_s: float):
    """No fall is made up, and time never runs backwards in the state."""
    after = felt_after(felt, queue_s, felt.at_s - 1)
    assert after.queue_s >= felt.queue_s
    assert after.at_s == felt.at_s


def test_any_load_is_forgotten_in_the_time_that_is_promised():
    """Even the longest queue that is felt, for a deadline of half a second."""
    felt = felt_after(FeltQueue(0.0, 0.0), 1e9, 0.0)
    assert depth_share(felt_after(felt, 0.0, 3.2).queue_s, 0.5, 0.2) == pytest.approx(1.0, abs=0.01)
    assert depth_share(felt_after(felt, 0.0, 3.3).queue_s, 0.5, 0.2) == 1.0
