"""A job's story from real topics and a real store."""

from datetime import UTC, datetime

import pytest

from ops.broker import EmbeddedBroker
from ops.inspect.gather import Gatherer, Sources
from ops.inspect.story import OriginRecord, Published
from ops.lag.lanes import Lane
from ops.topic_reader import TopicReader
from schemas.documents import Origin, State
from schemas.errors import InvalidInput
from schemas.events import Delete, encode_update
from schemas.resummarise import Reason, ResummariseRequest, encode_request
from store.sqlite import SqliteStore
from stream.changelog import SummaryChangelog
from stream.deadletter import DeadLetters
from stream.producer import KafkaPublisher
from tests.doubles.documents import posting_document, score_entry, summary_document
from tests.integration.stream.kafka import publish
from tests.unit.ops.dlq.letter_records import refused

LANES = [
    Lane("live", "job-updates", "g"),
    Lane("backfill", "job-updates.backfill", "g.backfill"),
    Lane("resummarise", "job-updates.resummarise", "g.resummarise"),
]
TOPICS = {"job-updates": 2, "job-summaries": 3, "job-updates.dlq": 1, "job-updates.resummarise": 2}


class Place:
    """A broker, a store, and what looks into both."""

    def __init__(self, broker, store, publisher):
        self.broker, self.store, self.publisher = broker, store, publisher
        self.changelog = SummaryChangelog(publisher, "job-summaries")

    async def look(self, job_id="job-1", store=None):
        sources = Sources(
            bootstrap=self.broker.bootstrap,
            log_id=self.broker.log_id,
            summaries="job-summaries",
            dead_letters="job-updates.dlq",
            lanes=LANES,
            deleted_ttl_s=60.0,
        )
        async with TopicReader(self.broker.bootstrap) as reader:
            return await Gatherer(reader, store or self.store, sources, clock=lambda: datetime.now(UTC)).gather(job_id)

    def origin(self, offset, *, log=None):
        now = datetime.now(UTC)
        return Origin(log=log or self.broker.log_id, topic="job-updates", partition=0, offset=offset, log_time=now)


@pytest.fixture
async def place(tmp_path):
    store = await SqliteStore.open(tmp_path / "store.sqlite")
    try:
        with EmbeddedBroker(TOPICS) as broker:
            async with KafkaPublisher(broker.bootstrap, client_id="test") as publisher:
                yield Place(broker, store, publisher)
    finally:
        await store.close()


async def test_a_live_job_is_told_from_all_its_places(place):
    """Document, posting, scores, record, changelog: of this job, among others."""
    await publish(place.broker.bootstrap, [(b"job-1", b"{}")], partition=0)
    document = summary_document(origin=place.origin(0))
    await place.store.put(document, cas=None)
    await place.store.put_posting(posting_document())
    await place.store.merge_scores("query", {"job-1": score_entry(scored_at=datetime.now(UTC))})
    for other in (
        summary_document("job-2"),
        document.model_copy(update={"rev": 0}),
        document,
        summary_document("job-3"),
    ):
        await place.changelog.publish(other)
    story = await place.look()
    assert story.document == document
    assert story.posting == posting_document()
    assert (story.num_scores, story.origin, story.published) == (1, OriginRecord.PRESENT, Published.EQUAL)
    assert story.changelog.document == document
    assert story.requests == ()


async def test_what_is_refused_waiting_or_asked_for_is_found(place):
    """Dead letters of the key, records behind the committed offset, open requests; none of another job."""
    letters = DeadLetters(place.publisher, "job-updates.dlq", log_id=place.broker.log_id)
    for key in (b"job-1", b"job-2"):
        await letters.publish(refused(key=key), InvalidInput("poison"), attempts=1)
    delete = encode_update(Delete(job_id="job-1", version=9, event_time=datetime.now(UTC)))
    await publish(place.broker.bootstrap, [delete, (b"job-2", b"x"), (b"job-1", b"x")], partition=0)
    request = encode_request(ResummariseRequest(job_id="job-1", reason=Reason.FALLBACK, generation=2))
    await publish(place.broker.bootstrap, [request, (b"job-2", b"x"), (b"job-1", b"x")], "job-updates.resummarise")
    story = await place.look()
    assert [letter.job_id for letter in story.letters] == ["job-1"]
    assert [(waiting.says, waiting.version) for waiting in story.waiting] == [
        ("delete", 9),
        ("not readable, to be dead-lettered: InvalidInput", None),
    ]
    assert [(it.reason, it.generation) for it in story.requests] == [("fallback", 2)]
    assert not story.is_unknown


@pytest.mark.parametrize(
    ("offset", "log", "found"),
    [(0, None, OriginRecord.PRESENT), (5, None, OriginRecord.EXPIRED), (0, "another", OriginRecord.OTHER_LOG)],
)
async def test_the_record_applied_last_is_looked_for(place, offset, log, found):
    """There, not there any more, or in another log whose offsets mean nothing here."""
    await publish(place.broker.bootstrap, [(b"job-1", b"{}")], partition=0)
    await place.store.put(summary_document(origin=place.origin(offset, log=log)), cas=None)
    assert (await place.look()).origin is found


async def test_a_job_of_which_nothing_is_known_is_unknown(place):
    """Other jobs' records are not its own."""
    await place.changelog.publish(summary_document("job-2"))
    assert (await place.look("nobody")).is_unknown


async def test_a_job_that_changes_under_the_look_is_looked_at_again(place):
    """Store and changelog are of one moment: a write between them must not look like a changelog that is behind."""

    class Changing:
        """The store, with one write right after the first read."""

        def __init__(self, store, changelog):
            self._store, self._changelog = store, changelog
            self._is_changed = False

        def __getattr__(self, name):
            return getattr(self._store, name)

        async def get(self, job_id):
            found = await self._store.get(job_id)
            if not self._is_changed:
                self._is_changed = True
                newer = found.document.model_copy(update={"rev": 2, "state": State.FALLBACK})
                await self._store.put(newer, cas=found.cas)
                await self._changelog.publish(newer)
            return found

    document = summary_document(origin=place.origin(0))
    await place.store.put(document, cas=None)
    await place.changelog.publish(document)
    story = await place.look(store=Changing(place.store, place.changelog))
    assert story.document.rev == 2
    assert story.published is Published.EQUAL
