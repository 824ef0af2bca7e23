"""Many records at once, one lane a key: bounded, in order per key, without a batch barrier. Knows nothing of Kafka.

Invariants
    I1  A partition's committable offset passes a record only when that record is finished (``progress``).
    I2  Progress belongs to one assignment: :meth:`Lanes.drain` drops it, and what ends later moves nothing.
    I3  Records of one key run one after the other in order of delivery, on one slot, however busy the key.
    I4  At most ``max_in_flight`` handlers run; at most ``window`` records are delivered and not committable.
    I5  What nobody planned for ends the process at once, through ``die``: nothing of it is finished, so all comes back.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass

from schemas.errors import Overloaded
from stream.progress import OpenRecord, PartitionProgress
from stream.source import Record

__all__ = ["Lanes", "Permit"]


@dataclass(frozen=True, slots=True)
class Permit:
    """Room for one record.

    Attributes:
        key: Lane it goes to.
        opens_lane: Whether it holds a slot for a lane that is not there yet.
    """

    key: Hashable
    opens_lane: bool


@dataclass(frozen=True, slots=True)
class _Entry:
    record: Record
    progress: PartitionProgress
    open_record: OpenRecord


class Lanes:
    """Runs a handler over records. One task may submit (:meth:`admit`, then :meth:`start` or :meth:`refuse`)."""

    def __init__(
        self,
        handle: Callable[[Record], Awaitable[None]],
        *,
        max_in_flight: int,
        window: int,
        die: Callable[[BaseException], None],
        on_pause: Callable[[float], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make empty lanes.

        Args:
            handle: Finishes a record, or raises ``Overloaded`` to get the same record again after a pause.
            max_in_flight: Keys at work at the same time.
            window: Records delivered and not committable at the same time.
            die: Called with what nobody planned for; must not return in production.
            on_pause: Told each pause, in seconds.
            clock: Monotonic seconds.
        """
        self._handle = handle
        self._die = die
        self._on_pause = on_pause
        self._clock = clock
        self._slots = asyncio.Semaphore(max_in_flight)
        self._window = asyncio.Semaphore(window)
        self._queues: dict[Hashable, deque[_Entry]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._paused_until_s = 0.0
        self._draining = asyncio.Event()

    @property
    def num_at_work(self) -> int:
        """Keys that hold a slot."""
        return len(self._queues)

    async def admit(self, key: bytes | None) -> Permit:
        """Wait for room: the end of a pause, a place in the window and, for a key not at work, a slot.

        Not pulling is the back-pressure: nothing is read from Kafka beyond what waits here.
        """
        lane: Hashable = object() if key is None else key  # records without a key have no order to keep
        await self._pause_over()
        await self._window.acquire()
        if lane in self._queues:
            return Permit(lane, opens_lane=False)
        await self._slots.acquire()
        return Permit(lane, opens_lane=True)

    def refuse(self, permit: Permit) -> None:
        """Give the room back: the record is not ours any more."""
        self._window.release()
        if permit.opens_lane:
            self._slots.release()

    def start(self, permit: Permit, record: Record, progress: PartitionProgress) -> None:
        """Take the record on. There must be no ``await`` between :meth:`admit` and this for one permit."""
        entry = _Entry(record, progress, progress.add(record.offset))
        if permit.opens_lane:
            self._queues[permit.key] = deque([entry])
            task = asyncio.create_task(self._run(permit.key))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self._queues[permit.key].append(entry)

    async def drain(self, limit_s: float) -> None:
        """Start nothing new; wait for what runs, at most ``limit_s`` seconds. The caller commits, then reopens."""
        self._draining.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=limit_s)

    def reopen(self, dropped: list[PartitionProgress]) -> None:
        """End a drain: give up the progress of the assignment that it ended."""
        for progress in dropped:
            for _ in range(progress.drop()):
                self._window.release()
        self._draining.clear()

    async def _run(self, key: Hashable) -> None:
        try:
            queue = self._queues[key]
            while queue:
                entry = queue[0]
                if await self._is_finished(entry):
                    for _ in range(entry.progress.finish(entry.open_record)):
                        self._window.release()
                queue.popleft()
        except BaseException as error:
            self._die(error)
            raise
        finally:
            del self._queues[key]
            self._slots.release()

    async def _is_finished(self, entry: _Entry) -> bool:
        """Whether the record was finished; False where it was given up."""
        while entry.progress.is_live and not self._draining.is_set():
            try:
                await self._handle(entry.record)
            except Overloaded as error:
                self._on_pause(error.retry_after_s)
                self._paused_until_s = max(self._paused_until_s, self._clock() + error.retry_after_s)
                await self._pause_over()
            else:
                return True
        return False

    async def _pause_over(self) -> None:
        while not self._draining.is_set() and (left_s := self._paused_until_s - self._clock()) > 0:
            try:
                async with asyncio.timeout(left_s):
                    await self._draining.wait()
            except TimeoutError:
                continue  # another record may have prolonged the pause
