"""Nulls for what has expired, and never one behind a document that is stored."""

from datetime import timedelta

import pytest

from ops.changelog.plan import Tails
from ops.changelog.prune import Pruner
from schemas.documents import State
from store.memory import MemoryStore
from stream.source import Record
from tests.doubles.documents import NOON, summary_document

TOPIC = "job-summaries"
TTL_S = 3_600.0


class Changelog:
    """``Publisher``: the topic as a list; ``on_send`` sees each record before it is appended."""

    def __init__(self):
        self.records = []
        self.on_send = None

    async def send(self, topic, *, key, value, headers=()):
        assert (topic, headers) == (TOPIC, ())
        if self.on_send is not None:
            await self.on_send(key.decode(), value)
        self.append(key, value)

    def append(self, key, value):
        self.records.append(Record(TOPIC, 0, len(self.records), NOON, key, value))

    def last(self, job_id):
        return next(record.value for record in reversed(self.records) if record.key == job_id.encode())


class World:
    """A store, its changelog, and a nearline service that writes to both."""

    def __init__(self):
        self.store = MemoryStore(clock=NOON.timestamp)
        self.changelog = Changelog()

    async def write(self, job_id, version, *, publish=True, state=State.FRESH, ttl_s=None, ago_s=0.0):
        stored = await self.store.get(job_id)
        at = NOON - timedelta(seconds=ago_s)
        document = summary_document(job_id, source_version=version, rev=version, state=state, summarized_at=at)
        assert await self.store.put(document, cas=stored.cas if stored else None, ttl_s=ttl_s)
        if publish:
            self.publish(document)
        return document

    def publish(self, document):
        self.changelog.append(document.job_id.encode(), document.model_dump_json().encode())

    def publish_expired(self, job_id):
        """A deleted document that the store has dropped."""
        at = NOON - timedelta(seconds=2 * TTL_S)
        self.publish(summary_document(job_id, state=State.DELETED, summarized_at=at))

    async def prune(self, *, is_dry=False):
        pruner = Pruner(self.store, self.changelog, TOPIC, ttl_s=TTL_S, clock=lambda: NOON)
        return await pruner.prune(Tails.of(self.changelog.records), is_dry=is_dry)

    async def ends_on_the_stored_document(self, job_id):
        stored = await self.store.get(job_id)
        return self.changelog.last(job_id) == (stored.document.model_dump_json().encode() if stored else None)


@pytest.fixture
def world():
    return World()


async def test_an_expired_deletion_is_ended_by_a_null(world):
    """One null a key; the next run finds nothing to do."""
    world.publish_expired("gone")
    await world.write("live", 1)
    report = await world.prune()
    assert (report.num_deleted, report.num_nulled, report.num_republished) == (1, 1, 0)
    assert world.changelog.last("gone") is None
    before = len(world.changelog.records)
    assert (await world.prune()).num_nulled == 0
    assert len(world.changelog.records) == before


async def test_a_deletion_that_is_stored_stays(world):
    """The store decides, whatever the age: clocks differ, and a late update must still find it."""
    await world.write("old", 1, state=State.DELETED, ttl_s=60.0, ago_s=3 * TTL_S)
    await world.write("young", 1, state=State.DELETED, ttl_s=60.0)
    report = await world.prune()
    assert (report.num_deleted, report.num_kept, report.num_nulled) == (2, 1, 0)


async def test_a_dry_run_publishes_nothing(world):
    """It counts what would be done."""
    world.publish_expired("gone")
    assert (await world.prune(is_dry=True)).num_nulled == 1
    assert len(world.changelog.records) == 1


async def test_a_posting_that_comes_back_before_the_null_is_published_again(world):
    """Stored and published after the look into the store: the null lands behind it, the document behind the null."""
    world.publish_expired("gone")

    async def repost(job_id, value):
        if value is None:
            await world.write(job_id, 2)

    world.changelog.on_send = repost
    report = await world.prune()
    assert (report.num_nulled, report.num_republished) == (1, 1)
    assert await world.ends_on_the_stored_document("gone")


async def test_a_newer_write_during_the_second_publication_wins(world):
    """Published by its writer while the older one is on its way: it is published again behind that."""
    world.publish_expired("gone")

    async def repost_and_edit(job_id, value):
        stored = await world.store.get(job_id)
        if value is None or stored.document.source_version == 2:
            await world.write(job_id, 2 if value is None else 3)

    world.changelog.on_send = repost_and_edit
    await world.prune()
    assert (await world.store.get("gone")).document.source_version == 3
    assert await world.ends_on_the_stored_document("gone")


async def test_the_next_run_mends_what_a_killed_one_left(world):
    """Killed between null and second look: the job is stored and the changelog ends on a null."""
    await world.write("back", 2)
    world.changelog.append(b"back", None)
    report = await world.prune()
    assert (report.num_nulled, report.num_republished) == (0, 1)
    assert await world.ends_on_the_stored_document("back")
