"""The service as a process on the embedded broker: SIGTERM ends it with 0, SIGKILL loses nothing, probes answer."""

import asyncio
import contextlib
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from ops.broker import EmbeddedBroker
from schemas.events import Upsert, encode_update
from store.sqlite import SqliteStore
from stream.config import TopicNames
from stream.topics import topic_specs
from tests.integration.stream.bundles import LONG_BODY, write_bundles
from tests.integration.stream.kafka import committed, eventually, last_documents, publish

ROOT = Path(__file__).resolve().parents[3]
GROUP = "precis-nearline"
NUM_JOBS = 40
SPECS = topic_specs(TopicNames(), num_partitions=4)


@dataclass
class Service:
    """A started process, and where its probes are."""

    process: asyncio.subprocess.Process
    url: str

    async def get(self, path: str) -> httpx.Response | None:
        with contextlib.suppress(httpx.HTTPError):
            async with httpx.AsyncClient(trust_env=False) as client:
                return await client.get(self.url + path)
        return None

    async def is_ready(self) -> bool:
        answer = await self.get("/readyz")
        return answer is not None and answer.status_code == 200

    async def stop(self, number: signal.Signals) -> int:
        """Send the signal and wait for the end.

        Returns:
            The exit code.
        """
        self.process.send_signal(number)
        async with asyncio.timeout(60):
            return await self.process.wait()


class World:
    """A broker, a store file and bundles that outlive the services started on them."""

    def __init__(self, directory: Path, broker: EmbeddedBroker) -> None:
        self.directory = directory
        self.broker = broker
        self.store_file = directory / "store.sqlite"
        self.cwd = directory / "cwd"
        self.cwd.mkdir()
        self.summarizer, self._ranker = write_bundles(directory)
        self._started: list[asyncio.subprocess.Process] = []

    async def start(
        self,
        *,
        num_answers: int | None = None,
        stop_timeout_s: float = 20.0,
        canary_interval_s: float = 3_600.0,
        ranker: str = "",
    ) -> Service:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        arguments: dict[str, Any] = {
            "bootstrap": self.broker.bootstrap,
            "log_id": self.broker.log_id,
            "summarizer_bundle": str(self.summarizer),
            "ranker_bundle": str(self._ranker),
            "store": str(self.store_file),
            "num_answers": num_answers,
            "session_timeout_s": 2.0,
            "stop_timeout_s": stop_timeout_s,
            "canary_interval_s": canary_interval_s,
            "http_port": port,
            "ranker": ranker,
        }
        script = Path(__file__).with_name("nearline_process.py")
        with (self.directory / "service.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(script),
                json.dumps(arguments),
                stdout=log,
                stderr=log,
                cwd=self.cwd,
                env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            )
        self._started.append(process)
        return Service(process, f"http://127.0.0.1:{port}")

    async def close(self) -> None:
        for process in self._started:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def stored_versions(self) -> dict[str, int]:
        store = await SqliteStore.open(self.store_file)
        try:
            documents = await store.get_many([f"job-{number}" for number in range(NUM_JOBS)])
            return {job_id: document.source_version for job_id, document in documents.items()}
        finally:
            await store.close()

    async def num_committed(self) -> int:
        return sum((await committed(self.broker.bootstrap, GROUP)).values())

    async def publish_jobs(self, version: int = 1) -> None:
        await publish(self.broker.bootstrap, [encode_update(_job(number, version)) for number in range(NUM_JOBS)])


def _job(number: int, version: int) -> Upsert:
    posting = {"title": f"Job {number}", "description": f"{LONG_BODY} number {number}, version {version}"}
    return Upsert(job_id=f"job-{number}", version=version, event_time=datetime.now(UTC), posting=posting)


JOBS = [_job(number, 1) for number in range(NUM_JOBS)]


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker({spec.name: spec.num_partitions for spec in SPECS}) as running:
        yield running


