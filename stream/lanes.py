"""One lane of work: many records at once, one queue a key; bounded, in order per key, without a batch barrier.

Knows nothing of Kafka, nor of what records say. Several lanes share the slots of the engine and its pause.

Protocol of a key
    1. Its first record takes a slot and starts a task; records that arrive while it works are queued behind.
    2. The handler is given what is queued (at most ``MAX_GROUP``) and says which of it is finished: at least one.
    3. Refused (``Overloaded``), or held: the slot is given back, so that a higher priority resumes first; after the
       pause it is taken again, before any new key takes one, and the handler is given what is queued by then.
    4. Finished records become committable; the task ends when nothing is queued.

Invariants
    I1  A partition's committable offset passes a record only when that record is finished (``progress``).
    I2  Progress belongs to one assignment: :meth:`Lanes.drain` drops it, and what ends later moves nothing.
    I3  Records of one key are handled one call after the other in order of delivery, on one slot, however busy the key.
    I4  A handler runs only on a slot of its own; no more keys are at work than the lane could hold slots at one time;
        at most ``window`` records are delivered and not committable.
    I5  What nobody planned for ends the process at once, through ``die``: nothing of it is finished, so all comes back.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import islice

from schemas.errors import Overloaded
from stream.pause import Pause
from stream.progress import OpenRecord, PartitionProgress
from stream.slots import Priority, Slots
from stream.source import Record

__all__ = ["MAX_GROUP", "Handle", "Lanes", "Permit", "one_by_one"]

MAX_GROUP = 32
"""Most records handed over at once: they are read in one go, and an event loop must not be held up for long."""

_HOLD_POLL_S = 0.2

Handle = Callable[[Sequence[Record]], Awaitable[Sequence[Record]]]
"""Given what is queued of a key, in order, at least one: finishes some of it and returns these, at least one; or raises
``Overloaded`` to be called again after a pause."""


def one_by_one(handle: Callable[[Record], Awaitable[None]]) -> Handle:
    """A handler of single records as a handler of what is queued."""

    async def handle_first(records: Sequence[Record]) -> Sequence[Record]:
        await handle(records[0])
        return records[:1]

    return handle_first


@dataclass(frozen=True, slots=True)
class Permit:
    """Room for one record.

    Attributes:
        key: Queue it goes to.
        opens_lane: Whether it holds a slot for a key that is not at work yet.
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
        handle: Handle,
        *,
        slots: Slots,
        pause: Pause,
        window: int,
        die: Callable[[BaseException], None],
        priority: Priority = Priority.LIVE,
        is_held: Callable[[], bool] = lambda: False,
        on_pause: Callable[[float], None] = lambda _: None,
    ) -> None:
        """Make an empty lane.

        Args:
            handle: Finishes records.
            slots: Where slots come from; shared.
            pause: What refusals prolong; shared.
            window: Records delivered and not committable at the same time.
            die: Called with what nobody planned for; must not return in production.
            priority: For slots, and after a pause.
            is_held: Whether nothing is to be started for now, for a reason of this lane alone; asked again and again.
            on_pause: Told each refusal, in seconds.
        """
        self._handle = handle
        self._slots = slots
        self._pause = pause
        self._die = die
        self._priority = priority
        self._is_held = is_held
        self._on_pause = on_pause
        self._window = asyncio.Semaphore(window)
        self._queues: dict[Hashable, deque[_Entry]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._draining = asyncio.Event()
        self._num_parked = 0
        self._none_parked = asyncio.Event()
        self._none_parked.set()

    @property
    def num_at_work(self) -> int:
        """Keys with records that are not finished."""
        return len(self._queues)

    async def admit(self, key: bytes | None) -> Permit:
        """Wait for room: the end of a pause, a place in the window and, for a key not at work, a slot.

        Not pulling is the back-pressure: nothing is read from Kafka beyond what waits here.
        """
        queue: Hashable = object() if key is None else key  # records without a key have no order to keep
        await self._unblocked()
        await self._window.acquire()
        if queue in self._queues:
            return Permit(queue, opens_lane=False)
        try:
            while True:
                await self._slots.acquire(self._priority)
                if not self._is_blocked():
                    return Permit(queue, opens_lane=True)
                self._slots.release(self._priority)  # refused while this waited: what was refused comes first
                await self._unblocked()
        except BaseException:
            self._window.release()
            raise

    def refuse(self, permit: Permit) -> None:
        """Give the room back: the record is not ours any more."""
        self._window.release()
        if permit.opens_lane:
            self._slots.release(self._priority)

    def start(self, permit: Permit, record: Record, progress: PartitionProgress) -> None:
        """Take the record on. There must be no ``await`` between :meth:`admit` and this for one permit."""
        entry = _Entry(record, progress, progress.add(record.offset))
        queue = self._queues.get(permit.key)
        if queue is None:
            assert permit.opens_lane, "a key that is not at work needs a slot"
            self._queues[permit.key] = deque([entry])
            task = asyncio.create_task(self._run(permit.key))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            queue.append(entry)

    async def drain(self, limit_s: float) -> None:
        """Start nothing new; wait for what runs, at most ``limit_s`` seconds. The caller commits, then reopens."""
        self._draining.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=limit_s)

    def reopen(self, dropped: Sequence[PartitionProgress]) -> None:
        """End a drain: give up the progress of the assignment that it ended."""
        for progress in dropped:
            for _ in range(progress.drop()):
                self._window.release()
        self._draining.clear()

    async def _run(self, key: Hashable) -> None:
        queue = self._queues[key]
        has_slot = True  # 1: taken by admit
        try:
            while self._has_work(queue):
                if self._hold_s() > 0:
                    has_slot = False  # until it is taken again
                    has_slot = await self._park()
                else:
                    await self._serve(queue)
        except BaseException as error:
            self._die(error)
            raise
        finally:
            del self._queues[key]
            if has_slot:
                self._slots.release(self._priority)

    async def _serve(self, queue: deque[_Entry]) -> None:
        try:
            finished = await self._handle([entry.record for entry in islice(queue, MAX_GROUP)])  # 2
        except Overloaded as error:
            self._pause.prolong(error.retry_after_s)  # 3
            self._on_pause(error.retry_after_s)
            return
        assert finished, "a handler that finishes nothing must say so by Overloaded"
        places = {id(record) for record in finished}
        for entry in [entry for entry in queue if id(entry.record) in places]:  # 4
            queue.remove(entry)
            for _ in range(entry.progress.finish(entry.open_record)):
                self._window.release()

    def _has_work(self, queue: deque[_Entry]) -> bool:
        """Whether there is something to start. What an ended assignment left is given up: it is delivered again."""
        while queue and not queue[0].progress.is_live:
            queue.popleft()
        return bool(queue) and not self._draining.is_set()

    def _hold_s(self) -> float:
        return max(self._pause.left_s(self._priority), _HOLD_POLL_S if self._is_held() else 0.0)

    def _is_blocked(self) -> bool:
        return not self._draining.is_set() and (self._hold_s() > 0 or self._num_parked > 0)

    async def _unblocked(self) -> None:
        while self._is_blocked():
            await self._pause_over()
            await self._none_parked.wait()

    async def _pause_over(self) -> None:
        while not self._draining.is_set() and (left_s := self._hold_s()) > 0:
            try:
                async with asyncio.timeout(left_s):
                    await self._draining.wait()
            except TimeoutError:
                continue  # another record may have prolonged the pause

    async def _park(self) -> bool:
        """Give the slot back for the length of the pause (3). False where a drain came before it was taken again."""
        self._num_parked += 1
        self._none_parked.clear()
        try:
            self._slots.release(self._priority)
            await self._pause_over()
            return await self._take_slot()
        finally:
            self._num_parked -= 1
            if not self._num_parked:
                self._none_parked.set()

    async def _take_slot(self) -> bool:
        """Wait for a slot, but not beyond the start of a drain: False where that came first."""
        taking = asyncio.create_task(self._slots.acquire(self._priority))
        draining = asyncio.create_task(self._draining.wait())
        try:
            await asyncio.wait({taking, draining}, return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            if taking.done() and not taking.cancelled():
                self._slots.release(self._priority)
            raise
        finally:
            draining.cancel()
            taking.cancel()
            await asyncio.gather(taking, draining, return_exceptions=True)
        return not taking.cancelled()
