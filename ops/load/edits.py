"""Changes of the catalogue while calls go on, through Kafka, and what the changelog tells of them."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from models.training.data import GeneratedPosting
from ops.feed import JobFeed, Settled
from ops.load.stale import History, Write
from ops.load.traffic import Catalogue, zipf_weights
from ops.settings import Topics
from schemas.documents import SummaryDocument
from schemas.errors import BackendUnavailable
from schemas.posting import JobId
from store.consumers import stop_consumer

__all__ = ["Changelog", "EditMix", "Edits"]

# The embedded broker holds an empty fetch for its whole wait, whatever arrives meanwhile.
_FETCH_WAIT_MS = 50
# Popular postings change more often than others, but not as much more often as they are asked for.
_SKEW = 0.5


class Changelog:
    """Follows ``job-summaries`` from its present end. Use as an async context manager.

    Attributes:
        history: What it told so far.
        reading: Ends where the broker cannot be read any more: then the history is not complete.
    """

    reading: "asyncio.Task[None]"

    def __init__(self, bootstrap: str, topics: Topics, history: History) -> None:
        self.history = history
        self._bootstrap = bootstrap
        self._topic = topics.summaries
        self._exits = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        consumer: Any = AIOKafkaConsumer(
            self._topic,
            bootstrap_servers=self._bootstrap,
            auto_offset_reset="latest",
            fetch_max_wait_ms=_FETCH_WAIT_MS,
        )
        self._exits.push_async_callback(stop_consumer, consumer)
        try:
            await consumer.start()
            for partition in consumer.assignment():
                await consumer.position(partition)  # fixes the end before the first write
        except KafkaError as error:
            await self._exits.aclose()
            raise BackendUnavailable(
                f"{self._bootstrap!r} cannot be used: {error}", backend="kafka", operation="connect"
            ) from error
        self.reading = asyncio.create_task(self._read(consumer))
        self._exits.push_async_callback(_cancel, self.reading)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._exits.aclose()

    async def _read(self, consumer: Any) -> None:
        async for record in consumer:
            if record.value is not None:
                document = SummaryDocument.model_validate_json(record.value)
                write = Write(time.monotonic(), document.rev, document.item_version, document.is_deleted)
                self.history.note(document.job_id, write)


async def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class EditMix:
    """How the catalogue changes.

    Attributes:
        rate: Changes a second; 0: none.
        content_share: Share that changes the body, which the summarizer reads.
        delete_share: Share that deletes; the next change of such a job posts it again. The rest changes the header.
    """

    rate: float = 2.0
    content_share: float = 0.4
    delete_share: float = 0.1


@dataclass
class Edits:
    """Draws and publishes changes, of popular postings more often.

    Attributes:
        feed: Publishes.
        catalogue: What changes.
        mix: How.
        counts: Changes published, by kind; ``refused`` by the broker.
    """

    feed: JobFeed
    catalogue: Catalogue
    mix: EditMix
    counts: Counter[str] = field(default_factory=Counter)
    _deleted: set[str] = field(default_factory=set)

    async def stream(self) -> None:
        """Publish changes at the rate, for ever."""
        rng = Random(f"{self.catalogue.seed}/load/edits")
        postings = self.catalogue.postings
        weights = zipf_weights(len(postings), _SKEW)
        for number in _naturals():
            await asyncio.sleep(rng.expovariate(self.mix.rate))
            await self._change(rng.choices(postings, weights)[0], rng.random(), number)

    async def _change(self, posting: GeneratedPosting, chance: float, number: int) -> None:
        job_id = JobId(posting.job_id)
        try:
            if chance < self.mix.delete_share and job_id not in self._deleted:
                self._deleted.add(job_id)
                kind, settled = "delete", await self.feed.delete(job_id)
            else:
                self._deleted.discard(job_id)
                is_content = chance < self.mix.delete_share + self.mix.content_share
                kind = "content" if is_content else "header"
                settled = await self.feed.upsert(job_id, _edited(posting.posting, kind, number))
        except BackendUnavailable:
            self.counts["refused"] += 1
        else:
            self.counts[kind] += 1
            settled.add_done_callback(_ignore)


def _edited(posting: dict[str, Any], kind: str, number: int) -> dict[str, Any]:
    if kind == "content":
        return posting | {"description": f"<p>Reference {number:06d}.</p>{posting['description']}"}
    return posting | {"title": f"{posting['title']} ({number:06d})"}


def _naturals() -> Iterator[int]:
    number = 0
    while True:
        number += 1
        yield number


def _ignore(settled: "asyncio.Future[Settled]") -> None:
    settled.exception()  # whether an edit came through is the changelog's to tell
