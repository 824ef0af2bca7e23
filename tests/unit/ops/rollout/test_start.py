"""Starting a roll-out against a broker in memory: what is written in which order, and what a cut leaves behind."""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime

import pytest

from ops.rollout.enumeration import ChangelogEnumeration, ScanEnumeration
from ops.rollout.requests import RequestPump
from ops.rollout.start import Starter
from ops.rollout.status import LaneProgress, RolloutStatus, count_documents, rate_per_s
from ops.rollout.topic import RolloutTopic, read_rollout
from ops.topic_reader import Span
from schemas.documents import State, SummaryDocument
from schemas.errors import BackendUnavailable, ConfigurationError
from schemas.resummarise import ResummariseRequest
from schemas.rollout import RolloutPhase, RolloutState
from store.memory import MemoryStore
from store.ports import ScannedSummary
from stream.source import Record
from tests.doubles.summaries import summary_of

NOW = datetime(2026, 5, 1, tzinfo=UTC)


class MemoryBroker:
    """Topics of one partition: what ``TopicReader`` and ``Publisher`` are asked for here."""

    def __init__(self, *topics: str) -> None:
        self.logs: dict[str, list[tuple[bytes | None, bytes | None]]] = {topic: [] for topic in topics}

    def partitions(self, topic: str) -> tuple[int, ...]:
        return (0,) if topic in self.logs else ()

    async def spans(self, topic: str) -> list[Span]:
        return [Span(topic, 0, 0, len(self.logs[topic]))] if topic in self.logs else []

    async def read(self, spans: Iterable[Span]) -> AsyncIterator[Record]:
        for span in spans:
            for offset in range(span.begin, span.end):
                key, value = self.logs[span.topic][offset]
                yield Record(span.topic, 0, offset, NOW, key, value)

    async def send(self, topic: str, *, key: bytes | None, value: bytes | None, headers: object = ()) -> None:
        self.logs[topic].append((key, value))


class ListedRequests:
    """``Requests`` in the order of publication; away after so many."""

    def __init__(self, broker: MemoryBroker, *, fail_after: int | None = None) -> None:
        self._broker = broker
        self.fail_after = fail_after
        self.requests: list[ResummariseRequest] = []

    async def publish(self, request: ResummariseRequest) -> None:
        if self.fail_after is not None and len(self.requests) >= self.fail_after:
            raise BackendUnavailable("away", backend="kafka", operation="publish")
        self.requests.append(request)
        await self._broker.send("requests", key=request.job_id.encode(), value=b"")


async def nobody() -> int:
    return 0


def make_starter(broker: MemoryBroker, requests: ListedRequests) -> Starter:
    topic = RolloutTopic(broker, broker, "rollouts")  # type: ignore[arg-type]
    pump = RequestPump(requests, num_waiting=nobody, max_waiting=None)
    return Starter(
        topic=topic,
        reader=broker,  # type: ignore[arg-type]
        resummarise_topic="requests",
        pump=pump,
        clock=lambda: NOW,
    )


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker("rollouts", "requests", "summaries")


async def store_of(*documents: SummaryDocument) -> MemoryStore:
    store = MemoryStore()
    for document in documents:
        await store.put(document, cas=None)
    return store


ROLLOUT = RolloutState(generation=2, revision="b", is_enumerated=False, started_at=NOW)


class WatchingScan:
    """A scan that notes what the topic of states said when it began, and lets a late worker write meanwhile."""

    def __init__(self, store: MemoryStore, broker: MemoryBroker, late: SummaryDocument) -> None:
        self._store = store
        self._broker = broker
        self._late = late
        self.states: list[RolloutState] = []

    async def scan(self, *, page_size: int = 1_000) -> AsyncIterator[Sequence[ScannedSummary]]:
        self.states.append(await read_rollout(self._broker, "rollouts"))  # type: ignore[arg-type]
        async for page in self._store.scan(page_size=page_size):
            yield page
        if len(self.states) == 1:
            await self._store.put(self._late, cas=None)


async def test_the_state_is_known_before_the_first_job_is_asked_for(broker: MemoryBroker) -> None:
    """And a document of the old generation that was written while the first pass went by is found by the second."""
    store = await store_of(summary_of("a"), summary_of("b", generation=2), summary_of("c", state=State.DELETED))
    late = summary_of("late", rev=2_000_000_000_000)
    scan, requests = WatchingScan(store, broker, late), ListedRequests(broker)
    done = await make_starter(broker, requests).start(ROLLOUT, ScanEnumeration(scan, clock=lambda: 1_900_000_000.0))
    assert [state.generation for state in scan.states] == [2, 2]
    assert not scan.states[0].is_enumerated
    assert [request.job_id for request in requests.requests] == ["a", "late"]
    assert (done.requested, done.until, done.is_enumerated) == (2, {0: 2}, True)
    assert await read_rollout(broker, "rollouts") == done  # type: ignore[arg-type]


async def test_cut_off_it_goes_on_and_asks_only_for_what_is_left(broker: MemoryBroker) -> None:
    """What the lane did meanwhile is not asked for again; what was asked for and not done comes twice, harmlessly."""
    store = await store_of(*(summary_of(name) for name in "abc"))
    requests = ListedRequests(broker, fail_after=2)
    with pytest.raises(BackendUnavailable):
        await make_starter(broker, requests).start(ROLLOUT, ScanEnumeration(store))
    cut = await read_rollout(broker, "rollouts")  # type: ignore[arg-type]
    assert not cut.is_enumerated
    kept = await store.get("a")
    assert kept is not None
    await store.put(kept.document.model_copy(update={"generation": 2}), cas=kept.cas)
    again = ListedRequests(broker)
    done = await make_starter(broker, again).start(cut, ScanEnumeration(store))
    assert [request.job_id for request in again.requests] == ["b", "c"]
    assert done.is_enumerated


