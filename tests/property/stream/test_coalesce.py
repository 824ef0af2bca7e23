"""Coalescing changes nothing but the number of model calls: compared with the same records, one by one."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events import Delete, Upsert, encode_update
from stream.attempts import Attempts
from stream.deadletter import DeadLetters
from stream.lanes import Handle, Lanes, one_by_one
from stream.pause import Pause
from stream.producer import Headers
from stream.progress import PartitionProgress
from stream.record import RecordHandler
from stream.slots import Slots
from stream.source import Record
from stream.telemetry import Telemetry
from tests.property.stream.logs import RUNS
from tests.property.stream.writers import WatchedStore, assert_changelog_ends_on_stored, end_of
from tests.unit.stream.builders import EPOCH, PureSummaries, RecordedChangelog, make_processor, origin

KINDS = ("upsert",) * 8 + ("delete", "tombstone", "poison", "no title")
BODIES = ("Night shift.", "Day shift.")


@st.composite
def record_logs(draw: st.DrawFn) -> list[Record]:
    """Records of one job as they stand in one partition: versions and event times in any order, and what is refused."""
    records = []
    for offset in range(draw(st.integers(1, 9))):
        kind, version = draw(st.sampled_from(KINDS)), draw(st.integers(1, 3))
        event_time = EPOCH + timedelta(hours=draw(st.integers(0, 2)))
        posting = {"title": "Nurse", "description": draw(st.sampled_from(BODIES))}
        if kind == "no title":
            posting = {"description": "x"}
        key, value = encode_update(Upsert(job_id="job", version=version, event_time=event_time, posting=posting))
        if kind == "delete":
            key, value = encode_update(Delete(job_id="job", version=version, event_time=event_time))
        body = {"tombstone": None, "poison": b"not json"}.get(kind, value)
        log_time = EPOCH + timedelta(hours=1, minutes=offset)
        records.append(Record("job-updates", 0, offset, log_time, key, body))
    return records


class Letters:
    """A publisher that keeps what was dead-lettered: offset and reason."""

    def __init__(self) -> None:
        self.found: list[tuple[int, str]] = []

    async def send(self, topic: str, *, key: bytes | None, value: bytes | None, headers: Headers = ()) -> None:
        named = dict(headers)
        self.found.append((int(named["dlq.offset"]), named["dlq.error"].decode()))


@dataclass
class World:
    """A store, and a lane over it whose records arrive as the test says."""

    is_backfill: bool
    store: WatchedStore = field(default_factory=WatchedStore)
    changelog: RecordedChangelog = field(default_factory=RecordedChangelog)
    summaries: PureSummaries = field(default_factory=PureSummaries)
    letters: Letters = field(default_factory=Letters)
    telemetry: Telemetry = field(default_factory=Telemetry)
    finished: list[list[int]] = field(default_factory=list)

    def handler(self) -> RecordHandler:
        attempts = Attempts(
            DeadLetters(self.letters, "dlq", log_id="log"),
            max_tries=1,
            retry_budget_s=60,
            pause_s=1,
            telemetry=self.telemetry,
        )
        processor = make_processor(self.store, self.changelog, self.summaries, self.telemetry)
        return RecordHandler(
            processor,
            attempts,
            stored=self.store.get,
            log_id="log",
            telemetry=self.telemetry,
            is_backfill=self.is_backfill,
        )

    async def delete_by_live_update(self) -> None:
        """The job was deleted meanwhile: a backfill record of an earlier event must not bring it back."""
        processor = make_processor(self.store, self.changelog, self.summaries, self.telemetry)
        gone = Delete(job_id="job", version=1, event_time=EPOCH + timedelta(hours=1))
        await processor.process(gone, origin(0, log="live"))

    async def run(self, handle: Handle, records: Sequence[Record], gaps: Sequence[int]) -> None:
        """Deliver them, with so many turns of the event loop before each."""
        deaths: list[BaseException] = []

        async def watched(queued: Sequence[Record]) -> Sequence[Record]:
            done = await handle(queued)
            self.finished.append([record.offset for record in done])
            return done

        if self.is_backfill:
            await self.delete_by_live_update()
        lanes = Lanes(watched, slots=Slots(2), pause=Pause(), window=16, die=deaths.append)
        progress = PartitionProgress()
        for record, gap in zip(records, gaps, strict=False):
            for _ in range(gap):
                await asyncio.sleep(0)
            lanes.start(await lanes.admit(record.key), record, progress)
        for _ in range(1_000):
            await asyncio.sleep(0)
            if not lanes.num_at_work:
                break
        assert not deaths, deaths
        assert progress.next_offset == len(records)


def outcome(world: World) -> dict[str, Any]:
    return {"end": end_of(world.store, "job"), "dead letters": sorted(world.letters.found)}


GAPS = st.lists(st.sampled_from([0, 0, 0, 0, 3, 40]), min_size=9, max_size=9)


@settings(RUNS)
@given(records=record_logs(), gaps=GAPS, is_backfill=st.booleans())
def test_the_end_is_that_of_one_by_one(records: list[Record], gaps: list[int], is_backfill: bool) -> None:
    """Same documents, same dead letters, changelog on what is stored; never more model calls."""
    together, apart = World(is_backfill), World(is_backfill)
    asyncio.run(together.run(together.handler().handle_group, records, gaps))
    asyncio.run(apart.run(one_by_one(apart.handler().handle), records, [0] * len(records)))
    assert outcome(together) == outcome(apart)
    assert_changelog_ends_on_stored(together.store, together.changelog, ["job"])
    assert len(together.summaries.bodies) <= len(apart.summaries.bodies)
    counted = together.telemetry.registry.get_sample_value
    superseded = counted("precis_nearline_records_total", {"outcome": "superseded"}) or 0
    assert superseded == (counted("precis_nearline_model_calls_saved_total", {"reason": "superseded"}) or 0)
    assert sorted(offset for call in together.finished for offset in call) == list(range(len(records)))


def edit(offset: int, version: int, body: str) -> Record:
    key, value = encode_update(
        Upsert(job_id="job", version=version, event_time=EPOCH, posting={"title": "Nurse", "description": body})
    )
    return Record("job-updates", 0, offset, EPOCH, key, value)


def test_ten_edits_that_wait_cost_one_summary_and_the_last_one_wins() -> None:
    """One is at work when nine more come: two summaries in all, all ten finished."""
    world = World(is_backfill=False)
    edits = [edit(offset, offset + 1, f"Text {offset}.") for offset in range(10)]
    asyncio.run(world.run(world.handler().handle_group, edits, [0, 3] + [0] * 8))
    assert world.summaries.bodies == ["Text 0.", "Text 9."]
    assert world.finished == [[0], list(range(1, 10))]
    assert outcome(world)["end"].source_version == 10


def test_nothing_is_finished_before_what_takes_its_place() -> None:
    """The one that stands for the group is dead-lettered: the others are processed without it."""
    world = World(is_backfill=False)
    refused = edit(2, 9, "Refused.")
    processor = make_processor(world.store, world.changelog, RefusingSummaries("Refused."), world.telemetry)
    handler = world.handler()
    handler._processor = processor  # noqa: SLF001 - the one part that differs
    queue = [edit(0, 1, "One."), edit(1, 2, "Two."), refused]
    asyncio.run(world.run(handler.handle_group, queue, [0, 0, 0]))
    assert world.finished == [[2], [0, 1]]
    assert world.letters.found == [(2, "ValueError")]
    assert outcome(world)["end"].source_version == 2


def test_a_record_that_contradicts_the_stored_version_is_dead_lettered_though_a_later_one_waits() -> None:
    """Superseded it would vanish without a word: its publisher would never hear of the conflict."""
    world = World(is_backfill=False)
    handler = world.handler()
    asyncio.run(world.run(handler.handle_group, [edit(0, 1, "Stored.")], [0]))
    queue = [edit(1, 1, "Another text."), edit(2, 2, "New.")]
    assert asyncio.run(_drained(handler, queue)) == [[1], [2]]
    assert world.letters.found == [(1, "VersionConflict")]
    assert outcome(world)["end"].source_version == 2


async def _drained(handler: RecordHandler, queue: list[Record]) -> list[list[int]]:
    calls = []
    while queue:
        done = await handler.handle_group(queue)
        calls.append([record.offset for record in done])
        queue = [record for record in queue if record not in done]
    return calls


class RefusingSummaries(PureSummaries):
    """Says nothing of one body: an error that nobody planned for."""

    def __init__(self, refused: str) -> None:
        super().__init__()
        self._refused = refused

    async def summarize(self, body: str) -> Any:
        if body == self._refused:
            raise ValueError(body)
        return await super().summarize(body)
