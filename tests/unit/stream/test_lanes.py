"""Lanes in trouble: what ends the process, what a pause holds back, and what a drain gives up."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from schemas.errors import Overloaded
from stream.lanes import Lanes, one_by_one
from stream.pause import Pause
from stream.progress import PartitionProgress
from stream.slots import Priority, Slots
from stream.source import Record


class Handler:
    """Waits at a gate for each record.

    Attributes:
        started: Offsets in order.
        release: Set: all that wait and all that come return.
        error: Raised instead, once released.
    """

    def __init__(self) -> None:
        self.started: list[int] = []
        self.release = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self, record: Record) -> None:
        self.started.append(record.offset)
        await self.release.wait()
        if self.error is not None:
            raise self.error


def record(offset: int, key: bytes | None) -> Record:
    return Record("t", 0, offset, datetime(2026, 1, 1, tzinfo=UTC), key, b"")


def make(
    handler: Handler,
    *,
    max_in_flight: int,
    window: int,
    die: Callable[[BaseException], None] | None = None,
    **parts: Any,
) -> Lanes:
    shared = {"slots": Slots(max_in_flight), "pause": Pause()}
    return Lanes(one_by_one(handler), window=window, die=die or (lambda _: None), **(shared | parts))


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def submit(lanes: Lanes, progress: PartitionProgress, *keys: bytes | None) -> None:
    for offset, key in enumerate(keys):
        lanes.start(await lanes.admit(key), record(offset, key), progress)


async def test_an_unplanned_exception_ends_the_process_with_the_record_unfinished() -> None:
    """I5: it is told what happened, and nothing becomes committable."""
    handler, deaths, progress = Handler(), [], PartitionProgress()
    handler.error = ZeroDivisionError()
    handler.release.set()
    lanes = make(handler, max_in_flight=2, window=4, die=deaths.append)
    await submit(lanes, progress, b"a", b"a")
    await settled()
    assert deaths == [handler.error]
    assert progress.next_offset is None
    assert handler.started == [0]


async def test_records_without_a_key_run_side_by_side() -> None:
    """They have no order to keep."""
    handler, progress = Handler(), PartitionProgress()
    lanes = make(handler, max_in_flight=3, window=4)
    await submit(lanes, progress, None, None, None)
    await settled()
    assert handler.started == [0, 1, 2]
    handler.release.set()
    await settled()
    assert progress.next_offset == 3


async def test_a_busy_key_holds_one_slot() -> None:
    """Others go on while its records queue."""
    handler, progress = Handler(), PartitionProgress()
    lanes = make(handler, max_in_flight=2, window=8)
    await submit(lanes, progress, b"busy", b"busy", b"busy", b"other")
    await settled()
    assert handler.started == [0, 3]
    assert lanes.num_at_work == 2
    handler.release.set()
    await settled()
    assert sorted(handler.started) == [0, 1, 2, 3]
    assert lanes.num_at_work == 0


async def test_a_pause_holds_back_new_records() -> None:
    """While one record was refused work, nothing new is admitted; a drain ends the wait."""
    handler, progress, pauses = Handler(), PartitionProgress(), []
    handler.error = Overloaded("full", retry_after_s=1_000.0)
    handler.release.set()
    lanes = make(handler, max_in_flight=2, window=4, on_pause=pauses.append)
    await submit(lanes, progress, b"a")
    await settled()
    waiting = asyncio.create_task(lanes.admit(b"b"))
    await settled()
    assert not waiting.done()
    assert pauses == [1_000.0]

    await lanes.drain(10)
    assert progress.next_offset is None
    lanes.reopen([progress])
    lanes.refuse(await waiting)
    assert handler.started == [0]


async def test_a_drain_waits_for_what_runs_and_starts_nothing_new() -> None:
    """Running handlers get the time; queued records are given up, to be delivered again."""
    handler, progress = Handler(), PartitionProgress()
    lanes = make(handler, max_in_flight=1, window=4)
    await submit(lanes, progress, b"a", b"a")
    await settled()
    draining = asyncio.create_task(lanes.drain(10))
    await settled()
    assert not draining.done()
    handler.release.set()
    await draining
    assert handler.started == [0]
    assert progress.next_offset == 1
    lanes.reopen([progress])
    fresh = PartitionProgress()
    await submit(lanes, fresh, b"a")
    await settled()
    assert fresh.next_offset == 1


async def test_the_window_opens_again_after_a_drain() -> None:
    """Places of records that were given up are not lost."""
    handler = Handler()
    lanes = make(handler, max_in_flight=2, window=2)
    for _ in range(3):
        progress = PartitionProgress()
        await submit(lanes, progress, b"a", b"b")
        await settled()
        handler.release.set()
        await lanes.drain(10)
        lanes.reopen([progress])
        handler.release.clear()
    assert len(handler.started) == 6


async def test_records_of_a_dropped_assignment_are_given_up_behind_one_that_still_runs() -> None:
    """A handler may outlive the drain; what queued behind it is delivered again elsewhere, so it must not run here."""
    handler, progress = Handler(), PartitionProgress()
    lanes = make(handler, max_in_flight=1, window=4)
    await submit(lanes, progress, b"a", b"a")
    await settled()
    await lanes.drain(0)
    lanes.reopen([progress])
    handler.release.set()
    await settled()
    assert handler.started == [0]
    assert progress.next_offset is None
    assert lanes.num_at_work == 0


class QueueHandler:
    """Finishes what it is told to, of what is queued.

    Attributes:
        calls: Offsets that it was given, call by call.
        choose: Which of them it finishes.
        release: As of ``Handler``.
    """

    def __init__(self, choose: Callable[[Sequence[Record]], Sequence[Record]]) -> None:
        self.calls: list[list[int]] = []
        self.choose = choose
        self.release = asyncio.Event()

    async def __call__(self, records: Sequence[Record]) -> Sequence[Record]:
        self.calls.append([record.offset for record in records])
        await self.release.wait()
        return self.choose(records)


async def test_what_queues_while_a_key_is_at_work_is_handed_over_at_once() -> None:
    """Coalescing is over what is queued: the first record never waits, the others wait only for it."""
    handler, progress = QueueHandler(lambda records: records), PartitionProgress()
    lanes = Lanes(handler, slots=Slots(2), pause=Pause(), window=8, die=lambda _: None)
    for offset, key in enumerate([b"a", b"b", b"a", b"a"]):
        lanes.start(await lanes.admit(key), record(offset, key), progress)
        await settled()
    assert handler.calls == [[0], [1]]
    handler.release.set()
    await settled()
    assert handler.calls == [[0], [1], [2, 3]]
    assert progress.next_offset == 4


async def test_records_may_be_finished_out_of_order_and_nothing_behind_an_open_one_is_committable() -> None:
    """I1: a group that lost its representative goes on without it."""
    handler, progress = QueueHandler(lambda records: records[-1:]), PartitionProgress()
    handler.release.set()
    lanes = Lanes(handler, slots=Slots(1), pause=Pause(), window=8, die=lambda _: None)
    await submit(lanes, progress, b"a", b"a", b"a")
    await settled()
    assert handler.calls == [[0, 1, 2], [0, 1], [0]]
    assert progress.next_offset == 3


async def test_refused_work_gives_its_slot_to_live_work() -> None:
    """Back-pressure of a lower lane never holds a slot: live work resumes first and finds all of them."""
    now = [0.0]
    slots, pause = Slots(2, num_reserved=0), Pause(lambda: now[0])
    lower, live = Handler(), Handler()
    lower.error = Overloaded("full", retry_after_s=0.01)
    lower.release.set()
    backfill = make(lower, max_in_flight=2, window=4, slots=slots, pause=pause, priority=Priority.BACKFILL)
    await submit(backfill, PartitionProgress(), b"a", b"b")
    await settled()
    assert lower.started == [0]  # the other was not started: refused is refused
    assert slots.num_held(Priority.BACKFILL) == 0
    assert pause.left_s(Priority.LIVE) > 0
    now[0] = 0.02
    assert pause.left_s(Priority.LIVE) == 0
    assert pause.left_s(Priority.BACKFILL) > 0
    await submit(make(live, max_in_flight=2, window=4, slots=slots, pause=pause), PartitionProgress(), b"c", b"d")
    await settled()
    assert slots.num_held(Priority.LIVE) == 2
    await backfill.drain(10)
    assert slots.num_held(Priority.BACKFILL) == 0


async def test_a_full_lower_lane_never_slows_the_live_one() -> None:
    """It holds neither the reserved slots nor the live lane's window, however much it has to do."""
    slots, pause = Slots(4, num_reserved=1), Pause()
    lower, live = Handler(), Handler()
    backfill = make(lower, max_in_flight=4, window=8, slots=slots, pause=pause, priority=Priority.BACKFILL)
    feeding = asyncio.create_task(submit(backfill, PartitionProgress(), *[b"%d" % number for number in range(8)]))
    await settled()
    assert len(lower.started) == 3
    await submit(make(live, max_in_flight=4, window=4, slots=slots, pause=pause), PartitionProgress(), b"x")
    await settled()
    assert live.started == [0]
    live.release.set()
    lower.release.set()
    await feeding
    await settled()
    assert len(lower.started) == 8


async def test_a_held_lane_takes_nothing_until_it_is_let_go() -> None:
    """A paused roll-out: queued records wait without a slot, and a drain ends the wait."""
    is_held = [True]
    handler, progress, slots = Handler(), PartitionProgress(), Slots(1)
    handler.release.set()
    lanes = make(handler, max_in_flight=1, window=4, slots=slots, is_held=lambda: is_held[0])
    waiting = asyncio.create_task(lanes.admit(b"a"))
    await settled()
    assert not waiting.done()
    assert slots.num_free == 1
    is_held[0] = False
    lanes.start(await waiting, record(0, b"a"), progress)
    await settled()
    assert handler.started == [0]


async def test_cancelled_while_waiting_for_room_nothing_is_lost() -> None:
    """The place in the window and the slot are there for the next."""
    handler, progress, slots = Handler(), PartitionProgress(), Slots(1)
    lanes = make(handler, max_in_flight=1, window=2, slots=slots)
    await submit(lanes, progress, b"a")
    for _ in range(3):
        waiting = asyncio.create_task(lanes.admit(b"b"))
        await settled()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    handler.release.set()
    await settled()
    permit = await lanes.admit(b"b")
    lanes.refuse(permit)
    assert slots.num_free == 1