async def test_a_pause_during_the_start_stands(broker: MemoryBroker) -> None:
    """The last note of the start changes what it knows, and nothing else."""
    store = await store_of(summary_of("a"))
    starter = make_starter(broker, ListedRequests(broker))

    class PausingEnumeration(ScanEnumeration):
        async def next_pass(self) -> AsyncIterator[Sequence[ScannedSummary]]:
            async for page in super().next_pass():
                await starter.topic.change(lambda state: state.model_copy(update={"phase": RolloutPhase.PAUSED}))
                yield page

    done = await starter.start(ROLLOUT, PausingEnumeration(store))
    assert done.is_paused
    assert done.is_enumerated


async def test_a_later_rollout_is_not_overwritten(broker: MemoryBroker) -> None:
    """Two operators: the higher number stands."""
    starter = make_starter(broker, ListedRequests(broker))

    class OvertakenEnumeration(ScanEnumeration):
        async def next_pass(self) -> AsyncIterator[Sequence[ScannedSummary]]:
            async for page in super().next_pass():
                yield page
            await starter.topic.change(lambda _: RolloutState(generation=9))

    assert (await starter.start(ROLLOUT, OvertakenEnumeration(await store_of(summary_of("a"))))).generation == 9


async def test_mending_asks_for_fallbacks_and_writes_no_state(broker: MemoryBroker) -> None:
    """Whatever their generation."""
    store = await store_of(
        summary_of("a"), summary_of("b", state=State.FALLBACK), summary_of("c", state=State.FALLBACK, generation=2)
    )
    requests = ListedRequests(broker)
    assert await make_starter(broker, requests).mend(RolloutState(generation=2), ScanEnumeration(store)) == 2
    assert [request.job_id for request in requests.requests] == ["b", "c"]
    assert broker.logs["rollouts"] == []


async def test_the_changelog_gives_the_last_record_of_each_key(broker: MemoryBroker) -> None:
    """Nulls and what is no document are left out; a second pass gives what came since the first."""
    for document in (summary_of("a"), summary_of("b"), summary_of("a", generation=3), summary_of("c")):
        await broker.send("summaries", key=document.job_id.encode(), value=document.model_dump_json().encode())
    await broker.send("summaries", key=b"b", value=None)
    await broker.send("summaries", key=b"x", value=b"nonsense")
    enumeration = ChangelogEnumeration(broker, "summaries")  # type: ignore[arg-type]
    first = [(found.job_id, found.generation) async for page in enumeration.next_pass() for found in page]
    assert first == [("a", 3), ("c", 0)]
    assert [page async for page in enumeration.next_pass()] == []
    await broker.send("summaries", key=b"d", value=summary_of("d").model_dump_json().encode())
    assert [found.job_id async for page in enumeration.next_pass() for found in page] == ["d"]


async def test_topics_that_are_missing_are_named() -> None:
    """With the remedy."""
    empty = MemoryBroker()
    with pytest.raises(ConfigurationError, match=r"rollouts.*precis topics create"):
        await read_rollout(empty, "rollouts")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=r"summaries.*precis topics create"):
        _ = [page async for page in ChangelogEnumeration(empty, "summaries").next_pass()]  # type: ignore[arg-type]


async def test_a_small_broker_is_not_run_over(broker: MemoryBroker) -> None:
    """Never more requests than there is room for; published as the lane makes room."""
    requests, waits = ListedRequests(broker), []
    num_finished = 0

    async def num_waiting() -> int:
        return len(requests.requests) - num_finished

    async def sleep(seconds: float) -> None:
        nonlocal num_finished
        waits.append(seconds)
        num_finished += 300

    pump = RequestPump(requests, num_waiting=num_waiting, max_waiting=1_000, sleep=sleep)
    wanted = [ResummariseRequest(job_id=f"job-{number}", reason="rollout", generation=1) for number in range(2_700)]
    await pump.publish(wanted)
    assert requests.requests == wanted
    assert pump.num_published == 2_700
    assert len(waits) >= 5


def test_rate_and_time_left() -> None:
    """From two looks; unknown while paused, or where more came than went."""
    before, now = LaneProgress(90, 100, at_s=1.0), LaneProgress(70, 80, at_s=3.0)
    assert rate_per_s(before, now) == 10.0
    assert rate_per_s(now, before) is None
    rollout = RolloutState(generation=1, requested=200)
    assert RolloutStatus(rollout, now, 10.0).eta_s == 7.0
    assert RolloutStatus(rollout, now, 10.0).done == 130
    assert RolloutStatus(rollout, now, 0.0).eta_s is None
    assert RolloutStatus(rollout, LaneProgress(0, 5, at_s=3.0), None).eta_s == 0.0
    paused = rollout.model_copy(update={"phase": RolloutPhase.PAUSED})
    assert RolloutStatus(paused, now, 10.0).eta_s is None


async def test_documents_are_counted_by_state() -> None:
    """And those that are behind the latest generation; deleted ones are not."""
    store = await store_of(
        summary_of("a", generation=1),
        summary_of("b"),
        summary_of("c", state=State.FALLBACK),
        summary_of("d", state=State.DELETED),
    )
    counts = await count_documents(ScanEnumeration(store), 1)
    assert counts.by_state == {"fresh": 2, "fallback": 1, "deleted": 1}
    assert counts.num_behind == 2
