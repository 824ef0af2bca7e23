"""Depth under load: the share of a call's N candidates that may be sent to the ranker. Pure, but for its holder.

``serve.depth`` says what fits before one call's deadline. Alone, it gives the first call everything and the next one
what is left: depth swings between all and the floor. Here all calls give way a little, before the deadline bites.

- Observed is what an arriving call finds ahead of it: the measured cost of what is served before it, in seconds. Its
  own tokens do not count, so one caller after the other is no load, however large the calls. Each class feels its own.
- Felt is that queue with a memory: it rises at once and falls slowly, and small falls are not felt at all. A rise is
  followed at once because the loop from depth to queue and back answers within ``deadline / load`` seconds; a slower
  rise is what would make it oscillate. The slow fall cannot: it only gives depth back late.
- The share is 1 while the felt queue takes less than ``FULL_UNTIL`` of the time that the call has left, the floor of
  its class from ``LEAST_FROM`` on, and a straight line between. A call with much time keeps its depth in that queue.

What remains of the swing is the noise of the arrivals. With calls that take 3 % of their deadline, at 1.5 times the
speed of the ranker, shares have a standard deviation of 0.10 about 0.67 (by the deadline alone: 0.28). The figures here
are simulated: Poisson arrivals, a ranker of fixed speed, as in ``tests/property/serve/test_depth_under_load.py``.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from schemas.api import TrafficClass
from serve.depth import PLANNED_SHARE

__all__ = ["DEFAULT_FLOORS", "FELT_BAND", "DepthControl", "FeltQueue", "depth_share", "felt_after"]

FULL_UNTIL = 0.2
"""Share of a call's time that the queue may take before depth falls. Below it lie the chance meetings of calls at 0.7
of the ranker's speed; a smaller value costs depth where nothing is short."""

LEAST_FROM = PLANNED_SHARE
"""Share of a call's time at which its class gets its floor: from here on the deadline leaves nothing either."""

FALL_S = 0.5
"""Time constant of the fall, seconds: as long as a usual deadline, so the calls that made a queue are gone before it is
forgotten. Doubled, the ranker idles 3 % more at 1.5 times its speed where one call takes a quarter of its deadline."""

FELT_BAND = 0.3
"""Hysteresis: the queue must fall by more than this share of what is felt before less is felt."""

MOST_FELT_S = 60.0
"""Longest queue that is felt, seconds: the longest deadline. So depth is back, for a deadline of half a second, within
``FALL_S x ln(60 / 0.1)`` = 3.2 s after any load."""

DEFAULT_FLOORS: Mapping[TrafficClass, float] = {
    TrafficClass.INTERACTIVE: 0.2,
    TrafficClass.LATENCY_INSENSITIVE: 0.05,
    TrafficClass.REFRESH: 0.0,
}
"""Least share by class. All fall over the same queue, so the lower floor falls faster."""


@dataclass(frozen=True, slots=True)
class FeltQueue:
    """State of the controller.

    Attributes:
        queue_s: Felt queue time of the ranker, seconds, from 0 to ``MOST_FELT_S``.
        at_s: When it was so; monotonic.
    """

    queue_s: float = 0.0
    at_s: float = -math.inf


def felt_after(state: FeltQueue, queue_s: float, now_s: float) -> FeltQueue:
    """What is felt once a queue is seen.

    How often a constant queue is looked at makes no difference; a clock that goes back counts as one that stands.

    Args:
        state: What was felt before.
        queue_s: Queue time that a call finds now, seconds.
        now_s: Monotonic.
    """
    seen_s = min(queue_s, MOST_FELT_S)
    now_s = max(now_s, state.at_s)
    if seen_s >= state.queue_s:
        return FeltQueue(seen_s, now_s)
    kept = math.exp((state.at_s - now_s) / FALL_S) if now_s > state.at_s else 1.0
    falling_s = seen_s + (state.queue_s - seen_s) * kept
    # Falls to the edge of the band above what is seen, never through it.
    return FeltQueue(min(state.queue_s, max(falling_s, seen_s / (1 - FELT_BAND))), now_s)


def depth_share(felt_s: float, remaining_s: float, floor: float) -> float:
    """Share of its candidates that a call may send, in [floor, 1].

    Args:
        felt_s: Felt queue time.
        remaining_s: Time that the call has left; not above 0: the floor.
        floor: Least share of its class, in [0, 1].
    """
    if remaining_s <= 0:
        return floor
    ease = (LEAST_FROM - felt_s / remaining_s) / (LEAST_FROM - FULL_UNTIL)
    return floor + (1 - floor) * min(1.0, max(0.0, ease))


class DepthControl:
    """Holds what each class feels, for the calls of one process. Times are arguments; used from one event loop."""

    def __init__(self, floors: Mapping[TrafficClass, float]) -> None:
        self._floors = floors
        self._felt = dict.fromkeys(TrafficClass, FeltQueue())

    def observe(self, traffic_class: TrafficClass, queue_s: float, now_s: float) -> None:
        """A call of this class came, and this queue is ahead of it."""
        self._felt[traffic_class] = felt_after(self._felt[traffic_class], queue_s, now_s)

    def share(self, traffic_class: TrafficClass, remaining_s: float) -> float:
        """:func:`depth_share` for what the class felt last."""
        return depth_share(self._felt[traffic_class].queue_s, remaining_s, self._floors[traffic_class])

    def share_at(self, traffic_class: TrafficClass, queue_s: float, now_s: float, remaining_s: float) -> float:
        """What a call that came now would get. Changes nothing: looking at it must not move it."""
        felt = felt_after(self._felt[traffic_class], queue_s, now_s)
        return depth_share(felt.queue_s, remaining_s, self._floors[traffic_class])
