"""Depth and admission under load, simulated without a wall clock: Poisson arrivals, a ranker of fixed speed.

Schedule, admission with its adaptive limit, cost model, depth and its control are those of the scorer, asked in the
order in which ``serve.ranking`` and ``serve.lane`` ask them. Only the engine is simulated: first in, first out.
"""

import heapq
import itertools
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from models.clients.packs import split_packs
from schemas.api import TrafficClass
from serve.admission import GUARANTEED_SHARES, Admission, Refused
from serve.cost import CostModel, Ended
from serve.depth import depth_within, plannable_s, planned_depth
from serve.depth_control import DEFAULT_FLOORS, DepthControl
from serve.limit import AdaptiveLimit
from serve.schedule import Schedule, Ticket, latest_starts, rescue_start

INTERACTIVE, BULK, REFRESH = TrafficClass

_SPEED = 1_000_000
"""Tokens a second of the ranker."""
_DEADLINE_S = 0.5
_BULK_DEADLINE_S = 10.0
_COSTS = [60] * 100
"""Of one call: alone it takes 1.2 % of its deadline."""
_FULL_RATE = _SPEED / sum(_COSTS)
"""Calls a second that the ranker can just serve at full depth: the load 1."""
_PACK_ITEMS = 50
_SLOTS = 2
_PACK_TOKENS = sum(_COSTS[:_PACK_ITEMS])
_FLOOR = 10
_BAND = 0.25
"""Swings of the share below it are noise of the arrivals: four of its standard deviations at a load of 1.5."""

Load = Callable[[float], float]


@dataclass(eq=False)
class Served:
    """One admitted call."""

    traffic_class: TrafficClass
    at_s: float
    depth: float
    """Share of its candidates that were sent."""
    share: float
    """That the control left to it."""
    took_s: float = math.inf
    """Until its last pack was done; infinite: one was dropped."""
    num_waiting: int = 0
    num_done: int = 0
    """Candidates with a score inside the deadline."""


@dataclass(slots=True, eq=False)
class _Pack(Ticket):
    call: Served = field(kw_only=True)
    is_first: bool = field(kw_only=True)