@pytest.fixture
async def world(tmp_path: Path, broker: EmbeddedBroker) -> AsyncIterator[World]:
    made = World(tmp_path, broker)
    yield made
    await made.close()


async def test_sigterm_when_idle_ends_with_zero_and_leaves_nothing_behind(world: World) -> None:
    """Ready, then stopped: exit code 0, every record committed, no folder in the working directory."""
    await world.publish_jobs()
    service = await world.start()
    await eventually(service.is_ready, "ready")

    async def all_committed() -> bool:
        return await world.num_committed() == NUM_JOBS

    await eventually(all_committed, "all committed")
    metrics = await service.get("/metrics")
    assert metrics is not None
    assert f'precis_nearline_records_total{{outcome="summarized"}} {NUM_JOBS}.0' in metrics.text
    live = await service.get("/livez")
    assert live is not None
    assert live.status_code == 200
    assert await service.stop(signal.SIGTERM) == 0
    assert list(world.cwd.iterdir()) == []
    assert len(await world.stored_versions()) == NUM_JOBS


async def test_backfill_is_processed_by_the_same_process_and_the_probe_names_its_lanes(world: World) -> None:
    """Records of the backfill topic are stored and committed in a group of their own; freshness is kept apart."""
    jobs = [encode_update(_job(number, 1)) for number in range(NUM_JOBS)]
    await publish(world.broker.bootstrap, jobs, "job-updates.backfill")
    service = await world.start()

    async def all_committed() -> bool:
        offsets = await committed(world.broker.bootstrap, f"{GROUP}.backfill", "job-updates.backfill")
        return sum(offsets.values()) == NUM_JOBS

    await eventually(all_committed, "all committed")
    assert len(await world.stored_versions()) == NUM_JOBS
    await eventually(service.is_ready, "ready")
    live = await service.get("/livez")
    assert live is not None
    assert set(live.json()["lanes"]) == {"live", "backfill", "resummarise"}
    metrics = await service.get("/metrics")
    assert metrics is not None
    assert f'precis_nearline_event_age_seconds_count{{lane="backfill"}} {NUM_JOBS}.0' in metrics.text
    assert 'precis_nearline_lag_records{lane="live"} 0.0' in metrics.text
    assert await service.stop(signal.SIGTERM) == 0


async def test_the_drift_monitor_compares_what_every_lane_publishes(world: World) -> None:
    """Live and backfill; what it found stands among the service's metrics."""
    await world.publish_jobs()
    moved = [
        (key.replace(b"job", b"old"), value.replace(b'"job-', b'"old-')) for key, value in map(encode_update, JOBS)
    ]
    await publish(world.broker.bootstrap, moved, "job-updates.backfill")
    service = await world.start(ranker="answers")

    async def all_compared() -> bool:
        metrics = await service.get("/metrics")
        line = f'precis_nearline_drift_samples_total{{result="compared"}} {2 * NUM_JOBS}.0'
        return metrics is not None and line in metrics.text

    await eventually(all_compared, "all compared")
    assert await service.stop(signal.SIGTERM) == 0


async def test_a_ranker_that_never_answers_holds_up_neither_records_nor_the_end(world: World) -> None:
    """The drift monitor waits for it; nothing else does."""
    await world.publish_jobs()
    service = await world.start(ranker="holds")

    async def all_committed() -> bool:
        return await world.num_committed() == NUM_JOBS

    await eventually(all_committed, "all committed")
    await eventually(service.is_ready, "ready")
    assert await service.stop(signal.SIGTERM) == 0


async def test_sigterm_at_work_ends_with_zero_and_the_rest_comes_back(world: World) -> None:
    """What is unfinished after the stop timeout stays uncommitted; the next process finishes it."""
    await world.publish_jobs()
    service = await world.start(num_answers=1 + 10, stop_timeout_s=1.0)

    async def is_held() -> bool:
        return len(await world.stored_versions()) == 10

    await eventually(is_held, "ten stored, the engine holds the others")
    assert await service.stop(signal.SIGTERM) == 0
    assert await world.num_committed() <= 10
    await _finishes(world)


