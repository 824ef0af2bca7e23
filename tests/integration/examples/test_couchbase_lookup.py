"""``examples/couchbase_lookup.py`` as its users run it: the official SDK, against the stand-in of this repository."""

import asyncio
import sys
from pathlib import Path

import pytest

from ops.standin import Fault, KvStandIn
from schemas.documents import State
from store.couchbase import CouchbaseStore, provision
from tests.doubles.summaries import summary_of
from tests.integration.standin.stores import config_of

_EXAMPLE = Path(__file__).parents[3] / "examples" / "couchbase_lookup.py"


@pytest.fixture
async def summaries(kv_standin: KvStandIn):
    """Two live summaries and a deleted one, written by the product's own store."""
    config = config_of(kv_standin, scope="precis")
    await provision(config)
    store = await CouchbaseStore.open(config)
    for job_id in ("job-1", "job-2"):
        await store.put(summary_of(job_id), cas=None)
    await store.put(summary_of("job-3", state=State.DELETED), cas=None)
    await store.close()
    return kv_standin


async def _run(*arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, _EXAMPLE, *arguments), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    printed, said = await process.communicate()
    return process.returncode, printed.decode(), said.decode()


async def test_summaries_are_read_in_another_service(summaries):
    """Live ones with their text; a deleted and an unknown one are left out."""
    names = ("job-1", "job-2", "job-3", "nobody")
    status, printed, said = await _run(summaries.connection_string, summaries.username, summaries.password, *names)
    assert status == 0, said
    text = "Nurse {0} | Clinic | Berlin\nnight shift; part time"
    assert printed == "".join(f"{name}\n{text.format(name)}\n\n" for name in ("job-1", "job-2"))


async def test_a_store_that_fails_is_not_taken_for_an_empty_one(summaries):
    """The SDK's error, not an answer without the job."""
    summaries.inject(Fault(operation="GET", key="job-1", status="NO_ACCESS"))
    status, printed, said = await _run(summaries.connection_string, summaries.username, summaries.password, "job-1")
    assert (status, printed) == (1, "")
    assert "couchbase.exceptions." in said