class Simulation:
    """Calls of several classes against one ranker."""

    def __init__(
        self,
        *,
        is_controlled: bool = True,
        speed: float = _SPEED,
        assumed_speed: float | None = None,
        slow_s: float = 0.0,
    ) -> None:
        """Make it; ``slow_s``: where above 0, in every other stretch of so many seconds the ranker is half as fast."""
        self._control = DepthControl(DEFAULT_FLOORS)
        limit = AdaptiveLimit(least=2 * _PACK_TOKENS, most=5_000_000)
        self._admission = Admission(limit, CostModel(assumed_speed or speed), GUARANTEED_SHARES)
        self._speed, self._full_rate, self._slow_s = speed, speed / sum(_COSTS), slow_s
        self._schedule: Schedule[_Pack] = Schedule(_SLOTS)
        self._is_controlled = is_controlled
        self._free_at_s = 0.0
        self._wakes_at_s = math.inf
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = itertools.count()
        self.served: list[Served] = []
        self.num_refused = 0
        self.num_tokens = 0

    @property
    def limit(self) -> int:
        """The adaptive limit, at the end."""
        return self._admission.limit

    def run(
        self,
        load: Load,
        until_s: float,
        seed: int = 7,
        *,
        traffic_class: TrafficClass = INTERACTIVE,
        beside: Mapping[TrafficClass, float] | None = None,
    ) -> "Simulation":
        """Arrivals of one class at ``load(t)`` times the full rate, of others at a constant load beside it."""
        self._schedule_arrivals(traffic_class, load, until_s, random.Random(seed))
        for other, constant in (beside or {}).items():
            self._schedule_arrivals(other, lambda _, share=constant: share, until_s, random.Random(f"{seed} {other}"))
        while self._events:
            now_s, _, act = heapq.heappop(self._events)
            act(now_s)
        return self

    def _at(self, when_s: float, act: Callable[[float], None]) -> None:
        heapq.heappush(self._events, (when_s, next(self._order), act))

    def _schedule_arrivals(
        self, traffic_class: TrafficClass, load: Load, until_s: float, chance: random.Random
    ) -> None:
        peak = self._full_rate * max(load(until_s * step / 1000) for step in range(1001))
        now_s = 0.0
        while (now_s := now_s + chance.expovariate(peak)) < until_s:
            if chance.random() * peak < self._full_rate * load(now_s):  # thinning: a Poisson process of changing rate
                self._at(now_s, lambda at_s: self._arrive(traffic_class, at_s))

    def _arrive(self, traffic_class: TrafficClass, now_s: float) -> None:
        budget_s = _DEADLINE_S if traffic_class is INTERACTIVE else _BULK_DEADLINE_S
        queue_s = self._admission.queue_s(traffic_class, now_s)
        self._control.observe(traffic_class, queue_s, now_s)
        share = self._control.share(traffic_class, budget_s) if self._is_controlled else 1.0
        pack_tokens = self._admission.cost.pack_tokens(budget_s, _PACK_TOKENS)
        budget = self._admission.cost.tokens_within(plannable_s(budget_s, queue_s), pack_tokens)
        floor = 0 if traffic_class is REFRESH else _FLOOR
        depth = planned_depth(_COSTS, share=share, budget=budget, floor=floor)
        decision = self._admission.ask(
            traffic_class, wished=sum(_COSTS[:depth]), least=sum(_COSTS[:floor]), in_time=budget
        )
        if isinstance(decision, Refused):
            self.num_refused += 1
            return
        sent = _COSTS[: depth_within(_COSTS[:depth], decision.tokens, floor)]
        call = Served(traffic_class, now_s, len(sent) / len(_COSTS), share)
        self.served.append(call)
        parts = split_packs(sent, prefix_tokens=0, max_tokens=pack_tokens, max_items=_PACK_ITEMS)
        sizes = [sum(sent[part.start : part.stop]) for part in parts]
        call.num_waiting = len(sizes)
        deadline_s, speed = now_s + budget_s, self._admission.cost.tokens_per_s
        latest_s = [math.inf] * len(sizes)
        if traffic_class is BULK:
            before_s = (_SLOTS * _PACK_TOKENS + self._admission.waiting(BULK).tokens) / speed
            costs_s = [tokens / speed for tokens in sizes]
            latest_s = latest_starts(
                costs_s, before_s=before_s, now_s=now_s, deadline_s=deadline_s, turn=len(self.served)
            )
        for index, tokens in enumerate(sizes):
            self._admission.admitted(traffic_class, tokens)
            pack = _Pack(traffic_class, tokens, deadline_s, deadline_s, latest_s[index], call=call, is_first=index == 0)
            if index == 0 and traffic_class is INTERACTIVE:
                pack.rescue_s = rescue_start(
                    self._admission.cost.seconds(tokens, 1), slots=_SLOTS, deadline_s=deadline_s
                )
            self._schedule.add(pack)
        self._pump(now_s)

    def _pump(self, now_s: float) -> None:
        for pack in self._schedule.expired(now_s):
            self._admission.dropped(pack.traffic_class, pack.tokens)
        for pack in self._schedule.due(now_s):
            self._admission.promoted(pack.traffic_class, INTERACTIVE, pack.tokens)
            pack.traffic_class = INTERACTIVE
        while (chosen := self._schedule.next()) is not None:
            self._start(chosen, now_s)
        wake_at_s = self._schedule.wake_at_s()
        if wake_at_s < self._wakes_at_s or self._wakes_at_s <= now_s:
            self._wakes_at_s = wake_at_s
            if wake_at_s < math.inf:
                self._at(wake_at_s, self._pump)

    def _start(self, pack: _Pack, now_s: float) -> None:
        call = pack.call
        if pack.is_first and call.traffic_class is INTERACTIVE:
            self._admission.waited(INTERACTIVE, now_s - call.at_s, of_s=_DEADLINE_S, now_s=now_s)
        self._admission.sent(pack.traffic_class, pack.tokens, now_s)
        begins_s = max(self._free_at_s, now_s)
        is_slow = bool(self._slow_s) and begins_s // self._slow_s % 2 == 1
        self._free_at_s = begins_s + pack.tokens / self._speed * (2 if is_slow else 1)
        self.num_tokens += pack.tokens
        self._at(self._free_at_s, lambda at_s: self._finish(pack, at_s))

    def _finish(self, pack: _Pack, now_s: float) -> None:
        self._admission.ended(pack.traffic_class, pack.tokens, Ended.SERVED, now_s)
        self._schedule.finished(pack)
        pack.call.num_waiting -= 1
        if now_s <= pack.deadline_s:
            pack.call.num_done += pack.tokens // _COSTS[0]
        if pack.call.num_waiting == 0:
            pack.call.took_s = now_s - pack.call.at_s
        self._pump(now_s)

    def between(self, start_s: float, end_s: float, traffic_class: TrafficClass = INTERACTIVE) -> list[Served]:
        """Calls that came then."""
        return [call for call in self.served if start_s <= call.at_s < end_s and call.traffic_class is traffic_class]

    def num_late(self, traffic_class: TrafficClass = INTERACTIVE, budget_s: float = _DEADLINE_S) -> int:
        """Admitted calls that lack candidates that were sent, for these came after the deadline."""
        return sum(call.took_s > budget_s for call in self.served if call.traffic_class is traffic_class)


