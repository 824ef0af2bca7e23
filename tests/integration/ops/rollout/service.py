"""All lanes of one service in this process, on the embedded broker and a SQLite file, with a scripted engine."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from models.bundle import Role, load_bundle
from ops.broker import EmbeddedBroker
from ops.settings import Settings, load_settings
from schemas.documents import SummaryDocument
from schemas.errors import BackendUnavailable
from schemas.events import Upsert, encode_update
from store.sqlite import SqliteStore
from stream.config import NearlineConfig, TopicNames
from stream.handlers import Parts, lane_work
from stream.health import Health
from stream.producer import KafkaPublisher
from stream.rollout import RolloutFollower
from stream.shared import share
from stream.telemetry import Telemetry
from stream.worker import NearlineWorker
from tests.doubles.engines import ScriptedSummarizer
from tests.integration.stream.bundles import LONG_BODY, write_bundles

__all__ = ["Machine", "PacedSummarizer", "Service", "documents_of", "job", "job_ids", "make_machine", "serving"]

TOPICS = dict.fromkeys(("job-updates", "job-updates.backfill", "job-updates.resummarise", "job-summaries"), 4)
MAX_IN_FLIGHT = 4


class PacedSummarizer(ScriptedSummarizer):
    """A pure function of the prompt that can be away, and that can be let answer one call after the other.

    Attributes:
        is_away: Whether every call fails.
        permits: How many calls may be answered; None: any number.
    """

    def __init__(self) -> None:
        super().__init__(fail_when=lambda _: self._error())
        self.is_away = False
        self._permits: asyncio.Semaphore | None = None
        self.num_waiting = 0

    def pace(self) -> None:
        """From now on each call waits for a permit."""
        self._permits = asyncio.Semaphore(0)

    def permit(self) -> None:
        """Let one more call be answered."""
        assert self._permits is not None
        self._permits.release()

    def unpace(self) -> None:
        """No call waits any more."""
        permits, self._permits = self._permits, None
        for _ in range(self.num_waiting):
            assert permits is not None
            permits.release()

    async def arriving(self) -> None:
        if self._permits is not None:
            self.num_waiting += 1
            try:
                await self._permits.acquire()
            finally:
                self.num_waiting -= 1

    def _error(self) -> BackendUnavailable | None:
        return BackendUnavailable("away", backend="summarizer", operation="complete") if self.is_away else None


@dataclass(frozen=True, slots=True)
class Machine:
    """What outlives a service: broker, store file and bundles, and the settings that name them."""

    broker: EmbeddedBroker
    settings: Settings
    budget_s: float = 60.0

    @property
    def config(self) -> NearlineConfig:
        return NearlineConfig(
            bootstrap_servers=self.broker.bootstrap,
            log_id=self.broker.log_id,
            summarizer_bundle=self.settings.summarizer.bundle,
            ranker_bundle=self.settings.ranker.bundle,
            topics=TopicNames(),
            max_in_flight=MAX_IN_FLIGHT,
            window=64,
            summary_budget_s=self.budget_s,
            pause_s=0.2,
            commit_interval_s=0.1,
            lag_interval_s=0.2,
            session_timeout_s=6.0,
            stop_timeout_s=5.0,
        )


def make_machine(broker: EmbeddedBroker, directory: Path) -> Machine:
    """An empty store and two bundles in the directory."""
    summarizer, ranker = write_bundles(directory)
    settings = load_settings(
        profile="external",
        data_dir=directory / "data",
        kafka={"bootstrap": broker.bootstrap, "log_id": broker.log_id},
        summarizer={"url": "http://engine.invalid", "bundle": summarizer},
        ranker={"url": "http://engine.invalid", "bundle": ranker},
        store={"kind": "sqlite", "sqlite_path": directory / "store.db"},
    )
    return Machine(broker, settings)


@dataclass(frozen=True, slots=True)
class Service:
    """A running service."""

    engine: PacedSummarizer
    store: SqliteStore
    telemetry: Telemetry
    rollout: RolloutFollower
    exits: list[int]

    def value(self, name: str, **labels: str) -> float:
        return self.telemetry.registry.get_sample_value(f"precis_nearline_{name}", labels) or 0.0


@asynccontextmanager
async def serving(machine: Machine, engine: PacedSummarizer | None = None) -> AsyncIterator[Service]:
    """A service while the block runs; then it is stopped as SIGTERM would."""
    config, telemetry, health = machine.config, Telemetry(), Health()
    engine = engine or PacedSummarizer()
    exits: list[int] = []
    async with AsyncExitStack() as stack:
        store = await SqliteStore.open(machine.settings.sqlite_file, synchronous="NORMAL")
        stack.push_async_callback(store.close)
        publisher = await stack.enter_async_context(KafkaPublisher(config.bootstrap_servers, client_id="test-service"))
        rollout = RolloutFollower(config.bootstrap_servers, config.topics.rollouts, telemetry=telemetry)
        await rollout.start()
        stack.push_async_callback(rollout.stop)
        summarizer = load_bundle(config.summarizer_bundle, Role.SUMMARIZER)
        ranker = load_bundle(config.ranker_bundle, Role.RANKER)
        work = lane_work(config, Parts(summarizer, ranker, store, engine, publisher, rollout, telemetry))
        shared = share(config, telemetry, health, exits.append)
        workers = [
            NearlineWorker(
                config,
                lane,
                work[lane.priority].handle,
                shared=shared,
                health=health.lane(lane.name),
                is_held=work[lane.priority].is_held,
            )
            for lane in config.lanes
        ]
        stop = asyncio.Event()
        running = asyncio.gather(*(worker.run(stop) for worker in workers))
        try:
            yield Service(engine, store, telemetry, rollout, exits)
        finally:
            engine.unpace()
            stop.set()
            await running


def job(number: int, version: int = 1, note: str = "") -> tuple[bytes, bytes]:
    """Key and value of an upsert whose body is long enough for a model."""
    posting = {"title": f"Job {number}", "description": f"{LONG_BODY} {note} {number}"}
    return encode_update(
        Upsert(job_id=f"job-{number:03}", version=version, event_time=datetime.now(UTC), posting=posting)
    )


def job_ids(count: int) -> list[str]:
    return [f"job-{number:03}" for number in range(count)]


async def documents_of(store: SqliteStore, count: int) -> list[SummaryDocument]:
    return list((await store.get_many(job_ids(count))).values())
