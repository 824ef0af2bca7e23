"""The way to the ranker: packs of items that share the query prefix, in the order of ``serve.schedule``.

A pack at the ranker runs in a task of its own. A caller that leaves, or whose deadline comes, takes nothing from others
that wait for the same items; the tokens stay counted as in flight until the pack itself is done.
"""

import asyncio
import math
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from models.clients.packs import split_packs
from models.clients.ports import RankerEngine
from schemas.api import TrafficClass
from schemas.deadline import Deadline
from schemas.errors import (
    BackendProtocolError,
    BackendUnavailable,
    DeadlineExceeded,
    PrecisError,
    PromptTooLong,
)
from serve.admission import Admission
from serve.background import BackgroundTasks
from serve.cost import Ended
from serve.flight import FlightKey, ModelScore, Outcome, SingleFlight
from serve.schedule import Schedule, Ticket, latest_starts, rescue_start
from serve.telemetry import Telemetry

__all__ = ["Lane", "LaneLimits", "Miss"]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LaneLimits:
    """Shape of the engine requests.

    Attributes:
        pack_tokens: Most tokens of one, the query counted once; fewer where the engine is slow (``serve.cost``).
        pack_items: Most items of one.
        packs_in_flight: Most at once.
    """

    pack_tokens: int
    pack_items: int
    packs_in_flight: int


@dataclass(frozen=True, slots=True)
class Miss:
    """An item that nobody has a score of.

    Attributes:
        key: What it is.
        token_ids: As the ranker reads it.
    """

    key: FlightKey
    token_ids: Sequence[int]


@dataclass(slots=True, eq=False, kw_only=True)
class _Pack(Ticket):
    query_ids: Sequence[int]
    misses: Sequence[Miss]
    drop_at: Deadline
    admitted_s: float
    is_first: bool
    """Of its call: the only one whose wait is the queue's and not its own call's."""