def _reversals(values: Sequence[float], band: float) -> int:
    """How often the direction changed by more than the band."""
    turns, direction, low, high = 0, 0, values[0], values[0]
    for value in values:
        low, high = min(low, value), max(high, value)
        if direction >= 0 and high - value > band:
            turns, direction, low, high = turns + (direction > 0), -1, value, value
        elif direction <= 0 and value - low > band:
            turns, direction, low, high = turns + (direction < 0), 1, value, value
    return turns


def _depths(calls: Sequence[Served]) -> list[float]:
    return [call.depth for call in calls]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def test_reversals_are_counted_where_they_exceed_the_band():
    """Of a swing up, down and up again two turns; noise within the band none."""
    assert _reversals([0, 1, 0, 1], 0.5) == 2
    assert _reversals([0, 0.4, 0, 0.4, 0], 0.5) == 0
    assert _reversals([1, 0.8, 0.9, 0.5, 0.2], 0.5) == 0


@pytest.mark.parametrize("load", [1.5, 3.0])
def test_a_step_settles_where_the_ranker_is_just_busy(load: float):
    """Depth becomes what the ranker can serve, stays there, wastes nothing, and comes back when the step is over."""
    simulation = Simulation().run(lambda at_s: load if 2 <= at_s < 12 else 0.5, 16)
    settled = _depths(simulation.between(3, 12))
    assert _reversals(settled, _BAND) == 0
    assert _mean(settled) == pytest.approx(1 / load, abs=0.04)
    assert set(_depths(simulation.between(0, 2))) == {1.0}
    assert set(_depths(simulation.between(15.3, 16))) == {1.0}
    assert simulation.num_late() == simulation.num_refused == 0
    assert sum(settled) > 0.97 * 9 * _FULL_RATE


def test_the_deadline_alone_would_swing_between_all_and_the_floor():
    """What the control is for: the same step without it swings, and refuses calls that found nothing left."""
    alone = Simulation(is_controlled=False).run(lambda at_s: 1.5 if at_s >= 2 else 0.5, 12)
    assert _reversals(_depths(alone.between(3, 12)), _BAND) > 100
    assert alone.num_refused > 100


def test_a_ramp_is_followed_down_smoothly():
    """Each second of a rising load serves no more depth than the one before, give or take noise; none jumps."""
    simulation = Simulation().run(lambda at_s: 0.5 + 2.5 * at_s / 20, 20)
    means = [_mean(_depths(simulation.between(second, second + 1))) for second in range(20)]
    assert means[0] == 1.0
    assert means[-1] < 0.4
    for before, after in itertools.pairwise(means):
        assert -0.2 < after - before < 0.08
    assert _reversals(means, _BAND) == 0
    assert simulation.num_late() == simulation.num_refused == 0


def test_bursts_keep_deadlines_and_are_forgotten():
    """Bursts of eight times the ranker's speed: who is admitted is served in time, and depth is full again between."""
    simulation = Simulation().run(lambda at_s: 8.0 if at_s % 5 < 0.4 else 0.3, 20)
    assert simulation.num_late() == 0
    for start_s in range(0, 20, 5):
        assert min(_depths(simulation.between(start_s, start_s + 0.4))) < 0.4
        assert set(_depths(simulation.between(start_s + 4, start_s + 5))) == {1.0}
        assert _reversals(_depths(simulation.between(start_s, start_s + 5)), _BAND) <= 1


@pytest.mark.parametrize("traffic_class", list(TrafficClass))
def test_the_floor_of_the_class_is_kept(traffic_class: TrafficClass):
    """Under any load the control leaves the floor; only deadline and admission take more."""
    simulation = Simulation().run(lambda at_s: 12.0 if at_s < 1 else 0.0, 2, traffic_class=traffic_class)
    floor = DEFAULT_FLOORS[traffic_class]
    assert floor <= min(call.share for call in simulation.served)
    if traffic_class is INTERACTIVE:  # the others have ten seconds, of which the admitted queue is a small part
        assert min(call.share for call in simulation.served) < floor + 0.1
    assert simulation.num_late() == 0


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_wrong_first_guess_of_the_speed_is_recovered_from(factor: float):
    """The speed is measured: half or twice as much assumed at start ends in the same depth."""
    simulation = Simulation(assumed_speed=factor * _SPEED).run(lambda _: 1.5, 8)
    assert _mean(_depths(simulation.between(3, 8))) == pytest.approx(1 / 1.5, abs=0.05)


