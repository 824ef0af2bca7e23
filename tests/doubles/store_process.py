"""Run as a process of its own: a writer of a SQLite store that a test may race with or kill.

python store_process.py count PATH N     counts document "counter" up N times by compare-and-swap
python store_process.py write PATH       writes documents for ever; prints the id of each when it is acknowledged
"""

import asyncio
import sys
from itertools import count
from pathlib import Path

from store.sqlite import SqliteStore
from tests.doubles.documents import posting_document, score_entry, summary_document

COUNTER = "counter"


async def count_up(store: SqliteStore, times: int) -> None:
    """Add ``times`` to the generation of the counter; whoever comes first makes it."""
    done = 0
    while done < times:
        stored = await store.get(COUNTER)
        generation = stored.document.generation if stored else 0
        document = summary_document(COUNTER, generation=generation + 1)
        done += await store.put(document, cas=stored.cas if stored else None) is not None


async def write_for_ever(store: SqliteStore) -> None:
    """A posting, its summary and a score for each id, then the id on standard output."""
    for index in count():
        job_id = f"job-{index}"
        await store.put_posting(posting_document(job_id))
        await store.put(summary_document(job_id), cas=None)
        await store.merge_scores("query-1", {job_id: score_entry()})
        sys.stdout.write(f"{job_id}\n")
        sys.stdout.flush()


async def main(mode: str, path: str, *arguments: str) -> None:
    """Open the store and do as told."""
    store = await SqliteStore.open(Path(path))
    if mode == "count":
        await count_up(store, int(*arguments))
    else:
        await write_for_ever(store)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
