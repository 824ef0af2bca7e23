"""The file of a SQLite store: what is refused, what is swept, what failures become."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from schemas.errors import BackendProtocolError, BackendTimeout, BackendUnavailable, ConfigurationError
from store.sqlite import SqliteStore
from store.sqlite.connection import ConnectionThreads, Synchronous
from tests.doubles.clock import ManualClock
from tests.doubles.documents import posting_document, score_entry, summary_document


def execute(path: Path, statement: str) -> list[tuple[object, ...]]:
    """Run one statement on the file, beside the store."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(statement).fetchall()


def content(path: Path) -> bytes:
    """What is in the file."""
    return path.read_bytes()


async def test_a_newer_schema_is_refused_by_name(path: Path) -> None:
    """The message names both versions and what to do; the file stays as it is."""
    await (await SqliteStore.open(path)).close()
    execute(path, "PRAGMA user_version = 7")
    before = content(path)
    with pytest.raises(ConfigurationError, match="schema version 7, this build reads 3"):
        await SqliteStore.open(path)
    assert content(path) == before


async def test_a_file_of_the_version_before_is_brought_up_to_this_one(path: Path) -> None:
    """What it holds stays; a posting without a hash is no posting's repetition."""
    store = await SqliteStore.open(path)
    document, posting = summary_document(), posting_document()
    cas = await store.put_live(document, posting, cas=None)
    await store.close()
    execute(path, "ALTER TABLE postings DROP COLUMN posting_hash")
    _take_back_version_3(path)
    execute(path, "PRAGMA user_version = 1")

    store = await SqliteStore.open(path)
    try:
        assert await store.get_posting("job-1") == posting
        newer = document.model_copy(update={"source_version": 2})
        assert await store.put_live(newer, None, cas=cas) is None
        assert await store.put_live(newer, posting_document(source_version=2), cas=cas) is not None
    finally:
        await store.close()


def _take_back_version_3(path: Path) -> None:
    execute(path, "DROP TABLE score_leases")
    execute(path, "DROP TABLE score_epoch")
    execute(path, "PRAGMA user_version = 2")


async def test_a_file_without_leases_and_epoch_gets_both(path: Path, clock: ManualClock) -> None:
    """Cached scores stay and can be purged, and computations can be led."""
    store = await SqliteStore.open(path, clock=clock)
    await store.merge_scores("query-1", {"job-1": score_entry(scored_at=clock.ago(1))})
    await store.close()
    _take_back_version_3(path)

    store = await SqliteStore.open(path, clock=clock)
    try:
        assert await store.lead("query-1", ["v1"], holder="a", ttl_s=10) == {}
        assert set(await store.lead("query-1", ["v1"], holder="b", ttl_s=10)) == {"v1"}
        assert set(await store.get_scores("query-1", ["job-1"])) == {"job-1"}
        await store.forget_all_scores()
        assert await store.get_scores("query-1", ["job-1"]) == {}
    finally:
        await store.close()


async def test_a_database_of_another_program_is_not_touched(path: Path) -> None:
    """Not even its journal mode changes."""
    execute(path, "CREATE TABLE theirs (x)")
    before = content(path)
    with pytest.raises(ConfigurationError, match="another program"):
        await SqliteStore.open(path)
    assert content(path) == before


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    """A file of text."""
    path = tmp_path / "letter.txt"
    path.write_text("a posting, a letter, anything at all " * 100)
    return path


async def test_a_file_that_is_no_database_is_refused(letter: Path) -> None:
    """A wrong path is said, not overwritten."""
    with pytest.raises(ConfigurationError, match="not a database"):
        await SqliteStore.open(letter)


async def test_a_directory_that_cannot_be_made_is_refused(letter: Path) -> None:
    """Below a file there is no directory."""
    with pytest.raises(ConfigurationError, match="cannot be made"):
        await SqliteStore.open(letter / "store.db")


async def test_a_path_that_is_a_directory_is_unavailable(tmp_path: Path) -> None:
    """SQLite's own words come with it."""
    with pytest.raises(BackendUnavailable, match="store open: unable to open"):
        await SqliteStore.open(tmp_path)


