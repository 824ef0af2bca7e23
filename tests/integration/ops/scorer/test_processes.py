"""The scorer as processes: ports, TLS, several workers on one port, and what a killed one costs."""

import asyncio
import os
import re
import signal
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
import trustme

RERANK = {"query": "nurse", "documents": ["a nurse at night", "a cook"], "deadline_ms": 60_000}


async def until_ready(scorer) -> None:
    """In a thread: the engine that it waits for answers in this event loop."""
    await asyncio.to_thread(scorer.child.wait_ready)


def pids_of_workers(scorer) -> dict[int, int]:
    """Worker -> the process that runs it now, from the supervisor's log."""
    text = scorer.child.spec.log_file.read_text()
    return {int(index): int(pid) for index, pid in re.findall(r'"worker": ?(\d+), ?"pid": ?(\d+)', text)}


async def test_two_ports_and_a_clean_end(start_process):
    """Metrics on the admin port alone; the collector's pauses are among them; SIGTERM ends it with status 0."""
    scorer = start_process()
    await until_ready(scorer)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{scorer.port}", trust_env=False) as client:
        assert (await client.post("/v1/rerank", json=RERANK)).status_code == 200
        assert (await client.get("/metrics")).status_code == 404
        assert (await client.get("/readyz")).status_code == 200
    metrics = await scorer.metrics()
    assert "precis_scorer_gc_pause_seconds_count" in metrics
    assert 'precis_scorer_requests_total{route="/v1/rerank",status="200"} 1.0' in metrics
    assert await asyncio.to_thread(scorer.child.stop) == 0
    assert '"frozen"' in scorer.child.spec.log_file.read_text()


async def test_https_by_settings(start_process, tmp_path):
    """A client that trusts the authority is answered, one that does not is not."""
    authority = trustme.CA()
    made = authority.issue_cert("127.0.0.1")
    cert, key = tmp_path / "cert.pem", tmp_path / "cert.key"
    made.cert_chain_pems[0].write_to_path(cert)
    made.private_key_pem.write_to_path(key)
    scorer = start_process(tls_cert=cert, tls_key=key)
    await until_ready(scorer)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    url = f"https://127.0.0.1:{scorer.port}/v1/rerank"
    async with httpx.AsyncClient(verify=trusting, trust_env=False) as client:
        assert (await client.post(url, json=RERANK)).status_code == 200
    async with httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises(httpx.ConnectError, match="certificate"):
            await client.post(url, json=RERANK)


async def until(condition: Callable[[], bool]) -> None:
    """What the scorer's processes do is seen from outside: asked again and again."""
    while not condition():  # noqa: ASYNC110 - no event of another process reaches this one
        await asyncio.sleep(0.01)


async def until_ready_at(scorer, index: int) -> None:
    """Until this worker answers on its admin port."""
    async with httpx.AsyncClient(base_url=scorer.admin_urls[index], trust_env=False) as client:
        while not await _is_ready(client):
            assert scorer.child.exit_code() is None
            await asyncio.sleep(0.02)


async def _is_ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz", timeout=30)).status_code == 200
    except httpx.TransportError:
        return False


@asynccontextmanager
async def load(scorer, num_clients: int) -> AsyncIterator[Counter[object]]:
    """Calls one after the other from so many clients; counts statuses, and connections that broke."""
    outcomes: Counter[object] = Counter()
    is_over = asyncio.Event()

    async def call_again_and_again() -> None:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{scorer.port}", trust_env=False) as client:
            while not is_over.is_set():
                try:
                    outcomes[(await client.post("/v1/rerank", json=RERANK, timeout=60)).status_code] += 1
                except httpx.TransportError:
                    outcomes["broken"] += 1

    async with asyncio.TaskGroup() as tasks:
        for _ in range(num_clients):
            tasks.create_task(call_again_and_again())
        yield outcomes
        is_over.set()


async def test_a_killed_worker_costs_the_connections_that_it_held_and_no_answer(start_process):
    """Under load, one of two is killed: every answer is 200, only its own connections break, and it comes back."""
    scorer = start_process(workers=2)
    for index in range(2):
        await until_ready_at(scorer, index)
    before = pids_of_workers(scorer)
    async with load(scorer, num_clients=6) as outcomes:
        await until(lambda: outcomes[200] >= 30)
        os.kill(before[0], signal.SIGKILL)
        await until(lambda: pids_of_workers(scorer)[0] != before[0])
        await until_ready_at(scorer, 0)
    assert set(outcomes) <= {200, "broken"}
    assert outcomes["broken"] <= 6
    after = pids_of_workers(scorer)
    assert after[1] == before[1]
    assert await asyncio.to_thread(scorer.child.stop) == 0
    for pid in after.values():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_settings_that_no_worker_can_run_with_end_the_supervisor(start_process):
    """With their message, and no endless restarts."""
    scorer = start_process(workers=2, max_tokens_in_flight=10_000, pack_tokens=9_000)
    await until(lambda: scorer.child.exit_code() is not None)
    assert scorer.child.exit_code() == 2
    assert "pack_tokens" in scorer.child.spec.log_file.read_text()
