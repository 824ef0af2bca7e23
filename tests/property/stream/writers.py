"""Writers driven step by step: at every ``await`` of a writer another one may run, or it may be killed.

The parts below the writers are in memory and give way by ``asyncio.sleep(0)`` alone, so a coroutine can be driven by
hand: no event loop, no time, and the order of events is the test's choice.
"""

from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from schemas.documents import Origin, SummaryDocument
from schemas.events import Delete, Update, Upsert
from store.memory import MemoryStore
from store.ports import Cas
from stream.process import Processor
from tests.unit.stream.builders import BACKFILL_TOPIC, RecordedChangelog, origin

Delivery = tuple[Update, Origin]


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Drive it to its end without a break."""
    while True:
        try:
            coroutine.send(None)
        except StopIteration as stop:
            return stop.value


def run_until(coroutine: Coroutine[Any, Any, Any], num_steps: int) -> bool:
    """Drive it for so many awaits, then kill it there. False where it ended before."""
    try:
        for _ in range(num_steps):
            coroutine.send(None)
    except StopIteration:
        return False
    coroutine.close()
    return True


class WatchedStore(MemoryStore):
    """Checks every write: an older version never replaces a newer one, and revs grow."""

    async def put(self, document: SummaryDocument, *, cas: Cas | None, ttl_s: float | None = None) -> Cas | None:
        before = self._live(document.job_id)
        token = await super().put(document, cas=cas, ttl_s=ttl_s)
        replaced = before.document if before and before.cas == cas else None
        if token is not None and replaced is not None:
            assert document.source_version >= replaced.source_version
            assert document.rev > replaced.rev
        return token


def process(processor: Processor, delivery: Delivery) -> Coroutine[Any, Any, Any]:
    """Give the delivery to a worker, as the lane of its topic would."""
    update, place = delivery
    return processor.process(update, place, is_backfill=place.topic == BACKFILL_TOPIC)


class Writer:
    """A worker that has these deliveries before it; killed, it gets the one at work again."""

    def __init__(self, processor: Processor, deliveries: Iterable[Delivery]) -> None:
        self.processor = processor
        self._waiting = list(deliveries)
        self._at_work: Coroutine[Any, Any, Any] | None = None

    @property
    def is_done(self) -> bool:
        return not self._waiting

    @property
    def num_waiting(self) -> int:
        """Deliveries that are not acknowledged."""
        return len(self._waiting)

    def step(self) -> None:
        """Go on to the next await; acknowledge the delivery where it ended."""
        if self._at_work is None:
            self._at_work = process(self.processor, self._waiting[0])
        try:
            self._at_work.send(None)
        except StopIteration:
            self._at_work = None
            self._waiting.pop(0)

    def kill(self) -> None:
        """As by SIGKILL: nothing after this await happens, nothing is acknowledged."""
        if self._at_work is not None:
            self._at_work.close()
            self._at_work = None


class Steps(Protocol):
    """Something that is driven step by step, and may be killed."""

    @property
    def is_done(self) -> bool: ...

    def step(self) -> None: ...

    def kill(self) -> None: ...


def interleave(writers: Sequence[Steps], choices: Iterable[tuple[int, bool]]) -> None:
    """Run the writers in the chosen order, then to their ends.

    Args:
        writers: At least one.
        choices: Which of the writers that are not done goes on (modulo their number), and whether it is killed instead.
    """
    for index, is_kill in choices:
        alive = [writer for writer in writers if not writer.is_done]
        if not alive:
            return
        writer = alive[index % len(alive)]
        writer.kill() if is_kill else writer.step()
    for writer in writers:
        while not writer.is_done:
            writer.step()


@dataclass(frozen=True, slots=True)
class End:
    """What must be equal at the end, whatever happened on the way; all else is None where the job is deleted."""

    is_deleted: bool
    source_version: int
    header: str | None = None
    content_hash: str | None = None
    summary: str | None = None
    posting_version: int | None = None


def end_of(store: MemoryStore, job_id: str) -> End | None:
    """The end state of a job as it is stored; None for a job that is unknown."""
    kept = run(store.get(job_id))
    posting = run(store.get_posting(job_id))
    if kept is None:
        assert posting is None, "a posting without a document"
        return None
    document = kept.document
    if document.is_deleted:
        assert posting is None, "a deleted job must have no posting"
        return End(is_deleted=True, source_version=document.source_version)
    assert posting is not None, "a live job must have its posting"
    assert (posting.content_hash, posting.posting_hash) == (document.content_hash, document.posting_hash)
    return End(
        is_deleted=False,
        source_version=document.source_version,
        header=document.header,
        content_hash=document.content_hash,
        summary=document.summary,
        posting_version=posting.source_version,
    )


def assert_changelog_ends_on_stored(store: MemoryStore, changelog: RecordedChangelog, job_ids: Iterable[str]) -> None:
    """Invariant (c)."""
    for job_id in job_ids:
        kept = run(store.get(job_id))
        assert changelog.last(job_id) == (kept.document if kept else None)


def is_alive(log: Sequence[Update]) -> bool:
    """What the log says of its one job: the highest version is an upsert, and no tombstone stands behind it.

    Args:
        log: In order of offsets; versions grow, but for a delete of the version before it.
    """
    versioned = [(update.version, at, update) for at, update in enumerate(log) if isinstance(update, Upsert | Delete)]
    if not versioned:
        return False
    _, at, last = max(versioned, key=lambda entry: entry[:2])
    return isinstance(last, Upsert) and all(isinstance(update, Upsert | Delete) for update in log[at:])


def deliveries(log: Sequence[Update]) -> list[Delivery]:
    """The records of a log with their places."""
    return [(update, origin(at)) for at, update in enumerate(log)]
