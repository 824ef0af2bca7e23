"""The way to the ranker: packs of items that share the query prefix, a bounded number at once.

A pack runs in a task of its own. A caller that leaves, or whose deadline comes, takes nothing from others that wait
for the same items; the tokens stay counted as in flight until the pack itself is done.
"""

import asyncio
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from models.clients.packs import split_packs
from models.clients.ports import RankerEngine
from schemas.deadline import Deadline
from schemas.errors import (
    BackendProtocolError,
    BackendUnavailable,
    DeadlineExceeded,
    PrecisError,
    PromptTooLong,
)
from serve.admission import Admission
from serve.flight import FlightKey, ModelScore, Outcome, SingleFlight
from serve.speed import Ended
from serve.telemetry import Telemetry

__all__ = ["Lane", "LaneLimits", "Miss"]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LaneLimits:
    """Shape of the engine requests.

    Attributes:
        pack_tokens: Most tokens of one, the query counted once.
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
        self._slots = asyncio.Semaphore(limits.packs_in_flight)
        self._packs: set[asyncio.Task[None]] = set()

    def send(
        self, query_ids: Sequence[int], misses: Sequence[Miss], deadline: Deadline
    ) -> dict[FlightKey, asyncio.Future[Outcome]]:
        """Start scoring. Every future is settled, at the latest soon after the deadline.

        Args:
            query_ids: The shared prefix.
            misses: Distinct keys that are not under way.
            deadline: Packs that have not begun by then are dropped.
        """
        futures = self._flights.lead(miss.key for miss in misses)
        costs = [len(miss.token_ids) for miss in misses]
        packs = split_packs(
            costs,
            prefix_tokens=len(query_ids),
            max_tokens=self._limits.pack_tokens,
            max_items=self._limits.pack_items,
        )
        for pack in packs:
            tokens = len(query_ids) + sum(costs[pack.start : pack.stop])
            self._admission.take(tokens, time.monotonic())
            run = self._run(query_ids, misses[pack.start : pack.stop], tokens, deadline)
            task = asyncio.get_running_loop().create_task(run)
            self._packs.add(task)
            task.add_done_callback(self._packs.discard)
        return futures

    async def _run(self, query_ids: Sequence[int], misses: Sequence[Miss], tokens: int, deadline: Deadline) -> None:
        ended = Ended.DROPPED
        # What stands if this task is cancelled: only a shutdown does that.
        outcomes: list[Outcome] = [
            BackendUnavailable("the scorer shuts down", backend="ranker", operation="score") for _ in misses
        ]
        try:
            scores = await self._score(query_ids, misses, deadline)
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
            self._admission.give_back(tokens, ended, time.monotonic())
            self._flights.settle(dict(zip((miss.key for miss in misses), outcomes, strict=True)))

    async def _score(self, query_ids: Sequence[int], misses: Sequence[Miss], deadline: Deadline) -> list[ModelScore]:
        try:
            async with asyncio.timeout(deadline.remaining_s()):
                await self._slots.acquire()
        except TimeoutError as error:
            message = "deadline passed before a slot of the ranker was free"
            raise DeadlineExceeded(message) from error
        try:
            deadline.check("the ranker was asked")
            scores = await self._engine.score(
                query_ids,
                [miss.token_ids for miss in misses],
                label_token_ids=self._label_token_ids,
                deadline=deadline,
            )
        except PromptTooLong as error:  # parts are cut to the bundle's limits: the engine runs another model
            raise BackendProtocolError(str(error), backend="ranker", operation="score") from error
        finally:
            self._slots.release()
        if len(scores.values) != len(misses):
            why = f"{len(scores.values)} scores for {len(misses)} items"
            raise BackendProtocolError(why, backend="ranker", operation="score")
        now = self._now()
        return [ModelScore(value, scores.revision, now) for value in scores.values]

    async def close(self) -> None:
        """Cancel what is under way and settle it."""
        for pack in self._packs:
            pack.cancel()
        while self._packs:
            await asyncio.wait(set(self._packs))
