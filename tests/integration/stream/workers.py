"""Workers in this process: the lanes of one service over parts that the test holds, without bundles and HTTP."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from schemas.deadline import Deadline
from schemas.events import Upsert, encode_update
from store.memory import MemoryStore
from stream.attempts import Attempts
from stream.changelog import SummaryChangelog
from stream.compose import Summary
from stream.config import NearlineConfig
from stream.deadletter import DeadLetters
from stream.health import Health
from stream.lanes import Handle
from stream.producer import KafkaPublisher
from stream.record import RecordHandler
from stream.shared import share
from stream.telemetry import Telemetry
from stream.worker import NearlineWorker
from tests.doubles.engines import ScriptedSummarizer
from tests.doubles.tokenizer import small_tokenizer
from tests.unit.stream.builders import PureSummaries, make_processor

__all__ = ["EngineSummaries", "RunningLanes", "job", "record_handler", "run_lanes"]


class EngineSummaries(PureSummaries):
    """``SummaryMaker`` that asks the engine each time, so that its refusals are met; what it says is pure."""

    def __init__(self, engine: ScriptedSummarizer) -> None:
        super().__init__()
        self._engine = engine

    async def summarize(self, body: str) -> Summary:
        await self._engine.complete(
            small_tokenizer().encode(body), max_tokens=96, stop_token_ids=[], deadline=Deadline.after(60)
        )
        return await super().summarize(body)


def record_handler(
    config: NearlineConfig,
    store: MemoryStore,
    publisher: KafkaPublisher,
    engine: ScriptedSummarizer,
    telemetry: Telemetry,
    *,
    lane: str = "live",
) -> RecordHandler:
    """What production does with records of the live lane or the backfill, but for the model."""
    attempts = Attempts(
        DeadLetters(publisher, config.topics.dead_letters, log_id=config.log_id),
        max_tries=2,
        retry_budget_s=5,
        pause_s=0.1,
        telemetry=telemetry,
    )
    changelog = SummaryChangelog(publisher, config.topics.summaries)
    processor = make_processor(store, changelog, EngineSummaries(engine), telemetry)  # type: ignore[arg-type]
    return RecordHandler(
        processor,
        attempts,
        stored=store.get,
        log_id=config.log_id,
        telemetry=telemetry,
        lane=lane,
        is_backfill=lane == "backfill",
    )


@dataclass
class RunningLanes:
    """What a test may look at.

    Attributes:
        health: What the probes would say.
        telemetry: What would be scraped.
        exits: Exit codes of fail-stops.
        stop: Set: as SIGTERM.
    """

    health: Health
    telemetry: Telemetry
    exits: list[int] = field(default_factory=list)
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    def sample(self, name: str, lane: str = "live") -> float:
        """A sample of a lane."""
        return self.telemetry.registry.get_sample_value(f"precis_nearline_{name}", {"lane": lane}) or 0.0


@asynccontextmanager
async def run_lanes(
    config: NearlineConfig,
    handles: Mapping[str, Handle],
    telemetry: Telemetry | None = None,
    *,
    held: Collection[str] = (),
) -> AsyncIterator[RunningLanes]:
    """These lanes while the block runs; then they are stopped as SIGTERM would.

    Args:
        config: Of all of them.
        handles: Lane -> what it does.
        telemetry: Where it is counted.
        held: Lanes that take nothing while they are named here.
    """
    running = RunningLanes(Health(stall_timeout_s=config.stall_timeout_s), telemetry or Telemetry())
    running.health.waiting_for = ""
    shared = share(config, running.telemetry, running.health, running.exits.append)
    workers = [
        NearlineWorker(
            config,
            lane,
            handles[lane.name],
            shared=shared,
            health=running.health.lane(lane.name, is_lower=lane.name != "live"),
            is_held=lambda name=lane.name: name in held,  # type: ignore[misc]
        )
        for lane in config.lanes
        if lane.name in handles
    ]
    tasks = [asyncio.create_task(worker.run(running.stop)) for worker in workers]
    try:
        yield running
    finally:
        running.stop.set()
        await asyncio.gather(*tasks)


def job(number: int, version: int = 1, body: str = "Night shift.") -> tuple[bytes, bytes]:
    """Key and value of an upsert."""
    posting = {"title": f"Job {number}", "description": f"{body} {number}"}
    update = Upsert(job_id=f"job-{number}", version=version, event_time=datetime.now(UTC), posting=posting)
    return encode_update(update)
