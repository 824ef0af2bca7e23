"""What a consumer does while its buffer is full: it waits for room, and for nothing longer."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from faust.types import TP

from stream.app import Callbacks, build_app
from stream.config import LaneSpec, NearlineConfig
from stream.slots import Priority

PARTITION = TP("job-updates", 0)


async def nothing(*_: Any) -> None:
    """A callback that nobody waits for."""


@pytest.fixture
async def consumer(tmp_path: Path) -> AsyncIterator[Any]:
    """The consumer of a lane, not started, as if one partition were assigned. It belongs to the loop of its test."""
    config = NearlineConfig(
        bootstrap_servers="127.0.0.1:1", log_id="log", summarizer_bundle=tmp_path, ranker_bundle=tmp_path
    )
    lane = LaneSpec("live", PARTITION.topic, "group", Priority.LIVE)
    app = build_app(config, lane, str(tmp_path), Callbacks(nothing, lambda _: None, nothing, nothing))
    app.finalize()
    consumer = app.transport.create_consumer(
        callback=nothing, on_partitions_revoked=nothing, on_partitions_assigned=nothing
    )
    consumer._active_partitions = {PARTITION}  # noqa: SLF001 (what the group would have assigned)
    yield consumer
    consumer._thread.thread_loop.close()  # noqa: SLF001 (made for a thread that never ran)


async def test_a_full_buffer_is_waited_for_and_not_slept_through(
    consumer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faust sleeps for a second whenever all partitions are paused: nothing is fetched meanwhile, room or not."""
    asked: list[set[TP]] = []

    async def getmany(active_partitions: set[TP], **_: Any) -> dict[TP, list[Any]]:
        asked.append(set(active_partitions))
        return {}

    async def slept(_seconds: float) -> None:
        pytest.fail("slept while there was room")

    monkeypatch.setattr(consumer, "_getmany", getmany)
    monkeypatch.setattr(consumer, "sleep", slept)
    consumer.on_buffer_full(PARTITION)
    waiting = asyncio.create_task(consumer._wait_next_records(5.0))  # noqa: SLF001 (where faust sleeps)
    await asyncio.sleep(0)
    assert asked == []
    consumer.on_buffer_drop(PARTITION)
    await waiting
    assert asked == [{PARTITION}]


async def test_a_record_that_finds_room_is_delivered_without_a_task(consumer: Any) -> None:
    """Faust makes four tasks of each delivery; the consumer of a busy topic did little else."""
    delivered: list[str] = []

    async def deliver() -> str:
        delivered.append("record")
        return "answer"

    tasks, suspended = asyncio.all_tasks(), asyncio.Event()
    ended = await consumer.wait_first(deliver(), suspended.wait())
    assert delivered == ["record"]
    assert (ended.results, ended.stopped) == (["answer"], False)
    assert asyncio.all_tasks() == tasks


async def test_a_delivery_that_waits_ends_when_flow_is_suspended(consumer: Any) -> None:
    """A rebalance must not wait for room in a buffer that is about to be thrown away."""
    gate: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def deliver() -> str:
        return await gate

    suspended = asyncio.Event()
    waiting = asyncio.create_task(consumer.wait_first(deliver(), suspended.wait()))
    await asyncio.sleep(0)
    assert not waiting.done()
    suspended.set()
    ended = await waiting
    assert ended.results == [True]
    await asyncio.sleep(0)
    assert gate.cancelled()