def test_one_caller_after_the_other_is_no_load():
    """Calls that fill most of their deadline, each sent when the one before is done, keep full depth."""
    limit = AdaptiveLimit(least=400_000, most=400_000)
    control, admission = DepthControl(DEFAULT_FLOORS), Admission(limit, CostModel(_SPEED), GUARANTEED_SHARES)
    for call in range(20):
        start_s = call * 0.3
        control.observe(INTERACTIVE, admission.queue_s(INTERACTIVE, start_s), start_s)
        assert control.share(INTERACTIVE, _DEADLINE_S) == 1.0
        admission.admitted(INTERACTIVE, 300_000)
        admission.sent(INTERACTIVE, 300_000, start_s)
        admission.ended(INTERACTIVE, 300_000, Ended.SERVED, start_s + 0.3)


def test_large_calls_that_meet_share_the_deadline():
    """A call that takes half of its deadline meets another at work, half done as a rule: nobody is refused.

    With the whole cost of what is at work, instead of the rest of it, one in 200 is, and the mean depth is 0.945. First
    packs that go first cost one in 100 calls its last candidates, one in 1,000 of all that were sent.
    """
    simulation = Simulation(speed=sum(_COSTS) / (0.5 * _DEADLINE_S)).run(lambda _: 0.2, 2_000)
    assert sum(call.num_done for call in simulation.served) > 0.999 * sum(_depths(simulation.served)) * len(_COSTS)
    assert min(call.num_done for call in simulation.served) >= _FLOOR
    assert simulation.num_refused == 0
    assert _mean(_depths(simulation.served)) > 0.955


def test_depth_falls_faster_than_it_comes_back():
    """A burst is answered while it lasts; after it, depth is held back although the ranker is idle again."""
    simulation = Simulation().run(lambda at_s: 8.0 if 1 <= at_s < 1.4 else 0.3, 6)
    fallen_s = next(call.at_s for call in simulation.served if call.share < 0.5)
    back_s = next(call.at_s for call in simulation.between(1.4, 6) if call.share == 1.0)
    assert fallen_s - 1.0 < 0.2
    assert 0.6 < back_s - 1.4 < 3.3
    # At most 0.4 s of work waited when the burst ended: it is done, and the next calls still get less.
    assert max(call.share for call in simulation.between(1.8, 2.0)) < 1.0
    assert max(call.took_s for call in simulation.between(1.9, 2.0)) < 0.05


@pytest.mark.parametrize("load", [0.5, 1.5])
def test_bulk_calls_are_held_to_idle_windows_and_never_past_their_deadline(load: float):
    """Beside interactive load, latency-insensitive calls keep their ten seconds and cost interactive calls little."""
    alone = Simulation().run(lambda _: load, 24)
    simulation = Simulation().run(lambda _: load, 24, beside={BULK: 0.2})
    bulk = simulation.between(0, 24, BULK)
    assert len(bulk) > 300
    assert simulation.num_late(BULK, _BULK_DEADLINE_S) == 0
    assert simulation.num_late() == 0
    lost = _mean(_depths(alone.between(5, 24))) - _mean(_depths(simulation.between(5, 24)))
    if load < 1:  # idle windows are enough for all of it
        assert _mean(_depths(bulk)) == 1.0
        assert lost < 0.01
    else:  # there are none: its guaranteed tenth is what it gets, and what interactive calls lose
        assert 0 < lost < 0.15


def test_refreshes_take_idle_windows_only():
    """With windows they are served; under overload none is, and nobody notices them."""
    calm = Simulation().run(lambda _: 0.3, 20, beside={REFRESH: 0.2})
    assert _mean([call.took_s < math.inf for call in calm.between(0, 20, REFRESH)]) > 0.95
    alone, busy = (Simulation().run(lambda _: 2.0, 20, beside=beside) for beside in (None, {REFRESH: 0.2}))
    depths = [_mean(_depths(run.between(5, 20))) for run in (alone, busy)]
    assert depths[1] == pytest.approx(depths[0], abs=0.02)
    assert busy.num_late() == 0


def test_the_limit_keeps_floors_inside_the_deadline():
    """At twelve times the speed not even floors fit: some calls are refused, whoever is admitted is served in time."""
    simulation = Simulation().run(lambda at_s: 12.0 if at_s < 10 else 0.0, 11)
    settled = simulation.between(3, 10)
    assert simulation.num_refused > 0
    assert sum(call.took_s > _DEADLINE_S for call in settled) == 0
    assert sum(_depths(settled)) > 0.95 * 7 * _FULL_RATE
    assert 0.5 * _DEADLINE_S * _SPEED < simulation.limit < 1.2 * _DEADLINE_S * _SPEED


def test_a_ranker_that_slows_down_costs_the_last_candidates_and_not_the_call():
    """Where a call takes half of its deadline and the speed halves and comes back all the time, nobody has nothing."""
    simulation = Simulation(speed=0.02 * _SPEED, slow_s=1.7).run(lambda _: 0.5, 120)
    assert len(simulation.served) > 150
    assert simulation.num_late() > 0
    assert min(call.num_done for call in simulation.served) >= _FLOOR
