"""Scorer processes as `precis scorer` runs them, on a store of their own and an engine in the test."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from ops.ports import lasting_ports
from ops.settings import PROJECT_ROOT, environment_for
from ops.supervise import Child, ChildSpec
from tests.doubles.engine_app import engine_app
from tests.doubles.engines import LexicalRanker
from tests.doubles.http_server import asgi, http_server
from tests.doubles.ranker_bundle import write_ranker_bundle


@dataclass
class ScorerProcess:
    """One `precis scorer`, or one with its workers."""

    child: Child
    port: int
    admin_urls: list[str]

    async def metrics(self, index: int = 0) -> str:
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(f"{self.admin_urls[index]}/metrics", timeout=30)).text


StartProcess = Callable[..., ScorerProcess]


@pytest.fixture
async def start_process(tmp_path: Path) -> AsyncIterator[StartProcess]:
    """Starts scorers; settings below `scorer` are keywords."""
    bundle = await write_ranker_bundle(tmp_path)
    with ExitStack() as closing:
        async with http_server(asgi(engine_app(LexicalRanker()))) as engine:

            def start(*, workers: int = 1, **scorer: object) -> ScorerProcess:
                first = next(p for p in lasting_ports(20) if not set(range(p, p + workers)) & {8080, 9101})
                port = next(p for p in lasting_ports(20) if p not in range(first, first + workers))
                settings = {
                    "profile": "external",
                    "log_format": "json",
                    "data_dir": str(tmp_path),
                    "kafka.bootstrap": "127.0.0.1:1",
                    "summarizer.url": "http://127.0.0.1:1",
                    "ranker.url": engine.base_url,
                    "ranker.bundle": str(bundle),
                    "nearline.metrics_port": "0",
                    "scorer.port": str(port),
                    "scorer.admin_port": str(first),
                    "scorer.workers": str(workers),
                    **{f"scorer.{name}": str(value) for name, value in scorer.items()},
                }
                admin_urls = [f"http://127.0.0.1:{first + index}" for index in range(workers)]
                spec = ChildSpec(
                    name="scorer",
                    command=[sys.executable, "-m", "ops.cli", "scorer"],
                    environment=environment_for(settings) | {"PYTHONPATH": str(PROJECT_ROOT)},
                    ready_url=f"{admin_urls[-1]}/readyz",
                    log_file=tmp_path / "scorer.log",
                    has_children=workers > 1,
                )
                child = Child(spec)
                closing.callback(child.stop)
                return ScorerProcess(child, port, admin_urls)

            yield start
