"""Lanes in trouble: what ends the process, what a pause holds back, and what a drain gives up."""

import asyncio
from datetime import UTC, datetime

from schemas.errors import Overloaded
from stream.lanes import Lanes
from stream.progress import PartitionProgress
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
    lanes = Lanes(handler, max_in_flight=2, window=4, die=deaths.append)
    await submit(lanes, progress, b"a", b"a")
    await settled()
    assert deaths == [handler.error]
    assert progress.next_offset is None
    assert handler.started == [0]


async def test_records_without_a_key_run_side_by_side() -> None:
    """They have no order to keep."""
    handler, progress = Handler(), PartitionProgress()
    lanes = Lanes(handler, max_in_flight=3, window=4, die=lambda _: None)
    await submit(lanes, progress, None, None, None)
    await settled()
    assert handler.started == [0, 1, 2]
    handler.release.set()
    await settled()
    assert progress.next_offset == 3


async def test_a_busy_key_holds_one_slot() -> None:
    """Others go on while its records queue."""
    handler, progress = Handler(), PartitionProgress()
    lanes = Lanes(handler, max_in_flight=2, window=8, die=lambda _: None)
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
    lanes = Lanes(handler, max_in_flight=2, window=4, die=lambda _: None, on_pause=pauses.append)
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
    lanes = Lanes(handler, max_in_flight=1, window=4, die=lambda _: None)
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
    lanes = Lanes(handler, max_in_flight=2, window=2, die=lambda _: None)
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
    lanes = Lanes(handler, max_in_flight=1, window=4, die=lambda _: None)
    await submit(lanes, progress, b"a", b"a")
    await settled()
    await lanes.drain(0)
    lanes.reopen([progress])
    handler.release.set()
    await settled()
    assert handler.started == [0]
    assert progress.next_offset is None
    assert lanes.num_at_work == 0
