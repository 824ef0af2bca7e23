"""Depth under load, simulated without a wall clock: Poisson arrivals from a seed, a ranker of fixed speed.

The ranker serves packs first in, first out. Admission, speed meter, depth and its control are those of the scorer,
asked in the order in which ``serve.ranking`` asks them.
"""

import itertools
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from schemas.api import TrafficClass
from serve.admission import Admission, Refused
from serve.depth import PLANNED_SHARE, depth_within, planned_depth, tokens_in_time
from serve.depth_control import DEFAULT_FLOORS, DepthControl
from serve.speed import Ended, SpeedMeter

_SPEED = 1_000_000
"""Tokens a second of the ranker."""
_DEADLINE_S = 0.5
_COSTS = [60] * 100
"""Of one call: alone it takes 1.2 % of its deadline."""
_FULL_RATE = _SPEED / sum(_COSTS)
"""Calls a second that the ranker can just serve at full depth: the load 1."""
_PACK_ITEMS = 50
_LIMIT = int(PLANNED_SHARE * _DEADLINE_S * _SPEED)
"""Tokens in flight that can be served within a deadline: with more, the candidates of the floor would miss it."""
_FLOOR = 10
_BAND = 0.25
"""Swings of the share below it are noise of the arrivals: four of its standard deviations at a load of 1.5."""

Load = Callable[[float], float]


@dataclass(frozen=True)
class Served:
    """One admitted call."""

    at_s: float
    depth: float
    """Share of its candidates that were sent."""
    share: float
    """That the control left to it."""
    took_s: float


class Simulation:
    """Calls of one class against one ranker."""

    def __init__(
        self, *, is_controlled: bool = True, assumed_speed: float = _SPEED, traffic_class: TrafficClass | None = None
    ) -> None:
        self._control = DepthControl(DEFAULT_FLOORS)
        self._admission = Admission(_LIMIT, SpeedMeter(assumed_speed))
        self._is_controlled = is_controlled
        self._class = traffic_class or TrafficClass.INTERACTIVE
        self._under_way: deque[tuple[float, int]] = deque()  # end and tokens of each pack
        self._free_at_s = 0.0
        self.served: list[Served] = []
        self.num_refused = 0
        self.num_tokens = 0

    def run(self, load: Load, until_s: float, seed: int = 7) -> "Simulation":
        """Arrivals at ``load(t)`` times the full rate."""
        chance = random.Random(seed)
        peak = _FULL_RATE * max(load(until_s * step / 1000) for step in range(1001))
        now_s = 0.0
        while (now_s := now_s + chance.expovariate(peak)) < until_s:
            if chance.random() * peak < _FULL_RATE * load(now_s):  # thinning: a Poisson process of changing rate
                self._arrive(now_s)
        return self

    def _arrive(self, now_s: float) -> None:
        while self._under_way and self._under_way[0][0] <= now_s:
            ended_s, tokens = self._under_way.popleft()
            self._admission.give_back(tokens, Ended.SERVED, ended_s)
        self._control.observe(self._admission.queue_s, now_s)
        share = self._control.share(self._class, _DEADLINE_S) if self._is_controlled else 1.0
        budget = tokens_in_time(_DEADLINE_S, self._admission.speed.tokens_per_s, self._admission.in_flight)
        depth = planned_depth(_COSTS, share=share, budget=budget, floor=_FLOOR)
        decision = self._admission.ask(wished=sum(_COSTS[:depth]), least=sum(_COSTS[:_FLOOR]))
        if isinstance(decision, Refused):
            self.num_refused += 1
            return
        sent = _COSTS[: depth_within(_COSTS[:depth], decision.tokens, _FLOOR)]
        for start in range(0, len(sent), _PACK_ITEMS):
            tokens = sum(sent[start : start + _PACK_ITEMS])
            self._admission.take(tokens, now_s)
            self._free_at_s = max(self._free_at_s, now_s) + tokens / _SPEED
            self.num_tokens += tokens
            self._under_way.append((self._free_at_s, tokens))
        self.served.append(Served(now_s, len(sent) / len(_COSTS), share, self._free_at_s - now_s))

    def between(self, start_s: float, end_s: float) -> list[Served]:
        """Calls that came then."""
        return [call for call in self.served if start_s <= call.at_s < end_s]

    def num_late(self) -> int:
        """Admitted calls that missed their deadline."""
        return sum(call.took_s > _DEADLINE_S for call in self.served)


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
    simulation = Simulation(traffic_class=traffic_class).run(lambda at_s: 12.0 if at_s < 2 else 0.0, 3)
    floor = DEFAULT_FLOORS[traffic_class]
    assert floor <= min(call.share for call in simulation.served) < floor + 0.1
    assert simulation.num_late() == 0


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_wrong_first_guess_of_the_speed_is_recovered_from(factor: float):
    """The speed is measured: half or twice as much assumed at start ends in the same depth."""
    simulation = Simulation(assumed_speed=factor * _SPEED).run(lambda _: 1.5, 8)
    assert _mean(_depths(simulation.between(3, 8))) == pytest.approx(1 / 1.5, abs=0.05)


def test_one_caller_after_the_other_is_no_load():
    """Calls that fill most of their deadline, each sent when the one before is done, keep full depth."""
    control, admission = DepthControl(DEFAULT_FLOORS), Admission(_LIMIT, SpeedMeter(_SPEED))
    for call in range(20):
        control.observe(admission.queue_s, now_s=call * 0.3)
        assert control.share(TrafficClass.INTERACTIVE, _DEADLINE_S) == 1.0
        admission.take(300_000, now_s=call * 0.3)
        admission.give_back(300_000, Ended.SERVED, now_s=(call + 1) * 0.3)


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
