"""Every stored summary document, in pages: from the store where it can scan, else from the compacted changelog.

Each pass hands out what was written since the one before, the first one everything. A roll-out needs two: a worker that
had not heard of it yet, when the first pass went by, has written under the old generation; the second finds that.
"""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from ops.topic_reader import Span, TopicReader
from schemas.documents import State
from schemas.errors import ConfigurationError
from store.ports import ScannedSummary, SummaryScan

__all__ = ["ChangelogEnumeration", "Enumeration", "ScanEnumeration"]

_PAGE = 1_000


class Enumeration(Protocol):
    """Documents, in pages."""

    def next_pass(self) -> AsyncIterator[Sequence[ScannedSummary]]:
        """What was written since the last pass; the first one hands out everything. A document may come twice."""
        ...


class ScanEnumeration:
    """From a store that can scan: the embedded one, whose broker forgets."""

    def __init__(self, store: SummaryScan, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._written_since_ms = 0

    async def next_pass(self) -> AsyncIterator[Sequence[ScannedSummary]]:
        """See ``Enumeration.next_pass``; a ``rev`` is at least the time of its write in milliseconds."""
        since_ms, self._written_since_ms = self._written_since_ms, int(self._clock() * 1000)
        async for page in self._store.scan(page_size=_PAGE):
            if found := [entry for entry in page if entry.rev >= since_ms]:
                yield found


class _Seen(BaseModel):
    """The part of a summary document that is looked at."""

    model_config = ConfigDict(extra="ignore")

    job_id: str
    state: State
    generation: int = 0
    rev: int


class ChangelogEnumeration:
    """From the changelog, whose last record of a key is the stored document. Holds the keys of one partition."""

    def __init__(self, reader: TopicReader, topic: str) -> None:
        self._reader = reader
        self._topic = topic
        self._read_to: dict[int, int] = {}

    async def next_pass(self) -> AsyncIterator[Sequence[ScannedSummary]]:
        """See ``Enumeration.next_pass``; up to the end offsets as of its start.

        Raises:
            ConfigurationError: The broker does not have the topic.
        """
        spans = await self._reader.spans(self._topic)
        if not spans:
            raise ConfigurationError(
                f"topics.summaries is {self._topic!r}, which the broker does not have: run `precis topics create`"
            )
        for span in spans:
            begin = max(span.begin, self._read_to.get(span.partition, 0))
            last = await self._last_of_keys(Span(span.topic, span.partition, begin, span.end))
            self._read_to[span.partition] = span.end
            found = list(last.values())
            for start in range(0, len(found), _PAGE):
                yield found[start : start + _PAGE]

    async def _last_of_keys(self, span: Span) -> dict[bytes, ScannedSummary]:
        last: dict[bytes, ScannedSummary] = {}
        async for record in self._reader.read([span]):
            key = record.key or b""
            last.pop(key, None)
            if record.value is not None and (seen := _seen(record.value)) is not None:
                last[key] = ScannedSummary(seen.job_id, seen.state, seen.generation, seen.rev)
        return last


def _seen(value: bytes) -> _Seen | None:
    try:
        return _Seen.model_validate_json(value)
    except ValidationError:
        return None  # not a summary document: nothing to make anew
