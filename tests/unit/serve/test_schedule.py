"""Which pack goes next: urgency, idle windows, deadlines."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.api import TrafficClass
from serve.schedule import Schedule, Ticket, latest_starts, rescue_start

INTERACTIVE, BULK, REFRESH = TrafficClass


def _ticket(traffic_class: TrafficClass, deadline_s: float, latest_start_s: float = math.inf) -> Ticket:
    return Ticket(traffic_class, 10, deadline_s, deadline_s, latest_start_s)


def _schedule(*tickets: Ticket, slots: int = 2) -> Schedule[Ticket]:
    schedule: Schedule[Ticket] = Schedule(slots)
    for ticket in tickets:
        schedule.add(ticket)
    return schedule


def test_interactive_goes_first_and_the_earliest_deadline_of_them():
    """Whatever came first."""
    bulk, late, soon = _ticket(BULK, 1), _ticket(INTERACTIVE, 9), _ticket(INTERACTIVE, 5)
    schedule = _schedule(bulk, late, soon)
    assert [schedule.next(), schedule.next()] == [soon, late]


def test_no_more_than_the_slots():
    """A full ranker takes nothing until something is finished."""
    first, second = _ticket(INTERACTIVE, 1), _ticket(INTERACTIVE, 2)
    schedule = _schedule(first, second, slots=1)
    assert schedule.next() is first
    assert schedule.next() is None
    schedule.finished(first)
    assert schedule.next() is second


def test_held_work_waits_until_no_urgent_work_is_there_or_at_the_ranker():
    """An idle window begins when the last interactive pack is done."""
    urgent, bulk = _ticket(INTERACTIVE, 1), _ticket(BULK, 9)
    schedule = _schedule(urgent, bulk)
    assert schedule.next() is urgent
    assert schedule.next() is None
    schedule.finished(urgent)
    assert schedule.next() is bulk


def test_held_work_leaves_a_slot_free():
    """A call that comes while it runs does not wait for it; with one slot it must."""
    schedule = _schedule(_ticket(BULK, 9), _ticket(BULK, 9))
    assert schedule.next() is not None
    assert schedule.next() is None
    schedule.add(urgent := _ticket(INTERACTIVE, 1))
    assert schedule.next() is urgent
    assert _schedule(_ticket(BULK, 9), slots=1).next() is not None


def test_refreshes_go_after_all_other_held_work():
    """Even those with an earlier deadline."""
    refresh, bulk = _ticket(REFRESH, 1), _ticket(BULK, 9)
    assert _schedule(refresh, bulk).next() is bulk


def test_held_work_is_due_at_its_latest_start():
    """Then the lane makes it interactive, and it goes before what can still wait for a deadline."""
    bulk, urgent = _ticket(BULK, 9, latest_start_s=7), _ticket(INTERACTIVE, 7.5)
    schedule = _schedule(bulk, urgent, slots=1)
    assert schedule.due(6.9) == []
    assert schedule.due(7) == [bulk]
    bulk.traffic_class = INTERACTIVE
    assert schedule.due(8) == []
    assert schedule.next() is bulk


def test_a_first_pack_whose_time_is_short_goes_before_an_earlier_deadline():
    """Not before that moment; it is urgent already, so nothing is promoted."""
    schedule = Schedule[Ticket](1)
    early, first = _ticket(INTERACTIVE, 8), _ticket(INTERACTIVE, 9)
    first.rescue_s = 7
    for ticket in (early, first):
        schedule.add(ticket)
    assert schedule.due(6.9) == []
    assert (early.wanted_s, first.wanted_s) == (8, 9)
    assert schedule.due(7) == []
    assert schedule.next() is first


def test_a_first_pack_is_rescued_in_time_for_a_ranker_a_third_as_fast():
    """It and the two packs that are there before it may each take three times what was measured."""
    assert rescue_start(0.01, slots=2, deadline_s=5.0) == pytest.approx(5.0 - 3 * 3 * 0.01)


def test_what_has_expired_is_dropped_and_never_goes():
    """A deadline in the past does not make the most urgent pack."""
    expired, later = _ticket(INTERACTIVE, 1), _ticket(INTERACTIVE, 5)
    schedule = _schedule(expired, later)
    assert schedule.expired(1.0) == [expired]
    assert schedule.next() is later
    assert schedule.next() is None


def test_who_joins_hastens_the_order_and_not_the_end():
    """A caller with an earlier deadline moves a pack forward; it is still dropped only at its own deadline."""
    joined, other = _ticket(INTERACTIVE, 10), _ticket(INTERACTIVE, 5)
    joined.wanted_s = 2
    schedule = _schedule(joined, other)
    assert schedule.expired(3) == []
    assert schedule.next() is joined


def test_it_wakes_for_the_next_change_that_time_makes():
    """The latest start of held work, the deadline of all; nothing waits: never."""
    assert _schedule().wake_at_s() == math.inf
    assert _schedule(_ticket(INTERACTIVE, 5, 1)).wake_at_s() == 5
    assert _schedule(_ticket(INTERACTIVE, 5), _ticket(BULK, 9, 3), _ticket(REFRESH, 4)).wake_at_s() == 3


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=8), st.floats(0, 5), st.floats(0, 60), st.integers(0, 1000))
def test_latest_starts_leave_time_for_all_that_follows(costs_s: list[float], before_s: float, time_s: float, turn: int):
    """Each pack starts in time for itself, those behind it and what may go before; none is urgent in its first half."""
    starts_s = latest_starts(costs_s, before_s=before_s, now_s=100.0, deadline_s=100 + time_s, turn=turn)
    for index, start_s in enumerate(starts_s):
        assert start_s + before_s + sum(costs_s[index:]) <= 100 + time_s
    needed_s = (before_s + sum(costs_s)) / 0.8
    if time_s > needed_s:
        assert starts_s[0] >= 100 + (time_s - needed_s) / 2 - 1e-6


def test_calls_that_came_together_do_not_become_urgent_together():
    """Twenty equal calls: their latest starts are spread over half of their time."""
    starts_s = sorted(
        latest_starts([0.1], before_s=0.0, now_s=0.0, deadline_s=10.0, turn=turn)[0] for turn in range(20)
    )
    assert starts_s[-1] - starts_s[0] > 4
    assert max(after - before for before, after in itertools.pairwise(starts_s)) < 0.5


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sampled_from(TrafficClass), st.floats(0, 100)),
        st.tuples(st.just("next"), st.just(INTERACTIVE), st.floats(0, 100)),
        st.tuples(st.just("finish"), st.just(INTERACTIVE), st.floats(0, 100)),
    ),
    max_size=80,
)


@given(_STEPS, st.integers(1, 4))
def test_order_of_classes_and_slots_hold_in_any_sequence(steps: list[tuple[str, TrafficClass, float]], slots: int):
    """Nothing is lost or sent twice, slots are kept, held work never goes while urgent work waits or is at work."""
    schedule, waiting, sent = _schedule(slots=slots), [], []
    for step, traffic_class, deadline_s in steps:
        if step == "add":
            schedule.add(ticket := _ticket(traffic_class, deadline_s))
            waiting.append(ticket)
        elif step == "finish" and sent:
            schedule.finished(sent.pop())
        elif step == "next":
            chosen = schedule.next()
            urgent = [ticket for ticket in waiting if not ticket.is_held]
            if chosen is None:
                is_full = len(sent) == slots
                assert is_full or (not urgent and (not waiting or sent))
                continue
            waiting.remove(chosen)
            if chosen.is_held:
                assert not urgent
                assert all(ticket.is_held for ticket in sent)
            else:
                assert chosen.wanted_s == min(ticket.wanted_s for ticket in urgent)
            sent.append(chosen)
            assert len(sent) <= slots
    assert schedule.drain() == waiting
