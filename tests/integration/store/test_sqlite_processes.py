"""The SQLite store shared by processes, killed and opened again."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest

from store.sqlite import SqliteStore
from tests.doubles.clock import ManualClock
from tests.doubles.documents import posting_document, score_entry, summary_document
from tests.doubles.store_process import COUNTER

ROOT = Path(__file__).resolve().parents[3]


async def start(*arguments: str) -> Process:
    """A process of ``doubles/store_process.py``."""
    script = ROOT / "tests" / "doubles" / "store_process.py"
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(script),
        *arguments,
        stdout=PIPE,
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
    )


async def test_processes_that_race_for_a_new_file_lose_no_update(tmp_path: Path) -> None:
    """Three processes open a file that is not there and count one document up: every step of each is in the sum."""
    path = tmp_path / "data" / "store.db"
    processes = [await start("count", str(path), "40") for _ in range(3)]
    assert [await process.wait() for process in processes] == [0, 0, 0]
    store = await SqliteStore.open(path)
    stored = await store.get(COUNTER)
    await store.close()
    assert stored is not None
    assert stored.document.generation == 120


@pytest.mark.parametrize("num_acknowledged", [1, 40])
async def test_a_killed_writer_loses_no_acknowledged_write(tmp_path: Path, num_acknowledged: int) -> None:
    """SIGKILL at any moment: whatever was acknowledged before is there, whole, also twice in a row on one file."""
    path = tmp_path / "store.db"
    process = await start("write", str(path))
    assert process.stdout is not None
    acknowledged = [(await process.stdout.readline()).decode().strip() for _ in range(num_acknowledged)]
    process.kill()
    rest = await process.stdout.read()
    await process.wait()
    acknowledged += rest.decode().split("\n")[:-1]
    store = await SqliteStore.open(path)
    try:
        assert await store.get_many(acknowledged) == {job_id: summary_document(job_id) for job_id in acknowledged}
        for job_id in acknowledged:
            assert await store.get_posting(job_id) == posting_document(job_id)
        assert len(await store.search("nurse", limit=10_000)) >= len(acknowledged)
    finally:
        await store.close()


async def test_everything_is_there_after_opening_again(tmp_path: Path) -> None:
    """A closed store leaves one whole file; tokens, scores and the index live on too."""
    path, clock = tmp_path / "store.db", ManualClock()
    store = await SqliteStore.open(path, clock=clock)
    cas = await store.put(summary_document(), cas=None)
    await store.put_posting(posting_document())
    await store.merge_scores("query-1", {"job-1": score_entry(scored_at=clock.now())})
    await store.close()
    assert os.listdir(tmp_path) == ["store.db"]  # noqa: PTH208 (ASYNC240 wants no pathlib here)
    store = await SqliteStore.open(path, clock=clock)
    try:
        assert await store.get_scores("query-1", ["job-1"]) == {"job-1": score_entry(scored_at=clock.now())}
        assert await store.get_posting("job-1") == posting_document()
        assert [hit.job_id for hit in await store.search("nurse", limit=5)] == ["job-1"]
        newer = await store.put(summary_document(rev=2), cas=cas)
        assert newer is not None
        assert newer != cas
    finally:
        await store.close()
