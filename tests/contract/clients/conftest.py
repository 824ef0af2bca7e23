"""Engines that the contract suite runs on: the doubles themselves, and the HTTP clients in front of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from models.clients.completions import CompletionsClient
from models.clients.ports import RankerEngine, SummarizerEngine
from models.clients.scoring import ScoringClient
from models.clients.transport import EngineTransport, TransportConfig
from tests.doubles.engine_app import engine_app
from tests.doubles.engines import LexicalRanker, ScriptedSummarizer
from tests.doubles.http_server import asgi, http_server

KINDS = ["double", "http", "http-without-revision-header"]


@dataclass(frozen=True, slots=True)
class Summarizer:
    """An engine under test and the double that answers in the end."""

    engine: SummarizerEngine
    double: ScriptedSummarizer


@dataclass(frozen=True, slots=True)
class Ranker:
    """An engine under test and the double that answers in the end."""

    engine: RankerEngine
    double: LexicalRanker


@asynccontextmanager
async def transport_to(
    double: ScriptedSummarizer | LexicalRanker, kind: str, backend: str
) -> AsyncIterator[EngineTransport]:
    """A transport to a server of the double. One try, so that one scripted failure is one failure."""
    async with http_server(asgi(engine_app(double, with_revision_header=kind == "http"))) as server:
        config = TransportConfig(base_url=server.base_url, max_tries=1)
        yield EngineTransport(config, backend=backend)


@pytest.fixture(params=KINDS)
async def summarizer(request: pytest.FixtureRequest) -> AsyncIterator[Summarizer]:
    """A summarizer of each kind."""
    double = ScriptedSummarizer(context_len=100)
    if request.param == "double":
        yield Summarizer(double, double)
        return
    async with transport_to(double, request.param, "summarizer") as transport:
        engine = CompletionsClient(transport)
        yield Summarizer(engine, double)
        await engine.close()


@pytest.fixture(params=KINDS)
async def ranker(request: pytest.FixtureRequest) -> AsyncIterator[Ranker]:
    """A ranker of each kind."""
    double = LexicalRanker(context_len=100)
    if request.param == "double":
        yield Ranker(double, double)
        return
    async with transport_to(double, request.param, "ranker") as transport:
        engine = ScoringClient(transport)
        yield Ranker(engine, double)
        await engine.close()
