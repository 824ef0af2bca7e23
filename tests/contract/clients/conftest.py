"""Engines that the contract suite runs on: the doubles themselves, and the HTTP clients in front of them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from models.clients.completions import CompletionsClient
from models.clients.ports import RankerEngine, SummarizerEngine
from models.clients.scoring import ScoringClient
from models.clients.transport import EngineTransport, TransportConfig
from tests.doubles.engine_app import engine_app
from tests.doubles.engines import LexicalRanker, ScriptedSummarizer

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


def transport_to(double: ScriptedSummarizer | LexicalRanker, kind: str, backend: str) -> EngineTransport:
    """A transport without a socket. One try, so that one scripted failure is one failure."""
    app = engine_app(double, with_revision_header=kind == "http")
    config = TransportConfig(base_url="http://engine", max_tries=1)
    return EngineTransport(config, backend=backend, transport=httpx.ASGITransport(app))


@pytest.fixture(params=KINDS)
async def summarizer(request: pytest.FixtureRequest) -> AsyncIterator[Summarizer]:
    """A summarizer of each kind."""
    double = ScriptedSummarizer(context_len=100)
    engine: SummarizerEngine = double
    if request.param != "double":
        engine = CompletionsClient(transport_to(double, request.param, "summarizer"))
    yield Summarizer(engine, double)
    await engine.close()


@pytest.fixture(params=KINDS)
async def ranker(request: pytest.FixtureRequest) -> AsyncIterator[Ranker]:
    """A ranker of each kind."""
    double = LexicalRanker(context_len=100)
    engine: RankerEngine = double
    if request.param != "double":
        engine = ScoringClient(transport_to(double, request.param, "ranker"))
    yield Ranker(engine, double)
    await engine.close()
