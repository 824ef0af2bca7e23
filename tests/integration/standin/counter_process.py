"""Run as a process of its own: `counter_process.py URL SCOPE N` counts one document up N times by compare-and-swap."""

import asyncio
import sys

from store.couchbase import CouchbaseConfig, CouchbaseStore
from tests.doubles.documents import summary_document

COUNTER = "counter"


async def main(url: str, scope: str, times: str) -> None:
    """Add to the generation of the counter; whoever comes first makes it."""
    store = await CouchbaseStore.open(CouchbaseConfig.from_url(url, scope=scope))
    done = 0
    while done < int(times):
        stored = await store.get(COUNTER)
        generation = stored.document.generation if stored else 0
        document = summary_document(COUNTER, generation=generation + 1)
        done += await store.put(document, cas=stored.cas if stored else None) is not None
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
