"""Which pack goes to the ranker next, and which is held back. Pure; times are arguments.

Rules, in this order:

1. A pack whose deadline has come is dropped; it never becomes the most urgent.
2. *Urgent* is interactive work, and latency-insensitive work that would come too late if it waited longer. Of urgent
   packs the latter go first, then the one with the earliest deadline, as soon as a slot is free.
   The first pack of an interactive call goes before them all once its time becomes short: scores come when a pack is
   done, so where work takes longer than was measured, each call has some of its candidates, and none has nothing.
3. All other work is *held* to idle windows: it goes where no urgent pack waits and none is at the ranker, and leaves
   one slot free, so that a call that comes meanwhile finds it. Latency-insensitive work goes before refreshes.
4. Refreshes are never urgent: those that find no idle window are dropped at their deadline.

So shaping costs a latency-insensitive call no deadline, and an interactive call waits for at most one held pack's
passage, beside which its own is already under way.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from schemas.api import TrafficClass
from serve.depth import PLANNED_SHARE

__all__ = ["Schedule", "Ticket", "latest_starts", "rescue_start"]

_SPREAD = 0.5
"""Share of a call's time, at its end, over which the latest starts of calls are spread."""

_GOLDEN = (math.sqrt(5) - 1) / 2

_SLOWDOWN = 3.0
"""How much longer than measured a first pack may take, and what is at the ranker before it, to be rescued in time."""


@dataclass(slots=True, eq=False)
class Ticket:
    """A pack that waits for a slot or has one.

    Attributes:
        traffic_class: Whose it is now: rises when it becomes urgent.
        tokens: Its size.
        deadline_s: When it is of no use any more; monotonic.
        wanted_s: Earliest deadline of those who wait for it: decides the order, and drops nothing.
        latest_start_s: From when on it is urgent, whatever its class; infinite: never.
        rescue_s: From when on it goes before all urgent work whose time is not short; infinite: never.
    """

    traffic_class: TrafficClass
    tokens: int
    deadline_s: float
    wanted_s: float
    latest_start_s: float = math.inf
    rescue_s: float = math.inf

    @property
    def is_held(self) -> bool:
        """Whether it waits for an idle window."""
        return self.traffic_class is not TrafficClass.INTERACTIVE


T = TypeVar("T", bound=Ticket)


class Schedule(Generic[T]):
    """Packs that wait, and how many of each kind are at the ranker."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._waiting: list[T] = []
        self._num_urgent_sent = 0
        self._num_held_sent = 0

    def add(self, ticket: T) -> None:
        """It waits from now on."""
        self._waiting.append(ticket)

    def expired(self, now_s: float) -> list[T]:
        """Remove and return what waits beyond its deadline (rule 1)."""
        gone = [ticket for ticket in self._waiting if ticket.deadline_s <= now_s]
        if gone:
            self._waiting = [ticket for ticket in self._waiting if ticket.deadline_s > now_s]
        return gone

    def drain(self) -> list[T]:
        """Remove and return all that waits."""
        waiting, self._waiting = self._waiting, []
        return waiting

    def due(self, now_s: float) -> list[T]:
        """Held packs that cannot wait any longer (rule 2): the caller makes them interactive.

        From now on they go before all that can still wait for its deadline, as first packs do whose time is short.
        """
        due = [ticket for ticket in self._waiting if ticket.is_held and ticket.latest_start_s <= now_s]
        for ticket in due:
            ticket.wanted_s = ticket.latest_start_s
        for ticket in self._waiting:
            if not ticket.is_held and ticket.rescue_s <= now_s:
                ticket.wanted_s = min(ticket.wanted_s, ticket.rescue_s)
        return due

    def next(self) -> T | None:
        """Remove and return the pack that goes now; None where none may. End it with :meth:`finished`."""
        if not self._waiting or self._num_urgent_sent + self._num_held_sent >= self._slots:
            return None
        urgent = [ticket for ticket in self._waiting if not ticket.is_held]
        if urgent:
            chosen = min(urgent, key=lambda ticket: ticket.wanted_s)
            self._num_urgent_sent += 1
        elif self._num_urgent_sent == 0 and self._num_held_sent < max(1, self._slots - 1):
            chosen = min(self._waiting, key=_held_order)
            self._num_held_sent += 1
        else:
            return None
        self._waiting.remove(chosen)
        return chosen

    def finished(self, ticket: T) -> None:
        """A pack that went is done. Its class is that with which it went."""
        if ticket.is_held:
            self._num_held_sent -= 1
        else:
            self._num_urgent_sent -= 1
        assert self._num_held_sent >= 0, "finished twice"
        assert self._num_urgent_sent >= 0, "finished twice"

    def wake_at_s(self) -> float:
        """When a waiting pack becomes urgent or expires; infinite where none waits."""
        return min(
            (min(ticket.deadline_s, ticket.latest_start_s if ticket.is_held else math.inf) for ticket in self._waiting),
            default=math.inf,
        )


def latest_starts(
    costs_s: Sequence[float], *, before_s: float, now_s: float, deadline_s: float, turn: int
) -> list[float]:
    """When each pack of a held call becomes urgent, so that the call is done before its deadline.

    Where there are no idle windows, calls that came together would become urgent together, at their deadline, and push
    interactive work aside for as long as they take. So each has another part of the last half of its time left to wait;
    multiples of the golden ratio spread them evenly, however many there are.

    Args:
        costs_s: [N] of its packs, in their order, seconds.
        before_s: What may go before them then, seconds.
        now_s: Monotonic.
        deadline_s: Likewise.
        turn: Number of the call.

    Returns:
        [N] monotonic; of a call that has no time to wait, in the past.
    """
    slack_s, slacks_s = before_s / PLANNED_SHARE, []
    for cost_s in reversed(costs_s):
        slack_s += cost_s / PLANNED_SHARE
        slacks_s.append(slack_s)
    early_s = _SPREAD * max(0.0, deadline_s - slack_s - now_s) * (turn * _GOLDEN % 1)
    return [deadline_s - slack_s - early_s for slack_s in reversed(slacks_s)]


def rescue_start(cost_s: float, *, slots: int, deadline_s: float) -> float:
    """When the first pack of an interactive call must go, if it is to be done in time on a ranker a third as fast.

    Args:
        cost_s: Of it, seconds as measured; packs at the ranker are taken to be as large.
        slots: Packs at the ranker, at most.
        deadline_s: Monotonic.
    """
    return deadline_s - _SLOWDOWN * (1 + slots) * cost_s


def _held_order(ticket: Ticket) -> tuple[bool, float]:
    return ticket.traffic_class is TrafficClass.REFRESH, ticket.wanted_s
