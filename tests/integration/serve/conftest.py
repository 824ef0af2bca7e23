"""A whole scorer in the test's event loop: real app, real store in memory, the lexical ranker in place of a model."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from serve.arms.declaration import ArmConfig
from serve.bootstrap import create_admin_app, create_app
from serve.config import ScorerConfig
from store.memory import MemoryStore
from tests.doubles.engines import LexicalRanker
from tests.doubles.ranker_bundle import write_ranker_bundle
from tests.doubles.waiting import until


@dataclass
class RunningScorer:
    """The app behind HTTP clients of its two ports, with the doubles that it was built on."""

    client: httpx.AsyncClient
    store: Any
    ranker: LexicalRanker
    app: Any
    admin: httpx.AsyncClient

    async def score(self, query: str | list[int], job_ids: list[str], **fields: Any) -> httpx.Response:
        body = {"query": query, "job_ids": job_ids, "deadline_ms": 60_000, **fields}
        return await self.client.post("/v1/score", json=body)

    def sample(self, name: str, **labels: str) -> float:
        """Value of ``precis_scorer_<name>``; 0 where nothing was counted yet."""
        return self._registry.get_sample_value(f"precis_scorer_{name}", labels) or 0

    async def until_sample(self, least: float, name: str, **labels: str) -> None:
        """Until the value is as large."""

        def shown() -> list[str]:
            lines = generate_latest(self._registry).decode().splitlines()
            return [f"{name} {labels} >= {least}", *(line for line in lines if name in line)]

        await until(lambda: self.sample(name, **labels) >= least, shown)

    async def until_cached(self, times: int = 1) -> None:
        """Until the scores of so many answers are in the cache."""
        await self.until_sample(times, "cache_writes_total", result="written")

    @property
    def _registry(self) -> CollectorRegistry:
        return self.app.state.parts.telemetry.registry

    async def until_verified(self) -> None:
        """Until the canaries have passed."""
        for _ in range(1_000):
            answer = await self.client.get("/readyz")
            if answer.status_code == httpx.codes.OK:
                return
            await asyncio.sleep(0.001)
        pytest.fail(f"not ready: {answer.text}")


StartScorer = Callable[..., Awaitable[RunningScorer]]


@pytest.fixture
async def start_scorer(tmp_path: Path) -> AsyncIterator[StartScorer]:
    """Starts scorers; fields of the configuration are keywords."""
    bundle = await write_ranker_bundle(tmp_path)
    async with AsyncExitStack() as closing:

        async def start(
            *,
            store: Any = None,
            ranker: Any = None,
            rankers: Mapping[str, Any] | None = None,
            index: Any = None,
            keys: Any = None,
            is_verified: bool = True,
            **limits: Any,
        ) -> RunningScorer:
            store = MemoryStore() if store is None else store
            ranker = ranker or LexicalRanker()

            async def open_store() -> Any:
                return store

            async def open_ranker(arm: ArmConfig) -> Any:
                return (rankers or {}).get(arm.name, ranker)

            async def open_index() -> Any:
                return index

            # A cache that is never too slow on a busy machine, unless the test is about that.
            usual = {"cache_budget_s": 60.0, "canary_retry_s": 0.001, "arms_interval_s": 0.001}
            config = ScorerConfig(ranker_bundle=bundle, **(usual | limits))
            app = create_app(
                config,
                open_store=open_store,
                open_ranker=open_ranker,
                open_index=open_index if index is not None else None,
                keys=keys,
            )
            await closing.enter_async_context(app.router.lifespan_context(app))
            transport = httpx.ASGITransport(app)
            client = await closing.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://scorer"))
            transport = httpx.ASGITransport(create_admin_app(app, config))
            admin = await closing.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://admin"))
            running = RunningScorer(client, store, ranker, app, admin)
            if is_verified:
                await running.until_verified()
                ranker.calls.clear()
            return running

        yield start


@pytest.fixture
async def scorer(start_scorer: StartScorer) -> RunningScorer:
    """A scorer with generous limits."""
    return await start_scorer()