async def test_a_write_waits_for_another_writer_only_so_long(store: SqliteStore, path: Path) -> None:
    """While another process holds the lock a cache write gives up after a second; reads do not wait at all."""
    await store.put(summary_document(), cas=None)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert await store.get("job-1") is not None
        with pytest.raises(BackendTimeout, match="another writer"):
            await store.merge_scores("query-1", {"job-1": score_entry()})
        other.execute("ROLLBACK")
    assert await store.merge_scores("query-1", {"job-1": score_entry()})


async def test_a_damaged_document_is_a_protocol_error(store: SqliteStore, path: Path) -> None:
    """What does not fit this build's model is said, never half read."""
    await store.put(summary_document(), cas=None)
    execute(path, """UPDATE summaries SET document = '{"job_id": "job-1"}'""")
    with pytest.raises(BackendProtocolError, match="does not fit this build"):
        await store.get("job-1")
    with pytest.raises(BackendProtocolError):
        await store.get_many(["job-1"])


async def test_a_posting_and_its_words_are_written_together_or_not_at_all(store: SqliteStore, path: Path) -> None:
    """Where the index cannot be written the posting is not either: search and store never disagree."""
    execute(path, "DROP TABLE posting_text")
    with pytest.raises(BackendUnavailable, match="posting_text"):
        await store.put_posting(posting_document())
    assert await store.get_posting("job-1") is None


async def test_expired_rows_are_swept(store: SqliteStore, path: Path, clock: ManualClock) -> None:
    """A write a minute later removes them from the file, and nothing else."""
    await store.put(summary_document("old"), cas=None, ttl_s=30)
    await store.put(summary_document("young"), cas=None, ttl_s=300)
    await store.merge_scores("query-1", {"job-1": score_entry(scored_at=clock.ago(880))})
    await store.merge_scores("query-1", {"job-2": score_entry(scored_at=clock.now())})
    clock.advance(61)
    await store.put(summary_document("new"), cas=None)
    assert execute(path, "SELECT job_id FROM summaries ORDER BY job_id") == [("new",), ("young",)]
    assert execute(path, "SELECT job_id FROM scores") == [("job-2",)]


async def test_opening_sweeps(path: Path, clock: ManualClock) -> None:
    """What expired while nobody was there goes first."""
    store = await SqliteStore.open(path, clock=clock)
    await store.put(summary_document(), cas=None, ttl_s=30)
    await store.close()
    clock.advance(31)
    await (await SqliteStore.open(path, clock=clock)).close()
    assert execute(path, "SELECT count(*) FROM summaries") == [(0,)]


async def test_a_cancelled_write_is_whole_or_not_there(store: SqliteStore) -> None:
    """Cancelling the caller tears no transaction; the store goes on."""
    tasks = [asyncio.create_task(store.put_posting(posting_document(f"job-{index}"))) for index in range(50)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await store.put_posting(posting_document("job-0"))
    hits = {hit.job_id for hit in await store.search("nurse", limit=100)}
    stored = {f"job-{index}" for index in range(50) if await store.get_posting(f"job-{index}")}
    assert hits == stored
    assert {f"job-{index}" for index in range(1, 50, 2)} <= stored


@pytest.mark.parametrize(("synchronous", "level"), [("FULL", 2), ("NORMAL", 1)])
async def test_connections_have_the_durability_that_was_asked_for(
    path: Path, synchronous: Synchronous, level: int
) -> None:
    """FULL: an fsync a write; NORMAL: none; WAL in both."""
    threads = ConnectionThreads(path, num_threads=1, synchronous=synchronous, busy_timeout_s=1, name="test")
    try:
        work = lambda connection: connection.execute("PRAGMA synchronous").fetchone()  # noqa: E731 (one line is enough)
        assert await threads.run("test", work) == (level,)
        assert execute(path, "PRAGMA journal_mode") == [("wal",)]
    finally:
        await threads.close()