class Lane:
    """Sends packs and settles their flights."""

    def __init__(
        self,
        engine: RankerEngine,
        *,
        label_token_ids: Sequence[int],
        limits: LaneLimits,
        flights: SingleFlight,
        admission: Admission,
        telemetry: Telemetry,
        now: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._label_token_ids = tuple(label_token_ids)
        self._limits = limits
        self._flights = flights
        self._admission = admission
        self._telemetry = telemetry
        self._now = now
        self._schedule: Schedule[_Pack] = Schedule(limits.packs_in_flight)
        self._waiting: dict[FlightKey, _Pack] = {}
        self._packs = BackgroundTasks()
        self._num_held = 0
        self._timer: asyncio.TimerHandle | None = None

    def send(
        self,
        query_ids: Sequence[int],
        misses: Sequence[Miss],
        deadline: Deadline,
        traffic_class: TrafficClass = TrafficClass.INTERACTIVE,
    ) -> dict[FlightKey, asyncio.Future[Outcome]]:
        """Start scoring. Every future is settled, at the latest soon after the deadline.

        Args:
            query_ids: The shared prefix.
            misses: Distinct keys that are not under way.
            deadline: Packs that have not begun by then are dropped.
            traffic_class: Decides what goes first, and what is held to idle windows.
        """
        futures = self._flights.lead(miss.key for miss in misses)
        packs = self._split(query_ids, misses, deadline, traffic_class)
        for pack in packs:
            self._admission.admitted(traffic_class, pack.tokens)
            self._schedule.add(pack)
            self._waiting.update((miss.key, pack) for miss in pack.misses)
        self._pump()
        return futures

    def _split(
        self, query_ids: Sequence[int], misses: Sequence[Miss], deadline: Deadline, traffic_class: TrafficClass
    ) -> list[_Pack]:
        costs = [len(miss.token_ids) for miss in misses]
        ranges = split_packs(
            costs,
            prefix_tokens=len(query_ids),
            max_tokens=self._admission.cost.pack_tokens(deadline.remaining_s(), self._limits.pack_tokens),
            max_items=self._limits.pack_items,
        )
        now_s = time.monotonic()
        packs = [
            _Pack(
                traffic_class=traffic_class,
                tokens=len(query_ids) + sum(costs[part.start : part.stop]),
                deadline_s=deadline.at_s,
                wanted_s=deadline.at_s,
                query_ids=query_ids,
                misses=misses[part.start : part.stop],
                drop_at=deadline,
                admitted_s=now_s,
                is_first=index == 0,
            )
            for index, part in enumerate(ranges)
        ]
        if traffic_class is TrafficClass.LATENCY_INSENSITIVE:
            self._num_held += 1
            starts_s = latest_starts(
                [self._admission.cost.seconds(pack.tokens, 1) for pack in packs],
                before_s=self._before_held_s(),
                now_s=now_s,
                deadline_s=deadline.at_s,
                turn=self._num_held,
            )
            for pack, latest_start_s in zip(packs, starts_s, strict=True):
                pack.latest_start_s = latest_start_s
        elif traffic_class is TrafficClass.INTERACTIVE:
            for pack in packs[:1]:
                cost_s = self._admission.cost.seconds(pack.tokens, 1)
                pack.rescue_s = rescue_start(cost_s, slots=self._limits.packs_in_flight, deadline_s=deadline.at_s)
        return packs

    def _before_held_s(self) -> float:
        """What may go before a held pack that becomes urgent: full slots, and all held work that came before it."""
        slots, held = self._limits.packs_in_flight, self._admission.waiting(TrafficClass.LATENCY_INSENSITIVE)
        return self._admission.cost.seconds(slots * self._limits.pack_tokens + held.tokens, slots + held.packs)

    def hasten(self, keys: Iterable[FlightKey], deadline: Deadline, traffic_class: TrafficClass) -> None:
        """A call waits for computations that others began: what of them still waits is as urgent as this call is."""
        for pack in {id(pack): pack for key in keys if (pack := self._waiting.get(key)) is not None}.values():
            pack.wanted_s = min(pack.wanted_s, deadline.at_s)
            if traffic_class is TrafficClass.INTERACTIVE and pack.is_held:
                self._make_urgent(pack)
        self._pump()

    def _make_urgent(self, pack: _Pack) -> None:
        self._admission.promoted(pack.traffic_class, TrafficClass.INTERACTIVE, pack.tokens)
        pack.traffic_class = TrafficClass.INTERACTIVE

    def _pump(self) -> None:
        """Do all that may be done now, and come back when time alone changes that."""
        now_s = time.monotonic()
        for pack in self._schedule.expired(now_s):
            self._forget(pack)
            self._admission.dropped(pack.traffic_class, pack.tokens)
            self._telemetry.packs.labels("Expired").inc()
            self._settle(pack, DeadlineExceeded("deadline passed before a slot of the ranker was free"))
        for pack in self._schedule.due(now_s):
            self._make_urgent(pack)
        while (chosen := self._schedule.next()) is not None:
            self._start(chosen, now_s)
        if self._timer is not None:
            self._timer.cancel()
        wake_at_s = self._schedule.wake_at_s()
        loop = asyncio.get_running_loop()
        self._timer = None if math.isinf(wake_at_s) else loop.call_at(loop.time() + wake_at_s - now_s, self._pump)

    def _start(self, pack: _Pack, now_s: float) -> None:
        self._forget(pack)
        waited_s = now_s - pack.admitted_s
        self._telemetry.queue_seconds.labels(pack.traffic_class.value).observe(waited_s)
        budget_s = pack.drop_at.at_s - pack.admitted_s
        if pack.is_first and math.isinf(pack.latest_start_s) and not pack.is_held and budget_s > 0:
            self._admission.waited(pack.traffic_class, waited_s, of_s=budget_s, now_s=now_s)
        self._admission.sent(pack.traffic_class, pack.tokens, now_s)
        self._packs.begin(self._run(pack))

    def _forget(self, pack: _Pack) -> None:
        for miss in pack.misses:
            del self._waiting[miss.key]

    def _settle(self, pack: _Pack, outcome: Outcome) -> None:
        self._flights.settle(dict.fromkeys((miss.key for miss in pack.misses), outcome))

    async def _run(self, pack: _Pack) -> None:
        misses, tokens, ended = pack.misses, pack.tokens, Ended.DROPPED
        # What stands if this task is cancelled: only a shutdown does that.
        outcomes: list[Outcome] = [
            BackendUnavailable("the scorer shuts down", backend="ranker", operation="score") for _ in misses
        ]
        try:
            scores = await self._score(pack)
            outcomes, ended = [*scores], Ended.SERVED
            self._telemetry.packs.labels("ok").inc()
            self._telemetry.tokens.inc(tokens)
        except PrecisError as error:
            outcomes = [error] * len(misses)
            ended = Ended.MISSED if isinstance(error, DeadlineExceeded) else Ended.DROPPED
            self._telemetry.packs.labels(type(error).__name__).inc()
            _log.warning("pack failed", items=len(misses), tokens=tokens, error=type(error).__name__, why=str(error))
        except Exception as error:  # noqa: BLE001 - a bug in one pack degrades the answer, it does not fail the call
            trace = "".join(traceback.format_tb(error.__traceback__))
            _log.error("pack failed unexpectedly", items=len(misses), error=type(error).__name__, trace=trace)
            self._telemetry.packs.labels("unexpected").inc()
            why = f"unexpected {type(error).__name__}"
            outcomes = [BackendProtocolError(why, backend="ranker", operation="score")] * len(misses)
        finally:
            self._admission.ended(pack.traffic_class, tokens, ended, time.monotonic())
            self._schedule.finished(pack)
            self._flights.settle(dict(zip((miss.key for miss in misses), outcomes, strict=True)))
            self._pump()

    async def _score(self, pack: _Pack) -> list[ModelScore]:
        misses = pack.misses
        try:
            scores = await self._engine.score(
                pack.query_ids,
                [miss.token_ids for miss in misses],
                label_token_ids=self._label_token_ids,
                deadline=pack.drop_at,
            )
        except PromptTooLong as error:  # parts are cut to the bundle's limits: the engine runs another model
            raise BackendProtocolError(str(error), backend="ranker", operation="score") from error
        if len(scores.values) != len(misses):
            why = f"{len(scores.values)} scores for {len(misses)} items"
            raise BackendProtocolError(why, backend="ranker", operation="score")
        now = self._now()
        return [ModelScore(value, scores.revision, now) for value in scores.values]

    async def close(self) -> None:
        """Cancel what waits and what is under way, and settle it. Nothing may be sent afterwards."""
        for pack in self._schedule.drain():
            self._forget(pack)
            self._admission.dropped(pack.traffic_class, pack.tokens)
            self._settle(pack, BackendUnavailable("the scorer shuts down", backend="ranker", operation="score"))
        await self._packs.cancel()
        if self._timer is not None:
            self._timer.cancel()
