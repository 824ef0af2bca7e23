"""`precis nearline` as processes of one consumer group, and a feed that never rests."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import httpx
from aiokafka import AIOKafkaProducer

from ops.ports import lasting_ports
from ops.supervise import Child, ChildSpec
from schemas.events import Upsert, encode_update
from tests.integration.fresh_topics import FreshTopics
from tests.integration.stream.bundles import LONG_BODY

__all__ = ["Feed", "Worker", "Workers"]

ROOT = Path(__file__).resolve().parents[3]
_PAUSE_S = 0.03
_DRAIN_S = 10
_HANDLED = re.compile(r"^precis_nearline_records_total\{[^}]*\} ([1-9]\d*)\.0$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Worker:
    """One process of the group."""

    child: Child

    async def has_handled_records(self) -> bool:
        """Whether it owns partitions and works on them."""
        with_metrics = self.child.spec.ready_url.replace("/readyz", "/metrics")
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            try:
                answer = await client.get(with_metrics)
            except httpx.HTTPError:
                return False
        return _HANDLED.search(answer.text) is not None


@dataclass(slots=True)
class Workers:
    """Starts workers that share topics, group and store.

    Attributes:
        folder: For store and logs.
        topics: What they consume and produce.
        bundles: Directories of the summarizer's and the ranker's bundle.
        summarizer_url: The engine.
    """

    folder: Path
    topics: FreshTopics
    bundles: tuple[Path, Path]
    summarizer_url: str
    _numbers: Iterator[int] = field(init=False, default_factory=count)

    @property
    def store_file(self) -> Path:
        """The store that all of them write."""
        return self.folder / "store.sqlite"

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[Worker]:
        """A worker that is ready; what still runs at the end is stopped."""
        (port,) = lasting_ports(1)
        name = f"nearline-{next(self._numbers)}"
        spec = ChildSpec(
            name=name,
            command=[sys.executable, "-m", "ops.cli", "nearline"],
            environment=self._environment(port),
            ready_url=f"http://127.0.0.1:{port}/readyz",
            log_file=self.folder / f"{name}.log",
            stop_timeout_s=_DRAIN_S + 20,
        )
        child = Child(spec)
        try:
            await asyncio.to_thread(child.wait_ready)  # the feed goes on meanwhile
            yield Worker(child)
        finally:
            await asyncio.to_thread(child.stop)

    def _environment(self, port: int) -> dict[str, str]:
        names = {name.name: getattr(self.topics.names, name.name) for name in fields(self.topics.names)}
        chosen = {
            "PROFILE": "external",
            "DATA_DIR": str(self.folder),
            "STORE__SQLITE_PATH": str(self.store_file),
            "KAFKA__BOOTSTRAP": self.topics.bootstrap,
            "KAFKA__LOG_ID": self.topics.log_id,
            "KAFKA__GROUP": self.topics.group_id,
            "KAFKA__SESSION_TIMEOUT_S": "3",
            "SUMMARIZER__URL": self.summarizer_url,
            "SUMMARIZER__BUNDLE": str(self.bundles[0]),
            "RANKER__URL": self.summarizer_url,  # named, never asked
            "RANKER__BUNDLE": str(self.bundles[1]),
            "NEARLINE__METRICS_PORT": str(port),
            "NEARLINE__MAX_IN_FLIGHT": "16",
            "NEARLINE__WINDOW": "64",
            "NEARLINE__STOP_TIMEOUT_S": str(_DRAIN_S),
            **{f"TOPICS__{name.upper()}": topic for name, topic in names.items()},
        }
        inherited = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}  # noqa: TID251 (a child of this machine's shell)
        return inherited | {f"PRECIS_{name}": value for name, value in chosen.items()}


@dataclass(slots=True)
class Feed:
    """Publishes jobs, each twice in a row, until it is stopped.

    Attributes:
        versions: Job -> the last version that the broker has acknowledged.
    """

    topics: FreshTopics
    versions: dict[str, int] = field(default_factory=dict)
    _stop: asyncio.Event = field(init=False, default_factory=asyncio.Event)

    def stop(self) -> None:
        """Publish nothing after the record at hand."""
        self._stop.set()

    async def run(self) -> None:
        """Publish until :meth:`stop`."""
        producer = AIOKafkaProducer(bootstrap_servers=self.topics.bootstrap, acks="all")
        await producer.start()
        try:
            for number in count():
                if self._stop.is_set():
                    return
                # Two edits of each job and no more: a lost one cannot be made good by a later one.
                job_id, version = f"job-{number // 2}", number % 2 + 1
                key, value = encode_update(_edit(job_id, version))
                await producer.send_and_wait(self.topics.names.updates, value, key=key)
                self.versions[job_id] = version
                await asyncio.sleep(_PAUSE_S)
        finally:
            await producer.stop()


def _edit(job_id: str, version: int) -> Upsert:
    posting = {
        "@type": "JobPosting",
        "title": f"Nurse {version}",
        "description": f"{job_id}, edit {version}. {LONG_BODY}",
    }
    return Upsert(job_id=job_id, version=version, event_time=datetime.now(UTC), posting=posting)
