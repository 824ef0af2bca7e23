"""Admission: may this call send so many tokens to the ranker now. One decision a call, and nothing waits here.

The unit is tokens in flight (at the ranker or waiting for it), because the time of a scoring call grows with its tokens
and not with its number. Hits cost nothing and are always admitted.

Classes are partitions that borrow. A call is measured by what is *ahead* of it: all that is at the ranker, and what
waits in its class or a more urgent one. So a class takes whatever room others leave, held work never takes room from
interactive calls, and each class keeps a guaranteed share that others cannot deny it.

A call is refused before anything is read for it, or not at all: while its summaries are read it keeps a :class:`Seat`.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from schemas.api import TrafficClass
from schemas.errors import Overloaded
from serve.cost import CostModel, Ended
from serve.limit import AdaptiveLimit

__all__ = ["GUARANTEED_SHARES", "Admission", "CallGate", "Granted", "Load", "Refused", "Seat", "decide"]

_MIN_RETRY_S, _MAX_RETRY_S = 0.1, 30.0

GUARANTEED_SHARES: Mapping[TrafficClass, float] = {
    TrafficClass.INTERACTIVE: 0.9,
    TrafficClass.LATENCY_INSENSITIVE: 0.1,
    TrafficClass.REFRESH: 0.0,
}
"""Share of the limit that a class may fill whatever the others have in flight."""

_RANK = {traffic_class: rank for rank, traffic_class in enumerate(TrafficClass)}


@dataclass(frozen=True, slots=True)
class Granted:
    """The call may send up to so many tokens.

    Attributes:
        tokens: At most what was wished.
    """

    tokens: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Not even the least useful part fits, or it would not be done in time.

    Attributes:
        excess: Tokens that must be done before it fits; above 0.
    """

    excess: int


def decide(*, wished: int, least: int, in_time: int, ahead: int, limit: int, guaranteed: int = 0) -> Granted | Refused:
    """Grant the wish, what room there is where that is useful, or nothing.

    Args:
        wished: Tokens of all candidates that the call wants scored.
        least: Tokens below which an answer is of no use: those of the depth floor.
        in_time: Tokens that the ranker can serve to this call before its deadline, after what is ahead.
        ahead: Tokens of admitted work that is not done and is served before this call.
        limit: Most tokens ahead.
        guaranteed: Room that the call's class has left of its own share, whatever is ahead.
    """
    room = min(in_time, max(0, limit - ahead, guaranteed))
    if ahead == 0:  # an idle ranker refuses nobody, however large the single call, however near its deadline
        room = max(room, least)
    if room >= min(least, wished):
        return Granted(min(wished, room))
    return Refused(max(1, ahead + least - limit, least - in_time))


@dataclass(slots=True)
class Load:
    """Work in two units.

    Attributes:
        tokens: Its tokens.
        packs: Its requests.
    """

    tokens: int = 0
    packs: int = 0

    def add(self, tokens: int) -> None:
        """One more request."""
        self.tokens += tokens
        self.packs += 1

    def remove(self, tokens: int) -> None:
        """One request less.

        Raises:
            AssertionError: So much is not there.
        """
        assert tokens <= self.tokens, f"{tokens} tokens given back, {self.tokens} are in flight: counted twice"
        self.tokens -= tokens
        self.packs -= 1


class Seat:
    """Room for the depth floor of one call, from its first step until it sends.

    Invariants: (1) it is ahead of every call that comes while it is kept; (2) it is given back once, however the call
    ends; (3) whoever gives it back in order to send may send its floor, whatever has become of the room since: what
    was refused then would have been read for in vain.
    """

    def __init__(self, kept: Load, tokens: int) -> None:
        """Take it.

        Args:
            kept: The seats of its class.
            tokens: Its size.
        """
        self._kept = kept
        self._tokens = tokens
        self._is_kept = True
        kept.add(tokens)

    def give_back(self) -> bool:
        """Whether it was kept until now."""
        was_kept, self._is_kept = self._is_kept, False
        if was_kept:
            self._kept.remove(self._tokens)
        return was_kept


def _sum(loads: Iterable[Load]) -> Load:
    tokens = packs = 0
    for load in loads:
        tokens, packs = tokens + load.tokens, packs + load.packs
    return Load(tokens, packs)


def _loads() -> dict[TrafficClass, Load]:
    return {traffic_class: Load() for traffic_class in TrafficClass}