async def test_sigkill_at_work_loses_nothing(world: World) -> None:
    """Killed twice with records at work, then left alone: every job is stored, published and committed."""
    await world.publish_jobs()
    for num_stored in (8, 20):
        service = await world.start(num_answers=1 + 8 if num_stored == 8 else 1 + 12)

        async def is_held(wanted: int = num_stored) -> bool:
            return len(await world.stored_versions()) >= wanted

        await eventually(is_held, f"{num_stored} stored")
        assert await service.stop(signal.SIGKILL) == -signal.SIGKILL
        assert await world.num_committed() <= len(await world.stored_versions())
    await world.publish_jobs(version=2)
    await _finishes(world, version=2, num_records=2 * NUM_JOBS)


async def test_engine_that_fails_the_canaries_keeps_the_service_unready(world: World) -> None:
    """It says why, touches no record, and still stops in order."""
    manifest = world.summarizer / "precis.json"
    manifest.write_text(manifest.read_text().replace('"text":"', '"text":"another '))
    await world.publish_jobs()
    service = await world.start()

    async def says_why() -> bool:
        answer = await service.get("/readyz")
        return answer is not None and answer.status_code == 503 and "canary 0" in answer.json()["waiting_for"]

    await eventually(says_why, "unready because of the canaries")
    live = await service.get("/livez")
    assert live is not None
    assert live.status_code == 200
    assert await service.stop(signal.SIGTERM) == 0
    assert await world.stored_versions() == {}


async def test_engine_that_drifts_under_way_makes_the_service_unready_until_it_is_itself_again(world: World) -> None:
    """The timer finds it; what comes meanwhile waits, and none of the other texts is stored."""
    service = await world.start(canary_interval_s=0.2)
    turned = world.directory / "turned"

    async def becomes(status: int) -> bool:
        answer = await service.get("/readyz")
        return answer is not None and answer.status_code == status

    await eventually(lambda: becomes(200), "ready")
    turned.touch()
    await eventually(lambda: becomes(503), "unready because of the drift")
    answer = await service.get("/readyz")
    assert answer is not None
    assert "another summary than the reference" in answer.json()["unsound"]
    metrics = await service.get("/metrics")
    assert metrics is not None
    assert "precis_nearline_canary_drift 1.0" in metrics.text
    assert "precis_nearline_ready 0.0" in metrics.text
    await world.publish_jobs()
    turned.unlink()
    await eventually(lambda: becomes(200), "ready again")
    assert await world.stored_versions() == {}
    assert await service.stop(signal.SIGTERM) == 0
    await _finishes(world)


async def test_missing_topics_are_waited_for(tmp_path: Path) -> None:
    """The service starts before its topics are made: unready, naming them and the remedy."""
    with EmbeddedBroker({"job-updates": 1}) as broker:
        world = World(tmp_path, broker)
        try:
            service = await world.start()

            async def says_why() -> bool:
                answer = await service.get("/readyz")
                return answer is not None and "precis topics create" in answer.json()["waiting_for"]

            await eventually(says_why, "unready because of the topics")
            assert await service.stop(signal.SIGTERM) == 0
        finally:
            await world.close()


async def _finishes(world: World, *, version: int = 1, num_records: int = NUM_JOBS) -> None:
    service = await world.start()

    async def all_committed() -> bool:
        return await world.num_committed() == num_records

    await eventually(all_committed, "all committed by the next process")
    versions = await world.stored_versions()
    assert versions == {f"job-{number}": version for number in range(NUM_JOBS)}
    published = await last_documents(world.broker.bootstrap)
    assert {job_id: document.source_version for job_id, document in published.items()} == versions
    assert await service.stop(signal.SIGTERM) == 0
