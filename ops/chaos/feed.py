"""Publishes the workload while faults strike: at a steady pace, and never far ahead of what is committed."""

import asyncio
import random
from collections.abc import Iterator

from ops.chaos.records import Planned
from ops.chaos.updates import UpdateLog
from ops.chaos.workload import Workload
from schemas.resummarise import Reason, ResummariseRequest

__all__ = ["Feed"]

_MAX_AHEAD = 64
_LOOK_S = 0.2
_PACE_S = 0.1
_RECENT = 60
_ANEW_SHARE = 0.15


class Feed:
    """The publisher of one segment."""

    def __init__(self, workload: Workload, log: UpdateLog, *, seed: int) -> None:
        self._workload = workload
        self._log = log
        self._rng = random.Random(seed)
        self._moves: Iterator[list[Planned]] = workload.records()
        self._generation = 0
        self._is_over = asyncio.Event()

    async def run(self) -> None:
        """Publish until :meth:`end`."""
        while not self._is_over.is_set():
            uncommitted = await self._log.num_uncommitted()
            if uncommitted is None or uncommitted > _MAX_AHEAD:
                await asyncio.sleep(_LOOK_S)
                continue
            for _ in range(4):
                move = next(self._moves)
                await self._log.publish(move)
                await self._ask_anew(move[-1].job_id)
                await asyncio.sleep(_PACE_S * len(move) * self._rng.uniform(0.2, 1.8))

    async def _ask_anew(self, job_id: str) -> None:
        """Now and then a request of a roll-out: a writer of another lane, beside the live updates of the same job."""
        if job_id and self._rng.random() < _ANEW_SHARE:
            self._generation += 1
            request = ResummariseRequest(job_id=job_id, reason=Reason.ROLLOUT, generation=self._generation)
            await self._log.ask_anew(request)

    def end(self) -> None:
        """Publish the move at hand to its end, and no more."""
        self._is_over.set()

    def choose(self, count: int) -> list[str]:
        """So many distinct jobs: mostly those that were published last."""
        planned = self._workload.planned
        recent = [record.job_id for record in planned[-_RECENT:] if record.job_id]
        self._rng.shuffle(recent)
        known = [record.job_id for record in planned[:: max(1, len(planned) // _RECENT)] if record.job_id]
        return list(dict.fromkeys(recent[: count - 4] + known))[:count]
