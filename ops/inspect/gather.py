"""Collecting what store and topics hold of one job. Reads only."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from aiokafka.partitioner import DefaultPartitioner
from pydantic import ValidationError

from ops.dlq.letters import Box
from ops.inspect.story import ChangelogTail, OpenRequest, OriginRecord, Story, Waiting
from ops.lag.lanes import Lane
from ops.lag.measure import committed_offsets
from ops.topic_reader import Span, TopicReader
from schemas.documents import PostingDocument, SummaryDocument
from schemas.errors import InvalidInput
from schemas.events import Delete, Tombstone, decode_update
from schemas.resummarise import decode_request
from store.ports import StoredSummary
from stream.source import Record

__all__ = ["Gatherer", "InspectedStore", "Sources"]

_MAX_LOOKS = 3


class InspectedStore(Protocol):
    """What is asked of the store."""

    async def get(self, job_id: str) -> StoredSummary | None:
        """See ``SummaryStore.get``."""
        ...

    async def get_posting(self, job_id: str) -> PostingDocument | None:
        """See ``PostingStore.get_posting``."""
        ...

    async def count_scores(self, job_id: str) -> int:
        """See ``ScoreCount.count_scores``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where to look.

    Attributes:
        bootstrap: The broker, for committed offsets.
        log_id: Identity of its log.
        summaries: The changelog topic.
        dead_letters: The dead-letter topic.
        lanes: What the nearline service consumes.
        deleted_ttl_s: How long it keeps a deleted document, in seconds.
    """

    bootstrap: str
    log_id: str
    summaries: str
    dead_letters: str
    lanes: Sequence[Lane]
    deleted_ttl_s: float


class Gatherer:
    """Looks at one job after the other."""

    def __init__(
        self, reader: TopicReader, store: InspectedStore, sources: Sources, *, clock: Callable[[], datetime]
    ) -> None:
        """Put together.

        Args:
            reader: Of the cluster.
            store: The store of that cluster's nearline service.
            sources: Where to look.
            clock: Present time, UTC.
        """
        self._reader = reader
        self._store = store
        self._sources = sources
        self._clock = clock

    async def gather(self, job_id: str) -> Story:
        """The story of one job; taken again where the job changed under the look, three times at most.

        Raises:
            BackendError: Store or broker does not answer.
        """
        num_looks = 0
        while True:
            num_looks += 1
            stored = await self._store.get(job_id)
            story = await self._look(job_id, stored.document if stored else None)
            again = await self._store.get(job_id)
            if (again and again.cas) == (stored and stored.cas) or num_looks == _MAX_LOOKS:
                return story

    async def _look(self, job_id: str, document: SummaryDocument | None) -> Story:
        box = await self._box(job_id)
        waiting, requests = await self._uncommitted(job_id)
        return Story(
            job_id=job_id,
            as_of=self._clock(),
            document=document,
            posting=await self._store.get_posting(job_id),
            num_scores=await self._store.count_scores(job_id),
            origin=await self._origin_record(document) if document else None,
            changelog=await self._changelog_tail(job_id),
            letters=tuple(box.letters),
            replayed=frozenset(str(letter.place) for letter in box.letters if box.replays(letter)),
            waiting=waiting,
            requests=requests,
            deleted_ttl_s=self._sources.deleted_ttl_s,
        )

    async def _box(self, job_id: str) -> Box:
        box = Box()
        async for record in self._reader.read(await self._reader.spans(self._sources.dead_letters)):
            if record.key == job_id.encode():  # a mark has its letter's key
                box.add(record)
        return box

    async def _origin_record(self, document: SummaryDocument) -> OriginRecord:
        place = document.origin
        if place.log != self._sources.log_id:
            return OriginRecord.OTHER_LOG
        if place.partition not in self._reader.partitions(place.topic):
            return OriginRecord.NO_TOPIC
        is_there = await self._reader.at(place.topic, place.partition, place.offset) is not None
        return OriginRecord.PRESENT if is_there else OriginRecord.EXPIRED

    async def _changelog_tail(self, job_id: str) -> ChangelogTail | None:
        partitions = list(self._reader.partitions(self._sources.summaries))
        if not partitions:
            return None
        # The nearline service's own partitioner; the others only hold records from before partitions were added.
        own = DefaultPartitioner()(job_id.encode(), partitions, partitions)
        rest = [number for number in partitions if number != own]
        for numbers in ([own], rest):
            if last := await self._last_of_key(job_id, await self._reader.spans(self._sources.summaries, numbers)):
                return _changelog_tail(last)
        return None

    async def _last_of_key(self, job_id: str, spans: list[Span]) -> Record | None:
        last: Record | None = None
        async for record in self._reader.read(spans):
            if record.key == job_id.encode():
                last = record
        return last

    async def _uncommitted(self, job_id: str) -> tuple[tuple[Waiting, ...], tuple[OpenRequest, ...] | None]:
        waiting: list[Waiting] = []
        requests: tuple[OpenRequest, ...] | None = None
        for lane in self._sources.lanes:
            if not self._reader.partitions(lane.topic):
                continue
            behind = self._reader.read(await self._behind(lane))
            own = [record async for record in behind if record.key == job_id.encode()]
            if lane.name == "resummarise":
                requests = tuple(request for record in own if (request := _open_request(record)))
            else:
                waiting += [_waiting(lane, record) for record in own]
        return tuple(sorted(waiting, key=lambda record: record.log_time)), requests

    async def _behind(self, lane: Lane) -> list[Span]:
        """What the lane's group has not committed, by partition."""
        partitions = self._reader.partitions(lane.topic)
        committed = await committed_offsets(self._sources.bootstrap, lane.group, lane.topic, partitions)
        spans = await self._reader.spans(lane.topic)
        return [
            Span(span.topic, span.partition, max(span.begin, committed[span.partition] or 0), span.end)
            for span in spans
        ]


def _changelog_tail(record: Record) -> ChangelogTail:
    document = None
    if record.value is not None:
        try:
            document = SummaryDocument.model_validate_json(record.value)
        except ValidationError:
            document = None  # shown as unreadable
    return ChangelogTail(record.place, record.log_time, document, is_null=record.value is None)


def _waiting(lane: Lane, record: Record) -> Waiting:
    try:
        update = decode_update(record.key, record.value)
    except InvalidInput as error:
        says = f"not readable, to be dead-lettered: {type(error).__name__}"
        return Waiting(lane.name, record.place, record.log_time, says, None)
    if isinstance(update, Tombstone):
        return Waiting(lane.name, record.place, record.log_time, "tombstone", None)
    says = "delete" if isinstance(update, Delete) else "upsert"
    return Waiting(lane.name, record.place, record.log_time, says, update.version)


def _open_request(record: Record) -> OpenRequest | None:
    try:
        request = decode_request(record.key, record.value)
    except InvalidInput:
        return None  # it goes to the dead letters
    return OpenRequest(record.place, str(request.reason), request.generation)