class Admission:
    """Packs in flight by class, against a limit. Used from one event loop.

    Each pack is :meth:`admitted`, then :meth:`sent`, then :meth:`ended`; or admitted and :meth:`dropped`.
    """

    def __init__(self, limit: AdaptiveLimit, cost: CostModel, shares: Mapping[TrafficClass, float]) -> None:
        self._limit = limit
        self._cost = cost
        self._shares = shares
        self._waiting = _loads()
        self._sent = _loads()
        self._seats = _loads()

    @property
    def in_flight(self) -> int:
        """Tokens of admitted work that is not done."""
        return sum(load.tokens for load in (*self._waiting.values(), *self._sent.values()))

    @property
    def limit(self) -> int:
        """Most tokens that may be ahead of a call."""
        return self._limit.tokens

    @property
    def cost(self) -> CostModel:
        """The cost model that decisions are made with."""
        return self._cost

    def waiting(self, traffic_class: TrafficClass) -> Load:
        """What of this class is admitted and not sent."""
        load = self._waiting[traffic_class]
        return Load(load.tokens, load.packs)

    def ahead(self, traffic_class: TrafficClass) -> Load:
        """What is served before a call of this class that comes now."""
        return _sum((*self._waiting_before(traffic_class), *self._sent.values()))

    def _waiting_before(self, traffic_class: TrafficClass) -> list[Load]:
        before = [other for other in TrafficClass if _RANK[other] <= _RANK[traffic_class]]
        return [loads[other] for other in before for loads in (self._seats, self._waiting)]

    def queue_s(self, traffic_class: TrafficClass, now_s: float) -> float:
        """Time until what is ahead is done: what a call that comes now (monotonic) finds before it."""
        sent, waiting = _sum(self._sent.values()), _sum(self._waiting_before(traffic_class))
        return self._cost.left_s(sent.tokens, sent.packs, now_s) + self._cost.seconds(waiting.tokens, waiting.packs)

    def ask(self, traffic_class: TrafficClass, *, wished: int, least: int, in_time: int) -> Granted | Refused:
        """:func:`decide` for the state of now. Takes nothing: see :meth:`admitted`."""
        own = sum(loads[traffic_class].tokens for loads in (self._seats, self._waiting, self._sent))
        return decide(
            wished=wished,
            least=least,
            in_time=in_time,
            ahead=self.ahead(traffic_class).tokens,
            limit=self._limit.tokens,
            guaranteed=int(self._shares[traffic_class] * self._limit.tokens) - own,
        )

    def retry_after_s(self, refused: Refused) -> float:
        """When so much will be done, from a tenth of a second to half a minute."""
        return min(_MAX_RETRY_S, max(_MIN_RETRY_S, refused.excess / self._cost.tokens_per_s))

    def seat(self, traffic_class: TrafficClass, tokens: int) -> Seat:
        """Keep room for a call that was granted it and does not send yet."""
        return Seat(self._seats[traffic_class], tokens)

    def admitted(self, traffic_class: TrafficClass, tokens: int) -> None:
        """A pack waits for the ranker."""
        self._waiting[traffic_class].add(tokens)

    def promoted(self, old: TrafficClass, new: TrafficClass, tokens: int) -> None:
        """A pack that waits is of another class now."""
        self._waiting[old].remove(tokens)
        self._waiting[new].add(tokens)

    def dropped(self, traffic_class: TrafficClass, tokens: int) -> None:
        """A pack that waited is gone."""
        self._waiting[traffic_class].remove(tokens)

    def waited(self, traffic_class: TrafficClass, waited_s: float, *, of_s: float, now_s: float) -> None:
        """A call's first pack is about to be sent: the limit learns from its wait.

        Only where the wait is the queue's: not of held packs, nor of those that waited for packs of their own call.

        Args:
            traffic_class: Of the call.
            waited_s: Since its admission.
            of_s: Time that it had then; above 0.
            now_s: Monotonic.
        """
        ahead = self.ahead(traffic_class).tokens
        self._limit.observe(waited_s / of_s, in_flight=ahead, admitted_s=now_s - waited_s, now_s=now_s)

    def sent(self, traffic_class: TrafficClass, tokens: int, now_s: float) -> None:
        """A pack that waited is at the ranker."""
        self._waiting[traffic_class].remove(tokens)
        self._sent[traffic_class].add(tokens)
        self._cost.started(now_s)

    def ended(self, traffic_class: TrafficClass, tokens: int, ended: Ended, now_s: float) -> None:
        """A pack that was sent is not in flight any more."""
        self._sent[traffic_class].remove(tokens)
        self._cost.finished(tokens, ended, now_s)


class CallGate:
    """How many calls are worked on at once. What comes above that is refused before it costs a store read."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._calls = 0

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Count one call for as long as it runs.

        Raises:
            Overloaded: The limit is reached.
        """
        if self._calls >= self._limit:
            message = f"{self._calls} calls are in flight, the limit of this process"
            raise Overloaded(message, retry_after_s=_MIN_RETRY_S)
        self._calls += 1
        try:
            yield
        finally:
            self._calls -= 1
