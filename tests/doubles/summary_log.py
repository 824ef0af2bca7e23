"""The changelog in memory, read one step at a time: a test decides when the feeder gets each answer, and which."""

import asyncio
from typing import Any

from schemas.documents import SummaryDocument
from schemas.errors import BackendUnavailable
from serve.near_cache.changelog import Batch
from serve.near_cache.moment import Moment

__all__ = ["Gate", "ManualMoments", "SteppedChangelog", "SummaryLog"]


class SummaryLog:
    """A topic of two partitions; records are keys and values."""

    def __init__(self) -> None:
        self.partitions: dict[int, list[tuple[bytes, bytes | None]]] = {0: [], 1: []}

    def publish(self, job_id: str, document: SummaryDocument | None) -> None:
        """Append, acknowledged when it returns."""
        value = None if document is None else document.model_dump_json().encode()
        self.partitions[sum(job_id.encode()) % 2].append((job_id.encode(), value))

    def ends(self) -> dict[int, int]:
        """Offsets of the next records."""
        return {partition: len(records) for partition, records in self.partitions.items()}


class Gate:
    """Where a feeder waits with each call, until it is let through."""

    def __init__(self) -> None:
        self._parked: asyncio.Future[bool] | None = None
        self._has_parked = asyncio.Event()

    async def park(self, operation: str) -> None:
        """Wait; then go on, or fail as a broker that does not answer."""
        self._parked = asyncio.get_running_loop().create_future()
        self._has_parked.set()
        if not await self._parked:
            raise BackendUnavailable("it is silent", backend="kafka", operation=operation)

    async def step(self, *, answers: bool = True) -> None:
        """Let the feeder through, and wait until it stands here again."""
        await self._has_parked.wait()
        assert self._parked is not None
        self._has_parked.clear()
        self._parked.set_result(answers)
        await self._has_parked.wait()

    def forget(self) -> None:
        """The feeder that stood here is gone."""
        self._has_parked.clear()


class SteppedChangelog:
    """``Changelog`` over a ``SummaryLog``: each call passes the gate first, and then sees the log as it is."""

    def __init__(self, log: SummaryLog, gate: Gate, *, batch_size: int = 3) -> None:
        self._log = log
        self._gate = gate
        self._batch_size = batch_size
        self._offsets: dict[int, int] = {}

    async def begins(self) -> dict[int, int]:
        await self._gate.park("begins")
        return dict.fromkeys(self._log.partitions, 0)

    async def ends(self) -> dict[int, int]:
        await self._gate.park("ends")
        return self._log.ends()

    async def seek(self, offsets: Any) -> None:
        self._offsets = dict(offsets)

    async def fetch(self, *, wait_s: float) -> Batch:
        await self._gate.park("fetch")
        taken: list[tuple[bytes | None, bytes | None]] = []
        for partition, offset in self._offsets.items():
            some = self._log.partitions[partition][offset:][: self._batch_size - len(taken)]
            taken += some
            self._offsets[partition] += len(some)
        return Batch(taken, dict(self._offsets))

    async def close(self) -> None:
        pass


class ManualMoments:
    """The machine's clocks, moved by the test."""

    def __init__(self) -> None:
        self.boot_id = "boot-1"
        self.boot_s = 1_000.0
        self.wall_s = 1_800_000_000.0

    def __call__(self) -> Moment:
        return Moment(self.boot_id, self.boot_s, self.wall_s)

    def advance(self, seconds: float) -> None:
        """Move both on."""
        self.boot_s += seconds
        self.wall_s += seconds
